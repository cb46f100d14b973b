using AirMLNet.Notebooks;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Pipeline;

/// <summary>The lazy result of a stage's Transform.</summary>
[TypeFormatterSource(typeof(NotebookFormatters))]
internal sealed class StageView(IDataView input, RowMapper stage) : IDataView
{
    public DataViewSchema Schema => stage.OutputSchema;
    public bool CanShuffle => input.CanShuffle;

    public long? GetRowCount() => input.GetRowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null)
    {
        var columns = columnsNeeded.ToArray();
        var active = stage.ActiveOutputs(columns);
        var cursor = input.GetRowCursor(stage.Dependencies(columns), input.CanShuffle ? rand : null);
        try
        {
            if (Array.IndexOf(active, true) >= 0 && stage.StartBatches(cursor, i => active[i]) is { } work)
            {
                return new BatchedRowCursor(stage, cursor, columns.Where(c => c.Index < stage.InputSchema.Count), work);
            }
            return new MappedCursor(stage, cursor, i => active[i]);
        }
        catch
        {
            cursor.Dispose();
            throw;
        }
    }

    // Reading ahead already uses the cores: one cursor is what the rows are best shared through.
    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null) =>
        [GetRowCursor(columnsNeeded, rand)];
}

/// <summary>A stage as ML.NET's row mapper, which PredictionEngine composes.</summary>
internal sealed class StageRowToRowMapper(RowMapper stage) : IRowToRowMapper
{
    public DataViewSchema InputSchema => stage.InputSchema;
    public DataViewSchema OutputSchema => stage.OutputSchema;

    public IEnumerable<DataViewSchema.Column> GetDependencies(IEnumerable<DataViewSchema.Column> dependingColumns) =>
        stage.Dependencies(dependingColumns);

    public DataViewRow GetRow(DataViewRow input, IEnumerable<DataViewSchema.Column> activeColumns) =>
        new MappedRow(stage, input, activeColumns);
}
