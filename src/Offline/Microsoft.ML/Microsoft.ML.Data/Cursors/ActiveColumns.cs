namespace Microsoft.ML.Data;

/// <summary>Which columns of a schema a cursor or row was asked for.</summary>
internal static class ActiveColumns
{
    public static bool[] Of(DataViewSchema schema, IEnumerable<DataViewSchema.Column> columns)
    {
        ArgumentNullException.ThrowIfNull(columns);
        var active = new bool[schema.Count];
        foreach (DataViewSchema.Column column in columns)
            active[Check(schema, column)] = true;
        return active;
    }

    /// <summary>The index of a column, after a look whether it is one of this schema.</summary>
    public static int Check(DataViewSchema schema, DataViewSchema.Column column)
    {
        if ((uint)column.Index >= (uint)schema.Count)
            throw new ArgumentOutOfRangeException(nameof(column), $"Column '{column.Name}' with index {column.Index} is none of the {schema.Count} columns of this schema");
        return column.Index;
    }

    public static void CheckActive(DataViewRow row, DataViewSchema.Column column)
    {
        if (!row.IsColumnActive(column))
            throw new ArgumentOutOfRangeException(nameof(column), $"Column '{column.Name}' is not active: ask for it when the cursor is made");
    }

    public static Exception WrongType<TValue>(DataViewSchema.Column column) => new InvalidOperationException(
        $"Invalid TValue: column '{column.Name}' of type {column.Type} has values of type {column.Type.RawType}, but {typeof(TValue)} was asked for");

    /// <summary>The columns of a schema for which the predicate on the index holds.</summary>
    public static IEnumerable<DataViewSchema.Column> Where(DataViewSchema schema, Func<int, bool> predicate) => schema.Where(column => predicate(column.Index));

    /// <summary>A predicate on indices.</summary>
    public static Func<int, bool> Predicate(DataViewSchema schema, IEnumerable<DataViewSchema.Column> columns)
    {
        bool[] active = Of(schema, columns);
        return index => (uint)index < (uint)active.Length && active[index];
    }
}

/// <summary>Random orders.</summary>
internal static class Shuffling
{
    public static int[] Permutation(int count, Random rand)
    {
        var order = new int[count];
        for (int i = 0; i < count; i++)
            order[i] = i;
        rand.Shuffle(order);
        return order;
    }
}
