using AirMLNet.Clip;
using AirMLNet.Layers;
using AirMLNet.Optimisation;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace AirMLNet.SmallModels;

/// <summary>
/// The second stage: the image tower is frozen and a new text tower learns to meet it (Zhai et al. 2022, "LiT"), from
/// captions that hardly ever use the classes' own names. After joint training alone the names sit so well that
/// zero-shot is as good as a linear probe, and there would be nothing to adapt.
/// </summary>
internal sealed class MiniClipTextStage(MiniClipOptions options, Cifar10 data, ClipTokenizer tokenizer)
{
    private const double LearningRate = 1e-3;
    private const int WarmupSteps = 50;
    private const int EncodeBatch = 250;

    /// <summary>Trains the new text tower and returns the model made of both.</summary>
    /// <param name="joint">The model of the first stage.</param>
    /// <param name="features">Its image features of the training photos, [N, E].</param>
    public ClipModel Train(ClipModel joint, Tensor features)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator((ulong)options.Seed + 1);
        var model = new ClipModel(joint.Config, generator);
        CopyImageTower(joint, model);
        foreach (var (name, parameter) in model.named_parameters().Where(p => IsImage(p.name)))
        {
            parameter.requires_grad_(false);
        }

        Optimise(
            model,
            [.. model.named_parameters().Where(p => !IsImage(p.name)).Select(p => p.parameter)],
            new CaptionCorpus(
                options.TextNameShare,
                options.WrongShare,
                options.Seed + 1,
                options.AmbiguousNameShare,
                ambiguous: options.AmbiguousClasses
            ),
            options.TextEpochs,
            rows => features.index_select(0, rows)
        );
        model.eval();
        return model;
    }

    /// <summary>Trains parameters of a model on captions and what stands for their photos.</summary>
    /// <param name="model">The model, whose text tower is used.</param>
    /// <param name="learned">The parameters to train, the logit scale among them.</param>
    /// <param name="corpus">The captions.</param>
    /// <param name="epochs">Passes over the photos.</param>
    /// <param name="images">From the numbers of photos, [B], to their normalised features, [B, E].</param>
    public void Optimise(ClipModel model, Parameter[] learned, CaptionCorpus corpus, int epochs, Func<Tensor, Tensor> images)
    {
        using var optimizer = optim.AdamW(
            [
                new AdamW.ParamGroup(learned.Where(p => p.dim() >= 2), LearningRate, 0.9, 0.98, weight_decay: 0.1),
                new AdamW.ParamGroup(learned.Where(p => p.dim() < 2), LearningRate, 0.9, 0.98, weight_decay: 0),
            ],
            lr: LearningRate
        );
        var batches = new MiniClipBatches(data, corpus, tokenizer, options);
        var steps = batches.StepsPerEpoch * epochs;
        for (var step = 0; step < steps; step++)
        {
            options.CancellationToken.ThrowIfCancellationRequested();
            foreach (var group in optimizer.ParamGroups)
            {
                group.LearningRate = LearningRateSchedule.RampedCosine(LearningRate, step, steps, WarmupSteps);
            }

            using var inner = NewDisposeScope();
            var batch = batches.MakeCaptions(step);
            var seen = images(tensor(batch.Photos)); // [B, E]
            var texts = functional.normalize(model.EncodeText(tensor(batch.Tokens, [batch.Size, batch.Length])), dim: 1); // [B, E]
            var loss = MiniClipLoss.Contrastive(seen, texts, model.logit_scale, batch.Targets);
            optimizer.zero_grad();
            loss.backward();
            nn.utils.clip_grad_norm_(learned, 1.0);
            optimizer.step();
            ContrastiveLoss.ClampScale(model.logit_scale);
            if (step % 50 == 49)
            {
                options.Progress?.Report(new("MiniClipTrainer", "text tower", step + 1, steps, MiniClipLoss.Finite(loss, step)));
            }
        }
    }

    private static bool IsImage(string name) =>
        name.StartsWith("vision_model.", StringComparison.Ordinal)
        || name.StartsWith("visual_projection.", StringComparison.Ordinal)
        || name.StartsWith("visual.", StringComparison.Ordinal);

    private static void CopyImageTower(ClipModel from, ClipModel to)
    {
        using var _ = no_grad();
        var source = from.state_dict();
        foreach (var (name, weight) in to.state_dict().Where(p => IsImage(p.Key)))
        {
            weight.copy_(source[name]);
        }
    }

    /// <summary>Normalised features of the training photos, [N, E].</summary>
    public Tensor ImageFeatures(ClipModel model)
    {
        using var _ = no_grad();
        var preprocessor = new ClipPreprocessor(Cifar10.Side);
        var parts = new List<Tensor>();
        for (var start = 0; start < options.Photos; start += EncodeBatch)
        {
            using var inner = NewDisposeScope();
            var count = Math.Min(EncodeBatch, options.Photos - start);
            float[] pixels =
            [
                .. Enumerable.Range(start, count).SelectMany(i => preprocessor.Preprocess(data.GetImage(Cifar10Split.Train, i))),
            ];
            var encoded = model.EncodeImage(Tensors.Of(pixels, [count, 3, Cifar10.Side, Cifar10.Side]));
            parts.Add(functional.normalize(encoded, dim: 1).MoveToOuterDisposeScope());
        }

        return cat(parts, 0);
    }
}
