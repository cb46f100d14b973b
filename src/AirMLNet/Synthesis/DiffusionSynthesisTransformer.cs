using AirMLNet.Diffusion;
using AirMLNet.Notebooks;
using AirMLNet.Pipeline;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace AirMLNet.Synthesis;

/// <summary>
/// Appends the synthetic images to the rows; see <see cref="DiffusionSynthesisEstimator"/>. For training only: a single row, as in
/// PredictionEngine, passes through it unchanged.
/// </summary>
[TypeFormatterSource(typeof(NotebookFormatters))]
public sealed class DiffusionSynthesisTransformer : ITransformer
{
    internal DiffusionSynthesisTransformer(IHost host, DiffusionSynthesisOptions options, GeneratedImages generated) =>
        (Host, Options, Generated) = (host, options, generated);

    /// <summary>The images, class by class or caption by caption.</summary>
    public IReadOnlyList<SyntheticImage> Images => Generated.Images;

    /// <summary>The adapter that the images were made with; null where the model was used as it is.</summary>
    public string? LoraFile =>
        Options.FineTune && Path.Combine(Options.WorkFolder, "lora", LoraTrainer.FileName) is var file && File.Exists(file) ? file : null;

    // PredictionEngine asks every stage of a chain, also those of the training scope, and accepts only row-to-row mappers.
    bool ITransformer.IsRowToRowMapper => true;

    internal IHost Host { get; }

    internal DiffusionSynthesisOptions Options { get; }

    internal GeneratedImages Generated { get; }

    /// <summary>The schema of what <see cref="Transform"/> gives for this input.</summary>
    /// <param name="inputSchema">Schema of the input.</param>
    /// <exception cref="ArgumentException">A column that the stage fills has another type.</exception>
    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        return new SynthesisSchema(inputSchema, Options, Generated).Output;
    }

    /// <summary>The input's rows, then the synthetic ones.</summary>
    /// <param name="input">The data.</param>
    /// <exception cref="ArgumentException">A column that the stage fills has another type.</exception>
    public IDataView Transform(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return new SyntheticRowsView(input, new SynthesisSchema(input.Schema, Options, Generated), Generated);
    }

    IRowToRowMapper ITransformer.GetRowToRowMapper(DataViewSchema inputSchema) => new PassThroughMapper(inputSchema);

    void ICanSaveModel.Save(ModelSaveContext ctx) => DiffusionSynthesisSaved.Save(ctx, this);
}
