using AirMLNet.Clip;
using AirMLNet.Heads;
using AirMLNet.Pipeline;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace AirMLNet.ZeroShot;

/// <summary>
/// Zero-shot classification: p = softmax(s · f · Gᵀ), where the rows of G are the class names in templates, encoded,
/// averaged and normalised (methods §1.1). Fitting encodes the texts, once; no row is read.
/// </summary>
public sealed class ZeroShotEstimator : IEstimator<ZeroShotTransformer>
{
    internal const string Stage = "ZeroShot";
    private readonly IHost _host;
    private readonly ZeroShotOptions _options;

    internal ZeroShotEstimator(IHostEnvironment environment, ZeroShotOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _host = environment.Register(Stage);
        _options = options;
    }

    /// <summary>Encodes the class names and checks the schema of <paramref name="input"/>.</summary>
    /// <param name="input">Data with the feature column.</param>
    /// <exception cref="ArgumentException">The column is missing, or no vector of the model's length.</exception>
    public ZeroShotTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        SchemaCheck.Vector(input.Schema, Stage, _options.FeatureColumn);
        _options.CancellationToken.ThrowIfCancellationRequested();
        using var channel = _host.Start("Fit");
        var backbone = ClipBackbone.Acquire(
            _options.ClipFolder,
            DeviceChoice.Resolve(_host, channel),
            new ClipExecution { Activation = _options.Activation }
        );
        try
        {
            SchemaCheck.Vector(input.Schema, Stage, _options.FeatureColumn, backbone.FeatureDimension);
            var vectors = ZeroShotClassifier.ClassVectors(backbone, _options.ClassNames, _options.Templates);
            channel.Say(
                $"{Stage}: {_options.ClassNames.Count} classes in {_options.Templates.Count} templates; activation: {backbone.Model.ActivationReason}."
            );
            return new ZeroShotTransformer(_host, _options, new CosineHead(vectors, _options.ClassNames.Count, backbone.LogitScale));
        }
        finally
        {
            backbone.Release();
        }
    }

    /// <inheritdoc/>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        SchemaCheck.Shape(
            inputSchema,
            Stage,
            _options.FeatureColumn,
            SchemaShape.Column.VectorKind.Vector,
            NumberDataViewType.Single,
            false,
            "a vector of Single of known size"
        );
        return Shapes.Add(inputSchema, Shapes.Score(_options.ScoreColumn), Shapes.PredictedLabel(_options.PredictedLabelColumn));
    }
}
