using AirMLNet.Layers;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace AirMLNet.Clip;

/// <summary>A pre-norm transformer block: x + attention(norm(x)), then x + mlp(norm(x)).</summary>
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

    /// <param name="x">[B, N, W].</param>
    /// <param name="causal">Whether a token sees only itself and those before it.</param>
    /// <returns>[B, N, W].</returns>
    public Tensor Forward(Tensor x, bool causal = false)
    {
        using var scope = NewDisposeScope();
        var normed = layer_norm1.Forward(x); // [B, N, W]
        return Finish(x, self_attn.Forward(normed, normed, null, causal)).MoveToOuterDisposeScope();
    }

    /// <summary>The block's output for one token of each sequence: only keys and values need the others.</summary>
    /// <param name="x">[B, N, W].</param>
    /// <param name="token">[B, 1, W], the token of each sequence.</param>
    /// <param name="mask">[B, 1, 1, N], which tokens it sees; null for all.</param>
    /// <returns>[B, 1, W].</returns>
    public Tensor ForwardToken(Tensor x, Tensor token, Tensor? mask)
    {
        using var scope = NewDisposeScope();
        return Finish(token, self_attn.Forward(layer_norm1.Forward(token), layer_norm1.Forward(x), mask)).MoveToOuterDisposeScope();
    }

    /// <summary>What follows the attention: the two residual sums and the perceptron.</summary>
    /// <param name="x">[B, N, W], the input of the block.</param>
    /// <param name="attended">[B, N, W], the output of its attention.</param>
    /// <returns>[B, N, W].</returns>
    public Tensor Finish(Tensor x, Tensor attended)
    {
        using var scope = NewDisposeScope();
        x = attended.add_(x); // [B, N, W]
        return mlp.Forward(layer_norm2.Forward(x)).add_(x).MoveToOuterDisposeScope();
    }
}

/// <summary>Multi-head attention.</summary>
internal sealed class ClipAttention : nn.Module
{
    private readonly LinearLayer q_proj;
    private readonly LinearLayer k_proj;
    private readonly LinearLayer v_proj;
    private readonly LinearLayer out_proj;
    private readonly long _heads;

    public ClipAttention(long width, long heads)
        : base(nameof(ClipAttention))
    {
        q_proj = new LinearLayer(width, width);
        k_proj = new LinearLayer(width, width);
        v_proj = new LinearLayer(width, width);
        out_proj = new LinearLayer(width, width);
        _heads = heads;
        RegisterComponents();
    }

    internal IEnumerable<LinearLayer> Inputs => [q_proj, k_proj, v_proj];

    internal LinearLayer Output => out_proj;

    /// <param name="x">[B, Q, W], the tokens that ask.</param>
    /// <param name="context">[B, N, W], the tokens that answer.</param>
    /// <param name="mask">Broadcastable to [B, H, Q, N]; null for none.</param>
    /// <param name="causal">Whether a token sees only itself and those before it; Q is N then.</param>
    /// <returns>[B, Q, W].</returns>
    public Tensor Forward(Tensor x, Tensor context, Tensor? mask, bool causal = false)
    {
        using var scope = NewDisposeScope();
        var (q, k, v) = (Queries(x), Keys(context), Values(context)); // [B, H, Q or N, D]
        return Merge(F.scaled_dot_product_attention(q, k, v, mask, is_casual: causal)).MoveToOuterDisposeScope();
    }

    /// <summary>[…, N, W] to […, H, N, D].</summary>
    public Tensor Queries(Tensor x) => Split(q_proj.Forward(x));

    /// <summary>[…, N, W] to […, H, N, D].</summary>
    public Tensor Keys(Tensor x) => Split(k_proj.Forward(x));

    /// <summary>[…, N, W] to […, H, N, D].</summary>
    public Tensor Values(Tensor x) => Split(v_proj.Forward(x));

    /// <summary>[…, N, W] as […, H, N, D].</summary>
    public Tensor Split(Tensor x) => x.unflatten(x.dim() - 1, _heads, -1).transpose(-3, -2);

    /// <summary>The output projection of what the heads gathered: […, H, N, D] to […, N, W].</summary>
    public Tensor Merge(Tensor mixed) => out_proj.Forward(mixed.transpose(-3, -2).flatten(-2));
}

/// <summary>The two-layer perceptron of a block.</summary>
internal sealed class ClipMlp : nn.Module
{
    private const double Quick = 1.702;

    private readonly LinearLayer fc1;
    private readonly LinearLayer fc2;
    private readonly ClipActivation _activation;

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

    /// <param name="x">[B, N, W].</param>
    /// <returns>[B, N, W].</returns>
    public Tensor Forward(Tensor x)
    {
        using var scope = NewDisposeScope(); // the inner layer is the widest tensor: it must not outlive its use
        if (_activation == ClipActivation.Gelu)
        {
            return fc2.Forward(F.gelu(fc1.Forward(x))).MoveToOuterDisposeScope();
        }
        // QuickGELU, h·σ(1.702h) = silu(1.702h)/1.702. The factors go into the matrix products, where they cost nothing; as
        // passes of their own over [B, N, inner] they take a tenth of the block's time (docs/performance.md).
        var h = fc1.Forward(x, Quick, Quick); // 1.702·(x·Wᵀ + b), [B, N, inner]
        h = h.requires_grad ? h.silu() : h.silu_();
        return fc2.Forward(h, 1 / Quick, 1).MoveToOuterDisposeScope();
    }
}
