using AirMLNet.Captions;
using Microsoft.ML;

namespace AirMLNet.Reports;

/// <summary>What the texts of a photo are kept under in the folder of texts; a hash, from which nothing of the text can be read.</summary>
/// <param name="Image">The text of the photo; null for none.</param>
/// <param name="Group">The text of its group; null for none.</param>
internal sealed record TextKeys(string? Image, string? Group)
{
    private const int Most = 500; // a report shows a few; 200 bytes each

    /// <summary>Of a fitted chain with its training stages, by SHA-256 of some photos, evenly from all; null for none.</summary>
    public static IReadOnlyDictionary<string, TextKeys>? Of(ITransformer model)
    {
        if (ReportModel.Flatten(model).OfType<CaptionSynthesisTransformer>().LastOrDefault() is not { } stage)
        {
            return null;
        }

        var kept = stage
            .Keys.Where(k => k.Value.Image is not null || k.Value.Group is not null)
            .OrderBy(k => k.Key, StringComparer.Ordinal)
            .ToList();
        var count = Math.Min(Most, kept.Count);
        Dictionary<string, TextKeys> keys = new(StringComparer.Ordinal);
        for (var i = 0; i < count; i++)
        {
            var (path, (image, group)) = kept[(int)((long)i * kept.Count / count)];
            keys[CaptionRows.Hash(path)] = new(image, group);
        }

        return keys.Count == 0 ? null : keys;
    }
}

/// <summary>Where the texts of photos are found: in files that are given, or where 'airml adapt' keeps those that it had written.</summary>
internal sealed class ReportTexts
{
    private readonly Func<string, (string? Image, string? Group)> _find;

    private ReportTexts(Func<string, (string? Image, string? Group)> find) => _find = find;

    /// <summary>The texts of files, else those that the model's note knows of; null where there are neither.</summary>
    /// <param name="captions">What <see cref="FileCaptions.Open"/> reads; null for none.</param>
    /// <param name="keys">What the model notes.</param>
    /// <param name="folder">The folder of texts.</param>
    /// <exception cref="IOException">The files are not there.</exception>
    /// <exception cref="InvalidDataException">A line cannot be read.</exception>
    public static ReportTexts? Of(string? captions, IReadOnlyDictionary<string, TextKeys>? keys, string folder)
    {
        if (captions is not null)
        {
            return new(FileCaptions.Open(captions).Find);
        }

        return keys is null
            ? null
            : new(path =>
                keys.TryGetValue(CaptionRows.Hash(path), out var key)
                    ? (key.Image is { } i ? CaptionStore.Find(folder, i) : null, key.Group is { } g ? CaptionStore.Find(folder, g) : null)
                    : (null, null)
            );
    }

    /// <summary>The texts of a photo as they are used, empty where there is none.</summary>
    public CaptionTexts Of(string path)
    {
        var (image, group) = _find(path);
        return new(CaptionJob.Usable(image ?? "", out _), CaptionJob.Usable(group ?? "", out _));
    }
}
