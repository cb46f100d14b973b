namespace AirMLNet.PseudoLabels;

/// <summary>
/// Sets of candidate labels (CPL, Zhang et al. 2024; <c>docs/methods.md</c> §3.3). Free of ML.NET and of tensors: probabilities come as
/// rows of <c>[images, classes]</c>, row-major.
/// </summary>
/// <remarks>
/// An image's candidates are the labels that pass both tests: within the image, the fewest most probable labels whose
/// probabilities add up to more than a quantile of all images' confidences; over the images, a probability that reaches
/// the class's own quantile. Then every class takes its K surest images by deferred acceptance.
/// </remarks>
internal static class CandidateLabels
{
    /// <summary>A quantile with linear interpolation between the two nearest values.</summary>
    /// <param name="values">One or more finite numbers, in any order; left unchanged.</param>
    /// <param name="share">0..1.</param>
    public static double Quantile(ReadOnlySpan<float> values, double share)
    {
        if (values.IsEmpty)
        {
            throw new ArgumentException("A quantile needs one or more values.", nameof(values));
        }

        ArgumentOutOfRangeException.ThrowIfNegative(share);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(share, 1);
        var sorted = values.ToArray();
        Array.Sort(sorted);
        double place = share * (sorted.Length - 1),
            whole = Math.Round(place);
        if (Math.Abs(place - whole) < 1e-9)
        {
            place = whole; // 0.29·100 is meant to be value 29, not a hair above it
        }

        int low = (int)place,
            high = Math.Min(low + 1, sorted.Length - 1);
        return sorted[low] + (place - low) * ((double)sorted[high] - sorted[low]);
    }

    /// <summary>The two quantile tests of a set of images.</summary>
    /// <param name="probabilities">p(c|x) as <c>[images, classes]</c>; one or more images.</param>
    /// <param name="classes">C.</param>
    /// <param name="intra">α, 0..1: the quantile of the images' highest probabilities.</param>
    /// <param name="inter">β, 0..1: the quantile of each class's probabilities.</param>
    public static CandidateRule Rule(ReadOnlySpan<float> probabilities, int classes, double intra, double inter)
    {
        var images = TopKPerClass.Rows(probabilities, classes, 1);
        var column = new float[images];
        for (var i = 0; i < images; i++)
        {
            var largest = float.NegativeInfinity;
            foreach (var p in probabilities.Slice(i * classes, classes))
            {
                largest = Math.Max(largest, p);
            }

            column[i] = largest;
        }
        var mass = Quantile(column, intra);
        var least = new double[classes];
        for (var c = 0; c < classes; c++)
        {
            for (var i = 0; i < images; i++)
            {
                column[i] = probabilities[i * classes + c];
            }

            least[c] = Quantile(column, inter);
        }
        return new CandidateRule(mass, least);
    }

    /// <summary>The candidates of every image.</summary>
    /// <param name="probabilities">p(c|x) as <c>[images, classes]</c>.</param>
    /// <param name="rule">From <see cref="Rule"/>.</param>
    /// <returns>Per image its candidates, most probable first, equal ones by class; empty where none passed both tests.</returns>
    public static int[][] Sets(ReadOnlySpan<float> probabilities, CandidateRule rule)
    {
        var classes = rule.Least.Count;
        var sets = new int[TopKPerClass.Rows(probabilities, classes, 1)][];
        for (var i = 0; i < sets.Length; i++)
        {
            sets[i] = rule.Candidates(probabilities.Slice(i * classes, classes));
        }

        return sets;
    }

    /// <summary>
    /// K images per class: each image asks for its most probable candidate; a class that has more than K keeps those of
    /// highest probability (the first of equals), and the others ask for their next candidate until they have none left.
    /// </summary>
    /// <param name="probabilities">p(c|x) as <c>[images, classes]</c>.</param>
    /// <param name="sets">From <see cref="Sets"/>.</param>
    /// <param name="classes">C.</param>
    /// <param name="perClass">K.</param>
    /// <returns>The class that each image was taken by, or −1.</returns>
    public static int[] Accept(ReadOnlySpan<float> probabilities, IReadOnlyList<int[]> sets, int classes, int perClass)
    {
        TopKPerClass.Rows(probabilities, classes, perClass);
        var taken = new int[sets.Count];
        Array.Fill(taken, -1);
        var asked = new int[sets.Count];
        // The weakest member is on top: lowest probability, and of equals the last image.
        var pools = new PriorityQueue<int, (float P, int Back)>[classes];
        for (var c = 0; c < classes; c++)
        {
            pools[c] = new();
        }
        // The result does not depend on the order in which images ask: every class ranks all images the same way.
        for (var first = 0; first < sets.Count; first++)
        {
            var image = first;
            while (image >= 0 && asked[image] < sets[image].Length)
            {
                var c = sets[image][asked[image]++];
                taken[image] = c;
                pools[c].Enqueue(image, (probabilities[image * classes + c], -image));
                if (pools[c].Count <= perClass)
                {
                    break;
                }

                image = pools[c].Dequeue();
                taken[image] = -1;
            }
        }
        return taken;
    }

    /// <summary>
    /// Per class, the probability that a further image must reach to be taken: the lowest of a full class, −∞ where there is room.
    /// </summary>
    /// <param name="probabilities">p(c|x) as <c>[images, classes]</c>.</param>
    /// <param name="taken">From <see cref="Accept"/>.</param>
    /// <param name="classes">C.</param>
    /// <param name="perClass">K.</param>
    public static float[] Cutoffs(ReadOnlySpan<float> probabilities, IReadOnlyList<int> taken, int classes, int perClass)
    {
        var cutoffs = new float[classes];
        var counts = new int[classes];
        Array.Fill(cutoffs, float.PositiveInfinity);
        for (var i = 0; i < taken.Count; i++)
        {
            if (taken[i] < 0)
            {
                continue;
            }

            counts[taken[i]]++;
            cutoffs[taken[i]] = Math.Min(cutoffs[taken[i]], probabilities[i * classes + taken[i]]);
        }
        for (var c = 0; c < classes; c++)
        {
            if (counts[c] < perClass)
            {
                cutoffs[c] = float.NegativeInfinity;
            }
        }
        return cutoffs;
    }

    /// <summary>The training target of an image: p over its candidates, divided by their sum (soft), or 1 for each (hard).</summary>
    /// <param name="probabilities">p(c|x) of the image, [C].</param>
    /// <param name="set">Its candidates, one or more.</param>
    /// <param name="soft">Soft in CPL's first round of growing sets, hard later and with a fixed K.</param>
    /// <param name="target">Receives [C], 0 for other classes.</param>
    public static void Target(ReadOnlySpan<float> probabilities, ReadOnlySpan<int> set, bool soft, Span<float> target)
    {
        target.Clear();
        double sum = 0;
        foreach (var c in set)
        {
            sum += probabilities[c];
        }

        foreach (var c in set)
        {
            target[c] =
                !soft ? 1f
                : sum > 0 ? (float)(probabilities[c] / sum)
                : 1f / set.Length;
        }
    }
}

/// <summary>The two tests that a label must pass to be a candidate of an image.</summary>
/// <param name="Mass">Within the image: the most probable labels are taken until their sum exceeds this.</param>
/// <param name="Least">Per class: the probability that a label must reach.</param>
internal sealed record CandidateRule(double Mass, IReadOnlyList<double> Least)
{
    /// <summary>The rule that every class passes, so that its candidates are all classes, most probable first.</summary>
    public static CandidateRule All(int classes) => new(double.PositiveInfinity, [.. Enumerable.Repeat(double.NegativeInfinity, classes)]);

    /// <summary>The candidates of one image, most probable first, equal ones by class; often none.</summary>
    /// <param name="probabilities">p(c|x), [C].</param>
    public int[] Candidates(ReadOnlySpan<float> probabilities)
    {
        var classes = probabilities.Length;
        var order = classes <= 256 ? stackalloc int[classes] : new int[classes];
        var keys = classes <= 256 ? stackalloc float[classes] : new float[classes];
        for (var c = 0; c < classes; c++)
        {
            (order[c], keys[c]) = (c, -probabilities[c]);
        }
        // Equal probabilities stay in the order of the classes: an unstable sort needs the class in its key.
        keys.Sort(order);
        for (var start = 0; start < classes; )
        {
            var end = start + 1;
            while (end < classes && keys[end] == keys[start])
            {
                end++;
            }

            order[start..end].Sort();
            start = end;
        }
        var count = 0;
        double sum = 0;
        while (count < classes)
        {
            sum += probabilities[order[count++]];
            if (sum > Mass)
            {
                break;
            }
        }
        var kept = new List<int>(count);
        foreach (var c in order[..count])
        {
            if (probabilities[c] >= Least[c])
            {
                kept.Add(c);
            }
        }
        return [.. kept];
    }
}
