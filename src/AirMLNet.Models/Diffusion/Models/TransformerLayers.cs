using AirMLNet.Layers;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace AirMLNet.Diffusion;

// Field names are diffusers' parameter names. Hidden states are rows, [B·N, C], N = H·W places.

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

    public IEnumerable<CrossAttention> TextAttentions => transformer_blocks.Select(b => b.Text);

    /// <param name="x">[B, C, H, W].</param>
    /// <param name="context">Time and text.</param>
    /// <returns>[B, C, H, W]; B times the context's repeats, which are then used up.</returns>
    public Tensor Forward(Tensor x, UNetContext context)
    {
        using var scope = NewDisposeScope();
        var (batch, channels, height, width) = (x.size(0), x.size(1), x.size(2), x.size(3));
        var rows = norm.Forward(x).permute(0, 2, 3, 1).reshape(-1, channels); // [B·N, C]
        var h = proj_in.Forward(rows);
        rows.Dispose();
        foreach (var block in transformer_blocks)
        {
            var repeats = context.Repeats;
            var next = block.Forward(h, batch, context);
            h.Dispose();
            h = next;
            if (repeats > 1)
            {
                (batch, x) = (batch * repeats, x.repeat(repeats, 1, 1, 1));
            }
        }
        var y = proj_out.Forward(h).view(batch, height, width, channels).permute(0, 3, 1, 2); // [B, C, H, W]
        return x.add(y).MoveToOuterDisposeScope();
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

    public CrossAttention Text => attn2;

    /// <param name="x">[B·N, C].</param>
    /// <param name="batch">B.</param>
    /// <param name="context">Text, and how often B goes into the text's batch.</param>
    public Tensor Forward(Tensor x, long batch, UNetContext context)
    {
        using var scope = NewDisposeScope();
        var y = attn1.Forward(norm1.Forward(x), batch, context.ScoreBytes).add_(x); // [B·N, C]
        if (context.Repeats > 1)
        {
            (batch, y) = (batch * context.Repeats, y.repeat(context.Repeats, 1));
            context.Repeats = 1;
        }
        var z = attn2.Forward(norm2.Forward(y), batch, context).add_(y);
        return ff.Forward(norm3.Forward(z)).add_(z).MoveToOuterDisposeScope();
    }
}

/// <summary>Multi-head attention of the places to themselves or to a text; keys and values have no bias.</summary>
internal sealed class CrossAttention : nn.Module
{
    private readonly LinearLayer to_q;
    private readonly LinearLayer to_k;
    private readonly LinearLayer to_v;
    private readonly ModuleList<LinearLayer> to_out; // diffusers' second entry is a dropout, which has no weights
    private readonly long _heads;
    private readonly long _headWidth;
    private readonly double _scale;
    private readonly bool _upcast;

    public CrossAttention(int channels, int keyWidth, int heads, bool upcast)
        : base(nameof(CrossAttention))
    {
        to_q = new LinearLayer(channels, channels, bias: false);
        to_k = new LinearLayer(keyWidth, channels, bias: false);
        to_v = new LinearLayer(keyWidth, channels, bias: false);
        to_out = new ModuleList<LinearLayer>(new LinearLayer(channels, channels));
        (_heads, _headWidth, _upcast) = (heads, channels / heads, upcast);
        _scale = 1 / Math.Sqrt(_headWidth);
        RegisterComponents();
    }

    /// <summary>Self attention.</summary>
    /// <param name="x">[B·N, C].</param>
    /// <param name="batch">B.</param>
    /// <param name="scoreBytes">Most bytes of scores at a time.</param>
    public Tensor Forward(Tensor x, long batch, long scoreBytes)
    {
        using var scope = NewDisposeScope();
        var (k, v) = KeysValues(x, batch);
        return Attend(x, batch, k, v, scoreBytes).MoveToOuterDisposeScope();
    }

    /// <summary>Attention to the context's text.</summary>
    public Tensor Forward(Tensor x, long batch, UNetContext context)
    {
        using var scope = NewDisposeScope();
        var (k, v) = context.Keys is { } known ? known[this] : KeysValues(context.Text!, batch);
        return Attend(x, batch, k, v, context.ScoreBytes).MoveToOuterDisposeScope();
    }

    /// <summary>What attention needs of the attended rows.</summary>
    /// <param name="rows">[B·M, width].</param>
    /// <param name="batch">B.</param>
    /// <returns>[B·H, D, M] and [B·H, M, D].</returns>
    public (Tensor Key, Tensor Value) KeysValues(Tensor rows, long batch) =>
        (Heads(to_k.Forward(rows), batch).transpose(1, 2), Heads(to_v.Forward(rows), batch));

    private Tensor Attend(Tensor x, long batch, Tensor k, Tensor v, long scoreBytes)
    {
        var q = Heads(to_q.Forward(x).mul_(_scale), batch); // [B·H, N, D]
        var mixed = SlicedAttention.Attend(q, k, v, scoreBytes, _upcast); // [B·H, N, D]
        return to_out[0].Forward(mixed.view(batch, _heads, -1, _headWidth).transpose(1, 2).reshape(x.size(0), -1));
    }

    /// <summary>[B·N, C] to [B·H, N, D].</summary>
    private Tensor Heads(Tensor rows, long batch) =>
        rows.view(batch, -1, _heads, _headWidth).transpose(1, 2).reshape(batch * _heads, -1, _headWidth);
}

/// <summary>GEGLU, x₁·GELU(x₂), of four times the width, and a projection back.</summary>
internal sealed class FeedForward : nn.Module
{
    private readonly FeedForwardNet net;

    public FeedForward(long channels)
        : base(nameof(FeedForward))
    {
        net = new FeedForwardNet(channels);
        RegisterComponents();
    }

    public Tensor Forward(Tensor rows) => net.Forward(rows);
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

    public Tensor Forward(Tensor rows)
    {
        using var scope = NewDisposeScope(); // the inner layer is the widest: it must not outlive its use
        return _output.Forward(_input.Forward(rows)).MoveToOuterDisposeScope();
    }
}

/// <summary>x₁·GELU(x₂) of a projection to x₁ and x₂.</summary>
internal sealed class GegluInput : nn.Module
{
    private readonly LinearLayer proj;
    private readonly long _width;

    public GegluInput(long channels, long width)
        : base(nameof(GegluInput))
    {
        proj = new LinearLayer(channels, 2 * width);
        _width = width;
        RegisterComponents();
    }

    public Tensor Forward(Tensor rows)
    {
        using var scope = NewDisposeScope();
        // Two products: each half lies in one piece, which the activation wants.
        var gate = F.gelu(proj.ForwardPart(rows, _width, _width)); // [R, 4C]
        return proj.ForwardPart(rows, 0, _width).mul(gate).MoveToOuterDisposeScope();
    }
}
