using Microsoft.ML.Runtime;

namespace AirMLNet.Pipeline;

internal static class ChannelExtensions
{
    /// <summary>One line for a milestone. The text is not a format.</summary>
    public static void Say(this IChannel channel, string message) => channel.Info(MessageSensitivity.None, "{0}", message);

    public static void Warn(this IChannel channel, string message) => channel.Warning(MessageSensitivity.None, "{0}", message);
}
