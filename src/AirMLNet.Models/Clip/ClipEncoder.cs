using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace AirMLNet.Clip;

/// <summary>The stack of blocks of a tower; the checkpoints number them under <c>layers</c>.</summary>
internal sealed class ClipEncoder : nn.Module
{
    // The largest size up to which glibc hands out memory that was freed before. What is larger is mapped and cleared anew each
    // time: ViT-B/32 with 64 images, whose widest tensor is 39 MB, took 14 % longer than four times 16 (docs/performance.md).
    private const long ReusedBytes = 32L << 20;

    private readonly ModuleList<ClipBlock> layers;

    public ClipEncoder(int count, Func<ClipBlock> create)
        : base(nameof(ClipEncoder))
    {
        layers = nn.ModuleList(Enumerable.Range(0, count).Select(_ => create()).ToArray());
        RegisterComponents();
    }

    internal IList<ClipBlock> Blocks => layers;

    /// <summary>The last block's output for all tokens. Takes x over and disposes it.</summary>
    /// <param name="x">[B, N, W].</param>
    /// <param name="causal">Whether a token sees only itself and those before it.</param>
    /// <returns>[B, N, W].</returns>
    public Tensor Forward(Tensor x, bool causal = false) => InSlices(x, null, (part, _) => Run(layers, part, causal));

    /// <summary>
    /// The last block's output for one token of each sequence. Takes x over and disposes it. The last block costs about a quarter
    /// of a whole one then, which is 7 to 10 % of a tower of twelve (docs/performance.md).
    /// </summary>
    /// <param name="x">[B, N, W].</param>
    /// <param name="positions">[B] int64, the token wanted, which sees those up to itself; null for token 0, which sees all.</param>
    /// <returns>[B, W].</returns>
    public Tensor ForwardToken(Tensor x, Tensor? positions = null) => InSlices(x, positions, Token);

    private Tensor Token(Tensor x, Tensor? positions)
    {
        using var scope = NewDisposeScope();
        x = Run(layers.SkipLast(1), x, causal: positions is not null);
        var (batch, length, width) = (x.size(0), x.size(1), x.size(2));
        if (positions is null)
        {
            return layers[^1].ForwardToken(x, x.narrow(1, 0, 1), null).squeeze(1).MoveToOuterDisposeScope();
        }
        var token = x.gather(1, positions.view(batch, 1, 1).expand(batch, 1, width)); // [B, 1, W]
        var mask = arange(length, ScalarType.Int64, x.device).le(positions.view(batch, 1, 1, 1)); // [B, 1, 1, N]
        return layers[^1].ForwardToken(x, token, mask).squeeze(1).MoveToOuterDisposeScope();
    }

    /// <summary>Runs a batch in equal parts, so small that no tensor is larger than memory that is used again.</summary>
    private Tensor InSlices(Tensor x, Tensor? positions, Func<Tensor, Tensor?, Tensor> run)
    {
        var widest = x.numel() / x.size(2) * layers[0].Mlp.Inner.Outputs * x.element_size(); // bytes of [B, N, inner]
        var slices = Math.Min(x.size(0), (widest + ReusedBytes - 1) / ReusedBytes);
        if (slices <= 1 || x.device_type != DeviceType.CPU || is_grad_enabled())
        {
            return run(x, positions);
        }
        using var scope = NewDisposeScope();
        var size = (x.size(0) + slices - 1) / slices;
        List<Tensor> parts = [];
        for (var from = 0L; from < x.size(0); from += size)
        {
            var count = Math.Min(size, x.size(0) - from);
            parts.Add(run(x.narrow(0, from, count), positions?.narrow(0, from, count)));
        }
        x.Dispose();
        return cat(parts).MoveToOuterDisposeScope();
    }

    /// <summary>The output of every block, [B, N, W] each.</summary>
    public List<Tensor> ForwardAll(Tensor x, bool causal = false)
    {
        List<Tensor> states = [];
        foreach (var block in layers)
        {
            states.Add(x = block.Forward(x, causal));
        }
        return states;
    }

    private static Tensor Run(IEnumerable<ClipBlock> blocks, Tensor x, bool causal)
    {
        foreach (var block in blocks)
        {
            var next = block.Forward(x, causal);
            x.Dispose(); // autograd keeps what it needs; without it the memory goes back at once
            x = next;
        }
        return x;
    }
}
