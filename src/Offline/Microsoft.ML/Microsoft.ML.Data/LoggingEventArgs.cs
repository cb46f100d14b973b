using Microsoft.ML.Runtime;

namespace Microsoft.ML;

/// <summary>One message of the log.</summary>
public class LoggingEventArgs : EventArgs
{
    public LoggingEventArgs(string message)
    {
        Message = message;
        RawMessage = message;
    }

    public LoggingEventArgs(string message, ChannelMessageKind kind, string source)
    {
        RawMessage = message;
        Kind = kind;
        Source = source;
        Message = $"[Source={source}, Kind={kind}] {message}";
    }

    /// <summary>The text with its source and kind.</summary>
    public string Message { get; }

    public string Source { get; }

    public ChannelMessageKind Kind { get; }

    /// <summary>The text alone.</summary>
    public string RawMessage { get; }
}
