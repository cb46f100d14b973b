using AirMLNet.Clip;
using static TorchSharp.torch;

namespace AirMLNet.FineTuning;

/// <summary>LatteCLIP's momentum prototypes, one per class; they are no parameters and have no gradient.</summary>
internal sealed class PrototypeBank : IDisposable
{
    /// <param name="initial">[C, D], the class templates' features; copied.</param>
    public PrototypeBank(Tensor initial)
    {
        using var off = no_grad();
        Prototypes = initial.detach().clone().DetachFromDisposeScope();
        Snapshot = initial.detach().clone().DetachFromDisposeScope();
    }

    /// <summary>[C, D], as they are now.</summary>
    public Tensor Prototypes { get; }

    /// <summary>[C, D], as they were when the epoch began.</summary>
    public Tensor Snapshot { get; }

    public void BeginEpoch()
    {
        using var off = no_grad();
        Snapshot.copy_(Prototypes);
    }

    /// <summary>The class whose prototype has the largest cosine with each feature.</summary>
    /// <param name="images">[B, D].</param>
    /// <returns>[B] int64.</returns>
    public Tensor Classify(Tensor images)
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        return images.detach().matmul(ClipModel.Normalise(Prototypes).t()).argmax(1).MoveToOuterDisposeScope();
    }

    /// <summary>Moves the prototypes of the classes that have a label in the batch; all others keep every bit.</summary>
    /// <param name="rule">Which rule, and μ.</param>
    /// <param name="zeroShot">Zero-shot labels [B] and the features [B, D] mixed for them.</param>
    /// <param name="current">The same of the current labels.</param>
    public void Update(MixerRule rule, (Tensor Labels, Tensor Mixed) zeroShot, (Tensor Labels, Tensor Mixed) current)
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        if (rule.Update == PrototypeUpdate.Code)
        {
            var (mean, present) = Means(cat([zeroShot.Labels, current.Labels]), cat([zeroShot.Mixed, current.Mixed]));
            Prototypes.copy_(where(present, ClipModel.Normalise(mean), Prototypes));
            return;
        }

        foreach (var (labels, mixed) in new[] { zeroShot, current })
        {
            var (mean, present) = Means(labels, mixed);
            Prototypes.copy_(where(present, mean.mul(1 - rule.Momentum).add(Prototypes.mul(rule.Momentum)), Prototypes));
        }
    }

    public void Dispose()
    {
        Prototypes.Dispose();
        Snapshot.Dispose();
    }

    // A product with the labels in one-hot form, which adds in the same order every time, also on a GPU.
    private (Tensor Mean, Tensor Present) Means(Tensor labels, Tensor mixed)
    {
        var members = nn.functional.one_hot(labels, Prototypes.size(0)).t().to_type(mixed.dtype); // [C, B]
        var count = members.sum(1, keepdim: true); // [C, 1]
        return (members.matmul(mixed.detach()).div(count.clamp_min(1)), count.gt(0));
    }
}
