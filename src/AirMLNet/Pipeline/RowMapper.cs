using Microsoft.ML;

namespace AirMLNet.Pipeline;

/// <summary>
/// A fitted stage bound to one input schema: which columns it adds, which it reads for them, and how a row's values are
/// computed. Everything that ML.NET asks of a row-to-row transformer is built from this.
/// </summary>
internal abstract class RowMapper
{
    private readonly DataViewSchema.DetachedColumn[] _outputs;

    protected RowMapper(DataViewSchema inputSchema, params DataViewSchema.DetachedColumn[] outputs)
    {
        InputSchema = inputSchema;
        _outputs = outputs;
        var builder = new DataViewSchema.Builder();
        builder.AddColumns(inputSchema);
        builder.AddColumns(outputs);
        OutputSchema = builder.ToSchema();
    }

    public DataViewSchema InputSchema { get; }

    /// <summary>The input columns at their own indices, then the columns that the stage adds.</summary>
    public DataViewSchema OutputSchema { get; }

    public int OutputCount => _outputs.Length;

    /// <summary>Input columns needed to compute any of the added columns.</summary>
    public abstract IReadOnlyList<DataViewSchema.Column> Reads { get; }

    /// <summary>
    /// Getters of the added columns on a row; null where <paramref name="active"/> is false. What several
    /// columns share is computed once per row, when the first of them is read.
    /// </summary>
    public abstract Delegate?[] CreateGetters(DataViewRow input, Func<int, bool> active);

    /// <summary>
    /// The stage's encoder of batches, where it has one and an added column is wanted; null: rows are computed one by one.
    /// </summary>
    public virtual IBatchEncoder? StartBatches(DataViewRow input, Func<int, bool> active) => null;

    /// <summary>For each added column, whether it is among <paramref name="columns"/> of the output schema.</summary>
    public bool[] ActiveOutputs(IEnumerable<DataViewSchema.Column> columns)
    {
        var active = new bool[OutputCount];
        foreach (var column in columns)
        {
            if (column.Index >= InputSchema.Count)
            {
                active[column.Index - InputSchema.Count] = true;
            }
        }
        return active;
    }

    /// <summary>Input columns needed for <paramref name="columns"/> of the output schema: those passed through, and those read.</summary>
    public List<DataViewSchema.Column> Dependencies(IEnumerable<DataViewSchema.Column> columns)
    {
        var needed = new SortedSet<int>();
        var any = false;
        foreach (var column in columns)
        {
            if (column.Index < InputSchema.Count)
            {
                needed.Add(column.Index);
            }
            else
            {
                any = true;
            }
        }
        if (any)
        {
            foreach (var column in Reads)
            {
                needed.Add(column.Index);
            }
        }
        return needed.Select(i => InputSchema[i]).ToList();
    }
}
