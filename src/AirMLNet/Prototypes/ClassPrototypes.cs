using System.Numerics.Tensors;

namespace AirMLNet.Prototypes;

/// <summary>Class prototypes from labelled features (<c>docs/methods.md</c> §4.1, Eq. 6 and 7). Free of ML.NET and of tensors.</summary>
internal static class ClassPrototypes
{
    /// <summary>The images whose mean is a class's prototype: preferred ones first, then by confidence, then by index.</summary>
    /// <param name="labels">Class of each image, or −1.</param>
    /// <param name="classes">C.</param>
    /// <param name="shots">Images per class at most.</param>
    /// <param name="confidence">Rank of the images, highest first; null or empty for none.</param>
    /// <param name="preferred">Images taken before all others; null or empty for none.</param>
    /// <returns>Image indices per class, best first; empty for a class without images.</returns>
    public static int[][] Choose(
        IReadOnlyList<int> labels,
        int classes,
        int shots,
        IReadOnlyList<float>? confidence = null,
        IReadOnlyList<bool>? preferred = null
    )
    {
        var members = new List<int>[classes];
        for (var c = 0; c < classes; c++)
        {
            members[c] = [];
        }

        for (var i = 0; i < labels.Count; i++)
        {
            if (labels[i] >= classes)
            {
                throw new ArgumentException($"labels[{i}] = {labels[i]}; expected −1..{classes - 1}.", nameof(labels));
            }

            if (labels[i] >= 0)
            {
                members[labels[i]].Add(i);
            }
        }
        return Array.ConvertAll(
            members,
            list =>
                list.OrderByDescending(i => preferred is { Count: > 0 } && preferred[i])
                    .ThenByDescending(i => confidence is { Count: > 0 } ? confidence[i] : 0)
                    .ThenBy(i => i)
                    .Take(shots)
                    .ToArray()
        );
    }

    /// <summary>
    /// The cosine of each image to the mean of its class's images, of the preferred ones where there are any; 0 where it has no class.
    /// </summary>
    /// <param name="features">[N, D], row-major, rows of length 1.</param>
    /// <param name="dimension">D.</param>
    /// <param name="labels">Class of each image, or −1.</param>
    /// <param name="classes">C.</param>
    /// <param name="preferred">Images that count before all others; null or empty for none.</param>
    public static float[] Typicality(
        ReadOnlySpan<float> features,
        int dimension,
        IReadOnlyList<int> labels,
        int classes,
        IReadOnlyList<bool>? preferred = null
    )
    {
        var all = Choose(labels, classes, int.MaxValue, null, preferred);
        var means = Means(
            features,
            dimension,
            preferred is { Count: > 0 }
                ? Array.ConvertAll(all, rows => rows.Any(i => preferred[i]) ? [.. rows.Where(i => preferred[i])] : rows)
                : all,
            out _
        );
        var typicality = new float[labels.Count];
        for (var i = 0; i < typicality.Length; i++)
        {
            typicality[i] =
                labels[i] < 0
                    ? 0
                    : TensorPrimitives.Dot(features.Slice(i * dimension, dimension), means.AsSpan(labels[i] * dimension, dimension));
        }
        return typicality;
    }

    /// <summary>The mean of the chosen features of each class, scaled to length 1.</summary>
    /// <param name="features">[N, D], row-major, rows of length 1.</param>
    /// <param name="dimension">D.</param>
    /// <param name="chosen">From <see cref="Choose"/>.</param>
    /// <param name="present">Per class, whether it has a prototype: false without images, or where they cancel out.</param>
    /// <returns>[C, D]; zeros where there is no prototype.</returns>
    public static float[] Means(ReadOnlySpan<float> features, int dimension, IReadOnlyList<int[]> chosen, out bool[] present)
    {
        var prototypes = new float[chosen.Count * dimension];
        present = new bool[chosen.Count];
        var sum = new double[dimension];
        for (var c = 0; c < chosen.Count; c++)
        {
            Array.Clear(sum);
            foreach (var i in chosen[c])
            {
                for (var d = 0; d < dimension; d++)
                {
                    sum[d] += features[i * dimension + d];
                }
            }
            var length = Math.Sqrt(sum.Sum(v => v * v));
            present[c] = length > 1e-12;
            for (var d = 0; present[c] && d < dimension; d++)
            {
                prototypes[c * dimension + d] = (float)(sum[d] / length);
            }
        }
        return prototypes;
    }
}
