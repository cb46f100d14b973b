using TorchSharp.Modules;
using static TorchSharp.torch;

namespace AirMLNet.Clip;

/// <summary>The stack of blocks of a tower; the checkpoints number them under <c>layers</c>.</summary>
internal sealed class ClipEncoder : nn.Module
{
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
    public Tensor Forward(Tensor x, bool causal = false) => Run(layers, x, causal);

    /// <summary>
    /// The last block's output for one token of each sequence. Takes x over and disposes it. The last block costs about a quarter
    /// of a whole one then, which is 7 to 10 % of a tower of twelve (docs/performance.md).
    /// </summary>
    /// <param name="x">[B, N, W].</param>
    /// <param name="positions">[B] int64, the token wanted, which sees those up to itself; null for token 0, which sees all.</param>
    /// <returns>[B, W].</returns>
    public Tensor ForwardToken(Tensor x, Tensor? positions = null)
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
