using AirMLNet.Clip;
using AirMLNet.Options;
using AirMLNet.Pipeline;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace AirMLNet.Features;

/// <summary>
/// Turns texts into CLIP features: a Text column becomes a Vector&lt;Single, D&gt; of length 1, whose dot product with an
/// image feature of the same model is their cosine: image search by text. Nothing is trained.
/// </summary>
public sealed class ClipTextFeatureEstimator : IEstimator<ClipTextFeatureTransformer>
{
    internal const string Stage = "ClipTextFeature";
    private readonly IHost _host;
    private readonly string _output,
        _input;
    private readonly ClipTextFeatureOptions _options;

    internal ClipTextFeatureEstimator(
        IHostEnvironment environment,
        string outputColumnName,
        string? inputColumnName,
        ClipTextFeatureOptions options
    )
    {
        ArgumentNullException.ThrowIfNull(options);
        _host = environment.Register(Stage);
        _output = OptionCheck.NotBlank(outputColumnName, nameof(outputColumnName));
        _input = OptionCheck.NullOrNotBlank(inputColumnName, nameof(inputColumnName)) ?? outputColumnName;
        _options = options;
    }

    /// <summary>Loads the model and checks the schema of <paramref name="input"/>; no row is read.</summary>
    /// <param name="input">Data with the input column.</param>
    /// <exception cref="ArgumentException">The input column is missing or not Text.</exception>
    public ClipTextFeatureTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        SchemaCheck.Text(input.Schema, Stage, _input);
        using var channel = _host.Start("Fit");
        var backbone = ClipBackbone.Acquire(_options.ClipFolder, DeviceChoice.Resolve(_host, channel), _options.Execution);
        channel.Say(
            $"{Stage}: {backbone.Name}, {backbone.FeatureDimension} features per text, {_options.Precision}; activation: {backbone.Model.ActivationReason}."
        );
        return new ClipTextFeatureTransformer(_host, _output, _input, _options, backbone);
    }

    /// <inheritdoc/>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        SchemaCheck.Shape(inputSchema, Stage, _input, SchemaShape.Column.VectorKind.Scalar, TextDataViewType.Instance, false, "Text");
        return Shapes.Add(inputSchema, Shapes.Vector(_output));
    }
}
