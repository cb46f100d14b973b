using System.Globalization;
using AirMLNet.Clip;
using AirMLNet.FineTuning;
using AirMLNet.Heads;
using AirMLNet.Images;
using AirMLNet.Pipeline;
using Microsoft.ML;
using Microsoft.ML.Runtime;
using static TorchSharp.torch;

namespace AirMLNet.Prototypes;

/// <summary>
/// ReCLIP (Hu et al. 2024; <c>docs/methods.md</c> §5.5): two copies of CLIP label the images by propagation and teach each other where they
/// agree; of one the image tower's normalisations are trained, of the other the text tower's. The score is the mean of both copies' logits.
/// </summary>
/// <remarks>
/// The stage reads images itself, twice an epoch and once more. Besides what every fit throws:
/// <see cref="Optimisation.TrainingDivergedException"/> where a loss is not finite, and <see cref="UnreadableImageException"/> for an image
/// that cannot be read.
/// </remarks>
public sealed class ReClipEstimator : StageEstimator<ReClipTransformer>
{
    internal const string Stage = "ReClip";
    private readonly IHostEnvironment _environment;
    private readonly ReClipOptions _options;
    private readonly int _seed;

    internal ReClipEstimator(IHostEnvironment environment, ReClipOptions options)
        : base(environment, Stage)
    {
        ArgumentNullException.ThrowIfNull(options);
        (_environment, _options) = (environment, options);
        _seed = Host.Rand.Next();
    }

    private protected override IEnumerable<InputColumn> Inputs(SchemaShape input) => [InputColumn.Image(_options.ImageColumn)];

    private protected override IEnumerable<SchemaShape.Column> Outputs(SchemaShape input) =>
        [OutputColumns.Score(_options.ScoreColumn), OutputColumns.PredictedLabel(_options.PredictedLabelColumn)];

    private protected override ReClipTransformer Fit(IDataView input, IChannel channel)
    {
        var rows = new TrainingRows(input, Stage);
        List<object> images = [];
        rows.Images(input.Schema[_options.ImageColumn], null, images.Add);
        rows.Read(_options.CancellationToken);
        var device = DeviceChoice.Resolve(_environment, channel);
        using var scope = NewDisposeScope();
        ClipModel Copy() => ClipModel.Load(_options.ClipFolder, device, _options.Activation);
        var settings = _options.Settings(_seed);
        using var trainer = new ReClipTrainer(
            Copy(),
            Copy(),
            ClassTexts.Ids(ClipTokenizer.Load(_options.ClipFolder), _options.ClassNames, _options.Templates, device, Warn),
            settings
        );
        var epochs = settings.EpochsOf(images.Count);
        channel.Say($"{Stage}: {images.Count} images, {epochs} epochs.");
        trainer.Run(
            images.Count,
            new FineTuneImages(
                i => ImageSource.Load(images[i], ImageFile.MaxPixels),
                ClipPreprocessor.Load(_options.ClipFolder),
                null,
                _seed
            ),
            (epoch, text, image, agree) =>
            {
                FriendMembers.CheckAlive(Host);
                channel.Say(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{Stage}: epoch {epoch}: labels agree on {agree:P1} of the images; "
                            + $"losses {text:0.0000} (text) and {image:0.0000} (image)."
                    )
                );
                _options.Progress?.Report(new(Stage, "training", epoch, epochs - 1, text));
            }
        );
        return Finish(channel, trainer);
    }

    private ReClipTransformer Finish(IChannel channel, ReClipTrainer trainer)
    {
        var folder = Path.Combine(_options.WorkFolder, "clip");
        TunedClip.Write(trainer.ImageCopy, _options.ClipFolder, folder, ClipPrecision.Float32);
        // Both logits in one product: the features of the two copies side by side, and so their class vectors.
        var both = cat([trainer.ImageClasses, trainer.TextClasses()], 1).cpu().contiguous(); // [C, 2·D]
        var head = new CosineHead(both.data<float>().ToArray(), _options.ClassNames.Count, ReClipStep.Scale / 2);
        using var tuned = Model(channel, folder, _options.Activation);
        using var original = Model(channel, _options.ClipFolder, _options.Activation);
        return new ReClipTransformer(Host, _options, head, tuned.Keep(), original.Keep());
    }
}
