namespace AirMLNet.Hub;

/// <summary>A model cannot be downloaded. The message names the repository or file, and what was wrong.</summary>
public sealed class HubException : IOException
{
    /// <summary>Creates the exception.</summary>
    public HubException(string message, Exception? inner = null)
        : base(message, inner) { }
}
