using AirMLNet.Layers;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace AirMLNet.Clip;

// The parts of the ResNet image tower. Field names are OpenAI's parameter names: no Hugging Face class has such a tower.

/// <summary>Batch normalisation by the stored statistics, which are constants here: CLIP's towers are fine-tuned so.</summary>
internal sealed class ClipBatchNorm : nn.Module
{
    private const double Eps = 1e-5;

    internal readonly Parameter weight;
    internal readonly Parameter bias;
    internal readonly Tensor running_mean;
    internal readonly Tensor running_var;

    public ClipBatchNorm(long channels)
        : base(nameof(ClipBatchNorm))
    {
        weight = LayerParameter.Create(channels);
        bias = LayerParameter.Create(channels);
        // A model that is built within a dispose scope outlives it, as its parameters do.
        running_mean = zeros([channels], ScalarType.Float32).DetachFromDisposeScope();
        running_var = ones([channels], ScalarType.Float32).DetachFromDisposeScope();
        RegisterComponents();
    }

    public Tensor Forward(Tensor x) => F.batch_norm(x, running_mean, running_var, weight, bias, false, 0.1, Eps);
}

/// <summary>A block of a stage.</summary>
internal abstract class ClipResNetBlock(string name) : nn.Module(name)
{
    /// <param name="x">[B, C, H, W]; left unchanged.</param>
    /// <returns>[B, C', H/stride, W/stride].</returns>
    public abstract Tensor Forward(Tensor x);
}

/// <summary>
/// A bottleneck of expansion 4. All convolutions have stride 1: where the block halves the size, average pooling after the
/// second convolution does, and before the convolution of the shortcut.
/// </summary>
internal sealed class ClipBottleneck : ClipResNetBlock
{
    public const int Expansion = 4;

    private readonly ConvLayer conv1;
    private readonly ClipBatchNorm bn1;
    private readonly ConvLayer conv2;
    private readonly ClipBatchNorm bn2;
    private readonly ConvLayer conv3;
    private readonly ClipBatchNorm bn3;
    private readonly ClipShortcut? downsample;
    private readonly long _stride;

    public ClipBottleneck(long inputs, long planes, long stride)
        : base(nameof(ClipBottleneck))
    {
        conv1 = new ConvLayer(inputs, planes, 1, bias: false);
        bn1 = new ClipBatchNorm(planes);
        conv2 = new ConvLayer(planes, planes, 3, bias: false);
        bn2 = new ClipBatchNorm(planes);
        conv3 = new ConvLayer(planes, planes * Expansion, 1, bias: false);
        bn3 = new ClipBatchNorm(planes * Expansion);
        downsample = stride > 1 || inputs != planes * Expansion ? new ClipShortcut(inputs, planes * Expansion) : null;
        _stride = stride;
        RegisterComponents();
    }

    public override Tensor Forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var y = bn1.Forward(conv1.Forward(x)).relu_();
        y = bn2.Forward(conv2.Forward(y)).relu_();
        y = bn3.Forward(conv3.Forward(Pool(y)));
        return y.add_(downsample is null ? x : downsample.Forward(Pool(x))).relu_().MoveToOuterDisposeScope();
    }

    private Tensor Pool(Tensor x) => _stride > 1 ? F.avg_pool2d(x, _stride) : x;
}

/// <summary>The shortcut's convolution and normalisation; the checkpoints number them 0 and 1.</summary>
internal sealed class ClipShortcut : nn.Module
{
    [ComponentName(Name = "0")]
    private readonly ConvLayer _conv;

    [ComponentName(Name = "1")]
    private readonly ClipBatchNorm _norm;

    public ClipShortcut(long inputs, long outputs, long stride = 1)
        : base(nameof(ClipShortcut))
    {
        _conv = new ConvLayer(inputs, outputs, 1, stride, bias: false);
        _norm = new ClipBatchNorm(outputs);
        RegisterComponents();
    }

    public Tensor Forward(Tensor x) => _norm.Forward(_conv.Forward(x));
}

/// <summary>
/// Two convolutions of 3×3 beside a shortcut, of which the first may halve the size (He et al. 2016, figure 2; timm's BasicBlock).
/// </summary>
internal sealed class ClipBasicBlock : ClipResNetBlock
{
    private readonly ConvLayer conv1;
    private readonly ClipBatchNorm bn1;
    private readonly ConvLayer conv2;
    private readonly ClipBatchNorm bn2;
    private readonly ClipShortcut? downsample;

    public ClipBasicBlock(long inputs, long planes, long stride)
        : base(nameof(ClipBasicBlock))
    {
        conv1 = new ConvLayer(inputs, planes, 3, stride, bias: false);
        bn1 = new ClipBatchNorm(planes);
        conv2 = new ConvLayer(planes, planes, 3, bias: false);
        bn2 = new ClipBatchNorm(planes);
        downsample = stride > 1 || inputs != planes ? new ClipShortcut(inputs, planes, stride) : null;
        RegisterComponents();
    }

    public override Tensor Forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var y = bn1.Forward(conv1.Forward(x)).relu_();
        y = bn2.Forward(conv2.Forward(y));
        return y.add_(downsample is null ? x : downsample.Forward(x)).relu_().MoveToOuterDisposeScope();
    }
}

/// <summary>A stage: blocks named 0, 1, 2 and so on.</summary>
internal sealed class ClipResNetStage : nn.Module
{
    private readonly List<ClipResNetBlock> _blocks = [];

    private ClipResNetStage(int count, Func<int, ClipResNetBlock> block)
        : base(nameof(ClipResNetStage))
    {
        for (var i = 0; i < count; i++)
        {
            _blocks.Add(block(i));
            register_module(i.ToString(System.Globalization.CultureInfo.InvariantCulture), _blocks[i]);
        }
    }

    /// <summary>Bottlenecks, of which the first may halve the size.</summary>
    public static ClipResNetStage OfBottlenecks(long inputs, long planes, int count, long stride) =>
        new(
            count,
            i => i == 0 ? new ClipBottleneck(inputs, planes, stride) : new ClipBottleneck(planes * ClipBottleneck.Expansion, planes, 1)
        );

    /// <summary>Basic blocks, of which the first may halve the size.</summary>
    public static ClipResNetStage OfBasicBlocks(long inputs, long planes, int count, long stride) =>
        new(count, i => i == 0 ? new ClipBasicBlock(inputs, planes, stride) : new ClipBasicBlock(planes, planes, 1));

    public Tensor Forward(Tensor x)
    {
        var first = x;
        foreach (var block in _blocks)
        {
            var next = block.Forward(x);
            if (!ReferenceEquals(x, first))
            {
                x.Dispose();
            }
            x = next;
        }
        return x;
    }
}
