using AirMLNet.Clip;
using static TorchSharp.torch;

namespace AirMLNet.FineTuning;

/// <summary>Features of the texts of a batch, of length 1; null for a kind that is not used.</summary>
/// <param name="Image">[B, D], each image's own text.</param>
/// <param name="Group">[B, D], the group's text.</param>
/// <param name="CurrentClass">[B, D], the template of the current label.</param>
/// <param name="ZeroShotClass">[B, D], the template of the zero-shot label.</param>
internal sealed record LatteTexts(Tensor? Image, Tensor? Group, Tensor? CurrentClass, Tensor? ZeroShotClass)
{
    /// <summary>[B], 1 where there is an image text and 0 where there is none; null: everywhere.</summary>
    public Tensor? HasImage { get; init; }

    /// <summary>[B], 1 where there is a group text and 0 where there is none; null: everywhere.</summary>
    public Tensor? HasGroup { get; init; }
}

/// <summary>What the mixer makes of a batch: t̄ of both kinds of labels, and the weights w before anything is left out.</summary>
internal sealed record LatteMix(
    Tensor Current,
    Tensor ZeroShot,
    Tensor? ImageWeight,
    Tensor? GroupWeight,
    Tensor? CurrentClassWeight,
    Tensor? ZeroShotClassWeight
);

/// <summary>LatteCLIP's Dynamic Feature Mixer (Eq. 1 and 2).</summary>
internal static class FeatureMixer
{
    // The published code's, so that the weights of a sample never sum to nothing.
    private const double Floor = 1e-6;

    /// <summary>w(T): by how much the nearest prototype is nearer than the second (Eq. 1).</summary>
    /// <param name="texts">[B, D], of length 1.</param>
    /// <param name="prototypes">[C, D], two classes or more.</param>
    /// <param name="rule">The paper's rule scales prototypes to length 1, which the code's have in any case.</param>
    /// <returns>[B], without gradient.</returns>
    public static Tensor Weights(Tensor texts, Tensor prototypes, MixerRule rule)
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var to = rule.Update == PrototypeUpdate.Paper ? ClipModel.Normalise(prototypes) : prototypes;
        var (top, _) = texts.detach().matmul(to.t()).topk(2, 1);
        return top.select(1, 0).sub(top.select(1, 1)).MoveToOuterDisposeScope();
    }

    /// <summary>Mixes the texts of a batch into the prototypes of its labels.</summary>
    /// <param name="texts">The texts' features.</param>
    /// <param name="bank">The prototypes.</param>
    /// <param name="currentLabels">[B] int64.</param>
    /// <param name="zeroShotLabels">[B] int64.</param>
    /// <param name="rule">What is mixed how.</param>
    /// <returns>Mixed features, which are not scaled to length 1.</returns>
    public static LatteMix Mix(LatteTexts texts, PrototypeBank bank, Tensor currentLabels, Tensor zeroShotLabels, MixerRule rule)
    {
        var against = rule.Update == PrototypeUpdate.Paper ? bank.Prototypes : bank.Snapshot;
        Tensor? W(Tensor? t) => t is null ? null : Weights(t, against, rule);
        var (image, group, current, zeroShot) = (W(texts.Image), W(texts.Group), W(texts.CurrentClass), W(texts.ZeroShotClass));
        var shared = new List<Part>();
        Add(shared, texts.Image, image, rule.ImageText, texts.HasImage, rule);
        Add(shared, texts.Group, group, rule.GroupText, texts.HasGroup, rule);
        return new(
            Mix([.. shared, .. Class(texts.CurrentClass, current, current)], bank, currentLabels, rule),
            Mix([.. shared, .. Class(texts.ZeroShotClass, zeroShot, current)], bank, zeroShotLabels, rule),
            image,
            group,
            current,
            zeroShot
        );

        IEnumerable<Part> Class(Tensor? features, Tensor? own, Tensor? ofCurrent)
        {
            List<Part> parts = [];
            Add(parts, features, own, rule.ClassText, null, rule);
            if (rule.ClassWeight == ClassTextWeight.PerSample || parts is not [var part])
            {
                return parts;
            }

            var weight = Used(ofCurrent!, rule);
            if (rule.ClassWeight == ClassTextWeight.FeatureColumns && weight.size(0) != features!.size(1))
            {
                throw new ArgumentException(
                    $"{nameof(ClassTextWeight.FeatureColumns)} needs as many samples in a batch as a feature has numbers, "
                        + $"{features.size(1)}; there are {weight.size(0)}.",
                    nameof(rule)
                );
            }

            return [part with { Factor = weight.unsqueeze(rule.ClassWeight == ClassTextWeight.FeatureColumns ? 0 : 1) }];
        }
    }

    private static void Add(List<Part> parts, Tensor? features, Tensor? weights, bool use, Tensor? present, MixerRule rule)
    {
        if (!use || features is null)
        {
            return;
        }

        var weight = Used(weights!, rule);
        weight = present is null ? weight : weight.mul(present);
        parts.Add(new(features, weight.unsqueeze(1), weight));
    }

    private static Tensor Used(Tensor weights, MixerRule rule) =>
        !rule.Weighted ? ones_like(weights)
        : rule.Update == PrototypeUpdate.Code ? weights.add(Floor)
        : weights;

    private static Tensor Mix(List<Part> parts, PrototypeBank bank, Tensor labels, MixerRule rule)
    {
        var prototypes = bank.Prototypes.index_select(0, labels); // [B, D]
        if (parts.Count == 0)
        {
            return prototypes;
        }

        var sum = parts[0].Features.mul(parts[0].Factor);
        var total = parts[0].Weight; // [B]
        foreach (var part in parts.Skip(1))
        {
            (sum, total) = (sum.add(part.Features.mul(part.Factor)), total.add(part.Weight));
        }

        // A sample without any text that counts stays at its prototype.
        var some = total.gt(0).to_type(total.dtype).unsqueeze(1); // [B, 1]
        var mean = sum.div(total.unsqueeze(1).add(1 - some));
        return prototypes.add(mean.sub(prototypes).mul(some.mul(rule.TextShare)));
    }

    /// <summary>A text of each sample: its factor in the sum, [B, 1] or [1, D], and its weight in the total, [B].</summary>
    private sealed record Part(Tensor Features, Tensor Factor, Tensor Weight);
}
