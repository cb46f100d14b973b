using AirMLNet.Data;
using AirMLNet.Options;

namespace AirMLNet.Experiments;

/// <summary>
/// Photos in the place of synthetic images, with as many wrong labels as are asked for: what a method would do with images of a known
/// quality (the oracle ladder). They use true labels, which no method has, and are for experiments alone.
/// </summary>
internal sealed record SyntheticStandIn
{
    /// <summary>
    /// CSV file of path, label and split, whose training photos are drawn from; null: those of the data set's own training split that
    /// <c>mostTrain</c> leaves out of the pool.
    /// </summary>
    public string? Csv { get; init; }

    /// <summary>Photos of each class, 1..100,000.</summary>
    public int PerClass
    {
        get;
        init => field = OptionCheck.Range(value, 1, 100_000);
    } = 120;

    /// <summary>The share of each class's photos, 0..1, that are of another class.</summary>
    public double Mislabelled
    {
        get;
        init => field = OptionCheck.Range(value, 0, 1);
    }

    /// <summary>Seed of the draw; null: that of the run, so that the spread over seeds holds the chance of the draw.</summary>
    public int? Seed
    {
        get;
        init => field = value is { } n ? OptionCheck.Range(n, 0, int.MaxValue) : null;
    }

    /// <summary>Which photos of a source are taken, and the class that each is said to be of.</summary>
    /// <param name="classes">True class of each photo of the source, −1 where nobody knows it.</param>
    /// <param name="names">The classes.</param>
    /// <param name="seed">Of the run.</param>
    /// <param name="bad">Makes the exception, which names the file that asks for it.</param>
    /// <returns>
    /// No photo twice. From the same seed, the right ones of a larger share of wrong ones are among those of a smaller share.
    /// </returns>
    /// <exception cref="InvalidDataException">A class has too few photos.</exception>
    public IReadOnlyList<(int Photo, int Class)> Draw(
        IReadOnlyList<int> classes,
        IReadOnlyList<string> names,
        int seed,
        Func<string, InvalidDataException> bad
    )
    {
        var count = names.Count;
        var random = new NumpyRandom((uint)(Seed ?? seed));
        var order = random.Permutation(classes.Count);
        var wrong = (int)Math.Round(PerClass * Mislabelled);
        var queues = new Queue<int>[count];
        for (var c = 0; c < count; c++)
        {
            queues[c] = new(order.Where(i => classes[i] == c));
            if (queues[c].Count < PerClass)
            {
                throw bad(
                    $"syntheticFrom: {queues[c].Count} photos of '{names[c]}' are left to draw from; expected {PerClass} or more "
                        + "(perClass)."
                );
            }
        }

        var drawn = new List<(int, int)>(count * PerClass);
        for (var c = 0; c < count; c++)
        {
            for (var k = 0; k < PerClass; k++)
            {
                // Photos that a share of wrong ones leaves out are taken out all the same, so that the others stay.
                var photo = queues[c].Dequeue();
                if (k < PerClass - wrong)
                {
                    drawn.Add((photo, c));
                }
                else
                {
                    queues[c].Enqueue(photo);
                }
            }
        }
        for (var c = 0; c < count; c++)
        {
            for (var k = 0; k < wrong; k++)
            {
                // Any other class, each as often; one that has run out makes room for the next.
                var other = (c + 1 + (int)(random.Next() % (uint)(count - 1))) % count;
                for (var tries = 0; queues[other].Count == 0 || other == c; tries++)
                {
                    other = (other + 1) % count;
                    if (tries > count)
                    {
                        throw bad("syntheticFrom: no photo is left for the wrong labels; lower perClass or mislabelled.");
                    }
                }
                drawn.Add((queues[other].Dequeue(), c));
            }
        }
        return drawn;
    }
}
