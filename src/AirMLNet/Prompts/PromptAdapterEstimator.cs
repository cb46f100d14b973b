using AirMLNet.Clip;
using AirMLNet.Heads;
using AirMLNet.Layers;
using AirMLNet.Pipeline;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using TorchSharp;

namespace AirMLNet.Prompts;

/// <summary>
/// Tunes a prompt on pseudo-labelled, labelled and synthetic images, relabelling between the rounds: FPL, IFPL, GRIP and CPL
/// (<c>docs/methods.md</c> §2 and §3), and AiR on top of any of them (§4): image-side probabilities join the labelling where a
/// prototype column is named (Eq. 7), and rows of synthetic origin the loss (Eq. 10). Fitting reads features, images and labels
/// once, and trains.
/// </summary>
/// <remarks>
/// A text prompt is trained on image features that are read once. A visual prompt changes the features: images are decoded
/// once, and what no prompt changes is kept (see <see cref="VisualPrompt"/>); its transformer encodes images to score them.
/// The score is p̃ of Eq. 7, or p without prototypes. Which rows are what: synthetic by the origin column; labelled by a key
/// in the true-label column; all others unlabelled, whatever else the row holds. The label columns are needed for fitting
/// only. The seed is MLContext's: same seed, device and thread count, same model.
/// A fit throws <see cref="Optimisation.TrainingDivergedException"/> where the loss is not finite, and <see cref="ArgumentException"/>
/// where a
/// visual prompt is asked of a ResNet.
/// </remarks>
public sealed class PromptAdapterEstimator : StageEstimator<PromptAdapterTransformer>
{
    internal const string Stage = "PromptAdapter";
    private readonly PromptAdapterOptions _options;
    private readonly int _seed;

    internal PromptAdapterEstimator(IHostEnvironment environment, PromptAdapterOptions options)
        : base(environment, Stage)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
        // Options that contradict each other are refused here, not after the features are made.
        if (_options.Rounds > 0)
        {
            _options.Schedule();
        }

        _options.FusionRule();
        ClassSubset.Of(options.ClassNames, options.LabelClasses, nameof(PromptAdapterOptions.LabelClasses));
        _seed = Host.Rand.Next();
    }

    /// <summary>Whether the labels of the first round come from the label column.</summary>
    private bool ReadsLabels => _options is { PseudoLabelWeight: > 0, FirstRoundScoreColumn: null };

    /// <summary>Scores or candidates of the first round; null where neither is read.</summary>
    private string? FirstRoundColumn =>
        _options.PseudoLabelWeight == 0
            ? null
            : _options.FirstRoundScoreColumn ?? (_options.Loss == PromptLoss.Candidates ? _options.CandidateColumn : null);

    private protected override IEnumerable<InputColumn> Inputs(SchemaShape input)
    {
        var classes = _options.ClassNames.Count;
        yield return InputColumn.Vector(_options.FeatureColumn);
        if (_options.PrototypeColumn is { } prototype)
        {
            yield return InputColumn.Vector(prototype, classes);
        }

        if (_options.Rounds == 0)
        {
            yield break; // the zero-shot classifier reads nothing else
        }

        if (ReadsLabels)
        {
            yield return InputColumn.Label(_options.LabelColumn, _options.ClassNames);
        }

        if (_options.TrueLabelColumn is { } known)
        {
            yield return InputColumn.Label(known, _options.ClassNames);
            yield return InputColumn.Text(_options.OriginColumn) with
            {
                Optional = true,
            };
        }

        if (FirstRoundColumn is { } first)
        {
            yield return InputColumn.Vector(first, classes);
        }

        if (_options.Prompt != PromptKind.Text)
        {
            yield return InputColumn.Image(_options.ImageColumn);
        }
    }

    private protected override IEnumerable<SchemaShape.Column> Outputs(SchemaShape input) =>
        [OutputColumns.Score(_options.ScoreColumn), OutputColumns.PredictedLabel(_options.PredictedLabelColumn)];

    private protected override PromptAdapterTransformer Fit(IDataView input, IChannel channel)
    {
        _options.CancellationToken.ThrowIfCancellationRequested();
        using var model = Model(channel, _options.ClipFolder, _options.Activation);
        var clip = model.Backbone;
        InputColumn.Features(_options.FeatureColumn, clip).Find(input.Schema, Stage);
        if (_options.Rounds == 0)
        {
            channel.Say($"{Stage}: zero-shot, {_options.ClassNames.Count} classes, {_options.Templates.Count} templates.");
            return new(
                Host,
                _options,
                TextHead.Of(clip, _options.ClassNames, _options.Templates, _options.CancellationToken, Warn),
                [],
                null
            );
        }

        VisualPrompt? visual =
            _options.Prompt == PromptKind.Text ? null : new(clip, _options.PromptLength, _options.Prompt == PromptKind.VisualDeep);
        if (visual is null)
        {
            _ = SharedPrompt.Names(clip, _options.ClassNames, _options.PromptLength); // before images are encoded
        }
        using var images = visual is null ? null : new FrozenImages(visual, clip, _options.CancellationToken);
        var rows = Read(input, images);
        channel.Say($"{Stage}: {rows.Count} images, {_options.Rounds} rounds of {_options.Epochs} epochs.");
        using IPromptModel prompt = visual is null ? TextModel(clip, rows) : VisualModel(clip, visual, images!);
        var oneThread =
            PromptRounds.WantsOneThread(clip.Model.Config.Text.HiddenSize, _options.Prompt) && clip.Device.type == DeviceType.CPU;
        List<RoundSummary> rounds = [];
        (var context, var vectors) = Train(channel, prompt, rows, oneThread, rounds);
        var head = new CosineHead(vectors, _options.ClassNames.Count, clip.LogitScale);
        return new(Host, _options, head, context, visual is null ? null : model.Keep()) { Rounds = rounds };
    }

    /// <summary>Reads the rows; images go to <paramref name="images"/> where there is a visual prompt.</summary>
    private PromptRows Read(IDataView input, FrozenImages? images)
    {
        var schema = input.Schema;
        var rows = new TrainingRows(input, Stage);
        var features = rows.Vectors(schema[_options.FeatureColumn]);
        var labels = rows.Classes(ReadsLabels ? schema[_options.LabelColumn] : null);
        var trueLabels = rows.Classes(Named(_options.TrueLabelColumn));
        var synthetic = rows.Synthetic(_options.TrueLabelColumn is null ? null : schema.GetColumnOrNull(_options.OriginColumn));
        var prototype = rows.Vectors(Named(_options.PrototypeColumn));
        var first = rows.Vectors(Named(FirstRoundColumn));
        if (images is not null)
        {
            var image = schema[_options.ImageColumn];
            DataViewSchema.Column? generated =
                image.Type is TextDataViewType
                && schema.GetColumnOrNull(_options.SyntheticImageColumn) is { } column
                && column.Type.RawType == typeof(MLImage)
                    ? column
                    : null;
            rows.Images(image, generated, images.Add);
        }

        rows.Read(_options.CancellationToken);
        images?.Complete();
        return new(features.Values, features.Dimension, labels, trueLabels, synthetic, prototype.Values, first.Values);

        DataViewSchema.Column? Named(string? name) => name is null ? null : schema[name];
    }

    private TextPromptModel TextModel(ClipBackbone clip, PromptRows rows) =>
        new(
            new SharedPrompt(clip, _options.ClassNames, _options.PromptLength),
            rows.Features,
            rows.Dimension,
            _options.ClassNames.Count,
            clip.LogitScale,
            clip.Device
        );

    private VisualPromptModel VisualModel(ClipBackbone clip, VisualPrompt visual, FrozenImages images) =>
        new(visual, images, TextHead.Of(clip, _options.ClassNames, _options.Templates, _options.CancellationToken, Warn), clip.Device);

    private (float[] Context, float[] ClassVectors) Train(
        IChannel channel,
        IPromptModel model,
        PromptRows rows,
        bool oneThread,
        List<RoundSummary> summaries
    )
    {
        var total = (long)_options.Rounds * _options.Epochs;
        double last = 0;
        var rounds = new PromptRounds(model, _options)
        {
            BeforeStep = () =>
            {
                _options.CancellationToken.ThrowIfCancellationRequested();
                FriendMembers.CheckAlive(Host);
            },
            BeforeRound = (round, count, synthetic, empty) =>
            {
                var made = synthetic > 0 ? $" and {synthetic} synthetic" : "";
                var before = round > 1 ? $" Loss of the round before: {last:0.####}." : "";
                channel.Say($"{Stage}: round {round} of {_options.Rounds}: {count} labelled{made} images.{before}");
                if (empty.Length > 0)
                {
                    channel.Warn($"{Stage}: round {round} has no image for {string.Join(", ", empty)}.");
                }
            },
            Labelled = labels =>
            {
                summaries.Add(RoundSummary.Of(labels, _options.ClassNames.Count));
                _options.Labelled?.Invoke(labels);
            },
            AfterEpoch = (round, epoch, loss) =>
            {
                last = loss;
                _options.Progress?.Report(
                    new(Stage, $"round {round} of {_options.Rounds}", (round - 1L) * _options.Epochs + epoch, total, loss)
                );
            },
        };
        using var threads = new ThreadCount(oneThread ? 1 : 0);
        (var context, var vectors) = rounds.Run(rows, _seed);
        channel.Say($"{Stage}: trained; last loss {last:0.####}.");
        return (context, vectors);
    }
}
