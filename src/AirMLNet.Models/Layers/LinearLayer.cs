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
    private readonly Lock _packing = new();
    private LoraAdapter? _adapter;
    private PackedLinear? _packed;
    private volatile bool _frozen;

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

    /// <summary>
    /// Says that the weights never change from now on. On a processor, products without gradients then take a copy laid out for them,
    /// made when it is first needed.
    /// </summary>
    public void Freeze() => _frozen = true;

    /// <param name="x">[…, in].</param>
    /// <returns>[…, out].</returns>
    public Tensor Forward(Tensor x) => Adapted(Packed(x, 1, 1)?.Forward(x) ?? F.linear(x, Matrix, bias), x, 1);

    /// <summary>alpha·x·Wᵀ + beta·b: a factor inside of the product costs nothing.</summary>
    /// <param name="x">[…, in].</param>
    /// <param name="alpha">The factor of the product.</param>
    /// <param name="beta">The factor of the bias, which there must be.</param>
    /// <returns>[…, out].</returns>
    public Tensor Forward(Tensor x, double alpha, double beta) =>
        Adapted(Packed(x, alpha, beta)?.Forward(x) ?? Product(x, alpha, beta), x, alpha);

    private Tensor Product(Tensor x, double alpha, double beta)
    {
        var offset = beta == 1 ? bias! : bias!.mul(beta);
        var y = offset.addmm(x.flatten(0, -2), Matrix.t(), alpha: (float)alpha); // [R, out]
        return y.view([.. x.shape[..^1], Outputs]);
    }

    private Tensor Adapted(Tensor y, Tensor x, double alpha)
    {
        if (_adapter is null)
        {
            return y;
        }
        var update = _adapter.Forward(x);
        return y.add(alpha == 1 ? update : update.mul(alpha));
    }

    /// <summary>The frozen layer; null where there is none, or where a gradient must flow back to x.</summary>
    private PackedLinear? Packed(Tensor x, double alpha, double beta)
    {
        if (!_frozen || (x.requires_grad && is_grad_enabled()))
        {
            return null;
        }
        lock (_packing)
        {
            _packed ??= PackedLinear.Of(Matrix, bias, alpha, beta);
            _frozen = _packed is not null; // if it cannot be, it is not tried again
            return _packed?.Has(alpha, beta) == true ? _packed : null;
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _packed?.Dispose();
        }
        base.Dispose(disposing);
    }
}
