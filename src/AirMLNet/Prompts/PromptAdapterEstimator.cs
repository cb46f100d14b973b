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
/// (methods §2 and §3), and AiR on top of any of them (§4): image-side probabilities join the labelling where a prototype
/// column is named (Eq. 7), and rows of synthetic origin the loss (Eq. 10).
/// </summary>
/// <remarks>
/// A text prompt is trained on image features that are read once. A visual prompt changes the features: images are decoded
/// once, and what no prompt changes is kept (see <see cref="VisualPrompt"/>); its transformer encodes images to score them.
/// The score is p̃ of Eq. 7, or p without prototypes. Which rows are what: synthetic by the origin column; labelled by a key
/// in the true-label column; all others unlabelled, whatever else the row holds. The label columns are needed for fitting
/// only. The seed is MLContext's: same seed, device and thread count, same model.
/// </remarks>
public sealed class PromptAdapterEstimator : IEstimator<PromptAdapterTransformer>
{
    internal const string Stage = "PromptAdapter";
    private readonly IHost _host;
    private readonly PromptAdapterOptions _options;
    private readonly int _seed;

    internal PromptAdapterEstimator(IHostEnvironment environment, PromptAdapterOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _host = environment.Register(Stage);
        _options = options;
        // Options that contradict each other are refused here, not after the features are made.
        _options.Schedule();
        _options.FusionRule();
        ClassSubset.Of(options.ClassNames, options.LabelClasses, nameof(PromptAdapterOptions.LabelClasses));
        _seed = _host.Rand.Next();
    }

    /// <summary>Whether the labels of the first round come from the label column.</summary>
    private bool ReadsLabels => _options is { PseudoLabelWeight: > 0, FirstRoundScoreColumn: null };

    /// <summary>The second vector that a fit reads: scores or candidates of the first round.</summary>
    private string? FirstRoundVector =>
        _options.PseudoLabelWeight == 0
            ? null
            : _options.FirstRoundScoreColumn ?? (_options.Loss == PromptLoss.Candidates ? _options.CandidateColumn : null);

    /// <summary>Reads the features, images and labels once and trains.</summary>
    /// <param name="input">Data with features, labels and, where named, image-side probabilities.</param>
    /// <exception cref="ArgumentException">A column is missing or has another type, or a visual prompt is asked of a ResNet.</exception>
    /// <exception cref="InvalidDataException">There are no rows, or labels of fewer than two classes.</exception>
    /// <exception cref="TrainingDivergedException">The loss is not finite; the message names the step.</exception>
    /// <exception cref="OperationCanceledException">The token of the options, or the context, was cancelled.</exception>
    public PromptAdapterTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        using var channel = _host.Start("Fit");
        var backbone = ClipBackbone.Acquire(
            _options.ClipFolder,
            DeviceChoice.Resolve(_host, channel),
            new ClipExecution { Activation = _options.Activation }
        );
        try
        {
            var schema = input.Schema;
            var classes = _options.ClassNames.Count;
            var features = SchemaCheck.Vector(schema, Stage, _options.FeatureColumn, backbone.FeatureDimension);
            DataViewSchema.Column? prototype = _options.PrototypeColumn is { } p ? SchemaCheck.Vector(schema, Stage, p, classes) : null;
            if (_options.Rounds == 0)
            {
                var zeroShot = ZeroShotClassifier.ClassVectors(backbone, _options.ClassNames, _options.Templates);
                channel.Say($"{Stage}: zero-shot, {classes} classes, {_options.Templates.Count} templates.");
                return new(_host, _options, Head(backbone, zeroShot), [], null);
            }
            DataViewSchema.Column? label = ReadsLabels ? SchemaCheck.Label(schema, Stage, _options.LabelColumn, _options.ClassNames) : null;
            DataViewSchema.Column? known = _options.TrueLabelColumn is { } t
                ? SchemaCheck.Label(schema, Stage, t, _options.ClassNames)
                : null;
            DataViewSchema.Column? first = FirstRoundVector is { } f ? SchemaCheck.Vector(schema, Stage, f, classes) : null;
            DataViewSchema.Column? origin =
                known is not null && schema.GetColumnOrNull(_options.OriginColumn) is not null
                    ? SchemaCheck.Text(schema, Stage, _options.OriginColumn)
                    : null;
            VisualPrompt? visual =
                _options.Prompt == PromptKind.Text ? null : new(backbone, _options.PromptLength, _options.Prompt == PromptKind.VisualDeep);
            DataViewSchema.Column? image = visual is null ? null : ImageSource.Check(schema, Stage, _options.ImageColumn);
            DataViewSchema.Column? made =
                image?.Type is TextDataViewType
                && schema.GetColumnOrNull(_options.SyntheticImageColumn) is { } second
                && second.Type.RawType == typeof(MLImage)
                    ? second
                    : null;
            using var images = visual is null ? null : new FrozenImages(visual, backbone);
            var rows = TrainingRows.Read(
                input,
                Stage,
                features,
                _options.CancellationToken,
                label,
                known,
                vector: prototype,
                origin: origin,
                second: first,
                image: image,
                secondImage: made,
                takeImage: images is null ? null : images.Add
            );
            channel.Say($"{Stage}: {rows.Count} images, {_options.Rounds} rounds of {_options.Epochs} epochs.");
            using var model = Model(backbone, rows, visual, images);
            (var context, var vectors) = Train(
                channel,
                model,
                rows,
                PromptRounds.WantsOneThread(backbone.Model.Config.Text.HiddenSize, _options.Prompt)
                    && backbone.Device.type == DeviceType.CPU
            );
            return new(
                _host,
                _options,
                Head(backbone, vectors),
                context,
                visual is null ? null : ClipBackbone.Acquire(_options.ClipFolder, backbone.Device, backbone.Execution)
            );
        }
        finally
        {
            backbone.Release();
        }
    }

    /// <inheritdoc/>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        Vector(_options.FeatureColumn);
        if (_options.PrototypeColumn is { } prototype)
        {
            Vector(prototype);
        }

        if (_options.Rounds > 0)
        {
            if (ReadsLabels)
            {
                Key(_options.LabelColumn);
            }

            if (_options.TrueLabelColumn is { } known)
            {
                Key(known);
            }

            if (FirstRoundVector is { } first)
            {
                Vector(first);
            }

            if (_options.Prompt != PromptKind.Text && Shapes.Find(inputSchema, _options.ImageColumn)?.ItemType.RawType != typeof(MLImage))
            {
                SchemaCheck.Shape(
                    inputSchema,
                    Stage,
                    _options.ImageColumn,
                    SchemaShape.Column.VectorKind.Scalar,
                    TextDataViewType.Instance,
                    false,
                    ImageSource.Expected
                );
            }
        }
        return Shapes.Add(inputSchema, Shapes.Score(_options.ScoreColumn), Shapes.PredictedLabel(_options.PredictedLabelColumn));

        void Vector(string name) =>
            SchemaCheck.Shape(
                inputSchema,
                Stage,
                name,
                SchemaShape.Column.VectorKind.Vector,
                NumberDataViewType.Single,
                false,
                "a vector of Single of known size"
            );

        void Key(string name) =>
            SchemaCheck.Shape(
                inputSchema,
                Stage,
                name,
                SchemaShape.Column.VectorKind.Scalar,
                NumberDataViewType.UInt32,
                true,
                "Key<UInt32>"
            );
    }

    private IPromptModel Model(ClipBackbone backbone, TrainingRows rows, VisualPrompt? visual, FrozenImages? images)
    {
        var classes = _options.ClassNames.Count;
        if (visual is null)
        {
            return new TextPromptModel(
                new SharedPrompt(backbone, _options.ClassNames, _options.PromptLength),
                rows.Features,
                rows.Dimension,
                classes,
                backbone.LogitScale,
                backbone.Device
            );
        }
        images!.Complete();
        var vectors = ZeroShotClassifier.ClassVectors(backbone, _options.ClassNames, _options.Templates);
        return new VisualPromptModel(visual, images, vectors, classes, backbone.LogitScale, backbone.Device);
    }

    private (float[] Context, float[] ClassVectors) Train(IChannel channel, IPromptModel model, TrainingRows rows, bool oneThread)
    {
        var total = (long)_options.Rounds * _options.Epochs;
        double last = 0;
        var rounds = new PromptRounds(model, _options)
        {
            BeforeStep = () =>
            {
                _options.CancellationToken.ThrowIfCancellationRequested();
                FriendMembers.CheckAlive(_host);
            },
            BeforeRound = (round, count, synthetic, empty) =>
            {
                var made = synthetic > 0 ? $" and {synthetic} synthetic" : "";
                channel.Say(
                    $"{Stage}: round {round} of {_options.Rounds}: {count} labelled{made} images.{(round > 1 ? $" Loss of the round before: {last:0.####}." : "")}"
                );
                if (empty.Length > 0)
                {
                    channel.Warn($"{Stage}: round {round} has no image for {string.Join(", ", empty)}.");
                }
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

    private CosineHead Head(ClipBackbone backbone, float[] vectors) => new(vectors, _options.ClassNames.Count, backbone.LogitScale);
}
