using AirMLNet.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace AirMLNet.Clip;

/// <summary>A weight without a bias: projections, embedding tables and the patch kernel.</summary>
internal sealed class ClipWeight : nn.Module
{
    internal readonly Parameter weight;

    public ClipWeight(params long[] shape)
        : base(nameof(ClipWeight))
    {
        weight = LayerParameter.Create(shape);
        RegisterComponents();
    }

    public Tensor Project(Tensor rows) => F.linear(rows, weight);
}
