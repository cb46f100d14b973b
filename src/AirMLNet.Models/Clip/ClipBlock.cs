using System.Globalization;
using AirMLNet.Layers;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace AirMLNet.Clip;

/// <summary>
/// A pre-norm transformer block: x + attention(norm(x)), then x + mlp(norm(x)).
/// B images or texts of N tokens each come as rows [B·N, W].
/// </summary>
internal sealed class ClipBlock : nn.Module
{
    private readonly NormLayer layer_norm1;
    private readonly ClipAttention self_attn;
    private readonly NormLayer layer_norm2;
    private readonly ClipMlp mlp;

    public ClipBlock(long width, long inner, long heads, ClipActivation activation, double eps)
        : base(nameof(ClipBlock))
    {
        layer_norm1 = new NormLayer(width, eps);
        self_attn = new ClipAttention(width, heads);
        layer_norm2 = new NormLayer(width, eps);
        mlp = new ClipMlp(width, inner, activation);
        RegisterComponents();
    }

    internal NormLayer Norm1 => layer_norm1;

    internal NormLayer Norm2 => layer_norm2;

    internal ClipAttention Attention => self_attn;

    internal ClipMlp Mlp => mlp;

    /// <param name="x">[B·N, W]; left unchanged.</param>
    /// <param name="batch">B.</param>
    /// <param name="mask">Additive, [N, N] or null.</param>
    public Tensor Forward(Tensor x, long batch, Tensor? mask)
    {
        using var scope = NewDisposeScope();
        var y = self_attn.Forward(layer_norm1.Forward(x), batch, mask).add_(x); // [B·N, W]
        return mlp.Forward(layer_norm2.Forward(y)).add_(y).MoveToOuterDisposeScope();
    }

    /// <summary>As <see cref="Forward"/> without gradients: x becomes the block's output.</summary>
    public void ForwardInPlace(Tensor x, long batch, Tensor? mask, ClipScratch scratch)
    {
        using var scope = NewDisposeScope();
        self_attn.AddTo(x, layer_norm1.Forward(x), batch, mask, scratch);
        mlp.AddTo(x, layer_norm2.Forward(x), scratch);
    }

    /// <summary>The block where queries, keys and values are there already, as when most of them never change.</summary>
    /// <param name="x">[B·N, W]; left unchanged.</param>
    /// <param name="q">Queries of the normalised x, [B·N, W]; taken over.</param>
    /// <param name="k">Keys, likewise.</param>
    /// <param name="v">Values, likewise.</param>
    /// <param name="batch">B.</param>
    public Tensor ForwardProjected(Tensor x, Tensor q, Tensor k, Tensor v, long batch)
    {
        using var scope = NewDisposeScope();
        var y = self_attn.Mix(q, k, v, batch, null).add_(x); // [B·N, W]
        return mlp.Forward(layer_norm2.Forward(y)).add_(y).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// The block's output for one token of each sequence. Only keys and values need the other tokens,
    /// so the last block of a pooled tower costs about a quarter of a whole one.
    /// </summary>
    /// <param name="x">[B·N, W].</param>
    /// <param name="batch">B.</param>
    /// <param name="rows">[B] int64, the row of x wanted for each sequence.</param>
    /// <param name="mask">Additive, [B, 1, N] or null.</param>
    /// <returns>[B, W].</returns>
    public Tensor ForwardRows(Tensor x, long batch, Tensor rows, Tensor? mask)
    {
        using var scope = NewDisposeScope();
        var y = self_attn.ForwardRows(layer_norm1.Forward(x), batch, rows, mask).add_(x.index_select(0, rows)); // [B, W]
        return mlp.Forward(layer_norm2.Forward(y)).add_(y).MoveToOuterDisposeScope();
    }
}

/// <summary>Multi-head self attention.</summary>
internal sealed class ClipAttention : nn.Module
{
    private readonly LinearLayer q_proj;
    private readonly LinearLayer k_proj;
    private readonly LinearLayer v_proj;
    private readonly LinearLayer out_proj;
    private readonly long _heads;
    private readonly long _headWidth;
    private readonly double _scale;

    public ClipAttention(long width, long heads)
        : base(nameof(ClipAttention))
    {
        q_proj = new LinearLayer(width, width);
        k_proj = new LinearLayer(width, width);
        v_proj = new LinearLayer(width, width);
        out_proj = new LinearLayer(width, width);
        _heads = heads;
        _headWidth = width / heads;
        _scale = 1 / Math.Sqrt(_headWidth);
        RegisterComponents();
    }

    internal IEnumerable<LinearLayer> Inputs => [q_proj, k_proj, v_proj];

    internal LinearLayer Output => out_proj;

    internal long Heads => _heads;

    public Tensor Forward(Tensor x, long batch, Tensor? mask) => Mix(q_proj.Forward(x), k_proj.Forward(x), v_proj.Forward(x), batch, mask);

    /// <summary>Attention from projected rows [B·N, W] on; the queries are overwritten.</summary>
    public Tensor Mix(Tensor queries, Tensor keys, Tensor values, long batch, Tensor? mask)
    {
        var q = Split(queries.mul_(_scale), batch); // [B·H, N, D]
        var k = Split(keys, batch).transpose(1, 2); // [B·H, D, N]
        var v = Split(values, batch); // [B·H, N, D]
        var scores = mask is null ? q.bmm(k) : q.bmm(k).add_(mask); // [B·H, N, N]
        var mixed = scores.softmax(-1).bmm(v); // [B·H, N, D]
        var rows = mixed.view(batch, _heads, -1, _headWidth).transpose(1, 2).reshape(-1, _heads * _headWidth); // [B·N, W]
        return out_proj.Forward(rows);
    }

    /// <summary>Adds the attention over normed rows to x, [B·N, W].</summary>
    public void AddTo(Tensor x, Tensor normed, long batch, Tensor? mask, ClipScratch scratch)
    {
        var q = Fill(scratch.Query, q_proj).mul_(_scale); // [B·H, N, D]
        var k = Fill(scratch.Key, k_proj).transpose(1, 2); // [B·H, D, N]
        var v = Fill(scratch.Value, v_proj); // [B·H, N, D]
        var scores = mask is null ? q.bmm(k) : q.bmm(k).add_(mask); // [B·H, N, N]
        var mixed = scores.softmax(-1).bmm(v); // [B·H, N, D]
        var rows = scratch.Width; // [B·N, W]
        rows.view(batch, -1, _heads, _headWidth).copy_(mixed.view(batch, _heads, -1, _headWidth).transpose(1, 2));
        out_proj.AddTo(x, rows);

        Tensor Fill(Tensor heads, LinearLayer layer)
        {
            heads.copy_(layer.ForwardInto(scratch.Width, normed).view(batch, -1, _heads, _headWidth).transpose(1, 2));
            return heads.view(batch * _heads, -1, _headWidth);
        }
    }

    public Tensor ForwardRows(Tensor x, long batch, Tensor rows, Tensor? mask)
    {
        var q = q_proj.Forward(x.index_select(0, rows)).mul_(_scale).view(batch * _heads, 1, _headWidth); // [B·H, 1, D]
        var k = Split(k_proj.Forward(x), batch).transpose(1, 2); // [B·H, D, N]
        var v = Split(v_proj.Forward(x), batch); // [B·H, N, D]
        var scores = q.bmm(k).view(batch, _heads, -1); // [B, H, N]
        if (mask is not null)
        {
            scores = scores.add(mask);
        }
        var mixed = scores.softmax(-1).view(batch * _heads, 1, -1).bmm(v); // [B·H, 1, D]
        return out_proj.Forward(mixed.view(batch, _heads * _headWidth)); // [B, W]
    }

    /// <summary>[B·N, W] to [B·H, N, D].</summary>
    private Tensor Split(Tensor rows, long batch) =>
        rows.view(batch, -1, _heads, _headWidth).transpose(1, 2).reshape(batch * _heads, -1, _headWidth);
}

/// <summary>The two-layer perceptron of a block.</summary>
internal sealed class ClipMlp : nn.Module
{
    private const double Quick = 1.702;

    private readonly LinearLayer fc1;
    private readonly LinearLayer fc2;
    private readonly ClipActivation _activation;
    private bool _folded;

    public ClipMlp(long width, long inner, ClipActivation activation)
        : base(nameof(ClipMlp))
    {
        fc1 = new LinearLayer(width, inner);
        fc2 = new LinearLayer(inner, width);
        _activation = activation;
        RegisterComponents();
    }

    internal LinearLayer Inner => fc1;

    internal LinearLayer Outer => fc2;

    public Tensor Forward(Tensor x)
    {
        using var scope = NewDisposeScope(); // the inner layer is the widest: it must not outlive its use
        return fc2.Forward(Activate(fc1.Forward(x))).MoveToOuterDisposeScope();
    }

    /// <summary>Adds the perceptron's output for normed rows to x, [R, W].</summary>
    public void AddTo(Tensor x, Tensor normed, ClipScratch scratch) => fc2.AddTo(x, Activate(fc1.ForwardInto(scratch.Inner, normed)));

    /// <summary>With QuickGELU, moves its factor into the first layer and the inverse into the second.</summary>
    /// <returns>Whether weights changed.</returns>
    public bool Fold()
    {
        if (_activation != ClipActivation.QuickGelu || _folded)
        {
            return false;
        }
        fc1.weight.mul_(Quick);
        fc1.bias!.mul_(Quick);
        fc2.weight.mul_(1 / Quick);
        return _folded = true;
    }

    private Tensor Activate(Tensor h) =>
        _activation == ClipActivation.Gelu ? F.gelu(h)
        : _folded ? Silu(h)
        : QuickGelu(h); // [R, inner]

    private static Tensor Silu(Tensor h) => h.requires_grad ? h.silu() : h.silu_();

    // x·σ(1.702x) = silu(1.702x)/1.702: one fused kernel, and one tensor kept for the backward pass instead of three.
    // Overwriting h is safe: nothing upstream keeps the output of a linear layer.
    private static Tensor QuickGelu(Tensor h)
    {
        h = h.mul_(Quick);
        return Silu(h).mul_(1 / Quick);
    }
}

/// <summary>The stack of blocks of a tower; the checkpoints number them under <c>layers</c>.</summary>
internal sealed class ClipEncoder : nn.Module
{
    private readonly ClipLayers layers;

    public ClipEncoder(int count, Func<ClipBlock> create)
        : base(nameof(ClipEncoder))
    {
        layers = new ClipLayers(count, create);
        RegisterComponents();
    }

    internal IReadOnlyList<ClipBlock> Blocks => layers.Blocks;

    /// <summary>The last block's output for one token of each sequence, [B, W]; arguments as in <see cref="ClipBlock.ForwardRows"/>.</summary>
    /// <remarks>Takes x over and disposes it.</remarks>
    public Tensor ForwardPooled(Tensor x, long batch, Tensor? mask, Tensor rows, Tensor? rowMask)
    {
        x = Run(Blocks.Take(Blocks.Count - 1), x, batch, mask);
        return Blocks[^1].ForwardRows(x, batch, rows, rowMask);
    }

    /// <summary>The last block's output for all tokens, [B·N, W]. Takes x over and disposes it.</summary>
    public Tensor Forward(Tensor x, long batch, Tensor? mask) => Run(Blocks, x, batch, mask);

    private static Tensor Run(IEnumerable<ClipBlock> blocks, Tensor x, long batch, Tensor? mask)
    {
        ClipScratch? scratch = null;
        try
        {
            foreach (var block in blocks)
            {
                scratch ??= ClipScratch.For(x, batch, block.Attention.Heads, block.Mlp.Inner.weight.size(0));
                if (scratch is not null)
                {
                    block.ForwardInPlace(x, batch, mask, scratch);
                    continue;
                }
                var next = block.Forward(x, batch, mask);
                x.Dispose(); // autograd keeps what it needs; without it the memory goes back at once
                x = next;
            }
            return x;
        }
        finally
        {
            scratch?.Dispose();
        }
    }

    /// <summary>The output of every block, [B·N, W] each.</summary>
    public List<Tensor> ForwardAll(Tensor x, long batch, Tensor? mask)
    {
        List<Tensor> states = [];
        foreach (var block in Blocks)
        {
            states.Add(x = block.Forward(x, batch, mask));
        }
        return states;
    }
}

/// <summary>Blocks named 0, 1, 2 and so on.</summary>
internal sealed class ClipLayers : nn.Module
{
    public ClipLayers(int count, Func<ClipBlock> create)
        : base(nameof(ClipLayers))
    {
        Blocks = [.. Enumerable.Range(0, count).Select(_ => create())];
        for (var i = 0; i < count; i++)
        {
            register_module(i.ToString(CultureInfo.InvariantCulture), Blocks[i]);
        }
    }

    internal IReadOnlyList<ClipBlock> Blocks { get; }
}
