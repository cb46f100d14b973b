using AirMLNet.Clip;
using AirMLNet.Data;
using AirMLNet.Diffusion;
using AirMLNet.Heads;
using AirMLNet.Images;
using AirMLNet.Options;
using AirMLNet.Pipeline;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using static TorchSharp.torch;

namespace AirMLNet.Synthesis;

/// <summary>
/// Images from a diffusion model as rows (AiR, Eq. 4–6; <c>docs/methods.md</c> §4.1): fine-tunes it by LoRA on the pseudo-labelled and
/// labelled images, generates images of every class, encodes them with CLIP and finds the one of each class that CLIP is
/// surest of. The fitted transformer appends them to the rows of a training set.
/// </summary>
/// <remarks>
/// <para>Appended rows have <c>synthetic</c> in the origin column, their class in the label column, their file (or image) in
/// the image column, their feature, and p(class|x) in the confidence column; with captions, the caption that they were made of; everything
/// else is missing. Rows that were there
/// keep their values and come first.</para>
/// <para>Because it changes the number of rows, append it with <see cref="TransformerScope.TrainTest"/>: the stages after it are
/// fitted on the synthetic rows as well, but the fitted chain scores without them.</para>
/// <para>Hours of work are safe: adapter checkpoints and images go to <see cref="DiffusionSynthesisOptions.WorkFolder"/> as they
/// are made. A fit that was interrupted continues from them, given the same data and settings, and ends with the same files.</para>
/// <para>Besides what every fit throws: <see cref="InvalidDataException"/> where there is no caption although captions are asked
/// for, or the folder holds images that were made otherwise; <see cref="InvalidOperationException"/> where it holds an adapter that
/// was made otherwise; <see cref="ArithmeticException"/> where training or generation gave something that is not a number;
/// <see cref="IOException"/> where a file cannot be written.</para>
/// </remarks>
public sealed class DiffusionSynthesisEstimator : StageEstimator<DiffusionSynthesisTransformer>
{
    internal const string Stage = "DiffusionSynthesis";
    private readonly DiffusionSynthesisOptions _options;
    private readonly int _seed;

    internal DiffusionSynthesisEstimator(IHostEnvironment environment, DiffusionSynthesisOptions options)
        : base(environment, Stage)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
        _seed = Host.Rand.Next();
        if (options is { Generator: not null, FineTune: true })
        {
            throw new ArgumentException(
                $"{nameof(DiffusionSynthesisOptions.Generator)} is set and {nameof(DiffusionSynthesisOptions.FineTune)} is on; "
                    + "a generator of one's own cannot be fine-tuned.",
                nameof(options)
            );
        }
        // The configurations are checked now: a fit would come to the model only after thousands of images were encoded.
        if (options.Generator is null)
        {
            DiffusionFolder.Open(options.DiffusionFolder);
        }
    }

    private protected override IEnumerable<InputColumn> Inputs(SchemaShape input) =>
        SynthesisColumns.Inputs(
            _options,
            OutputColumns.Find(input, _options.LabelColumn)?.Kind == SchemaShape.Column.VectorKind.Vector,
            fit: true
        );

    private protected override IEnumerable<SchemaShape.Column> Outputs(SchemaShape input)
    {
        SchemaShape.Column[] filled =
        [
            OutputColumns.Text(_options.ImageColumn),
            OutputColumns.ClassKey(_options.LabelColumn),
            OutputColumns.Vector(_options.FeatureColumn),
            OutputColumns.Text(_options.OriginColumn),
        ];
        return filled.Where(column => OutputColumns.Find(input, column.Name) is null); // those that the input has keep their type
    }

    private protected override DiffusionSynthesisTransformer Fit(IDataView input, IChannel channel)
    {
        using var clip = Model(channel, _options.ClipFolder, _options.Activation);
        (InputColumn.Features(_options.FeatureColumn, clip.Backbone) with { Optional = true }).FindOrNull(input.Schema, Stage);
        var columns = SynthesisColumns.Of(input.Schema, _options, clip.Backbone.FeatureDimension, fit: true);
        var source = SynthesisTrainingRows.Read(input, _options, columns);
        FriendMembers.CheckAlive(Host);
        (var prompts, var classes, var vectors) = source.Prompts();
        var perPrompt = _options.CaptionColumn is null ? _options.ImagesPerClass : _options.ImagesPerCaption;
        var result = _options.Generator is { } service
            ? GenerateHosted(channel, new(service, _options.GeneratorOptions), prompts, perPrompt)
            : GenerateLocally(channel, input, source, clip.Backbone.Device, prompts, perPrompt);
        FriendMembers.CheckAlive(Host);
        var images = Encode(
            clip.Backbone,
            result.Images,
            [.. classes.SelectMany(c => Enumerable.Repeat(c, perPrompt))],
            [.. vectors.SelectMany(v => Enumerable.Repeat(v, perPrompt))],
            _options.CaptionColumn is null ? null : [.. prompts.SelectMany(p => Enumerable.Repeat(p.Text, perPrompt))]
        );
        var now = images.Images.Count - result.Images.Count + result.Made;
        channel.Say($"{Stage}: {images.Images.Count} synthetic images, {now} of them made now; see {result.ContactSheet}.");
        return new DiffusionSynthesisTransformer(Host, _options, images);
    }

    private SynthesisResult GenerateHosted(
        IChannel channel,
        HostedImageGenerator generator,
        IReadOnlyList<SynthesisPrompt> prompts,
        int perPrompt
    ) => Generate(channel, generator, generator.Settings(), prompts, perPrompt);

    private SynthesisResult GenerateLocally(
        IChannel channel,
        IDataView input,
        SynthesisTrainingRows source,
        Device device,
        IReadOnlyList<SynthesisPrompt> prompts,
        int perPrompt
    )
    {
        var precision = _options.Precision ?? (device.type == TorchSharp.DeviceType.CPU ? ScalarType.Float32 : ScalarType.BFloat16);
        using var model = StableDiffusionPipeline.Load(_options.DiffusionFolder, device, precision, _options.Generation.Scheduler);
        var lora = _options.FineTune ? FineTune(channel, model, source, source.Examples(input)) : null;
        var generator = new StableDiffusionGenerator(model, _options.Generation with { Progress = null });
        return Generate(channel, generator, generator.Settings(lora), prompts, perPrompt);
    }

    private string? FineTune(
        IChannel channel,
        StableDiffusionPipeline model,
        SynthesisTrainingRows source,
        IReadOnlyList<LoraExample> examples
    )
    {
        string[] without = [.. _options.ClassNames.Where((_, c) => c < source.PerClass.Count && source.PerClass[c] == 0)];
        if (without.Length > 0)
        {
            channel.Warn(
                $"{Stage}: no pseudo-labelled or labelled image of {string.Join(", ", without)}: "
                    + "their images are generated from the prompt alone."
            );
        }

        if (examples.Count == 0)
        {
            channel.Warn($"{Stage}: there is no image to fine-tune on; the diffusion model is used as it is.");
            return null;
        }
        channel.Say(
            $"{Stage}: fine-tuning on {examples.Count} images, {_options.Training.Steps} steps of {_options.Training.BatchSize}, "
                + $"rank {_options.Training.Lora.Rank}."
        );
        var training = _options.Training with
        {
            CancellationToken = _options.CancellationToken,
            Progress = new DirectProgress(p =>
            {
                FriendMembers.CheckAlive(Host);
                _options.Training.Progress?.Report(p);
                _options.Progress?.Report(p with { Source = Stage, Activity = "fine-tuning the diffusion model" });
            }),
        };
        var result = new LoraTrainer(model, training).Train(examples, Path.Combine(_options.WorkFolder, "lora"), _seed);
        channel.Say(
            result.LossAfter is { } after
                ? $"{Stage}: loss on the training images {result.LossBefore:0.0000} before and {after:0.0000} after {result.Seconds:0} s."
                : $"{Stage}: {result.File} was there already."
        );
        return result.File;
    }

    private SynthesisResult Generate(
        IChannel channel,
        ITextToImageGenerator generator,
        IReadOnlyDictionary<string, string> settings,
        IReadOnlyList<SynthesisPrompt> prompts,
        int perPrompt
    )
    {
        channel.Say($"{Stage}: {perPrompt} images of each of {prompts.Count} prompts.");
        if (SyntheticImageFolder.Cut(prompts.Select(p => p.Class).OfType<string>()) is { } cut)
        {
            Warn(cut);
        }
        return new ImageSynthesizer(
            generator,
            new ImageSynthesizerOptions
            {
                Output = _options.WorkFolder,
                Prompts = prompts,
                ImagesPerPrompt = perPrompt,
                Seed = _seed,
                NegativePrompt = _options.NegativePrompt,
                Settings = settings,
                GroupSize = _options.Generation.BatchSize,
                CancellationToken = _options.CancellationToken,
                Progress = new DirectProgress(p =>
                {
                    FriendMembers.CheckAlive(Host);
                    _options.Progress?.Report(p with { Source = Stage });
                }),
            }
        ).Run();
    }

    /// <summary>Features and confidences, and the surest image of each class (Eq. 6; ties go to the first).</summary>
    private GeneratedImages Encode(
        ClipBackbone backbone,
        IReadOnlyList<string> files,
        IReadOnlyList<int> classes,
        IReadOnlyList<float[]> vectors,
        IReadOnlyList<string>? captions
    )
    {
        var features = ClipImages.Encode(
            backbone,
            files.Count,
            i => ImageFile.Load(files[i]),
            _options.CancellationToken,
            done => _options.Progress?.Report(new(Stage, "encoding images", done, files.Count))
        );
        var count = _options.ClassNames.Count;
        var head = TextHead.Of(backbone, _options.ClassNames, _options.Templates, _options.CancellationToken, Warn);
        var p = head.Probabilities(features, _options.CancellationToken);
        float Confidence(int i) => classes[i] < 0 ? float.NaN : p[(i * count) + classes[i]];
        var best = new Dictionary<int, int>();
        for (var i = 0; i < files.Count; i++)
        {
            if (classes[i] >= 0 && (!best.TryGetValue(classes[i], out var other) || Confidence(i) > Confidence(other)))
            {
                best[classes[i]] = i;
            }
        }
        SyntheticImage[] images =
        [
            .. files.Select(
                (file, i) =>
                    new SyntheticImage(file, classes[i], Confidence(i), classes[i] >= 0 && best[classes[i]] == i) { Caption = captions?[i] }
            ),
        ];
        return new(images, features, backbone.FeatureDimension, vectors);
    }
}
