using AirMLNet.Pipeline;
using Microsoft.ML;
using Microsoft.ML.Runtime;

namespace AirMLNet.Features;

/// <summary>
/// Turns images into CLIP features: a Text column of file paths, or a column of MLImage, becomes a Vector&lt;Single, D&gt;
/// of length 1 (<c>docs/methods.md</c> §1.1). Nothing is trained; fitting loads the model and reads no row.
/// </summary>
/// <remarks>
/// In a chain, the stages that follow read the features several times while they are fitted. The features of the fitted
/// data are kept for that (<see cref="ClipFeatureOptions.KeepTrainingFeatures"/>), so that each image is encoded once.
/// <c>AppendCacheCheckpoint</c> after this stage does the same for every column, at the price of memory for all of them.
/// </remarks>
public sealed class ClipFeatureEstimator : StageEstimator<ClipFeatureTransformer>
{
    internal const string Stage = "ClipFeature";
    private readonly (string Output, string Input) _columns;
    private readonly ClipFeatureOptions _options;

    internal ClipFeatureEstimator(
        IHostEnvironment environment,
        string outputColumnName,
        string? inputColumnName,
        ClipFeatureOptions options
    )
        : base(environment, Stage)
    {
        ArgumentNullException.ThrowIfNull(options);
        _columns = FeatureStage.Columns(outputColumnName, inputColumnName);
        _options = options;
    }

    private protected override IEnumerable<InputColumn> Inputs(SchemaShape input) => [InputColumn.Image(_columns.Input)];

    private protected override IEnumerable<SchemaShape.Column> Outputs(SchemaShape input) => [OutputColumns.Features(_columns.Output)];

    private protected override ClipFeatureTransformer Fit(IDataView input, IChannel channel)
    {
        using var model = Model(channel, _options.ClipFolder, _options.Execution());
        FeatureStage.Announce(channel, Stage, model.Backbone, "image", _options);
        return new ClipFeatureTransformer(Host, _columns, _options, model.Keep(), _options.KeepTrainingFeatures ? input : null);
    }
}
