using Microsoft.ML.Runtime;

namespace AirMLNet.Pipeline;

internal static class ChannelExtensions
{
    /// <summary>One line for a milestone. The text is not a format.</summary>
    public static void Say(this IChannel channel, string message) => channel.Info(MessageSensitivity.None, "{0}", message);

    public static void Warn(this IChannel channel, string message) => channel.Warning(MessageSensitivity.None, "{0}", message);

    /// <summary>A warning from where no channel is open, such as another thread.</summary>
    public static void Warn(this IChannelProvider host, string message)
    {
        using var channel = host.Start("Warning");
        channel.Warn(message);
    }
}
