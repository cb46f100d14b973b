using AirMLNet.Options;
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
    private readonly string _output,
        _input;
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
        _output = OptionCheck.NotBlank(outputColumnName, nameof(outputColumnName));
        _input = OptionCheck.NullOrNotBlank(inputColumnName, nameof(inputColumnName)) ?? outputColumnName;
        _options = options;
    }

    private protected override IEnumerable<InputColumn> Inputs(SchemaShape input) => [InputColumn.Image(_input)];

    private protected override IEnumerable<SchemaShape.Column> Outputs(SchemaShape input) => [OutputColumns.Vector(_output)];

    private protected override ClipFeatureTransformer Fit(IDataView input, IChannel channel)
    {
        using var model = Model(channel, _options.ClipFolder, _options.Execution);
        var clip = model.Backbone;
        channel.Say(
            $"{Stage}: {clip.Name}, {clip.FeatureDimension} features per image, {_options.Precision}; "
                + $"activation: {clip.Model.ActivationReason}."
        );
        return new ClipFeatureTransformer(Host, _output, _input, _options, model.Keep(), _options.KeepTrainingFeatures ? input : null);
    }
}
