namespace AirMLNet.Images;

/// <summary>An image file that is missing, truncated, too large or not an image. The message starts with its name.</summary>
public sealed class UnreadableImageException : IOException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="imagePath">The file, or the name given to the bytes.</param>
    /// <param name="message">What is wrong, with the name of the file.</param>
    /// <param name="inner">The cause, if any.</param>
    public UnreadableImageException(string imagePath, string message, Exception? inner = null)
        : base(message, inner) => ImagePath = imagePath;

    /// <summary>The file that could not be read.</summary>
    public string ImagePath { get; }
}
