using AirMLNet.Pipeline;
using Microsoft.ML;
using Microsoft.ML.Runtime;

namespace AirMLNet.Features;

/// <summary>
/// Turns texts into CLIP features: a Text column becomes a Vector&lt;Single, D&gt; of length 1, whose dot product with an
/// image feature of the same model is their cosine: image search by text. Nothing is trained; fitting loads the model and
/// reads no row.
/// </summary>
public sealed class ClipTextFeatureEstimator : StageEstimator<ClipTextFeatureTransformer>
{
    internal const string Stage = "ClipTextFeature";
    private readonly (string Output, string Input) _columns;
    private readonly ClipTextFeatureOptions _options;

    internal ClipTextFeatureEstimator(
        IHostEnvironment environment,
        string outputColumnName,
        string? inputColumnName,
        ClipTextFeatureOptions options
    )
        : base(environment, Stage)
    {
        ArgumentNullException.ThrowIfNull(options);
        _columns = FeatureStage.Columns(outputColumnName, inputColumnName);
        _options = options;
    }

    private protected override IEnumerable<InputColumn> Inputs(SchemaShape input) => [InputColumn.Text(_columns.Input)];

    private protected override IEnumerable<SchemaShape.Column> Outputs(SchemaShape input) => [OutputColumns.Features(_columns.Output)];

    private protected override ClipTextFeatureTransformer Fit(IDataView input, IChannel channel)
    {
        using var model = Model(channel, _options.ClipFolder, _options.Execution());
        FeatureStage.Announce(channel, Stage, model.Backbone, "text", _options);
        return new ClipTextFeatureTransformer(Host, _columns, _options, model.Keep());
    }
}
