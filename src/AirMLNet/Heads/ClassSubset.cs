namespace AirMLNet.Heads;

/// <summary>Some of the classes, in ascending order: those that pseudo-labels may take (<c>docs/methods.md</c> §3.1, TRZSL).</summary>
internal sealed class ClassSubset
{
    private readonly int[] _classes;

    private ClassSubset(int[] classes, int all) => (_classes, All) = (classes, all);

    /// <summary>C, all classes.</summary>
    public int All { get; }

    /// <summary>C_u, those of the subset.</summary>
    public int Count => _classes.Length;

    public bool IsAll => Count == All;

    /// <param name="classNames">All classes.</param>
    /// <param name="chosen">Names of the subset; null for all.</param>
    /// <param name="option">The option that names them, for messages.</param>
    /// <exception cref="ArgumentException">A chosen name is no class, or none is chosen.</exception>
    public static ClassSubset Of(IReadOnlyList<string> classNames, IReadOnlyList<string>? chosen, string option)
    {
        if (chosen is null)
        {
            return new([.. Enumerable.Range(0, classNames.Count)], classNames.Count);
        }

        string[] known = [.. classNames];
        int[] indices =
        [
            .. chosen
                .Select(name =>
                    Array.IndexOf(known, name) is var i && i >= 0
                        ? i
                        : throw new ArgumentException($"{option}: '{name}' is not one of the class names.", option)
                )
                .Distinct()
                .Order(),
        ];
        return indices.Length > 0
            ? new(indices, classNames.Count)
            : throw new ArgumentException($"{option} is empty; expected one or more class names, or null for all.", option);
    }

    /// <summary>The class that an index of the subset stands for.</summary>
    public int ClassOf(int index) => _classes[index];

    /// <summary>
    /// The subset's columns of a distribution, divided by their sum: what a softmax over these classes alone gives. Uniform where the
    /// sum is 0.
    /// </summary>
    /// <param name="row">p over all classes, [C].</param>
    /// <param name="result">[C_u]; may be the beginning of <paramref name="row"/>.</param>
    public void Restrict(ReadOnlySpan<float> row, Span<float> result)
    {
        if (IsAll)
        {
            row.CopyTo(result);
            return;
        }
        double sum = 0;
        for (var k = 0; k < Count; k++)
        {
            sum += result[k] = row[_classes[k]]; // ascending: never reads what was written
        }

        for (var k = 0; k < Count; k++)
        {
            result[k] = sum > 0 ? (float)(result[k] / sum) : 1f / Count;
        }
    }
}
