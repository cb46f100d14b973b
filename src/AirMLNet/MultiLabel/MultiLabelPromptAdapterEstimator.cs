using AirMLNet.Clip;
using AirMLNet.Pipeline;
using Microsoft.ML;
using Microsoft.ML.Runtime;
using static TorchSharp.torch;

namespace AirMLNet.MultiLabel;

/// <summary>
/// Learns to name all that is in an image from captions, from images generated of them, or from both: TaI-DPT and T2I-PAL
/// (<c>docs/methods.md</c> §6), with zero-shot CLIP, CoOp and DualCoOp beside them. Prompts and an adapter of C·D numbers, shared by
/// captions
/// and images, are learned; CLIP stays as it is.
/// </summary>
/// <remarks>
/// <para>Rows of one caption belong together, as DiffusionSynthesis leaves them: a step has a batch of captions, each with one of its
/// images.
/// A row without a caption takes part with its image alone, a row without an image with its caption.</para>
/// <para>The features of captions and training images are computed once, and kept in float16. The fitted stage reads images and encodes
/// them
/// with its own model, alone or in batches. The seed is MLContext's: same seed, device and thread count, same model.</para>
/// <para>A fit also throws <see cref="InvalidDataException"/> where no row has a caption or image although these have weight, and
/// <see cref="Optimisation.TrainingDivergedException"/> where the loss is not finite.</para>
/// </remarks>
public sealed class MultiLabelPromptAdapterEstimator : StageEstimator<MultiLabelPromptAdapterTransformer>
{
    internal const string Stage = "MultiLabelPromptAdapter";
    private const int CalibrationBatch = 256;
    private readonly MultiLabelPromptAdapterOptions _options;
    private readonly int _seed;

    internal MultiLabelPromptAdapterEstimator(IHostEnvironment environment, MultiLabelPromptAdapterOptions options)
        : base(environment, Stage)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options.Check();
        _seed = Host.Rand.Next();
    }

    private protected override IEnumerable<InputColumn> Inputs(SchemaShape input)
    {
        if (_options.Prompt != MultiLabelPrompt.ZeroShot)
        {
            yield return InputColumn.Vector(_options.LabelColumn, _options.ClassNames.Count);
        }

        if (_options.ReadsCaptions)
        {
            yield return InputColumn.Text(_options.CaptionColumn);
        }

        yield return InputColumn.Image(_options.ImageColumn) with
        {
            Optional = !_options.ReadsImages,
        };
    }

    private protected override IEnumerable<SchemaShape.Column> Outputs(SchemaShape input) =>
        [OutputColumns.ClassVector(_options.ScoreColumn), OutputColumns.ClassFlags(_options.PredictedLabelsColumn)];

    private protected override MultiLabelPromptAdapterTransformer Fit(IDataView input, IChannel channel)
    {
        using var model = Model(channel, _options.ClipFolder, _options.Activation);
        var clip = model.Backbone;
        if (_options.Prompt == MultiLabelPrompt.ZeroShot)
        {
            float[] usual = [.. Enumerable.Repeat(0.5f, _options.ClassNames.Count)];
            return new(Host, _options, MultiLabelHead.ZeroShot(clip, _options, Warn), Given() ?? usual, model.Keep());
        }

        var encoder = EncoderOf(clip, _options);
        var set = new MultiLabelRows(_options, encoder, text => channel.Say($"{Stage}: {text}")).Read(input);
        using (set.Images)
        using (set.Texts)
        {
            double last = 0;
            var state = new MultiLabelTrainer(clip, _options, _seed)
            {
                BeforeStep = () =>
                {
                    _options.CancellationToken.ThrowIfCancellationRequested();
                    FriendMembers.CheckAlive(Host);
                },
                AfterEpoch = (epoch, loss) =>
                {
                    last = loss;
                    _options.Progress?.Report(new(Stage, "training", epoch, _options.Epochs, loss));
                },
            }.Train(set);
            channel.Say($"{Stage}: trained; last loss {last:0.####}.");
            return new(Host, _options, state, Given() ?? Calibrate(clip, state, set), model.Keep());
        }
    }

    internal static DenseEncoder EncoderOf(ClipBackbone clip, MultiLabelPromptAdapterOptions options)
    {
        var patch = clip.Model.Config.Vision.PatchSize;
        return options.ImageSize % patch is null or 0
            ? new(
                clip,
                options.Prompt switch
                {
                    MultiLabelPrompt.ZeroShot => DensePositions.Added,
                    MultiLabelPrompt.Dual => DensePositions.Regions,
                    _ => DensePositions.None,
                },
                options.ImageSize
            )
            : throw new ArgumentException(
                $"{nameof(options.ImageSize)} = {options.ImageSize}; expected a multiple of {patch}, the patch of {options.ClipFolder}."
            );
    }

    private float[]? Given() => _options.Thresholds is { } given ? [.. given.Select(t => (float)t)] : null;

    /// <summary>Thresholds from the images, or from the captions where there are none.</summary>
    private float[] Calibrate(ClipBackbone clip, MultiLabelState state, MultiLabelTrainingSet set)
    {
        using var off = no_grad();
        using var head = new MultiLabelHead(_options, state, clip.Device);
        var images = set.Images is { Count: > 0 };
        (int Row, float[] Labels)[] rows = images
            ? [.. set.Items.SelectMany(item => item.Images.Select(row => (row, item.Labels)))]
            : [.. set.Items.Where(item => item.Text >= 0).Select(item => (item.Text, item.Labels))];
        var scores = new List<float>(rows.Length * state.Classes);
        foreach (var chunk in rows.Chunk(CalibrationBatch))
        {
            _options.CancellationToken.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            var batch = DenseBatch.Take(
                images ? set.Images! : set.Texts!,
                [.. chunk.Select(row => row.Row)],
                state.Dimension,
                masked: !images,
                clip.Device
            );
            scores.AddRange(head.Score(batch, images ? null : _options.Kappa).cpu().contiguous().data<float>().ToArray());
        }
        return MultiLabelThresholds.Best(scores.ToArray(), rows.SelectMany(row => row.Labels).ToArray(), state.Classes);
    }
}
