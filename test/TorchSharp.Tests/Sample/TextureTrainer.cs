using static TorchSharp.torch.nn;

namespace TorchSharp.Tests.Sample;

/// <summary>A training loop as users write it: groups, schedule, clipping, scopes.</summary>
internal sealed class TextureTrainer : IDisposable
{
    private readonly TextureModel model;
    private readonly optim.Optimizer optimizer;
    private readonly optim.lr_scheduler.LRScheduler scheduler;
    private readonly Generator shuffle = new(5);

    internal TextureTrainer(TextureModel model, int totalSteps, double rate = 5e-3)
    {
        this.model = model;
        // No decay for biases and norms.
        var decay = model.named_parameters().Where(p => p.parameter.ndim > 1).Select(p => p.parameter).ToList();
        var plain = model.named_parameters().Where(p => p.parameter.ndim <= 1).Select(p => p.parameter).ToList();
        optimizer = optim.AdamW(
            new List<Modules.AdamW.ParamGroup>
            {
                new(decay, new Modules.AdamW.Options { weight_decay = 0.05 }),
                new(plain, new Modules.AdamW.Options { weight_decay = 0.0 }),
            },
            lr: rate);
        var warmUp = Math.Max(1, totalSteps / 10);
        scheduler = optim.lr_scheduler.LambdaLR(optimizer, step =>
            step < warmUp ? (step + 1.0) / warmUp : 0.5 * (1 + Math.Cos(Math.PI * (step - warmUp) / (totalSteps - warmUp))));
    }

    internal double Rate => optimizer.ParamGroups.First().LearningRate;

    internal List<float> Losses { get; } = [];

    internal void Epoch(Tensor images, Tensor labels, int batchSize)
    {
        model.train();
        foreach (var (x, y) in TextureData.Batches(images, labels, batchSize, shuffle))
        {
            using var d = NewDisposeScope();
            using (x)
            using (y)
            {
                optimizer.zero_grad();
                var (logits, embedding) = model.call(x);
                var loss = functional.cross_entropy(logits, y, label_smoothing: 0.05) + 0.1 * Contrast(embedding, y);
                loss.backward();
                utils.clip_grad_norm_(model.parameters(), 1.0);
                optimizer.step();
                scheduler.step();
                Losses.Add(loss.item<float>());
            }
        }
    }

    internal (double accuracy, Tensor confusion) Evaluate(Tensor images, Tensor labels)
    {
        model.eval();
        using var d = NewDisposeScope();
        using var quiet = no_grad();
        var (logits, _) = model.call(images);
        var predicted = logits.argmax(1);
        var accuracy = predicted.eq(labels).to_type(ScalarType.Float32).mean().item<float>();
        var confusion = zeros(TextureData.Classes, TextureData.Classes, int64);
        confusion.index_put_(ones(labels.shape[0], int64), [labels, predicted], accumulate: true);
        return (accuracy, confusion.MoveToOuterDisposeScope());
    }

    // Embeddings of one class should lie closer than those of two.
    private static Tensor Contrast(Tensor embedding, Tensor labels)
    {
        var similarity = embedding.matmul(embedding.t()) / 0.2;
        var same = labels.unsqueeze(0) == labels.unsqueeze(1);
        var self = eye(labels.shape[0], dtype: ScalarType.Bool);
        var logits = similarity.masked_fill(self, float.NegativeInfinity);
        var log = functional.log_softmax(logits, 1).masked_fill(self, 0);
        var positives = same.logical_and(self.logical_not()).to_type(ScalarType.Float32);
        return -(log * positives).sum() / positives.sum().clamp(min: 1);
    }

    public void Dispose()
    {
        optimizer.Dispose();
        shuffle.Dispose();
    }
}
