using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace AirMLNet.Layers;

/// <summary>
/// y = x·Wᵀ + b, with or without b. It works on rows, [R, in]: a plain matrix keeps it one addmm and lets in-place steps
/// stay in place under autograd. A LoRA adapter can be set; it is no parameter of the module and is in no checkpoint of it.
/// </summary>
internal sealed class LinearLayer : nn.Module, ILoraLayer
{
    internal readonly Parameter weight; // [out, in], or [out, in, 1, 1]
    internal readonly Parameter? bias; // [out]
    private readonly bool _convolution;
    private LoraAdapter? _adapter;

    /// <param name="inputs">Width of x.</param>
    /// <param name="outputs">Width of y.</param>
    /// <param name="bias">Whether there is a b.</param>
    /// <param name="convolution">The checkpoint holds the layer as a 1×1 convolution, which is the same on rows of channels.</param>
    public LinearLayer(long inputs, long outputs, bool bias = true, bool convolution = false)
        : base(nameof(LinearLayer))
    {
        (Inputs, Outputs, _convolution) = (inputs, outputs, convolution);
        weight = convolution ? LayerParameter.Create(outputs, inputs, 1, 1) : LayerParameter.Create(outputs, inputs);
        this.bias = bias ? LayerParameter.Create(outputs) : null;
        RegisterComponents();
    }

    /// <summary>Width of x.</summary>
    public long Inputs { get; }

    /// <summary>Width of y.</summary>
    public long Outputs { get; }

    /// <summary>Whether the checkpoint holds the layer as a 1×1 convolution.</summary>
    public bool IsConvolution => _convolution;

    /// <inheritdoc/>
    public Parameter Weight => weight;

    /// <inheritdoc/>
    public LoraAdapter? Adapter
    {
        get => _adapter;
        set
        {
            value?.Check([Outputs, Inputs]);
            _adapter = value;
        }
    }

    /// <summary>The weight as a matrix, [out, in]; shares its memory.</summary>
    public Tensor Matrix => _convolution ? weight.view(Outputs, Inputs) : weight;

    /// <param name="rows">[…, in].</param>
    /// <returns>[…, out].</returns>
    public Tensor Forward(Tensor rows)
    {
        var y = F.linear(rows, Matrix, bias);
        return _adapter is null ? y : y.add(_adapter.Forward(rows));
    }

    /// <summary>alpha·x·Wᵀ + beta·b: a factor inside of the product costs nothing.</summary>
    /// <param name="x">[…, in].</param>
    /// <param name="alpha">The factor of the product.</param>
    /// <param name="beta">The factor of the bias, which there must be.</param>
    /// <returns>[…, out].</returns>
    public Tensor Forward(Tensor x, double alpha, double beta)
    {
        var offset = beta == 1 ? bias! : bias!.mul(beta);
        var rows = x.flatten(0, -2); // [R, in]
        var y = offset.addmm(rows, Matrix.t(), alpha: (float)alpha);
        y = _adapter is null ? y : y.add(_adapter.Forward(rows).mul(alpha));
        return y.view([.. x.shape[..^1], Outputs]);
    }
}
