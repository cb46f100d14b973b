using AirMLNet.Layers;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace AirMLNet.Diffusion;

// Field names are diffusers' parameter names. N = H·W is the number of places of a map, L that of a text's tokens.

/// <summary>A transformer over the places of a map, which also attends to a text; added to its input.</summary>
internal sealed class Transformer2DModel : nn.Module
{
    private const double Eps = 1e-6;

    private readonly GroupNormLayer norm;
    private readonly LinearLayer proj_in;
    private readonly ModuleList<BasicTransformerBlock> transformer_blocks;
    private readonly LinearLayer proj_out;

    public Transformer2DModel(UNet2DConditionConfig config, int channels, int heads, int layers)
        : base(nameof(Transformer2DModel))
    {
        norm = new GroupNormLayer(config.NormNumGroups, channels, Eps);
        proj_in = new LinearLayer(channels, channels, convolution: !config.UseLinearProjection);
        transformer_blocks = new ModuleList<BasicTransformerBlock>([
            .. Enumerable
                .Range(0, layers)
                .Select(_ => new BasicTransformerBlock(channels, heads, config.CrossAttentionDim, config.UpcastAttention)),
        ]);
        proj_out = new LinearLayer(channels, channels, convolution: !config.UseLinearProjection);
        RegisterComponents();
    }

    public IEnumerable<CrossAttention> TextAttentions => transformer_blocks.Select(b => b.TextAttention);

    /// <param name="x">[B, C, H, W].</param>
    /// <param name="context">The text; its batch may be a multiple of B, and is then the batch of the result.</param>
    /// <param name="observe">Sees the state after each block.</param>
    /// <returns>[B', C, H, W] with the text's batch B'.</returns>
    public Tensor Forward(Tensor x, UNetContext context, Action<string, Tensor>? observe = null)
    {
        using var scope = NewDisposeScope();
        var places = norm.Forward(x).flatten(2).transpose(1, 2).contiguous(); // [B, N, C]
        var h = proj_in.Forward(places);
        for (var i = 0; i < transformer_blocks.Count; i++)
        {
            h = transformer_blocks[i].Forward(h, context); // [B', N, C]
            observe?.Invoke($"transformer_blocks.{i}", h);
        }
        var y = proj_out.Forward(h).transpose(1, 2).view(h.size(0), x.size(1), x.size(2), x.size(3)); // [B', C, H, W]
        return context.Expand(x).add(y).MoveToOuterDisposeScope();
    }
}

/// <summary>Self attention, attention to the text and a feed-forward layer, each behind a layer normalisation and added.</summary>
internal sealed class BasicTransformerBlock : nn.Module
{
    private const double Eps = 1e-5;

    private readonly NormLayer norm1;
    private readonly CrossAttention attn1;
    private readonly NormLayer norm2;
    private readonly CrossAttention attn2;
    private readonly NormLayer norm3;
    private readonly FeedForward ff;

    public BasicTransformerBlock(int channels, int heads, int textWidth, bool upcast)
        : base(nameof(BasicTransformerBlock))
    {
        norm1 = new NormLayer(channels, Eps);
        attn1 = new CrossAttention(channels, channels, heads, upcast);
        norm2 = new NormLayer(channels, Eps);
        attn2 = new CrossAttention(channels, textWidth, heads, upcast);
        norm3 = new NormLayer(channels, Eps);
        ff = new FeedForward(channels);
        RegisterComponents();
    }

    public CrossAttention TextAttention => attn2;

    /// <param name="x">[B, N, C].</param>
    /// <param name="context">The text.</param>
    /// <returns>[B', N, C] with the text's batch B'.</returns>
    public Tensor Forward(Tensor x, UNetContext context)
    {
        using var scope = NewDisposeScope();
        x = x.add(attn1.Forward(norm1.Forward(x))); // [B, N, C]
        x = context.Expand(x); // [B', N, C]
        x = x.add(attn2.Forward(norm2.Forward(x), context));
        return x.add(ff.Forward(norm3.Forward(x))).MoveToOuterDisposeScope();
    }
}

/// <summary>
/// Multi-head attention (Vaswani et al. 2017) of the places to themselves or to a text, softmax(QKᵀ/√D)·V; queries, keys and
/// values have no bias.
/// </summary>
internal sealed class CrossAttention : nn.Module
{
    private readonly LinearLayer to_q;
    private readonly LinearLayer to_k;
    private readonly LinearLayer to_v;
    private readonly ModuleList<LinearLayer> to_out; // diffusers' second entry is a dropout, which has no weights
    private readonly long _heads;
    private readonly bool _upcast;

    public CrossAttention(int channels, int keyWidth, int heads, bool upcast)
        : base(nameof(CrossAttention))
    {
        to_q = new LinearLayer(channels, channels, bias: false);
        to_k = new LinearLayer(keyWidth, channels, bias: false);
        to_v = new LinearLayer(keyWidth, channels, bias: false);
        to_out = new ModuleList<LinearLayer>(new LinearLayer(channels, channels));
        (_heads, _upcast) = (heads, upcast);
        RegisterComponents();
    }

    /// <summary>Self attention.</summary>
    /// <param name="x">[B, N, C].</param>
    public Tensor Forward(Tensor x) => Attend(x, KeysValues(x));

    /// <summary>Attention to the context's text.</summary>
    /// <param name="x">[B, N, C].</param>
    /// <param name="context">The text of each row of the batch.</param>
    public Tensor Forward(Tensor x, UNetContext context) => Attend(x, context.KeysValues(this));

    /// <summary>Keys and values of what is attended to.</summary>
    /// <param name="states">[B, L, width].</param>
    /// <returns>[B, heads, L, D] each.</returns>
    public (Tensor Keys, Tensor Values) KeysValues(Tensor states) => (Heads(to_k.Forward(states)), Heads(to_v.Forward(states)));

    private Tensor Attend(Tensor x, (Tensor Keys, Tensor Values) attended)
    {
        using var scope = NewDisposeScope();
        var (q, k, v) = (Heads(to_q.Forward(x)), attended.Keys, attended.Values); // [B, heads, N, D] and [B, heads, L, D]
        var mixed = _upcast
            ? F.scaled_dot_product_attention(q.to_type(ScalarType.Float32), k.to_type(ScalarType.Float32), v.to_type(ScalarType.Float32))
                .to_type(x.dtype)
            : F.scaled_dot_product_attention(q, k, v);
        return to_out[0].Forward(mixed.transpose(1, 2).flatten(2)).MoveToOuterDisposeScope(); // [B, N, C]
    }

    /// <summary>[B, L, C] to [B, heads, L, D].</summary>
    private Tensor Heads(Tensor states) => states.unflatten(2, _heads, -1).transpose(1, 2);
}

/// <summary>GEGLU (Shazeer 2020) of four times the width, and a projection back.</summary>
internal sealed class FeedForward : nn.Module
{
    private readonly FeedForwardNet net;

    public FeedForward(long channels)
        : base(nameof(FeedForward))
    {
        net = new FeedForwardNet(channels);
        RegisterComponents();
    }

    /// <param name="x">[B, N, C].</param>
    public Tensor Forward(Tensor x) => net.Forward(x);
}

/// <summary>The layers of <see cref="FeedForward"/> under diffusers' numbers: 1 is a dropout, which has no weights.</summary>
internal sealed class FeedForwardNet : nn.Module
{
    [ComponentName(Name = "0")]
    private readonly GegluInput _input;

    [ComponentName(Name = "2")]
    private readonly LinearLayer _output;

    public FeedForwardNet(long channels)
        : base(nameof(FeedForwardNet))
    {
        _input = new GegluInput(channels, 4 * channels);
        _output = new LinearLayer(4 * channels, channels);
        RegisterComponents();
    }

    public Tensor Forward(Tensor x) => _output.Forward(_input.Forward(x));
}

/// <summary>x₁·GELU(x₂) of a projection to x₁ and x₂.</summary>
internal sealed class GegluInput : nn.Module
{
    private readonly LinearLayer proj;

    public GegluInput(long channels, long width)
        : base(nameof(GegluInput))
    {
        proj = new LinearLayer(channels, 2 * width);
        RegisterComponents();
    }

    /// <param name="x">[B, N, C].</param>
    /// <returns>[B, N, 4C].</returns>
    public Tensor Forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var halves = proj.Forward(x).chunk(2, -1); // [B, N, 4C] each
        return halves[0].mul(F.gelu(halves[1])).MoveToOuterDisposeScope();
    }
}
