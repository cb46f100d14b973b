using System.Globalization;
using AirMLNet.Captions;
using AirMLNet.Clip;
using AirMLNet.Data;
using AirMLNet.Files;
using AirMLNet.Optimisation;
using AirMLNet.Options;

namespace AirMLNet.Experiments;

/// <summary>Who writes the texts of LatteCLIP in an experiment.</summary>
internal sealed record ExperimentCaptions
{
    /// <summary>A server, attributes, or texts that are there; null with <see cref="Oracle"/>.</summary>
    public CaptionerChoice? Captioner { get; init; }

    /// <summary>
    /// Words for each class, by its name: the texts then name one of the words of the image's true class. They use true labels, which no
    /// method has, and stand for a language model that knows the class; for experiments alone. A group's text is about its most common
    /// class.
    /// </summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>>? Oracle { get; init; }

    /// <summary>The share of the oracle's texts, 0..1, that are about another class.</summary>
    public double Errors
    {
        get;
        init => field = OptionCheck.Range(value, 0, 1);
    }

    /// <summary>Calls at a time, 1..256.</summary>
    public int ParallelCalls
    {
        get;
        init => field = OptionCheck.Range(value, 1, 256);
    } = 4;

    /// <exception cref="FormatException">Neither or both are given, or the choice does not hold together.</exception>
    public void Check()
    {
        if (Captioner is null == Oracle is null)
        {
            throw new FormatException("captions: expected either a captioner or an oracle.");
        }

        Captioner?.Check();
    }

    /// <summary>The captioner of a data set.</summary>
    /// <param name="file">Where paths begin.</param>
    /// <param name="data">The data set.</param>
    /// <param name="pool">The images of the pool.</param>
    /// <param name="seed">Of the run: draws the oracle's words and errors.</param>
    /// <exception cref="InvalidDataException">The oracle lacks a class.</exception>
    public CaptionSynthesisOptions For(ExperimentFile file, ExperimentData data, EncodedImages pool, int seed) =>
        new()
        {
            Captioner = Oracle is not null
                ? new OracleCaptioner(Words(file, data), pool.Images, Errors, seed)
                : (
                    Captioner! with
                    {
                        Texts = Full(Captioner.Texts, file, data),
                        Vocabulary = Full(Captioner.Vocabulary, file, data),
                        Folder = Captioner.Folder is { } folder ? Path.Combine(file.Models!, folder) : null,
                    }
                ).Open(file.Clip),
            WorkFolder = Path.Combine(AirHome.Folder, "captions"),
            Domain = CaptionPrompts.DomainOf(data.Entry.Name),
            ParallelCalls = ParallelCalls,
        };

    private string[][] Words(ExperimentFile file, ExperimentData data) =>
        [
            .. data.ClassNames.Select(name =>
                Oracle!.FirstOrDefault(o => ClassPrompt.Spoken(o.Key) == ClassPrompt.Spoken(name)).Value is { Count: > 0 } words
                    ? words.ToArray()
                    : throw file.Bad($"captions.oracle has no words for class '{name}' of '{data.Entry.Name}'.")
            ),
        ];

    private static string? Full(string? path, ExperimentFile file, ExperimentData data) =>
        path is null ? null : Path.Combine(file.Data!, path.Replace("{}", data.Entry.Name.ToLowerInvariant(), StringComparison.Ordinal));
}

/// <summary>Texts that name words of the true class, a share of them of another class: see
/// <see cref="ExperimentCaptions.Oracle"/>.</summary>
internal sealed class OracleCaptioner : ICaptioner
{
    private const int Stream = 31;
    private readonly string[][] _words;
    private readonly Dictionary<string, int> _rows = new(StringComparer.Ordinal);
    private readonly int[] _classes;
    private readonly double _errors;
    private readonly int _seed;

    public OracleCaptioner(string[][] words, IReadOnlyList<LabelledImage> images, double errors, int seed)
    {
        (_words, _errors, _seed) = (words, errors, seed);
        _classes = [.. images.Select(i => i.Class)];
        for (var i = 0; i < images.Count; i++)
        {
            _rows[images[i].Path] = i;
        }
    }

    public string? Identity => null;

    public string Caveat =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"the texts are an oracle's: they name the true class by another word, {_errors:P0} of them a wrong one"
        );

    public Task<string> DescribeAsync(CaptionRequest request, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        var group = request.Kind == CaptionKind.Group;
        var row = _rows[request.Name];
        var about = group
            ? request.Members.GroupBy(m => _classes[_rows[m]]).OrderByDescending(g => g.Count()).ThenBy(g => g.Key).First().Key
            : _classes[row];
        if (about < 0)
        {
            return Task.FromResult("");
        }

        var random = SeededRandom.Create(_seed, Stream + (group ? 1 : 0), row);
        if (random.NextDouble() < _errors)
        {
            about = (about + 1 + random.Next(_words.Length - 1)) % _words.Length;
        }

        var word = _words[about][random.Next(_words[about].Length)];
        return Task.FromResult(group ? $"photos of a {word}." : $"a photo of a {word}.");
    }
}
