using AirMLNet.Options;
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
    private readonly string _output,
        _input;
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
        _output = OptionCheck.NotBlank(outputColumnName, nameof(outputColumnName));
        _input = OptionCheck.NullOrNotBlank(inputColumnName, nameof(inputColumnName)) ?? outputColumnName;
        _options = options;
    }

    private protected override IEnumerable<InputColumn> Inputs(SchemaShape input) => [InputColumn.Text(_input)];

    private protected override IEnumerable<SchemaShape.Column> Outputs(SchemaShape input) => [OutputColumns.Vector(_output)];

    private protected override ClipTextFeatureTransformer Fit(IDataView input, IChannel channel)
    {
        using var model = Model(channel, _options.ClipFolder, _options.Execution);
        var clip = model.Backbone;
        channel.Say(
            $"{Stage}: {clip.Name}, {clip.FeatureDimension} features per text, {_options.Precision}; "
                + $"activation: {clip.Model.ActivationReason}."
        );
        return new ClipTextFeatureTransformer(Host, _output, _input, _options, model.Keep());
    }
}
