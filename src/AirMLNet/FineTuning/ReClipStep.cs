using AirMLNet.Clip;
using AirMLNet.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace AirMLNet.FineTuning;

/// <summary>The trained part of one of ReCLIP's two copies of CLIP: scale and shift of the normalisations of one tower, by SGD.</summary>
internal sealed class ReClipCopy : IDisposable
{
    private const double Momentum = 0.9,
        WeightDecay = 1e-4;
    private readonly OptimizerHelper _optimizer;

    /// <param name="model">The copy; all its other weights are frozen.</param>
    /// <param name="tower">The tower whose normalisations are trained.</param>
    /// <param name="learningRate">Of SGD.</param>
    public ReClipCopy(ClipModel model, nn.Module tower, double learningRate)
    {
        Model = model;
        foreach (var parameter in model.parameters())
        {
            parameter.requires_grad = false;
        }

        List<Parameter> norms = [];
        foreach (var module in tower.modules())
        {
            norms.AddRange(
                module switch
                {
                    NormLayer layer => [layer.weight, layer.bias],
                    ClipBatchNorm batch => [batch.weight, batch.bias],
                    _ => [],
                }
            );
        }

        norms.ForEach(p => p.requires_grad = true);
        _optimizer = optim.SGD(norms, learningRate, Momentum, weight_decay: WeightDecay);
    }

    public ClipModel Model { get; }

    /// <summary>ReCLIP-V: trains the image tower.</summary>
    public static ReClipCopy OfImages(ClipModel model, double learningRate) =>
        new(model, (nn.Module?)model.ResNet ?? model.Vision, learningRate);

    /// <summary>ReCLIP-T: trains the text tower.</summary>
    public static ReClipCopy OfTexts(ClipModel model, double learningRate) => new(model, model.Text, learningRate);

    public void Step(Tensor loss)
    {
        _optimizer.zero_grad();
        loss.backward();
        _optimizer.step();
    }

    public void Dispose()
    {
        _optimizer.Dispose();
        Model.Dispose();
    }
}

/// <summary>ReCLIP's classifiers and losses.</summary>
internal static class ReClipStep
{
    /// <summary>The factor of cosines in logits.</summary>
    public const double Scale = 100;

    /// <summary>Class vectors of some templates: each text of length 1, their mean, scaled to length 1.</summary>
    /// <param name="model">The text encoder.</param>
    /// <param name="ids">[C, T, L] int64.</param>
    /// <returns>[C, D].</returns>
    public static Tensor ClassVectors(ClipModel model, Tensor ids)
    {
        var texts = ClipModel.Normalise(model.EncodeText(ids.flatten(0, 1))); // [C·T, D]
        return ClipModel.Normalise(texts.view(ids.size(0), ids.size(1), -1).mean([1L]));
    }

    /// <summary>100 · f · gᵀ.</summary>
    /// <param name="features">[B, D].</param>
    /// <param name="classes">[C, D].</param>
    public static Tensor Logits(Tensor features, Tensor classes) => features.matmul(classes.t()).mul(Scale);

    /// <summary>
    /// The cross-entropies of both copies where their labels agree. As published, the text side's is the mean over those, the image side's
    /// the mean over the batch divided by their number once more.
    /// </summary>
    /// <param name="logitsT">[B, C].</param>
    /// <param name="logitsV">[B, C].</param>
    /// <param name="labelsT">[B] int64.</param>
    /// <param name="labelsV">[B] int64.</param>
    /// <returns>Two scalars; null where no labels agree.</returns>
    public static (Tensor T, Tensor V)? Losses(Tensor logitsT, Tensor logitsV, Tensor labelsT, Tensor labelsV)
    {
        var agree = labelsT.eq(labelsV).to_type(logitsT.dtype); // [B]
        var count = agree.sum();
        if (count.item<float>() == 0)
        {
            return null;
        }

        Tensor Of(Tensor logits, Tensor labels) => nn.functional.cross_entropy(logits, labels, reduction: nn.Reduction.None).mul(agree);
        return (Of(logitsT, labelsT).sum().div(count), Of(logitsV, labelsV).mean().div(count));
    }
}
