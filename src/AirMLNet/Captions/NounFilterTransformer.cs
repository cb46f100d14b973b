using AirMLNet.Notebooks;
using AirMLNet.Pipeline;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace AirMLNet.Captions;

/// <summary>
/// Adds the labels and drops rows; see <see cref="NounFilterEstimator"/>. A single row, as in PredictionEngine, is never dropped, and
/// where it has
/// no caption it passes through unchanged.
/// </summary>
[TypeFormatterSource(typeof(NotebookFormatters))]
public sealed class NounFilterTransformer : ITransformer
{
    internal NounFilterTransformer(IHost host, (string Output, string Input) columns, NounFilterOptions options, NounTable table)
    {
        _ = host;
        (Columns, Options, Table) = (columns, options, table);
    }

    /// <summary>The classes, in the order of the labels.</summary>
    public IReadOnlyList<string> ClassNames => Table.ClassNames;

    // PredictionEngine asks every stage of a chain, also those of the training scope, and accepts only row-to-row mappers.
    bool ITransformer.IsRowToRowMapper => true;

    internal (string Output, string Input) Columns { get; }

    internal NounFilterOptions Options { get; }

    internal NounTable Table { get; }

    /// <summary>The schema of what <see cref="Transform"/> gives for this input.</summary>
    /// <param name="inputSchema">Schema of the input.</param>
    /// <exception cref="ArgumentException">There is no column of captions.</exception>
    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        return Bind(inputSchema).OutputSchema;
    }

    /// <summary>The rows that are kept, with their labels.</summary>
    /// <param name="input">The data.</param>
    /// <exception cref="ArgumentException">There is no column of captions.</exception>
    public IDataView Transform(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        var labelled = new StageView(input, Bind(input.Schema));
        return Options is { DropUnlabelled: false, MaxPerClass: null }
            ? labelled
            : new LabelledRowsView(labelled, labelled.Schema[Columns.Output], Options);
    }

    IRowToRowMapper ITransformer.GetRowToRowMapper(DataViewSchema inputSchema) =>
        inputSchema.GetColumnOrNull(Columns.Input) is null
            ? new PassThroughMapper(inputSchema)
            : new StageRowToRowMapper(Bind(inputSchema));

    void ICanSaveModel.Save(ModelSaveContext ctx) => NounFilterSaved.Save(ctx, this);

    private Mapper Bind(DataViewSchema schema) =>
        new(this, schema, InputColumn.Text(Columns.Input).Find(schema, NounFilterEstimator.Stage));

    private sealed class Mapper(NounFilterTransformer parent, DataViewSchema schema, DataViewSchema.Column column)
        : RowMapper(schema, StageAnnotations.ClassVector(parent.Columns.Output, parent.ClassNames))
    {
        public override IReadOnlyList<DataViewSchema.Column> Reads => [column];

        public override Delegate?[] CreateGetters(DataViewRow input, Func<int, bool> active)
        {
            if (!active(0))
            {
                return [null];
            }
            var caption = input.GetGetter<ReadOnlyMemory<char>>(column);
            ReadOnlyMemory<char> text = default;
            ValueGetter<VBuffer<float>> labels = (ref VBuffer<float> value) =>
            {
                caption(ref text);
                var found = parent.Table.Labels(text.ToString(), parent.Options.MaxWords);
                new VBuffer<float>(found.Length, found).CopyTo(ref value);
            };
            return [labels];
        }
    }
}

/// <summary>The rows of a view that have a label, and of each class no more than are wanted.</summary>
[TypeFormatterSource(typeof(NotebookFormatters))]
internal sealed class LabelledRowsView(IDataView input, DataViewSchema.Column labels, NounFilterOptions options) : IDataView
{
    private readonly Lazy<HashSet<long>?> _kept = new(() => options.MaxPerClass is { } most ? Kept(input, labels, options, most) : null);

    public DataViewSchema Schema => input.Schema;

    public bool CanShuffle => false;

    public long? GetRowCount() => null;

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null)
    {
        DataViewSchema.Column[] columns = [.. columnsNeeded];
        return new Cursor(input.GetRowCursor([.. columns.Append(labels).DistinctBy(c => c.Index)]), columns, labels, options, _kept.Value);
    }

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null) =>
        [GetRowCursor(columnsNeeded, rand)];

    private static HashSet<long> Kept(IDataView input, DataViewSchema.Column labels, NounFilterOptions options, int most)
    {
        List<(long Row, int[] Classes)> rows = [];
        using (var cursor = input.GetRowCursor([labels]))
        {
            var getter = cursor.GetGetter<VBuffer<float>>(labels);
            VBuffer<float> value = default;
            while (cursor.MoveNext())
            {
                options.CancellationToken.ThrowIfCancellationRequested();
                getter(ref value);
                rows.Add((cursor.Position, [.. value.DenseValues().Select((l, c) => (l, c)).Where(p => p.l == 1).Select(p => p.c)]));
            }
        }
        var counts = rows.SelectMany(r => r.Classes).CountBy(c => c).ToDictionary();
        var taken = new Dictionary<int, int>();
        HashSet<long> kept = [];
        foreach (var (row, classes) in rows)
        {
            if (classes.Length == 0)
            {
                if (!options.DropUnlabelled)
                {
                    kept.Add(row);
                }
                continue;
            }
            var rarest = classes.MinBy(c => counts[c]);
            var before = taken.GetValueOrDefault(rarest);
            if (before < most)
            {
                taken[rarest] = before + 1;
                kept.Add(row);
            }
        }
        return kept;
    }

    private sealed class Cursor(
        DataViewRowCursor input,
        DataViewSchema.Column[] active,
        DataViewSchema.Column labels,
        NounFilterOptions options,
        HashSet<long>? kept
    ) : DataViewRowCursor
    {
        private readonly ValueGetter<VBuffer<float>> _labels = input.GetGetter<VBuffer<float>>(labels);
        private readonly HashSet<int> _active = [.. active.Select(c => c.Index)];
        private VBuffer<float> _value;
        private long _position = -1;
        private bool _disposed;

        public override DataViewSchema Schema => input.Schema;
        public override long Position => _position;
        public override long Batch => input.Batch;

        public override bool MoveNext()
        {
            while (input.MoveNext())
            {
                if (kept?.Contains(input.Position) ?? HasLabel())
                {
                    _position++;
                    return true;
                }
            }
            _position = -1;
            return false;
        }

        public override ValueGetter<DataViewRowId> GetIdGetter() => input.GetIdGetter();

        public override bool IsColumnActive(DataViewSchema.Column column) => _active.Contains(column.Index);

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) =>
            IsColumnActive(column)
                ? input.GetGetter<TValue>(column)
                : throw new InvalidOperationException($"Column '{column.Name}' is not active in this cursor.");

        protected override void Dispose(bool disposing)
        {
            if (disposing && !_disposed)
            {
                input.Dispose();
            }
            _disposed = true;
            base.Dispose(disposing);
        }

        private bool HasLabel()
        {
            if (!options.DropUnlabelled)
            {
                return true;
            }
            _labels(ref _value);
            return _value.DenseValues().Any(l => l == 1);
        }
    }
}
