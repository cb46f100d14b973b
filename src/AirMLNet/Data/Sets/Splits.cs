using System.Text.Json;
using AirMLNet.Clip;

namespace AirMLNet.Data;

/// <summary>Which classes are seen and which unseen in transductive zero-shot learning (<c>docs/methods.md</c> §3.1).</summary>
/// <param name="Seen">Class indices, ascending: images are labelled.</param>
/// <param name="Unseen">Class indices, ascending: only the names are known.</param>
internal sealed record ClassSplit(IReadOnlyList<int> Seen, IReadOnlyList<int> Unseen)
{
    /// <summary>Share of the classes that are seen in the published splits.</summary>
    public const double SeenShare = 0.62;

    /// <summary>The seeds of the published splits; the first is the default.</summary>
    public static IReadOnlyList<int> PublishedSeeds { get; } = [500, 0, 200];

    /// <summary>
    /// ⌊0.62·C⌋ seen classes, drawn as <c>numpy.random.seed(seed); numpy.random.choice(C, ⌊0.62·C⌋, replace=False)</c> draws them.
    /// </summary>
    /// <param name="classes">C, two or more.</param>
    /// <param name="seed">500, 0 and 200 are the published ones.</param>
    public static ClassSplit Draw(int classes, int seed = 500)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(classes, 2);
        ArgumentOutOfRangeException.ThrowIfNegative(seed);
        return Of(new NumpyRandom((uint)seed).Choice(classes, (int)(SeenShare * classes)), classes);
    }

    /// <summary>
    /// Reads a split: JSON with a list "seen" (and optionally "unseen") of class names or indices, or a text file with
    /// the name of a seen class on each line.
    /// </summary>
    /// <param name="file">The file; JSON where it ends in <c>.json</c>.</param>
    /// <param name="classNames">C names; underscores are read as spaces, case does not matter.</param>
    /// <exception cref="InvalidDataException">An entry is no class, or one of the sides is empty, or "unseen" is not the rest.</exception>
    public static ClassSplit Load(string file, IReadOnlyList<string> classNames)
    {
        if (!file.EndsWith(".json", StringComparison.OrdinalIgnoreCase))
        {
            return Checked([.. ListFiles.Lines(file).Select(l => Find(l.Text, $"line {l.Number}"))], null);
        }

        return ListFiles.Json(file, root => Checked(Entries(root["seen"]), root.Find("unseen") is { } unseen ? Entries(unseen) : null));

        int[] Entries(JsonPlace list) =>
            [
                .. list.Items.Select(e =>
                    e.Value.ValueKind == JsonValueKind.Number
                        ? e.Whole is var c && c >= 0 && c < classNames.Count
                            ? (int)c
                            : throw e.Bad($"0..{classNames.Count - 1}")
                        : Find(e.Text, e.Path)
                ),
            ];

        int Find(string name, string where)
        {
            for (var c = 0; c < classNames.Count; c++)
            {
                if (ClassPrompt.Spoken(classNames[c]).Equals(ClassPrompt.Spoken(name), StringComparison.OrdinalIgnoreCase))
                {
                    return c;
                }
            }
            throw new InvalidDataException($"{file}: {where}: '{name}' is none of the classes.");
        }

        ClassSplit Checked(int[] seen, int[]? unseen)
        {
            var split = Of(seen, classNames.Count);
            if (split.Seen.Count == 0 || split.Unseen.Count == 0)
            {
                throw new InvalidDataException(
                    $"{file}: {split.Seen.Count} seen and {split.Unseen.Count} unseen classes; expected at least one of each."
                );
            }

            return unseen is null || split.Unseen.SequenceEqual(unseen.Distinct().Order())
                ? split
                : throw new InvalidDataException($"{file}: 'unseen' is not what 'seen' leaves over.");
        }
    }

    private static ClassSplit Of(int[] seen, int classes)
    {
        int[] sorted = [.. seen.Distinct().Order()];
        return new(sorted, [.. Enumerable.Range(0, classes).Except(sorted)]);
    }
}

/// <summary>The few labelled images of semi-supervised learning.</summary>
internal static class LabelledShots
{
    /// <summary>
    /// n images of each class, as <c>numpy.random.seed(seed); numpy.random.choice(images of the class, n, replace=False)</c> draws
    /// them, seeded anew for every class (<c>docs/methods.md</c> §3.1).
    /// </summary>
    /// <param name="labels">Class of each image, −1 where not known.</param>
    /// <param name="classes">C.</param>
    /// <param name="perClass">n; a class with fewer images gives all of them.</param>
    /// <param name="seed">0 in the published code.</param>
    /// <returns>Indices of the labelled images, ascending.</returns>
    public static int[] Choose(IReadOnlyList<int> labels, int classes, int perClass, int seed = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(perClass);
        ArgumentOutOfRangeException.ThrowIfNegative(seed);
        var chosen = new List<int>();
        for (var c = 0; c < classes; c++)
        {
            int[] members = [.. Enumerable.Range(0, labels.Count).Where(i => labels[i] == c)];
            chosen.AddRange(new NumpyRandom((uint)seed).Choice(members.Length, Math.Min(perClass, members.Length)).Select(i => members[i]));
        }
        chosen.Sort();
        return [.. chosen];
    }
}

/// <summary>A share of a pool's images (LatteCLIP, Figure 6).</summary>
internal static class PoolShare
{
    /// <summary>The smallest share: none at all is nothing to adapt to.</summary>
    public const double Least = 1e-6;

    /// <summary>Which images are taken: at least one; those of a smaller share are among those of a larger one.</summary>
    /// <param name="count">Images of the pool.</param>
    /// <param name="share"><see cref="Least"/>..1.</param>
    /// <param name="seed">Draws.</param>
    /// <returns>Indices, ascending.</returns>
    public static int[] Choose(int count, double share, int seed) =>
        [.. new NumpyRandom((uint)seed).Choice(count, Math.Clamp((int)Math.Round(share * count), 1, count)).Order()];
}
