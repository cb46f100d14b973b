using AirMLNet.Clip;
using AirMLNet.Heads;
using AirMLNet.Options;
using AirMLNet.Pipeline;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace AirMLNet.Prototypes;

/// <summary>
/// The image-side classifier of AiR (methods §4.1, Eq. 6 and 7): one prototype per class, the mean feature of its most
/// confident labelled, pseudo-labelled or, first of all, synthetic images; p̂(c|x) = softmax(cos(f, f_c)/τ).
/// </summary>
/// <remarks>
/// A class without any image has no prototype: its probability is 0, the others share the whole, and a warning names it.
/// The label, confidence and origin columns are needed for fitting only.
/// </remarks>
public sealed class PrototypeClassifierEstimator : IEstimator<PrototypeClassifierTransformer>
{
    internal const string Stage = "PrototypeClassifier";
    private readonly IHost _host;
    private readonly string _output,
        _features;
    private readonly PrototypeClassifierOptions _options;

    internal PrototypeClassifierEstimator(
        IHostEnvironment environment,
        string outputColumnName,
        string featureColumnName,
        PrototypeClassifierOptions options
    )
    {
        ArgumentNullException.ThrowIfNull(options);
        _host = environment.Register(Stage);
        _output = OptionCheck.NotBlank(outputColumnName, nameof(outputColumnName));
        _features = OptionCheck.NotBlank(featureColumnName, nameof(featureColumnName));
        _options = options;
        if (options is { RankByClip: true, ClipFolder: null })
        {
            throw new ArgumentException(
                $"{nameof(PrototypeClassifierOptions.RankByClip)} is set but {nameof(PrototypeClassifierOptions.ClipFolder)} is not; expected the folder of the model that ranks.",
                nameof(options)
            );
        }
    }

    /// <summary>Reads the features and labels once and takes the means.</summary>
    /// <param name="input">Data with features and labels.</param>
    /// <exception cref="ArgumentException">A column is missing or has another type.</exception>
    /// <exception cref="InvalidDataException">There are no rows, or none with a label.</exception>
    public PrototypeClassifierTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        using var channel = _host.Start("Fit");
        var schema = input.Schema;
        var features = SchemaCheck.Vector(schema, Stage, _features);
        var label = SchemaCheck.Label(schema, Stage, _options.LabelColumn);
        var names =
            StageAnnotations.KeyValues(label)
            ?? throw SchemaCheck.Mismatch(
                Stage,
                label.Name,
                $"{label.Type} without KeyValues",
                "a key whose KeyValues are the class names"
            );
        DataViewSchema.Column? confidence = ConfidenceColumn is { } c ? SchemaCheck.Single(schema, Stage, c) : null;
        DataViewSchema.Column? origin =
            _options.PreferSynthetic && schema.GetColumnOrNull(_options.OriginColumn) is not null
                ? SchemaCheck.Text(schema, Stage, _options.OriginColumn)
                : null;
        (var temperature, var ranking) = FromClip(channel, names);
        if (ranking is not null)
        {
            SchemaCheck.Vector(schema, Stage, _features, ranking.Dimension);
        }

        var rows = TrainingRows.Read(input, Stage, features, _options.CancellationToken, label, confidence: confidence, origin: origin);
        FriendMembers.CheckAlive(_host);
        var chosen = ClassPrototypes.Choose(
            rows.Labels,
            names.Count,
            _options.Shots,
            ranking is null ? rows.Confidence : Ranks(rows, ranking),
            rows.Synthetic
        );
        var prototypes = ClassPrototypes.Means(rows.Features.Span, rows.Dimension, chosen, out var present);
        if (!present.Contains(true))
        {
            throw new InvalidDataException($"{Stage}: no row has a label in '{label.Name}'; expected at least one class with an image.");
        }

        var missing = names.Where((_, i) => !present[i]).ToArray();
        if (missing.Length > 0)
        {
            channel.Warn($"{Stage}: no image for {string.Join(", ", missing)}; their {_output} will be 0.");
        }

        channel.Say($"{Stage}: {present.Count(p => p)} prototypes of up to {_options.Shots} images, temperature {temperature:0.####}.");
        return new PrototypeClassifierTransformer(
            _host,
            _output,
            _features,
            _options,
            names,
            new CosineHead(prototypes, names.Count, 1 / temperature, present)
        );
    }

    /// <inheritdoc/>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        SchemaCheck.Shape(
            inputSchema,
            Stage,
            _features,
            SchemaShape.Column.VectorKind.Vector,
            NumberDataViewType.Single,
            false,
            "a vector of Single of known size"
        );
        SchemaCheck.Shape(
            inputSchema,
            Stage,
            _options.LabelColumn,
            SchemaShape.Column.VectorKind.Scalar,
            NumberDataViewType.UInt32,
            true,
            "Key<UInt32> with KeyValues"
        );
        if (ConfidenceColumn is { } confidence)
        {
            SchemaCheck.Shape(
                inputSchema,
                Stage,
                confidence,
                SchemaShape.Column.VectorKind.Scalar,
                NumberDataViewType.Single,
                false,
                "Single"
            );
        }

        return Shapes.Add(inputSchema, Shapes.ClassVector(_output));
    }

    private string? ConfidenceColumn => _options.RankByClip ? null : _options.ConfidenceColumn;

    /// <summary>p(label|x) of each row, 0 where it has no label.</summary>
    private float[] Ranks(TrainingRows rows, CosineHead ranking)
    {
        var p = ranking.Probabilities(rows.Features, _options.CancellationToken);
        return [.. rows.Labels.Select((label, i) => label < 0 ? 0 : p[i * ranking.Classes + label])];
    }

    /// <summary>τ, and the zero-shot classifier where one ranks the images.</summary>
    private (double Temperature, CosineHead? Ranking) FromClip(IChannel channel, IReadOnlyList<string> names)
    {
        if (_options.ClipFolder is not { } folder || (_options.Temperature is not null && !_options.RankByClip))
        {
            return (_options.Temperature ?? 0.01, null);
        }

        var backbone = ClipBackbone.Acquire(
            folder,
            DeviceChoice.Resolve(_host, channel),
            new ClipExecution { Activation = _options.Activation }
        );
        try
        {
            var temperature = _options.Temperature ?? 1 / backbone.LogitScale;
            return (
                temperature,
                _options.RankByClip
                    ? new CosineHead(ZeroShotClassifier.ClassVectors(backbone, names, _options.Templates), names.Count, backbone.LogitScale)
                    : null
            );
        }
        finally
        {
            backbone.Release();
        }
    }
}
