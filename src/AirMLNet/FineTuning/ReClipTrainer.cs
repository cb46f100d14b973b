using AirMLNet.Clip;
using AirMLNet.Layers;
using AirMLNet.Optimisation;
using static TorchSharp.torch;

namespace AirMLNet.FineTuning;

/// <summary>How ReCLIP is trained; the defaults are its published code's.</summary>
internal sealed record ReClipSettings
{
    public LabelPropagationSettings Propagation { get; init; } = new();

    public double LearningRate { get; init; } = 1e-3;

    public int BatchSize { get; init; } = 64;

    /// <summary>Null: min(100, ⌊N/5000⌋ + 2).</summary>
    public int? Epochs { get; init; }

    public required int Seed { get; init; }

    public CancellationToken CancellationToken { get; init; }

    public int EpochsOf(int rows) => Epochs ?? Math.Min(100, (rows / 5000) + 2);
}

/// <summary>
/// ReCLIP (Hu et al. 2024; <c>docs/methods.md</c> §5.5): two copies of CLIP label the images by propagation and teach each other where they
/// agree. Prediction is the mean of both copies' logits.
/// </summary>
/// <remarks>
/// An epoch evaluates, labels, then trains. The last epoch's training, which the published code runs and never looks at, is left out. The
/// text copy's image tower never changes, so its features are computed once.
/// </remarks>
internal sealed class ReClipTrainer : IDisposable
{
    private const int OrderStream = 24;
    private readonly ReClipCopy _images,
        _texts;
    private readonly Tensor _ids; // [C, T, L]
    private readonly ReClipSettings _settings;

    /// <param name="imageCopy">Owned from now on.</param>
    /// <param name="textCopy">Another instance of the same weights; owned from now on.</param>
    /// <param name="ids">[C, T, L] int64: the templates of each class; the first one is the short one.</param>
    /// <param name="settings">How.</param>
    public ReClipTrainer(ClipModel imageCopy, ClipModel textCopy, Tensor ids, ReClipSettings settings)
    {
        (_ids, _settings) = (ids.detach().clone().DetachFromDisposeScope(), settings);
        _images = ReClipCopy.OfImages(imageCopy, settings.LearningRate);
        _texts = ReClipCopy.OfTexts(textCopy, settings.LearningRate);
        using var off = no_grad();
        ImageClasses = ReClipStep.ClassVectors(imageCopy, _ids).DetachFromDisposeScope();
    }

    /// <summary>[C, D]: the image copy's classifier, first the texts, then the centroids.</summary>
    public Tensor ImageClasses { get; private set; }

    public ClipModel ImageCopy => _images.Model;

    public ClipModel TextCopy => _texts.Model;

    /// <summary>[C, D]: the text copy's classifier, the short template as the copy encodes it now.</summary>
    public Tensor TextClasses()
    {
        using var off = no_grad();
        return ReClipStep.ClassVectors(TextCopy, _ids.narrow(1, 0, 1));
    }

    /// <summary>Trains.</summary>
    /// <param name="rows">N.</param>
    /// <param name="images">Gives pixels, without random crops.</param>
    /// <param name="afterEpoch">Told the epoch from 1, the mean losses of both copies, and the share of images whose labels agree.</param>
    /// <exception cref="TrainingDivergedException">A loss is not finite; the message names epoch and step.</exception>
    public void Run(int rows, FineTuneImages images, Action<int, double, double, double>? afterEpoch = null)
    {
        using var scope = NewDisposeScope();
        var initial = ImageClasses.clone();
        var projection = LabelPropagation.Projection(initial, _settings.Propagation);
        var fixedFeatures = Features(TextCopy, rows, images);
        var epochs = _settings.EpochsOf(rows);
        for (var epoch = 0; epoch < epochs - 1; epoch++)
        {
            using var inner = NewDisposeScope();
            Tensor texts;
            using (no_grad())
            {
                texts = epoch == 0 ? initial : ReClipStep.ClassVectors(TextCopy, _ids);
            }

            var byText = LabelPropagation.Run(
                texts,
                fixedFeatures,
                epoch == 0 ? projection : LabelPropagation.Projection(texts, _settings.Propagation),
                _settings.Propagation,
                _settings.CancellationToken
            );
            var features = epoch == 0 ? fixedFeatures : Features(ImageCopy, rows, images);
            var byImage = LabelPropagation.Run(initial, features, projection, _settings.Propagation, _settings.CancellationToken);
            ImageClasses.Dispose();
            ImageClasses = Tensors.Of(byImage.Centroids, initial.shape, initial.device).DetachFromDisposeScope();
            var classes = (int)initial.size(0);
            Train(rows, images, fixedFeatures, byText.Labels[classes..], byImage.Labels[classes..], epoch, afterEpoch);
        }
    }

    public void Dispose()
    {
        _images.Dispose();
        _texts.Dispose();
        _ids.Dispose();
        ImageClasses.Dispose();
    }

    private void Train(
        int rows,
        FineTuneImages images,
        Tensor fixedFeatures,
        int[] byText,
        int[] byImage,
        int epoch,
        Action<int, double, double, double>? afterEpoch
    )
    {
        var order = Enumerable.Range(0, rows).Select(i => (long)i).ToArray();
        SeededRandom.Create(_settings.Seed, OrderStream, epoch).Shuffle(order);
        var batches = order.Chunk(_settings.BatchSize).ToArray();
        double sumT = 0,
            sumV = 0;
        var steps = 0;
        for (var b = 0; b < batches.Length; b++)
        {
            _settings.CancellationToken.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            var batch = batches[b];
            Tensor Labels(int[] all) => tensor(batch.Select(r => (long)all[r]).ToArray(), device: fixedFeatures.device);
            var index = tensor(batch, device: fixedFeatures.device);
            var t = ReClipStep.Logits(fixedFeatures.index_select(0, index), ReClipStep.ClassVectors(TextCopy, _ids.narrow(1, 0, 1)));
            var pixels = Pixels(images, b, batch, b + 1 < batches.Length ? batches[b + 1] : null);
            var v = ReClipStep.Logits(ClipModel.Normalise(ImageCopy.EncodeImage(pixels)), ImageClasses);
            if (ReClipStep.Losses(t, v, Labels(byText), Labels(byImage)) is not { } losses)
            {
                continue;
            }

            var (lossT, lossV) = (Finite(losses.T, epoch, b), Finite(losses.V, epoch, b));
            _texts.Step(losses.T);
            _images.Step(losses.V);
            (sumT, sumV, steps) = (sumT + lossT, sumV + lossV, steps + 1);
        }

        var agree = Enumerable.Range(0, rows).Count(i => byText[i] == byImage[i]);
        afterEpoch?.Invoke(epoch + 1, sumT / Math.Max(1, steps), sumV / Math.Max(1, steps), (double)agree / rows);
    }

    private Tensor Features(ClipModel model, int rows, FineTuneImages images)
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var batches = Enumerable.Range(0, rows).Select(i => (long)i).Chunk(_settings.BatchSize).ToArray();
        List<Tensor> parts = [];
        for (var b = 0; b < batches.Length; b++)
        {
            _settings.CancellationToken.ThrowIfCancellationRequested();
            using var part = NewDisposeScope();
            var pixels = Pixels(images, b, batches[b], b + 1 < batches.Length ? batches[b + 1] : null);
            parts.Add(ClipModel.Normalise(model.EncodeImage(pixels)).MoveToOuterDisposeScope());
        }
        return cat(parts).MoveToOuterDisposeScope();
    }

    private Tensor Pixels(FineTuneImages images, int step, long[] rows, long[]? next)
    {
        var size = ImageCopy.Config.Vision.ImageSize;
        return Tensors.Of(images.Take(step, rows, next), [rows.Length, 3, size, size], _ids.device);
    }

    private static double Finite(Tensor loss, int epoch, int step)
    {
        double value = loss.item<float>();
        return double.IsFinite(value)
            ? value
            : throw new TrainingDivergedException(
                $"The loss is {value} in epoch {epoch + 1}, step {step + 1}. A lower LearningRate may help."
            );
    }
}
