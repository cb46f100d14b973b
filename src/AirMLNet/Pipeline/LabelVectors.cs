namespace AirMLNet.Pipeline;

/// <summary>Vectors that say which classes a row shows.</summary>
internal static class LabelVectors
{
    /// <summary>Checks that each value is 1, 0, or NaN where nothing is known.</summary>
    /// <param name="labels">The values of a row.</param>
    /// <param name="stage">Who reads them, for the message.</param>
    /// <param name="column">Their column.</param>
    /// <param name="row">The number of the row, from 0.</param>
    /// <exception cref="InvalidDataException">One is another number.</exception>
    public static void Check(IEnumerable<float> labels, string stage, string column, int row)
    {
        foreach (var label in labels.Where(l => l is not (0 or 1) && !float.IsNaN(l)))
        {
            throw new InvalidDataException($"{stage}: column '{column}' holds {label} in row {row}; expected 1, 0, or NaN where unknown.");
        }
    }
}
