using System.Numerics.Tensors;
using System.Security.Cryptography;
using System.Text;
using AirMLNet.Clip;
using AirMLNet.Options;

namespace AirMLNet.Captions;

/// <summary>
/// Texts without a language model: the phrases of a vocabulary that CLIP itself finds nearest to an image. It tells the model that is
/// fine-tuned on them nothing that CLIP did not know: <see cref="Caveat"/> says so.
/// </summary>
public sealed class AttributeCaptioner : ICaptioner, IDisposable
{
    /// <summary>Phrases of a text where nothing else is said.</summary>
    internal const int StandardCount = 3;

    private readonly ClipBackbone _clip;
    private readonly IReadOnlyList<string> _phrases;
    private readonly float[] _vectors; // [V, D]
    private readonly int _count;

    /// <param name="clipFolder">The CLIP model.</param>
    /// <param name="phrases">What an image may show; null for <see cref="General"/>.</param>
    /// <param name="count">Phrases of a text, 1..20.</param>
    /// <exception cref="ArgumentException">There are fewer phrases than a text has.</exception>
    public AttributeCaptioner(string clipFolder, IReadOnlyList<string>? phrases = null, int count = StandardCount)
    {
        _count = OptionCheck.Range(count, 1, 20);
        _phrases = OptionCheck.NamesOrNull(phrases) ?? General;
        if (_phrases.Count < count)
        {
            throw new ArgumentException($"{nameof(phrases)} has {_phrases.Count} phrases; expected {count} or more.", nameof(phrases));
        }

        _clip = ClipBackbone.Acquire(clipFolder);
        _vectors = ZeroShotClassifier.ClassVectors(_clip, _phrases, ["a photo with {}."]);
    }

    /// <summary>Colours, textures, shapes and settings that photos of any domain may show.</summary>
    public static IReadOnlyList<string> General { get; } =
        new ValueList<string>([
            "red",
            "orange",
            "yellow",
            "green",
            "blue",
            "purple",
            "pink",
            "brown",
            "black",
            "white",
            "grey",
            "gold",
            "silver",
            "bright colours",
            "dark colours",
            "pale colours",
            "many colours",
            "high contrast",
            "stripes",
            "dots",
            "spots",
            "checks",
            "a grid",
            "waves",
            "cracks",
            "wrinkles",
            "a smooth surface",
            "a rough surface",
            "a shiny surface",
            "a transparent surface",
            "fur",
            "feathers",
            "scales",
            "leaves",
            "petals",
            "wood",
            "metal",
            "glass",
            "stone",
            "fabric",
            "plastic",
            "paper",
            "water",
            "sky",
            "clouds",
            "grass",
            "trees",
            "sand",
            "snow",
            "ice",
            "soil",
            "fields",
            "mountains",
            "a road",
            "buildings",
            "a room",
            "a table",
            "a plate",
            "a plain background",
            "a blurred background",
            "round shapes",
            "square shapes",
            "long thin shapes",
            "pointed shapes",
            "wheels",
            "wings",
            "legs",
            "a tail",
            "ears",
            "eyes",
            "horns",
            "hands",
            "a person",
            "many people",
            "an animal",
            "a vehicle",
            "food",
            "a flower",
            "text",
            "sunlight",
            "shade",
            "night",
            "indoors",
            "outdoors",
            "a close view",
            "a view from afar",
            "a view from above",
            "motion",
        ]);

    /// <inheritdoc/>
    public string Identity =>
        $"attributes of {ClipFacts.Key(_clip)}; {_count} of "
        + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', _phrases))));

    /// <inheritdoc/>
    public string Caveat =>
        "the texts are phrases chosen by CLIP itself, so that fine-tuning on them is circular; a language model's texts are better";

    /// <inheritdoc/>
    public Task<string> DescribeAsync(CaptionRequest request, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        cancellation.ThrowIfCancellationRequested();
        var dimension = _clip.FeatureDimension;
        var feature = new float[dimension];
        _clip.EncodeImages(_clip.Preprocessor.Preprocess(request.Image), 1, feature);
        var best = Enumerable
            .Range(0, _phrases.Count)
            .Select(p => (Phrase: p, Cosine: TensorPrimitives.Dot(_vectors.AsSpan(p * dimension, dimension), feature)))
            .OrderByDescending(p => p.Cosine)
            .ThenBy(p => p.Phrase)
            .Take(_count)
            .Select(p => _phrases[p.Phrase]);
        return Task.FromResult("a photo with " + string.Join(", ", best) + ".");
    }

    /// <summary>Gives the model back.</summary>
    public void Dispose() => _clip.Release();
}
