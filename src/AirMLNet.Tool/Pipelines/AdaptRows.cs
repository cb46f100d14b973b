using AirMLNet.Data;

namespace AirMLNet.Tool.Pipelines;

/// <summary>An image to adapt to, and what is known of it.</summary>
internal sealed class AdaptRow
{
    public string ImagePath { get; set; } = "";

    /// <summary>Name of the class; empty where it is not known.</summary>
    public string Label { get; set; } = "";

    public string Origin { get; set; } = "real";

    public static AdaptRow Real(ImageRow row) => new() { ImagePath = row.ImagePath, Label = row.Label };

    public static AdaptRow Synthetic(ImageRow row) =>
        new()
        {
            ImagePath = row.ImagePath,
            Label = row.Label,
            Origin = "synthetic",
        };
}

/// <summary>The labelled and synthetic images beside the unlabelled ones.</summary>
internal static class AdaptRows
{
    /// <summary>The labelled and the synthetic images that the settings names.</summary>
    public static IReadOnlyList<AdaptRow> Known(AdaptSettings settings, bool skipUnreadable, CancellationToken cancellation)
    {
        return
        [
            .. Open(settings.Labelled).Select(AdaptRow.Real),
            .. Open(settings.Synthetic is { } folder ? SyntheticImageFolder.Locate(folder, settings.ClassNames) : null)
                .Select(AdaptRow.Synthetic),
        ];

        IReadOnlyList<ImageRow> Open(string? folder)
        {
            if (folder is null)
            {
                return [];
            }

            var rows = Photos.Open(folder, labels: true, skipUnreadable, cancellation);
            foreach (var row in rows)
            {
                row.Label = SyntheticImageFolder.ClassOf(row.Label, settings.ClassNames) is { } c
                    ? settings.ClassNames[c]
                    : throw new InvalidDataException(
                        $"Folder '{row.Label}' in '{folder}' is none of the classes: {string.Join(", ", settings.ClassNames.Take(20))}"
                    );
            }

            return rows;
        }
    }

    /// <summary>The classes of which no labelled image is there; null where every class has one.</summary>
    public static IReadOnlyList<string>? Unseen(AdaptSettings settings, IReadOnlyList<AdaptRow> known)
    {
        var seen = known.Where(row => row.Origin == "real").Select(row => row.Label).ToHashSet(StringComparer.Ordinal);
        string[] unseen = [.. settings.ClassNames.Where(name => !seen.Contains(name))];
        return unseen.Length > 0 ? unseen : null;
    }
}
