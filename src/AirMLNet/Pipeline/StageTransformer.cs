using AirMLNet.Notebooks;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace AirMLNet.Pipeline;

/// <summary>Base of the transformers of this library: row to row, lazy, usable in PredictionEngine, saved with Model.Save.</summary>
[TypeFormatterSource(typeof(NotebookFormatters))]
public abstract class StageTransformer : ITransformer
{
    private protected StageTransformer(IHost host) => Host = host;

    private protected IHost Host { get; }

    bool ITransformer.IsRowToRowMapper => true;

    /// <summary>The schema of what <see cref="Transform"/> gives for this input.</summary>
    /// <param name="inputSchema">Schema of the input.</param>
    /// <exception cref="ArgumentException">A column that the stage reads is missing or has another type.</exception>
    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => Bind(inputSchema).OutputSchema;

    /// <summary>The input with the stage's columns added. Nothing is computed until rows are read.</summary>
    /// <param name="input">The data.</param>
    /// <exception cref="ArgumentException">A column that the stage reads is missing or has another type.</exception>
    public IDataView Transform(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return new StageView(input, Bind(input.Schema, input));
    }

    IRowToRowMapper ITransformer.GetRowToRowMapper(DataViewSchema inputSchema) => new StageRowToRowMapper(Bind(inputSchema));

    void ICanSaveModel.Save(ModelSaveContext ctx) => SaveTo(ctx);

    /// <summary>The stage on one schema; <paramref name="input"/> is the data when there is any.</summary>
    private protected abstract RowMapper Bind(DataViewSchema inputSchema, IDataView? input = null);

    private protected abstract void SaveTo(ModelSaveContext ctx);
}
