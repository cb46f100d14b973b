using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace AirMLNet.Layers;

/// <summary>
/// A convolution with an odd kernel that keeps height and width, unless its stride is 2 or it is not padded. A LoRA adapter can be set.
/// </summary>
internal sealed class ConvLayer : nn.Module, ILoraLayer
{
    internal readonly Parameter weight; // [out, in, K, K]
    internal readonly Parameter? bias; // [out]
    private readonly long[] _stride;
    private readonly long[] _padding;
    private LoraAdapter? _adapter;

    public ConvLayer(long inputs, long outputs, long kernel, long stride = 1, bool bias = true, bool padded = true)
        : base(nameof(ConvLayer))
    {
        weight = LayerParameter.Create(outputs, inputs, kernel, kernel);
        this.bias = bias ? LayerParameter.Create(outputs) : null;
        var padding = padded ? kernel / 2 : 0;
        (_stride, _padding) = ([stride, stride], [padding, padding]);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public Parameter Weight => weight;

    /// <inheritdoc/>
    public LoraAdapter? Adapter
    {
        get => _adapter;
        set
        {
            value?.Check(weight.shape);
            _adapter = value;
        }
    }

    /// <param name="x">[B, in, H, W].</param>
    /// <returns>[B, out, H', W'].</returns>
    public Tensor Forward(Tensor x)
    {
        var y = F.conv2d(x, weight, bias, _stride, _padding);
        return _adapter is null ? y : y.add(_adapter.Forward(x, _stride, _padding));
    }
}
