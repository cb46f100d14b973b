using AirMLNet.Images;

namespace AirMLNet.Captions;

/// <summary>Writes a text about an image, as LatteCLIP's texts are made. Safe for concurrent use.</summary>
public interface ICaptioner
{
    /// <summary>
    /// All that a text depends on beside image and prompt: the model, and how it is sampled. Texts are kept in files under names that
    /// hold it. Null: texts are at hand and are not kept once more.
    /// </summary>
    string? Identity { get; }

    /// <summary>What a user of the texts should be warned of; null for nothing.</summary>
    string? Caveat => null;

    /// <summary>Describes an image.</summary>
    /// <param name="request">The image and what is asked.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <returns>The text; empty where there is none.</returns>
    Task<string> DescribeAsync(CaptionRequest request, CancellationToken cancellation = default);
}

/// <summary>What a text is about.</summary>
public enum CaptionKind
{
    /// <summary>One image.</summary>
    Image,

    /// <summary>Several images of one class on one canvas.</summary>
    Group,
}

/// <summary>One image to be described.</summary>
/// <param name="name">The image's file, or what to call it in messages; of a group, the image whose group it is.</param>
/// <param name="kind">One image or several.</param>
/// <param name="prompt">What is asked.</param>
/// <param name="load">Reads the image; called once at most.</param>
public sealed class CaptionRequest(string name, CaptionKind kind, string prompt, Func<RgbImage> load)
{
    private readonly Lazy<RgbImage> _image = new(load);

    /// <summary>The image's file, or what to call it in messages; of a group, the image whose group it is.</summary>
    public string Name { get; } = name;

    /// <summary>One image or several.</summary>
    public CaptionKind Kind { get; } = kind;

    /// <summary>What is asked.</summary>
    public string Prompt { get; } = prompt;

    /// <summary>The files of a group's images; of one image empty.</summary>
    public IReadOnlyList<string> Members { get; internal init; } = [];

    /// <summary>The image, or the canvas of a group; read when it is first asked for.</summary>
    /// <exception cref="UnreadableImageException">A file cannot be read.</exception>
    public RgbImage Image => _image.Value;
}

/// <summary>A text could not be had; what was written before it is kept.</summary>
public sealed class CaptionException(string message, Exception? inner = null) : Exception(message, inner);
