namespace AirMLNet.Evaluation;

/// <summary>The average precision of each class of a data set; entries whose label is NaN leave their class's ranking.</summary>
internal static class MultiLabelPrecision
{
    /// <summary>One figure per class.</summary>
    /// <param name="scores">[N, C].</param>
    /// <param name="labels">[N, C]: 1 is positive, NaN unknown, all else negative.</param>
    /// <param name="classes">C.</param>
    /// <param name="rule">The average precision of one class's scores.</param>
    /// <exception cref="ArgumentException">Scores and labels differ in size.</exception>
    public static double[] PerClass(
        float[] scores,
        float[] labels,
        int classes,
        Func<IReadOnlyList<float>, IReadOnlyList<bool>, double> rule
    )
    {
        if (scores.Length != labels.Length || classes < 1 || scores.Length % classes != 0)
        {
            throw new ArgumentException($"{scores.Length} scores and {labels.Length} labels are not of the same {classes} classes.");
        }

        var result = new double[classes];
        for (var c = 0; c < classes; c++)
        {
            List<float> column = [];
            List<bool> positive = [];
            for (var i = c; i < labels.Length; i += classes)
            {
                if (!float.IsNaN(labels[i]))
                {
                    column.Add(scores[i]);
                    positive.Add(labels[i] == 1);
                }
            }
            result[c] = rule(column, positive);
        }
        return result;
    }
}
