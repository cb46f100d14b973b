namespace AirMLNet.Data;

/// <summary>An image file and its labels.</summary>
/// <param name="Path">Path of the file.</param>
/// <param name="Labels">[C]: 1, 0, and NaN where unknown.</param>
internal sealed record MultiLabelImage(string Path, float[] Labels);

/// <summary>A data set of many labels per image.</summary>
/// <param name="Name">Its name.</param>
/// <param name="ClassNames">C names.</param>
/// <param name="Train">Training images; empty where they are not there.</param>
/// <param name="Test">The images to score on.</param>
internal sealed record MultiLabelDataSet(
    string Name,
    IReadOnlyList<string> ClassNames,
    IReadOnlyList<MultiLabelImage> Train,
    IReadOnlyList<MultiLabelImage> Test
)
{
    /// <summary>Makes labels unknown: each is kept with a probability, as in experiments with partial labels.</summary>
    /// <param name="share">The probability, 0..1.</param>
    /// <param name="seed">Of the draws.</param>
    public MultiLabelDataSet WithPartialLabels(double share, int seed)
    {
        var random = new Random(seed);
        return this with
        {
            Train = [.. Train.Select(i => i with { Labels = [.. i.Labels.Select(l => random.NextDouble() < share ? l : float.NaN)] })],
        };
    }

    /// <summary>Makes the training labels of some classes unknown, as of classes that labelled images say nothing about.</summary>
    /// <param name="names">The classes.</param>
    /// <exception cref="InvalidDataException">One of them is no class.</exception>
    public MultiLabelDataSet WithUnknown(IReadOnlyList<string> names)
    {
        var unknown = Slots(names).ToHashSet();
        return this with
        {
            Train = [.. Train.Select(i => i with { Labels = [.. i.Labels.Select((l, c) => unknown.Contains(c) ? float.NaN : l)] })],
        };
    }

    /// <summary>The places of some classes in the labels.</summary>
    /// <exception cref="InvalidDataException">One of them is no class.</exception>
    public IReadOnlyList<int> Slots(IReadOnlyList<string> names) =>
        [
            .. names.Select(name =>
                ClassNames.Select((own, c) => (own, c)).Where(p => p.own == name).Select(p => (int?)p.c).FirstOrDefault()
                ?? throw new InvalidDataException($"{Name} has no class '{name}'.")
            ),
        ];

    /// <summary>Keeps so many training images of each class, drawn; an image may count for several.</summary>
    /// <param name="shots">Images per class.</param>
    /// <param name="seed">Of the draws.</param>
    public MultiLabelDataSet WithShots(int shots, int seed)
    {
        var random = new Random(seed);
        int[] order = [.. Enumerable.Range(0, Train.Count)];
        random.Shuffle(order);
        var counts = new int[ClassNames.Count];
        SortedSet<int> kept = [];
        foreach (var i in order)
        {
            int[] own = [.. Enumerable.Range(0, counts.Length).Where(c => Train[i].Labels[c] == 1)];
            if (own.Any(c => counts[c] < shots))
            {
                kept.Add(i);
                foreach (var c in own)
                {
                    counts[c]++;
                }
            }
        }
        return this with { Train = [.. kept.Select(i => Train[i])] };
    }
}
