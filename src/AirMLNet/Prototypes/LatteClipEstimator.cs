using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using AirMLNet.Clip;
using AirMLNet.FineTuning;
using AirMLNet.Heads;
using AirMLNet.Images;
using AirMLNet.Options;
using AirMLNet.Pipeline;
using Microsoft.ML;
using Microsoft.ML.Runtime;
using static TorchSharp.torch;

namespace AirMLNet.Prototypes;

/// <summary>
/// Fine-tunes CLIP on unlabelled images (LatteCLIP; <c>docs/methods.md</c> §5): both towers learn by contrast with class prototypes that
/// are
/// mixed of texts about images, groups and classes; the prototypes are the classifier. Its baselines with class templates in the
/// prototypes'
/// place, FLYP with pseudo-labels and the oracle, are a <see cref="LatteClipOptions.Method"/>.
/// </summary>
/// <remarks>
/// <para>The image tower changes, so the stage reads images itself, in training and in scoring, and a saved model always holds its own
/// tower.
/// <see cref="LatteClipTransformer.ExportClip"/> writes the tuned CLIP as a model folder, from which every other stage can start.</para>
/// <para>A fit that was interrupted goes on from its last checkpoint in <see cref="LatteClipOptions.WorkFolder"/>, given the same data and
/// options.</para>
/// <para>Besides what every fit throws: <see cref="Optimisation.TrainingDivergedException"/> where the loss is not finite,
/// <see cref="UnreadableImageException"/> for an image that cannot be read, <see cref="InvalidOperationException"/> where the folder holds
/// a
/// checkpoint of other data or options, and <see cref="IOException"/> where one cannot be written.</para>
/// </remarks>
public sealed class LatteClipEstimator : StageEstimator<LatteClipTransformer>
{
    internal const string Stage = "LatteClip";
    private readonly LatteClipOptions _options;
    private readonly int _seed;

    internal LatteClipEstimator(IHostEnvironment environment, LatteClipOptions options)
        : base(environment, Stage)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
        _seed = Host.Rand.Next();
        Environment = environment;
        if (options is { Method: FineTuneMethod.LatteClip, ZeroShotLoss: false, CurrentLoss: false })
        {
            throw new ArgumentException(
                $"{nameof(LatteClipOptions.ZeroShotLoss)} and {nameof(LatteClipOptions.CurrentLoss)} are both off; expected one.",
                nameof(options)
            );
        }

        if (options is { Method: FineTuneMethod.LatteClip, ClassText: false, ImageTextColumn: null, GroupTextColumn: null })
        {
            throw new ArgumentException(
                $"{nameof(LatteClipOptions.ClassText)} is off and no text column is named; expected one kind of text.",
                nameof(options)
            );
        }
    }

    private IHostEnvironment Environment { get; }

    internal IEnumerable<InputColumn> Reads(SchemaShape input) => Inputs(input);

    internal IEnumerable<SchemaShape.Column> Adds(SchemaShape input) => Outputs(input);

    private bool Mixes => _options.Method == FineTuneMethod.LatteClip;

    private protected override IEnumerable<InputColumn> Inputs(SchemaShape input)
    {
        yield return InputColumn.Image(_options.ImageColumn);
        yield return InputColumn.Label(_options.LabelColumn, _options.ClassNames);
        foreach (var text in new[] { _options.ImageTextColumn, _options.GroupTextColumn })
        {
            if (Mixes && text is not null)
            {
                yield return InputColumn.Text(text);
            }
        }
    }

    private protected override IEnumerable<SchemaShape.Column> Outputs(SchemaShape input) =>
        [OutputColumns.Score(_options.ScoreColumn), OutputColumns.PredictedLabel(_options.PredictedLabelColumn)];

    private protected override LatteClipTransformer Fit(IDataView input, IChannel channel)
    {
        var device = DeviceChoice.Resolve(Environment, channel);
        var rows = Read(input);
        Warn(channel, rows);
        var tokenizer = ClipTokenizer.Load(_options.ClipFolder);
        using var scope = NewDisposeScope();
        using var model = ClipModel.Load(_options.ClipFolder, device, _options.Activation);
        Action<string> warn = _options.TextsAreTold ? _ => { } : Warn;
        var templates = ClassTexts.Ids(tokenizer, _options.ClassNames, _options.Templates, device, warn); // [C, T, L]
        var classIds = templates.select(1, 0).contiguous();
        using var latte = Mixes ? Latte(model, templates, rows, tokenizer) : null;
        using var flyp = Mixes ? null : Flyp(classIds, rows);
        var plan = Plan(rows);
        var (_, steps) = FineTuneTrainer.Steps(plan, rows.Images.Count);
        channel.Say($"{Stage}: {rows.Images.Count} images, {steps} steps of {Math.Min(plan.BatchSize, rows.Images.Count)}.");
        var crop = _options.MinCropArea < 1 ? new RandomCrop(_options.MinCropArea) : null;
        var images = new FineTuneImages(
            i => ImageSource.Load(rows.Images[i], ImageFile.MaxPixels),
            ClipPreprocessor.Load(_options.ClipFolder),
            crop,
            _seed
        );
        using var half =
            _options.TrainingPrecision == ClipPrecision.BFloat16
                ? new HalfCopy(model, ClipModel.Load(_options.ClipFolder, device, _options.Activation))
                : null;
        FineTuneTrainer.Run(model, rows.Images.Count, images, (IFineTuneObjective?)latte ?? flyp!, plan, new DirectProgress(Report), half);
        using var off = no_grad();
        return Finish(channel, model, ClipModel.Normalise(latte?.Bank.Prototypes ?? ReClipStep.ClassVectors(model, templates)));
    }

    private void Report(ProgressReport report)
    {
        FriendMembers.CheckAlive(Host);
        _options.Progress?.Report(report with { Source = Stage });
    }

    private LatteClipTransformer Finish(IChannel channel, ClipModel model, Tensor classes)
    {
        var folder = Path.Combine(_options.WorkFolder, "clip");
        TunedClip.Write(model, _options.ClipFolder, folder, _options.Precision);
        var vectors = classes.cpu().contiguous().data<float>().ToArray();
        var head = new CosineHead(vectors, _options.ClassNames.Count, Math.Exp(model.logit_scale.item<float>()));
        channel.Say($"{Stage}: the tuned model is in {folder}; scale {head.Scale:0.##}.");
        using var tuned = Model(channel, folder, TunedClip.Execution(_options));
        return new LatteClipTransformer(Host, _options, head, tuned.Keep());
    }

    private LatteObjective Latte(ClipModel model, Tensor templates, TrainingData rows, ClipTokenizer tokenizer)
    {
        using var off = no_grad();
        return new(
            ReClipStep.ClassVectors(model, templates),
            templates.select(1, 0).contiguous(),
            rows.Labels,
            Texts(tokenizer, rows.ImageTexts),
            Texts(tokenizer, rows.GroupTexts),
            _options.Rule,
            _options.GroupTexts,
            _seed
        );
    }

    private FlypObjective Flyp(Tensor classIds, TrainingData rows) =>
        new(classIds, _options.Method == FineTuneMethod.FlypGivenLabels ? rows.Labels : null);

    private FineTunePlan Plan(TrainingData rows) =>
        new()
        {
            Epochs = _options.Epochs,
            MostSteps = _options.MostSteps,
            BatchSize = _options.BatchSize,
            Chunk = _options.Chunk,
            Schedule = new FineTuneSchedule
            {
                LearningRate = _options.LearningRate,
                WarmUpSteps = _options.WarmUpSteps,
                WeightDecay = _options.WeightDecay,
            },
            Seed = _seed,
            CheckpointFolder = Path.Combine(_options.WorkFolder, "checkpoint"),
            CheckpointSteps = _options.CheckpointSteps,
            Settings = Settings(rows),
            CancellationToken = _options.CancellationToken,
        };

    /// <summary>A hash of all that the weights depend on: options, seed, images, labels and texts.</summary>
    private string Settings(TrainingData rows)
    {
        // Where things are kept, and how much at a time, changes nothing.
        var options = JsonSerializer.Serialize(_options with { WorkFolder = "-", CheckpointSteps = 1 }, OptionsJson.Settings);
        string[] parts =
        [
            options,
            $"{_seed}",
            .. rows.Images.Select(i => i as string ?? "image"),
            .. rows.Labels.Select(l => $"{l}"),
            .. rows.ImageTexts,
            .. rows.GroupTexts,
        ];
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', parts))));
    }

    private TrainingData Read(IDataView input)
    {
        var rows = new TrainingRows(input, Stage);
        var schema = input.Schema;
        var labels = rows.Classes(schema[_options.LabelColumn]);
        IReadOnlyList<string> Texts(string? column) =>
            rows.Values<ReadOnlyMemory<char>, string>(Mixes && column is not null ? schema[column] : null, t => t.ToString());
        var imageTexts = Texts(_options.ImageTextColumn);
        var groupTexts = Texts(_options.GroupTextColumn);
        List<object> images = [];
        rows.Images(schema[_options.ImageColumn], null, images.Add);
        rows.Read(_options.CancellationToken);
        FriendMembers.CheckAlive(Host);
        int[] used = [.. Enumerable.Range(0, labels.Count).Where(i => labels[i] >= 0)];
        if (used.Length < 2)
        {
            throw new InvalidDataException(
                $"{Stage}: {used.Length} of {labels.Count} rows have a label in '{_options.LabelColumn}'; expected 2 or more."
            );
        }

        return new(
            [.. used.Select(i => images[i])],
            [.. used.Select(i => labels[i])],
            imageTexts.Count == 0 ? [] : [.. used.Select(i => imageTexts[i])],
            groupTexts.Count == 0 ? [] : [.. used.Select(i => groupTexts[i])]
        );
    }

    private void Warn(IChannel channel, TrainingData rows)
    {
        var seen = rows.Labels.ToHashSet();
        string[] without = [.. _options.ClassNames.Where((_, c) => !seen.Contains(c))];
        if (without.Length > 0)
        {
            channel.Warn($"{Stage}: no image has the label {string.Join(", ", without)}; their prototypes move by current labels alone.");
        }

        foreach (var (texts, column) in new[] { (rows.ImageTexts, _options.ImageTextColumn), (rows.GroupTexts, _options.GroupTextColumn) })
        {
            if (texts.Count > 0 && texts.Count(string.IsNullOrWhiteSpace) is > 0 and var empty)
            {
                channel.Warn($"{Stage}: {empty} of {texts.Count} texts in '{column}' are empty and weigh nothing.");
            }
        }
    }

    private static TextRows? Texts(ClipTokenizer tokenizer, IReadOnlyList<string> texts) =>
        texts.Count == 0 ? null : new(ClassTexts.Ids(tokenizer, texts), [.. texts.Select(t => !string.IsNullOrWhiteSpace(t))]);

    /// <summary>The rows that are learned from.</summary>
    private sealed record TrainingData(
        IReadOnlyList<object> Images,
        int[] Labels,
        IReadOnlyList<string> ImageTexts,
        IReadOnlyList<string> GroupTexts
    );
}
