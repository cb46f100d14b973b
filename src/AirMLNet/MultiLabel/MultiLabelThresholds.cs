namespace AirMLNet.MultiLabel;

/// <summary>The threshold of each class at which F1 is best.</summary>
internal static class MultiLabelThresholds
{
    /// <summary>Thresholds; what is above one is predicted. A class without positives is never predicted.</summary>
    /// <param name="scores">[N, C], 0..1.</param>
    /// <param name="labels">[N, C]: 1, 0, NaN.</param>
    /// <param name="classes">C.</param>
    public static float[] Best(ReadOnlySpan<float> scores, ReadOnlySpan<float> labels, int classes)
    {
        var result = new float[classes];
        for (var c = 0; c < classes; c++)
        {
            List<(float Score, bool Positive)> column = [];
            for (var i = c; i < labels.Length; i += classes)
            {
                if (!float.IsNaN(labels[i]))
                {
                    column.Add((scores[i], labels[i] == 1));
                }
            }
            result[c] = Best([.. column.OrderByDescending(entry => entry.Score)]);
        }
        return result;
    }

    private static float Best((float Score, bool Positive)[] sorted)
    {
        var positives = sorted.Count(entry => entry.Positive);
        double best = 0;
        var (hits, threshold) = (0, 1f);
        for (var k = 0; k < sorted.Length; k++)
        {
            hits += sorted[k].Positive ? 1 : 0;
            var next = k + 1 < sorted.Length ? sorted[k + 1].Score : 0;
            if (next == sorted[k].Score)
            {
                continue; // equal scores are decided alike
            }
            var f1 = 2.0 * hits / (k + 1 + positives);
            if (f1 > best)
            {
                (best, threshold) = (f1, (sorted[k].Score + next) / 2);
            }
        }
        return threshold;
    }
}
