using AirMLNet.Clip;
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
/// Images from a diffusion model as rows (AiR, methods §4.1, Eq. 4–6): fine-tunes it by LoRA on the pseudo-labelled and
/// labelled images, generates images of every class, encodes them with CLIP and finds the one of each class that CLIP is
/// surest of. The fitted transformer appends them to the rows of a training set.
/// </summary>
/// <remarks>
/// <para>Appended rows have <c>synthetic</c> in the origin column, their class in the label column, their file (or image) in
/// the image column, their feature, and p(class|x) in the confidence column; everything else is missing. Rows that were there
/// keep their values and come first.</para>
/// <para>Because it changes the number of rows, append it with <see cref="TransformerScope.TrainTest"/>: the stages after it are
/// fitted on the synthetic rows as well, but the fitted chain scores without them.</para>
/// <para>Hours of work are safe: adapter checkpoints and images go to <see cref="DiffusionSynthesisOptions.WorkFolder"/> as they
/// are made, and a fit that was interrupted, with the same data and settings, goes on there and ends with the same files.</para>
/// </remarks>
public sealed class DiffusionSynthesisEstimator : IEstimator<DiffusionSynthesisTransformer>
{
    internal const string Stage = "DiffusionSynthesis",
        Real = "real",
        Synthetic = "synthetic";
    private readonly IHost _host;
    private readonly DiffusionSynthesisOptions _options;
    private readonly int _seed;

    internal DiffusionSynthesisEstimator(IHostEnvironment environment, DiffusionSynthesisOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _host = environment.Register(Stage);
        _options = options;
        _seed = _host.Rand.Next();
        if (options is { Generator: not null, FineTune: true })
        {
            throw new ArgumentException(
                $"{nameof(DiffusionSynthesisOptions.Generator)} is set and {nameof(DiffusionSynthesisOptions.FineTune)} is on; a generator of one's own cannot be fine-tuned.",
                nameof(options)
            );
        }
        // Now, from its configurations: a fit comes to the model when thousands of images have been encoded.
        if (options.Generator is null)
        {
            DiffusionFolder.Open(options.DiffusionFolder);
        }
    }

    /// <summary>Fine-tunes, generates and encodes what is not in the folder yet.</summary>
    /// <param name="input">Data with the columns that the options name.</param>
    /// <exception cref="ArgumentException">A column is missing or has another type.</exception>
    /// <exception cref="InvalidDataException">There are no rows, no captions where captions are asked for, or the folder holds images that were made otherwise.</exception>
    /// <exception cref="InvalidOperationException">The folder holds an adapter that was made otherwise.</exception>
    /// <exception cref="ArithmeticException">Training or generation gave something that is not a number.</exception>
    /// <exception cref="IOException">A file cannot be written; everything finished before stays.</exception>
    public DiffusionSynthesisTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        using var channel = _host.Start("Fit");
        var device = DeviceChoice.Resolve(_host, channel);
        var backbone = ClipBackbone.Acquire(_options.ClipFolder, device, new ClipExecution { Activation = _options.Activation });
        try
        {
            var columns = SynthesisColumns.Of(input.Schema, _options, backbone.FeatureDimension, fit: true);
            var source = SynthesisSource.Read(input, _options, columns);
            FriendMembers.CheckAlive(_host);
            (var prompts, var classes, var vectors) = source.Prompts();
            var perPrompt = _options.CaptionColumn is null ? _options.ImagesPerClass : _options.ImagesPerCaption;
            var made = _options.Generator is { } generator
                ? Generate(
                    channel,
                    generator,
                    new Dictionary<string, string> { ["generator"] = generator.GetType().FullName! },
                    prompts,
                    perPrompt
                )
                : GenerateHere(channel, input, source, device, prompts, perPrompt);
            FriendMembers.CheckAlive(_host);
            var set = Encode(
                backbone,
                made.Images,
                [.. classes.SelectMany(c => Enumerable.Repeat(c, perPrompt))],
                [.. vectors.SelectMany(v => Enumerable.Repeat(v, perPrompt))]
            );
            channel.Say(
                $"{Stage}: {set.Images.Count} synthetic images, {set.Images.Count - made.Images.Count + made.Made} of them made now; see {made.ContactSheet}."
            );
            return new DiffusionSynthesisTransformer(_host, _options, set);
        }
        finally
        {
            backbone.Release();
        }
    }

    /// <inheritdoc/>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        var captions = _options.CaptionColumn is not null;
        const SchemaShape.Column.VectorKind scalar = SchemaShape.Column.VectorKind.Scalar;
        var added = new List<SchemaShape.Column>();
        var image = Shapes.Find(inputSchema, _options.ImageColumn);
        if (image is null && captions)
        {
            added.Add(Shapes.Text(_options.ImageColumn));
        }
        else if (image is not { ItemType: TextDataViewType, Kind: scalar } && image?.ItemType.RawType != typeof(MLImage))
        {
            SchemaCheck.Shape(inputSchema, Stage, _options.ImageColumn, scalar, TextDataViewType.Instance, false, ImageSource.Expected);
        }

        if (captions)
        {
            SchemaCheck.Shape(inputSchema, Stage, _options.CaptionColumn!, scalar, TextDataViewType.Instance, false, "Text");
        }

        if (_options is { FineTune: true, CaptionColumn: null, PseudoLabelColumn: { } pseudo })
        {
            SchemaCheck.Shape(
                inputSchema,
                Stage,
                pseudo,
                scalar,
                NumberDataViewType.UInt32,
                true,
                "Key<UInt32> with the class names as KeyValues"
            );
            if (_options.ConfidenceColumn is { } confidence)
            {
                SchemaCheck.Shape(inputSchema, Stage, confidence, scalar, NumberDataViewType.Single, false, "Single");
            }
        }
        if (Shapes.Find(inputSchema, _options.LabelColumn) is not { } label)
        {
            added.Add(Shapes.ClassKey(_options.LabelColumn));
        }
        else if (!captions || label.Kind != SchemaShape.Column.VectorKind.Vector)
        {
            SchemaCheck.Shape(
                inputSchema,
                Stage,
                _options.LabelColumn,
                scalar,
                NumberDataViewType.UInt32,
                true,
                "Key<UInt32> with the class names as KeyValues"
            );
        }

        if (Shapes.Find(inputSchema, _options.FeatureColumn) is null)
        {
            added.Add(Shapes.Vector(_options.FeatureColumn));
        }
        else
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
        }

        if (Shapes.Find(inputSchema, _options.OriginColumn) is null)
        {
            added.Add(Shapes.Text(_options.OriginColumn));
        }
        else
        {
            SchemaCheck.Shape(inputSchema, Stage, _options.OriginColumn, scalar, TextDataViewType.Instance, false, "Text");
        }

        return Shapes.Add(inputSchema, [.. added]);
    }

    private SynthesisResult GenerateHere(
        IChannel channel,
        IDataView input,
        SynthesisSource source,
        Device device,
        IReadOnlyList<SynthesisPrompt> prompts,
        int perPrompt
    )
    {
        var precision = _options.Precision ?? (device.type == TorchSharp.DeviceType.CPU ? ScalarType.Float32 : ScalarType.BFloat16);
        using var model = StableDiffusionPipeline.Load(_options.DiffusionFolder, device, precision);
        var lora = _options.FineTune ? FineTune(channel, model, source, source.Examples(input)) : null;
        var generator = new StableDiffusionGenerator(model, _options.Generation with { Progress = null });
        return Generate(channel, generator, generator.Settings(lora), prompts, perPrompt);
    }

    private string? FineTune(IChannel channel, StableDiffusionPipeline model, SynthesisSource source, IReadOnlyList<LoraExample> examples)
    {
        string[] without = [.. _options.ClassNames.Where((_, c) => c < source.PerClass.Count && source.PerClass[c] == 0)];
        if (without.Length > 0)
        {
            channel.Warn(
                $"{Stage}: no pseudo-labelled or labelled image of {string.Join(", ", without)}: their images are generated from the prompt alone."
            );
        }

        if (examples.Count == 0)
        {
            channel.Warn($"{Stage}: there is no image to fine-tune on; the diffusion model is used as it is.");
            return null;
        }
        channel.Say(
            $"{Stage}: fine-tuning on {examples.Count} images, {_options.Training.Steps} steps of {_options.Training.BatchSize}, rank {_options.Training.Lora.Rank}."
        );
        var training = _options.Training with
        {
            CancellationToken = _options.CancellationToken,
            Progress = new DirectProgress<LoraProgress>(p =>
            {
                FriendMembers.CheckAlive(_host);
                _options.Training.Progress?.Report(p);
                _options.Progress?.Report(new(Stage, "fine-tuning the diffusion model", p.Step, p.Steps, p.Loss));
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
        return new SynthesisJob(
            generator,
            new SynthesisOptions
            {
                Output = _options.WorkFolder,
                Prompts = prompts,
                ImagesPerPrompt = perPrompt,
                Seed = _seed,
                NegativePrompt = _options.NegativePrompt,
                Settings = settings,
                GroupSize = _options.Generation.BatchSize,
                CancellationToken = _options.CancellationToken,
                Progress = (done, total, _) =>
                {
                    FriendMembers.CheckAlive(_host);
                    _options.Progress?.Report(new(Stage, "generating images", done, total));
                },
            }
        ).Run();
    }

    /// <summary>Features and confidences, and the surest image of each class (Eq. 6; ties go to the first).</summary>
    private SyntheticSet Encode(
        ClipBackbone backbone,
        IReadOnlyList<string> files,
        IReadOnlyList<int> classes,
        IReadOnlyList<float[]> vectors
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
        var head = new CosineHead(
            ZeroShotClassifier.ClassVectors(backbone, _options.ClassNames, _options.Templates),
            count,
            backbone.LogitScale
        );
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
            .. files.Select((file, i) => new SyntheticImage(file, classes[i], Confidence(i), classes[i] >= 0 && best[classes[i]] == i)),
        ];
        return new(images, features, backbone.FeatureDimension, vectors);
    }
}
