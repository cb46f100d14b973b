using AirMLNet.Heads;
using AirMLNet.Options;
using AirMLNet.Pipeline;
using Microsoft.ML;
using Microsoft.ML.Runtime;

namespace AirMLNet.Prototypes;

/// <summary>
/// The image-side classifier of AiR (Eq. 6 and 7; <c>docs/methods.md</c> §4.1): one prototype per class, the mean feature of its
/// surest or most typical labelled, pseudo-labelled or, first of all, synthetic images; p̂(c|x) = softmax(cos(f, f_c)/τ). Fitting reads
/// features and labels once.
/// </summary>
/// <remarks>
/// A class without any image has no prototype: its probability is 0, the others share the whole, and a warning names it.
/// The label, confidence and origin columns are needed for fitting only. With <see cref="PrototypeAdaptation.FineTune"/> it is LatteCLIP's
/// trainer, <see cref="LatteClipEstimator"/>: see there.
/// </remarks>
public sealed class PrototypeClassifierEstimator : StageEstimator<PrototypeClassifierTransformer>
{
    internal const string Stage = "PrototypeClassifier";
    private readonly string _output,
        _features;
    private readonly PrototypeClassifierOptions _options;
    private readonly LatteClipEstimator? _tuning;

    internal PrototypeClassifierEstimator(
        IHostEnvironment environment,
        string outputColumnName,
        string featureColumnName,
        PrototypeClassifierOptions options
    )
        : base(environment, Stage)
    {
        ArgumentNullException.ThrowIfNull(options);
        _output = OptionCheck.NotBlank(outputColumnName, nameof(outputColumnName));
        _features = OptionCheck.NotBlank(featureColumnName, nameof(featureColumnName));
        _options = options;
        if (options.Adaptation == PrototypeAdaptation.FineTune)
        {
            var tuning =
                options.FineTuning
                ?? throw new ArgumentException(
                    $"{nameof(PrototypeClassifierOptions.Adaptation)} is {options.Adaptation} but "
                        + $"{nameof(PrototypeClassifierOptions.FineTuning)} is not set; expected how CLIP is fine-tuned.",
                    nameof(options)
                );
            _tuning = new(environment, tuning with { ScoreColumn = _output });
        }
        else if (options.ClipFolder is null && RanksByText)
        {
            throw new ArgumentException(
                $"{nameof(PrototypeClassifierOptions.Ranking)} is {options.Ranking} but {nameof(PrototypeClassifierOptions.ClipFolder)} is "
                    + $"not set; "
                    + "expected the folder of the model that ranks.",
                nameof(options)
            );
        }
    }

    private bool RanksByText => _options.Ranking is PrototypeRanking.Probability or PrototypeRanking.Cosine;

    private string? ConfidenceColumn => _options.Ranking == PrototypeRanking.Column ? _options.ConfidenceColumn : null;

    /// <summary>Whether it matters which rows are synthetic.</summary>
    private bool ReadsOrigin => _options.PreferSynthetic || _options.Centre;

    private protected override IEnumerable<InputColumn> Inputs(SchemaShape input) => _tuning?.Reads(input) ?? FrozenInputs();

    private IEnumerable<InputColumn> FrozenInputs()
    {
        yield return InputColumn.Vector(_features);
        yield return InputColumn.Label(_options.LabelColumn);
        if (ConfidenceColumn is { } confidence)
        {
            yield return InputColumn.Single(confidence);
        }

        if (ReadsOrigin)
        {
            yield return InputColumn.Text(_options.OriginColumn) with
            {
                Optional = true,
            };
        }
    }

    private protected override IEnumerable<SchemaShape.Column> Outputs(SchemaShape input) =>
        _tuning?.Adds(input) ?? [OutputColumns.ClassVector(_output)];

    private protected override PrototypeClassifierTransformer Fit(IDataView input, IChannel channel)
    {
        if (_tuning is not null)
        {
            return new PrototypeClassifierTransformer(Host, _features, _options, _tuning.Fit(input));
        }

        var schema = input.Schema;
        var label = schema[_options.LabelColumn];
        var names =
            StageAnnotations.KeyValues(label) ?? throw InputColumn.Label(label.Name).Mismatch(Stage, $"{label.Type} without KeyValues");
        (var temperature, var ranking) = FromClip(channel, names, schema);
        var rows = new TrainingRows(input, Stage);
        var features = rows.Vectors(schema[_features]);
        var labels = rows.Classes(label);
        var confidence = rows.Numbers(ConfidenceColumn is { } c ? schema[c] : null);
        var synthetic = rows.Synthetic(ReadsOrigin ? schema.GetColumnOrNull(_options.OriginColumn) : null);
        rows.Read(_options.CancellationToken);
        FriendMembers.CheckAlive(Host);
        var centred = _options.Centre ? CentredFeatures.Of(features.Values.Span, features.Dimension, synthetic) : null;
        var values = centred?.Values ?? features.Values;
        var preferred = _options.PreferSynthetic ? synthetic : [];
        var chosen = ClassPrototypes.Choose(
            labels,
            names.Count,
            _options.Shots,
            _options.Ranking switch
            {
                PrototypeRanking.Column => confidence,
                PrototypeRanking.Typicality => ClassPrototypes.Typicality(values.Span, features.Dimension, labels, names.Count, preferred),
                _ => Ranks(features.Values, labels, ranking!),
            },
            preferred
        );
        var prototypes = ClassPrototypes.Means(values.Span, features.Dimension, chosen, out var present);
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
            Host,
            _output,
            _features,
            _options,
            names,
            new CosineHead(prototypes, names.Count, 1 / temperature, present, centred?.Mean)
        );
    }

    /// <summary>p(label|x) of each row, or the cosine to the label's text; 0 where it has no label.</summary>
    private float[] Ranks(ReadOnlyMemory<float> features, IReadOnlyList<int> labels, CosineHead ranking)
    {
        var p = _options.Ranking == PrototypeRanking.Probability ? ranking.Probabilities(features, _options.CancellationToken) : null;
        return
        [
            .. labels.Select(
                (label, i) =>
                    label < 0 ? 0
                    : p is null ? ranking.Cosine(features.Span.Slice(i * ranking.Dimension, ranking.Dimension), label)
                    : p[i * ranking.Classes + label]
            ),
        ];
    }

    /// <summary>τ, and the zero-shot classifier where one ranks the images.</summary>
    private (double Temperature, CosineHead? Ranking) FromClip(IChannel channel, IReadOnlyList<string> names, DataViewSchema schema)
    {
        if (_options.ClipFolder is not { } folder || (_options.Temperature is not null && !RanksByText))
        {
            return (_options.Temperature ?? 0.01, null);
        }

        using var model = Model(channel, folder, _options.Activation);
        InputColumn.Features(_features, model.Backbone).Find(schema, Stage);
        return (
            _options.Temperature ?? 1 / model.Backbone.LogitScale,
            RanksByText ? TextHead.Of(model.Backbone, names, _options.Templates, _options.CancellationToken, Warn) : null
        );
    }
}
