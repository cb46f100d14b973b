using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace AirMLNet.Layers;

/// <summary>Layer normalisation over the last dimension.</summary>
internal sealed class NormLayer : nn.Module
{
    internal readonly Parameter weight;
    internal readonly Parameter bias;
    private readonly long[] _shape;
    private readonly double _eps;

    public NormLayer(long width, double eps)
        : base(nameof(NormLayer))
    {
        weight = LayerParameter.Create(width);
        bias = LayerParameter.Create(width);
        _shape = [width];
        _eps = eps;
        RegisterComponents();
    }

    public Tensor Forward(Tensor x) => F.layer_norm(x, _shape, weight, bias, _eps);
}

/// <summary>Group normalisation over channels, dimension 1.</summary>
internal sealed class GroupNormLayer : nn.Module
{
    internal readonly Parameter weight;
    internal readonly Parameter bias;
    private readonly long _groups;
    private readonly double _eps;

    public GroupNormLayer(long groups, long channels, double eps)
        : base(nameof(GroupNormLayer))
    {
        weight = LayerParameter.Create(channels);
        bias = LayerParameter.Create(channels);
        (_groups, _eps) = (groups, eps);
        RegisterComponents();
    }

    public Tensor Forward(Tensor x) => F.group_norm(x, _groups, weight, bias, _eps);
}
