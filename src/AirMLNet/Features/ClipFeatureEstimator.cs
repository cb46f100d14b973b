using AirMLNet.Clip;
using AirMLNet.Options;
using AirMLNet.Pipeline;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace AirMLNet.Features;

/// <summary>
/// Turns images into CLIP features: a Text column of file paths, or a column of MLImage, becomes a Vector&lt;Single, D&gt;
/// of length 1 (methods §1.1). Nothing is trained; fitting loads the model and checks the input.
/// </summary>
/// <remarks>
/// In a chain, the stages that follow read the features several times while they are fitted. The features of the fitted
/// data are kept for that (<see cref="ClipFeatureOptions.KeepTrainingFeatures"/>), so that each image is encoded once.
/// <c>AppendCacheCheckpoint</c> after this stage does the same for every column, at the price of memory for all of them.
/// </remarks>
public sealed class ClipFeatureEstimator : IEstimator<ClipFeatureTransformer>
{
    internal const string Stage = "ClipFeature";
    private readonly IHost _host;
    private readonly IHostEnvironment _environment;
    private readonly string _output,
        _input;
    private readonly ClipFeatureOptions _options;

    internal ClipFeatureEstimator(
        IHostEnvironment environment,
        string outputColumnName,
        string? inputColumnName,
        ClipFeatureOptions options
    )
    {
        ArgumentNullException.ThrowIfNull(options);
        _environment = environment;
        _host = environment.Register(Stage);
        _output = OptionCheck.NotBlank(outputColumnName, nameof(outputColumnName));
        _input = OptionCheck.NullOrNotBlank(inputColumnName, nameof(inputColumnName)) ?? outputColumnName;
        _options = options;
    }

    /// <summary>Loads the model and checks the schema of <paramref name="input"/>; no row is read.</summary>
    /// <param name="input">Data with the input column.</param>
    /// <exception cref="ArgumentException">The input column is missing, or neither Text nor MLImage.</exception>
    public ClipFeatureTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        ClipFeatureTransformer.CheckInput(input.Schema, _input);
        using var channel = _host.Start("Fit");
        var backbone = ClipBackbone.Acquire(_options.ClipFolder, DeviceChoice.Resolve(_environment, channel), _options.Execution);
        channel.Say(
            $"{Stage}: {backbone.Name}, {backbone.FeatureDimension} features per image, {_options.Precision}; activation: {backbone.Model.ActivationReason}."
        );
        return new ClipFeatureTransformer(_host, _output, _input, _options, backbone, _options.KeepTrainingFeatures ? input : null);
    }

    /// <inheritdoc/>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        var column = Shapes.Find(inputSchema, _input);
        if (
            column is not { ItemType: TextDataViewType, Kind: SchemaShape.Column.VectorKind.Scalar }
            && column?.ItemType.RawType != typeof(MLImage)
        )
        {
            SchemaCheck.Shape(
                inputSchema,
                Stage,
                _input,
                SchemaShape.Column.VectorKind.Scalar,
                TextDataViewType.Instance,
                false,
                ClipFeatureTransformer.Expected
            );
        }

        return Shapes.Add(inputSchema, Shapes.Vector(_output));
    }
}
