using AirMLNet.Heads;
using AirMLNet.Pipeline;
using Microsoft.ML;
using Microsoft.ML.Runtime;

namespace AirMLNet.ZeroShot;

/// <summary>
/// Zero-shot classification: p = softmax(s · f · Gᵀ), where the rows of G are the class names in templates, encoded,
/// averaged and normalised (CLIP, Radford et al. 2021; <c>docs/methods.md</c> §1.1). Fitting encodes the texts, once; no row is
/// read.
/// </summary>
public sealed class ZeroShotEstimator : StageEstimator<ZeroShotTransformer>
{
    internal const string Stage = "ZeroShot";
    private readonly ZeroShotOptions _options;

    internal ZeroShotEstimator(IHostEnvironment environment, ZeroShotOptions options)
        : base(environment, Stage)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
    }

    private protected override IEnumerable<InputColumn> Inputs(SchemaShape input) => [InputColumn.Vector(_options.FeatureColumn)];

    private protected override IEnumerable<SchemaShape.Column> Outputs(SchemaShape input) =>
        [OutputColumns.Score(_options.ScoreColumn), OutputColumns.PredictedLabel(_options.PredictedLabelColumn)];

    private protected override ZeroShotTransformer Fit(IDataView input, IChannel channel)
    {
        _options.CancellationToken.ThrowIfCancellationRequested();
        using var model = Model(channel, _options.ClipFolder, _options.Activation);
        InputColumn.Features(_options.FeatureColumn, model.Backbone).Find(input.Schema, Stage);
        var head = TextHead.Of(model.Backbone, _options.ClassNames, _options.Templates, _options.CancellationToken, Warn);
        channel.Say(
            $"{Stage}: {_options.ClassNames.Count} classes in {_options.Templates.Count} templates; "
                + $"activation: {model.Backbone.Model.Choices}."
        );
        return new ZeroShotTransformer(Host, _options, head);
    }
}
