using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace AirMLNet.Layers;

/// <summary>
/// y = x·Wᵀ + b, with or without b. It works on rows, [R, in]: a plain matrix keeps it one addmm and lets in-place steps
/// stay in place under autograd. A LoRA adapter can be set; it is no parameter of the module and is in no checkpoint of it.
/// </summary>
internal sealed class LinearLayer : nn.Module
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

    /// <summary>What LoRA adds to the layer; null for nothing. The layer does not own it.</summary>
    /// <exception cref="ArgumentException">The adapter's shapes do not fit the layer.</exception>
    public LoraAdapter? Adapter
    {
        get => _adapter;
        set
        {
            if (value is not null && (value.Down.size(1) != Inputs || value.Up.size(0) != Outputs))
            {
                throw new ArgumentException(
                    $"The adapter takes {value.Down.size(1)} and gives {value.Up.size(0)} values; the layer takes {Inputs} and gives {Outputs}.",
                    nameof(value)
                );
            }
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

    /// <summary>As <see cref="Forward"/> without gradients, into memory that is there: result = x·Wᵀ + b.</summary>
    /// <param name="result">[R, out]; overwritten and given back.</param>
    /// <param name="rows">[R, in].</param>
    public Tensor ForwardInto(Tensor result, Tensor rows)
    {
        _ = bias is null ? result.zero_() : result.copy_(bias);
        return Sum(result, rows);
    }

    /// <summary>Adds x·Wᵀ + b, without gradients.</summary>
    /// <param name="sum">[R, out]; changed.</param>
    /// <param name="rows">[R, in].</param>
    public void AddTo(Tensor sum, Tensor rows)
    {
        Sum(sum, rows);
        if (bias is not null)
        {
            sum.add_(bias);
        }
    }

    private Tensor Sum(Tensor sum, Tensor rows)
    {
        sum.addmm_(rows, Matrix.t());
        return _adapter is null ? sum : sum.add_(_adapter.Forward(rows));
    }
}
