namespace AirMLNet.PseudoLabels;

/// <summary>
/// Picks the most probable images of each class. Free of ML.NET and of tensors: probabilities come as rows of
/// <c>[images, classes]</c>, row-major.
/// </summary>
internal static class TopKPerClass
{
    /// <summary>
    /// For each class the <paramref name="perClass"/> images of highest p(c|x), best first; equal probabilities in the
    /// order of the images. An image may be wanted by several classes.
    /// </summary>
    /// <param name="probabilities">p(c|x) as <c>[images, classes]</c>.</param>
    /// <param name="classes">Number of classes.</param>
    /// <param name="perClass">Images per class; a class gets fewer when there are fewer images.</param>
    /// <returns>Image indices per class.</returns>
    public static int[][] Select(ReadOnlySpan<float> probabilities, int classes, int perClass)
    {
        var images = Rows(probabilities, classes, perClass);
        var chosen = new int[classes][];
        var order = new int[images];
        var keys = new float[images];
        for (var c = 0; c < classes; c++)
        {
            for (var i = 0; i < images; i++)
            {
                order[i] = i;
                keys[i] = probabilities[i * classes + c];
            }
            Array.Sort(order, (a, b) => keys[a] != keys[b] ? keys[b].CompareTo(keys[a]) : a.CompareTo(b));
            chosen[c] = order[..Math.Min(perClass, images)];
        }
        return chosen;
    }

    /// <summary>
    /// The leaderboard of the published GRIP code, with its quirks: images are taken in order; the predicted class takes
    /// one if its list has room or if it beats the list's last entry (only then is the list sorted and cut); otherwise
    /// every other class is asked, in order of probability, so that one image may enter several lists; an image that is
    /// pushed out is not offered again.
    /// </summary>
    /// <param name="probabilities">p(c|x) as <c>[images, classes]</c>.</param>
    /// <param name="classes">Number of classes.</param>
    /// <param name="perClass">Images per class.</param>
    /// <returns>Image indices per class, in the order of the lists.</returns>
    public static int[][] SelectLeaderboard(ReadOnlySpan<float> probabilities, int classes, int perClass)
    {
        var images = Rows(probabilities, classes, perClass);
        var lists = new List<(float P, int Image)>[classes];
        for (var c = 0; c < classes; c++)
        {
            lists[c] = [];
        }

        var order = new int[classes];
        var row = new float[classes];
        for (var i = 0; i < images; i++)
        {
            probabilities.Slice(i * classes, classes).CopyTo(row);
            for (var c = 0; c < classes; c++)
            {
                order[c] = c;
            }

            Array.Sort(order, (a, b) => row[a] != row[b] ? row[b].CompareTo(row[a]) : a.CompareTo(b));
            if (Offer(lists[order[0]], row[order[0]], i, perClass))
            {
                continue;
            }

            for (var k = 1; k < classes; k++)
            {
                Offer(lists[order[k]], row[order[k]], i, perClass);
            }
        }
        return Array.ConvertAll(lists, list => list.Select(entry => entry.Image).ToArray());

        static bool Offer(List<(float P, int Image)> list, float p, int image, int perClass)
        {
            if (list.Count < perClass)
            {
                list.Add((p, image));
                return true;
            }
            if (!(p > list[^1].P))
            {
                return false;
            }

            list.Add((p, image));
            list.Sort((a, b) => a.P != b.P ? b.P.CompareTo(a.P) : b.Image.CompareTo(a.Image));
            list.RemoveAt(list.Count - 1);
            return true;
        }
    }

    /// <summary>
    /// One label per image: an image that several classes chose takes the one with its highest probability (the first of equals).
    /// </summary>
    /// <param name="chosen">Image indices per class.</param>
    /// <param name="probabilities">p(c|x) as <c>[images, classes]</c>.</param>
    /// <returns>The class of each image, or −1 where no class chose it.</returns>
    public static int[] Assign(IReadOnlyList<int[]> chosen, ReadOnlySpan<float> probabilities)
    {
        var classes = chosen.Count;
        var labels = new int[Rows(probabilities, classes, 1)];
        Array.Fill(labels, -1);
        for (var c = 0; c < classes; c++)
        {
            foreach (var i in chosen[c])
            {
                if (labels[i] < 0 || probabilities[i * classes + c] > probabilities[i * classes + labels[i]])
                {
                    labels[i] = c;
                }
            }
        }
        return labels;
    }

    /// <summary>
    /// The lowest probability that each class accepted: a row belongs to the class's list when p(c|x) is at least this. +∞ for a class
    /// that chose nothing.
    /// </summary>
    /// <param name="chosen">Image indices per class.</param>
    /// <param name="probabilities">p(c|x) as <c>[images, classes]</c>.</param>
    public static float[] Thresholds(IReadOnlyList<int[]> chosen, ReadOnlySpan<float> probabilities)
    {
        var thresholds = new float[chosen.Count];
        for (var c = 0; c < thresholds.Length; c++)
        {
            thresholds[c] = float.PositiveInfinity;
            foreach (var i in chosen[c])
            {
                thresholds[c] = Math.Min(thresholds[c], probabilities[i * chosen.Count + c]);
            }
        }
        return thresholds;
    }

    /// <summary>
    /// The class of one image under per-class thresholds: among the classes whose threshold it reaches, the most probable (the first of
    /// equals); −1 where it reaches none.
    /// </summary>
    /// <param name="probabilities">p(c|x) of the image.</param>
    /// <param name="thresholds">From <see cref="Thresholds"/>.</param>
    public static int LabelOf(ReadOnlySpan<float> probabilities, ReadOnlySpan<float> thresholds)
    {
        var label = -1;
        for (var c = 0; c < thresholds.Length; c++)
        {
            if (probabilities[c] >= thresholds[c] && (label < 0 || probabilities[c] > probabilities[label]))
            {
                label = c;
            }
        }
        return label;
    }

    internal static int Rows(ReadOnlySpan<float> probabilities, int classes, int perClass)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(classes);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(perClass);
        if (probabilities.Length % classes != 0)
        {
            throw new ArgumentException(
                $"{probabilities.Length} probabilities are not a whole number of rows of {classes} classes.",
                nameof(probabilities)
            );
        }

        return probabilities.Length / classes;
    }
}
