using AirMLNet.Optimisation;

namespace AirMLNet.Captions;

/// <summary>Which images make up the group of an image (<c>docs/methods.md</c> §5.2).</summary>
internal static class CaptionGroups
{
    private const int Stream = 25;

    /// <summary>
    /// Draws groups of images with the same zero-shot class: without repetition, or with it where the class has fewer. An image need not be
    /// in its own group.
    /// </summary>
    /// <param name="classes">Class of each image, −1 for none.</param>
    /// <param name="size">Images of a group.</param>
    /// <param name="perClass">Groups of a class, which its images share in turn; null draws one for every image, as published.</param>
    /// <param name="seed">Draws.</param>
    /// <param name="correct">
    /// True class of each image, and how many images of a group are of its class by it; null: all as they come. A class without any image
    /// by the truth has groups as they come.
    /// </param>
    /// <returns>For each image its group; null for an image without a class.</returns>
    public static int[]?[] Draw(
        IReadOnlyList<int> classes,
        int size,
        int? perClass,
        int seed,
        (IReadOnlyList<int> Truth, int Count)? correct = null
    )
    {
        var byTruth = correct is { } known
            ? Enumerable.Range(0, classes.Count).GroupBy(i => known.Truth[i]).ToDictionary(g => g.Key, g => g.ToArray())
            : [];
        var members = Enumerable.Range(0, classes.Count).GroupBy(i => classes[i]).ToDictionary(g => g.Key, g => g.ToArray());
        var place = new Dictionary<int, int>();
        var groups = new int[]?[classes.Count];
        for (var i = 0; i < classes.Count; i++)
        {
            if (classes[i] < 0)
            {
                continue;
            }

            var turn = place.GetValueOrDefault(classes[i]);
            place[classes[i]] = turn + 1;
            // A shared group is drawn for the image of the class that comes first with it.
            var drawnFor = perClass is { } most && turn >= most ? members[classes[i]][turn % most] : i;
            groups[i] = drawnFor == i ? One(i) : groups[drawnFor];
        }
        return groups;

        int[] One(int i)
        {
            var random = SeededRandom.Create(seed, Stream, i);
            var right = Math.Min(correct?.Count ?? 0, size);
            return right > 0 && byTruth.TryGetValue(classes[i], out var ofClass)
                ? [.. Draw(ofClass, right, random), .. Draw(members[classes[i]], size - right, random)]
                : Draw(members[classes[i]], size, random);
        }
    }

    private static int[] Draw(int[] members, int size, Random random)
    {
        if (members.Length < size)
        {
            return [.. Enumerable.Range(0, size).Select(_ => members[random.Next(members.Length)])];
        }

        int[] order = [.. members];
        for (var i = 0; i < size; i++)
        {
            var other = random.Next(i, order.Length);
            (order[i], order[other]) = (order[other], order[i]);
        }
        return order[..size];
    }
}
