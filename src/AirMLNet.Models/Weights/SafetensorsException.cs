namespace AirMLNet.Weights;

/// <summary>A safetensors file is corrupt or holds what this library does not read. The message names the file and the fault.</summary>
public sealed class SafetensorsException : IOException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">File and fault.</param>
    /// <param name="inner">The cause, if another exception.</param>
    public SafetensorsException(string message, Exception? inner = null)
        : base(message, inner) { }
}
