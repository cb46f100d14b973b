using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace AirMLNet.Benchmarks.Engine;

/// <summary>A vision transformer (Dosovitskiy et al. 2021) of plain modules; engine.py has the same.</summary>
internal sealed class EngineVit : nn.Module<Tensor, Tensor>
{
    private readonly Conv2d patches;
    private readonly Parameter token, position;
    private readonly ModuleList<EngineBlock> blocks;
    private readonly LayerNorm norm;
    private readonly Linear head;

    public EngineVit(int image, int patch, int width, int layers, int heads, int classes)
        : base(nameof(EngineVit))
    {
        patches = nn.Conv2d(3, width, patch, patch, bias: false);
        token = new Parameter(randn(1, 1, width) * 0.02);
        position = new Parameter(randn(1, (image / patch * (image / patch)) + 1, width) * 0.02);
        blocks = nn.ModuleList(Enumerable.Range(0, layers).Select(_ => new EngineBlock(width, heads)).ToArray());
        norm = nn.LayerNorm(width);
        head = nn.Linear(width, classes);
        RegisterComponents();
    }

    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        var x = patches.call(input).flatten(2).transpose(1, 2); // [B, P, D]
        x = cat([token.expand(x.shape[0], -1, -1), x], 1) + position; // [B, 1+P, D]
        foreach (var block in blocks)
        {
            var next = block.call(x);
            x.Dispose();
            x = next;
        }

        return head.call(norm.call(x.select(1, 0))).MoveToOuterDisposeScope(); // [B, classes]
    }
}

/// <summary>Attention and feed-forward network, each after a layer norm and added to its input.</summary>
internal sealed class EngineBlock : nn.Module<Tensor, Tensor>
{
    private readonly int heads;
    private readonly LayerNorm ln_1, ln_2;
    private readonly Linear qkv, proj;
    private readonly Sequential mlp;

    public EngineBlock(int width, int heads)
        : base(nameof(EngineBlock))
    {
        this.heads = heads;
        (ln_1, ln_2) = (nn.LayerNorm(width), nn.LayerNorm(width));
        (qkv, proj) = (nn.Linear(width, 3 * width), nn.Linear(width, width));
        mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width));
        RegisterComponents();
    }

    public override Tensor forward(Tensor input)
    {
        using var attended = Attention(input);
        using var x = input + attended;
        using var normed = ln_2.call(x);
        using var transformed = mlp.call(normed);
        return x + transformed; // [B, N, D]
    }

    private Tensor Attention(Tensor x)
    {
        // The scope frees the unnamed views too, which would keep the memory they look at.
        using var scope = NewDisposeScope();
        var (b, n, c) = (x.shape[0], x.shape[1], x.shape[2]);
        using var joined = Projected(x);
        using var split = joined.view(b, n, 3, heads, c / heads).permute(2, 0, 3, 1, 4); // [3, B, H, N, D/H]
        var parts = split.unbind(0);
        using Tensor q = parts[0], k = parts[1], v = parts[2];
        using var weights = Weights(q, k);
        using var mixed = weights.matmul(v); // [B, H, N, D/H]
        using var flat = mixed.transpose(1, 2).reshape(b, n, c);
        return proj.call(flat).MoveToOuterDisposeScope();
    }

    // What is needed once is freed before more is computed.
    private Tensor Projected(Tensor x)
    {
        using var normed = ln_1.call(x);
        return qkv.call(normed); // [B, N, 3·D]
    }

    private static Tensor Weights(Tensor q, Tensor k)
    {
        using var scaled = q * Math.Pow(q.shape[^1], -0.5);
        using var turned = k.transpose(-2, -1);
        using var scores = scaled.matmul(turned);
        return scores.softmax(-1); // [B, H, N, N]
    }
}
