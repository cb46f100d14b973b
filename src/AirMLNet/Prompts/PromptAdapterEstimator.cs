using AirMLNet.Clip;
using AirMLNet.Persistence;
using AirMLNet.Pipeline;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using TorchSharp;

namespace AirMLNet.Prompts;

/// <summary>
/// Tunes a text prompt shared by all classes on pseudo-labelled images, relabelling between the rounds (FPL, IFPL and GRIP,
/// methods §2 and §3.2), and fuses the result with image-side probabilities where a prototype column is named (§4.1, Eq. 7).
/// </summary>
/// <remarks>
/// Only the prompt is trained; image features are read once. The score is (p + λ·p̂)/(1 + λ), or p without prototypes.
/// The label columns are needed for fitting only. The seed is MLContext's: same seed, device and thread count, same model.
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
        _options.Schedule(); // options that contradict each other are refused here, not after the features are made
        _seed = _host.Rand.Next();
    }

    /// <summary>Reads the features and labels once and trains.</summary>
    /// <param name="input">Data with features, labels and, where named, image-side probabilities.</param>
    /// <exception cref="ArgumentException">A column is missing or has another type.</exception>
    /// <exception cref="InvalidDataException">There are no rows, or labels of fewer than two classes.</exception>
    /// <exception cref="TrainingDivergedException">The loss is not finite; the message names the step.</exception>
    /// <exception cref="OperationCanceledException">The token of the options, or the context, was cancelled.</exception>
    public PromptAdapterTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        using IChannel channel = _host.Start("Fit");
        ClipBackbone backbone = ClipBackbone.Acquire(_options.ClipFolder, DeviceChoice.Resolve(_host, channel));
        try
        {
            DataViewSchema schema = input.Schema;
            DataViewSchema.Column features = SchemaCheck.Vector(schema, Stage, _options.FeatureColumn, backbone.FeatureDimension);
            DataViewSchema.Column? prototype = _options.PrototypeColumn is { } p ? SchemaCheck.Vector(schema, Stage, p, _options.ClassNames.Count) : null;
            if (_options.Rounds == 0)
            {
                float[] zeroShot = ZeroShotClassifier.ClassVectors(backbone, _options.ClassNames, _options.Templates);
                channel.Say($"{Stage}: zero-shot, {_options.ClassNames.Count} classes, {_options.Templates.Count} templates.");
                return Transformer(backbone, zeroShot, []);
            }
            DataViewSchema.Column label = SchemaCheck.Label(schema, Stage, _options.LabelColumn, _options.ClassNames);
            DataViewSchema.Column? known = _options.TrueLabelColumn is { } t ? SchemaCheck.Label(schema, Stage, t, _options.ClassNames) : null;
            TrainingRows rows = TrainingRows.Read(input, Stage, features, _options.CancellationToken, label, known, vector: prototype);
            channel.Say($"{Stage}: {rows.Count} images, {_options.Rounds} rounds of {_options.Epochs} epochs.");
            (float[] context, float[] vectors) = Train(channel, backbone, rows);
            return Transformer(backbone, vectors, context);
        }
        finally
        {
            backbone.Release();
        }
    }

    /// <inheritdoc/>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        const string vector = "a vector of Single of known size";
        SchemaCheck.Shape(inputSchema, Stage, _options.FeatureColumn, SchemaShape.Column.VectorKind.Vector, NumberDataViewType.Single, false, vector);
        if (_options.PrototypeColumn is { } prototype)
            SchemaCheck.Shape(inputSchema, Stage, prototype, SchemaShape.Column.VectorKind.Vector, NumberDataViewType.Single, false, vector);
        if (_options.Rounds > 0)
        {
            SchemaCheck.Shape(inputSchema, Stage, _options.LabelColumn, SchemaShape.Column.VectorKind.Scalar, NumberDataViewType.UInt32, true, "Key<UInt32>");
            if (_options.TrueLabelColumn is { } known)
                SchemaCheck.Shape(inputSchema, Stage, known, SchemaShape.Column.VectorKind.Scalar, NumberDataViewType.UInt32, true, "Key<UInt32>");
        }
        return Shapes.Add(inputSchema, Shapes.Score(_options.ScoreColumn), Shapes.PredictedLabel(_options.PredictedLabelColumn));
    }

    private (float[] Context, float[] ClassVectors) Train(IChannel channel, ClipBackbone backbone, TrainingRows rows)
    {
        using var prompt = new SharedPrompt(backbone, _options.ClassNames, _options.PromptLength);
        long total = (long)_options.Rounds * _options.Epochs;
        double last = 0;
        var rounds = new PromptRounds(prompt, _options, backbone.LogitScale, backbone.Device)
        {
            BeforeStep = () =>
            {
                _options.CancellationToken.ThrowIfCancellationRequested();
                FriendMembers.CheckAlive(_host);
            },
            BeforeRound = (round, count, empty) =>
            {
                channel.Say($"{Stage}: round {round} of {_options.Rounds}: {count} labelled images.{(round > 1 ? $" Loss of the round before: {last:0.####}." : "")}");
                if (empty.Length > 0) channel.Warn($"{Stage}: round {round} has no image for {string.Join(", ", empty)}.");
            },
            AfterEpoch = (round, epoch, loss) =>
            {
                last = loss;
                _options.Progress?.Report(new(Stage, $"round {round} of {_options.Rounds}", (round - 1L) * _options.Epochs + epoch, total, loss));
            },
        };
        (float[] context, float[] vectors) = rounds.Run(rows, _seed);
        channel.Say($"{Stage}: trained; last loss {last:0.####}.");
        return (context, vectors);
    }

    private PromptAdapterTransformer Transformer(ClipBackbone backbone, float[] vectors, float[] context)
        => new(_host, _options, new CosineHead(vectors, _options.ClassNames.Count, backbone.LogitScale), context);
}
