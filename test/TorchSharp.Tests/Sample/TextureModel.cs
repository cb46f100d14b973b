using TorchSharp.Modules;
using static TorchSharp.torch.nn;

namespace TorchSharp.Tests.Sample;

/// <summary>A residual block of two convolutions, written as users write modules.</summary>
internal sealed class ResidualBlock : Module<Tensor, Tensor>
{
    private readonly Conv2d conv1, conv2;
    private readonly BatchNorm2d bn1, bn2;
    private readonly Sequential shortcut;

    internal ResidualBlock(string name, long input, long output, long stride) : base(name)
    {
        conv1 = Conv2d(input, output, 3, stride: stride, padding: 1, bias: false);
        bn1 = BatchNorm2d(output);
        conv2 = Conv2d(output, output, 3, padding: 1, bias: false);
        bn2 = BatchNorm2d(output);
        shortcut = stride == 1 && input == output
            ? Sequential()
            : Sequential(("conv", Conv2d(input, output, 1, stride: stride, bias: false)), ("bn", BatchNorm2d(output)));
        RegisterComponents();
    }

    public override Tensor forward(Tensor input)
    {
        using var _ = NewDisposeScope();
        var x = functional.relu(bn1.call(conv1.call(input)));
        x = bn2.call(conv2.call(x));
        return functional.relu(x + shortcut.call(input)).MoveToOuterDisposeScope();
    }
}

/// <summary>Attention over a sequence with a learned query, after Lee et al. 2019, in its simplest form.</summary>
internal sealed class AttentionPool : Module<Tensor, Tensor>
{
    private readonly long heads;
    private readonly Linear key, value, output;
    private readonly Parameter query;

    internal AttentionPool(long width, long heads) : base(nameof(AttentionPool))
    {
        this.heads = heads;
        key = Linear(width, width);
        value = Linear(width, width);
        output = Linear(width, width);
        query = Parameter(randn(heads, width / heads) * 0.02);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        long batch = x.shape[0], length = x.shape[1], width = x.shape[2];
        var k = key.call(x).view(batch, length, heads, width / heads);
        var v = value.call(x).view(batch, length, heads, width / heads);
        var scores = einsum("hd,blhd->bhl", query, k) / Math.Sqrt(width / heads);
        var mixed = einsum("bhl,blhd->bhd", scores.softmax(-1), v);
        return output.call(mixed.flatten(1)).MoveToOuterDisposeScope();
    }
}

/// <summary>Convolutions, attention pooling, and two heads: class logits and a unit vector.</summary>
internal sealed class TextureModel : Module<Tensor, (Tensor logits, Tensor embedding)>
{
    private readonly Sequential stem;
    private readonly ModuleList<ResidualBlock> blocks;
    private readonly AttentionPool pool;
    private readonly Dropout dropout;
    private readonly ModuleDict<Linear> heads;
    private readonly Tensor calls;

    internal TextureModel(long width = 8) : base(nameof(TextureModel))
    {
        stem = Sequential(
            ("conv", Conv2d(1, width, 3, padding: 1)),
            ("norm", GroupNorm(2, width)),
            ("act", GELU()));
        blocks = new ModuleList<ResidualBlock>(new ResidualBlock("a", width, width, 1), new ResidualBlock("b", width, 2 * width, 2));
        pool = new AttentionPool(2 * width, 4);
        dropout = Dropout(0.1);
        heads = ModuleDict<Linear>(("class", Linear(2 * width, TextureData.Classes)), ("embed", Linear(2 * width, 6, hasBias: false)));
        calls = zeros(1, int64);
        register_buffer("calls", calls);
        RegisterComponents();
        apply(m =>
        {
            if (m is Linear linear)
            {
                init.xavier_uniform_(linear.weight);
                if (linear.bias is not null) init.zeros_(linear.bias);
            }
        });
    }

    public override (Tensor logits, Tensor embedding) forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        if (training) calls.add_(1);
        var x = stem.call(input); // [B, W, 12, 12]
        foreach (var block in blocks) x = block.call(x); // [B, 2·W, 6, 6]
        var sequence = x.flatten(2).transpose(1, 2); // [B, 36, 2·W]
        var pooled = dropout.call(pool.call(sequence));
        var logits = heads["class"].call(pooled);
        var embedding = functional.normalize(heads["embed"].call(pooled), dim: -1);
        return (logits.MoveToOuterDisposeScope(), embedding.MoveToOuterDisposeScope());
    }
}
