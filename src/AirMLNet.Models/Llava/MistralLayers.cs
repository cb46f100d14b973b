using AirMLNet.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace AirMLNet.Llava;

/// <summary>x / √(mean x² + ε) · weight, computed in float32 (Zhang and Sennrich 2019).</summary>
internal sealed class RmsNormLayer : nn.Module
{
    internal readonly Parameter weight;
    private readonly double _eps;

    public RmsNormLayer(long width, double eps)
        : base(nameof(RmsNormLayer))
    {
        weight = LayerParameter.Create(width);
        _eps = eps;
        RegisterComponents();
    }

    /// <param name="x">[…, W].</param>
    public Tensor Forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var wide = x.to_type(ScalarType.Float32);
        var scaled = wide.mul(wide.square().mean([-1], keepdim: true).add(_eps).rsqrt());
        return weight.mul(scaled.to_type(x.dtype)).MoveToOuterDisposeScope();
    }
}

/// <summary>
/// Turns pairs of a head's numbers by angles that grow with the position (Su et al. 2021): number i and number i + D/2 are a pair.
/// </summary>
/// <param name="Cosine">[B or 1, 1, L, D].</param>
/// <param name="Sine">[B or 1, 1, L, D].</param>
internal sealed record RotaryAngles(Tensor Cosine, Tensor Sine)
{
    /// <summary>The angles of positions.</summary>
    /// <param name="positions">[B or 1, L], int64.</param>
    /// <param name="headWidth">D.</param>
    /// <param name="theta">The base of the wavelengths.</param>
    /// <param name="type">The type of the numbers that are turned; angles are computed in float32.</param>
    public static RotaryAngles Of(Tensor positions, int headWidth, double theta, ScalarType type)
    {
        using var scope = NewDisposeScope();
        var device = positions.device;
        var powers = arange(0, headWidth, 2, ScalarType.Int64, device).to_type(ScalarType.Float32).div(headWidth); // [D/2]
        var frequencies = pow(tensor((float)theta, device: device), powers).reciprocal();
        var angles = positions.unsqueeze(-1).to_type(ScalarType.Float32).mul(frequencies); // [B, L, D/2]
        var both = cat([angles, angles], -1).unsqueeze(1); // [B, 1, L, D]
        return new(both.cos().to_type(type).MoveToOuterDisposeScope(), both.sin().to_type(type).MoveToOuterDisposeScope());
    }

    /// <param name="x">[B, H, L, D].</param>
    public Tensor Turn(Tensor x)
    {
        using var scope = NewDisposeScope();
        var half = x.size(-1) / 2;
        var turned = cat([x.narrow(-1, half, half).neg(), x.narrow(-1, 0, half)], -1);
        return x.mul(Cosine).add(turned.mul(Sine)).MoveToOuterDisposeScope();
    }
}

/// <summary>Keys and values of one layer, of the tokens so far; room for all is taken at once.</summary>
/// <param name="Keys">[B, K, T, D].</param>
/// <param name="Values">[B, K, T, D].</param>
internal sealed record LayerCache(Tensor Keys, Tensor Values);

/// <summary>Keys and values of a sequence, so that a token is computed once.</summary>
internal sealed class MistralCache : IDisposable
{
    private readonly LayerCache[] _layers;

    /// <param name="config">The model.</param>
    /// <param name="batch">B.</param>
    /// <param name="length">T, the longest that sequences become.</param>
    /// <param name="like">A tensor of the model's type and device.</param>
    public MistralCache(MistralConfig config, long batch, long length, Tensor like)
    {
        Tensor Room() => zeros([batch, config.KeyValueHeads, length, config.HeadWidth], like.dtype, like.device).DetachFromDisposeScope();
        _layers = [.. Enumerable.Range(0, config.Layers).Select(_ => new LayerCache(Room(), Room()))];
        Capacity = length;
    }

    /// <summary>T.</summary>
    public long Capacity { get; }

    /// <summary>Tokens that are there.</summary>
    public long Length { get; private set; }

    /// <summary>Adds the keys and values of new tokens to a layer's, and gives all of them.</summary>
    public (Tensor Keys, Tensor Values) Append(int layer, Tensor keys, Tensor values)
    {
        var (all, count) = (_layers[layer], keys.size(2));
        all.Keys.narrow(2, Length, count).copy_(keys);
        all.Values.narrow(2, Length, count).copy_(values);
        return (all.Keys.narrow(2, 0, Length + count), all.Values.narrow(2, 0, Length + count));
    }

    /// <summary>Counts tokens that every layer has appended.</summary>
    public void Advance(long count) => Length += count;

    public void Dispose()
    {
        foreach (var layer in _layers)
        {
            layer.Keys.Dispose();
            layer.Values.Dispose();
        }
    }
}

/// <summary>Attention in which several heads of queries share a head of keys and values (Ainslie et al. 2023).</summary>
internal sealed class MistralAttention : nn.Module
{
    private readonly LinearLayer q_proj;
    private readonly LinearLayer k_proj;
    private readonly LinearLayer v_proj;
    private readonly LinearLayer o_proj;
    private readonly MistralConfig _config;

    public MistralAttention(MistralConfig config)
        : base(nameof(MistralAttention))
    {
        _config = config;
        long width = config.HiddenSize,
            head = config.HeadWidth;
        q_proj = new LinearLayer(width, config.Heads * head, bias: false);
        k_proj = new LinearLayer(width, config.KeyValueHeads * head, bias: false);
        v_proj = new LinearLayer(width, config.KeyValueHeads * head, bias: false);
        o_proj = new LinearLayer(config.Heads * head, width, bias: false);
        RegisterComponents();
    }

    /// <param name="x">[B, L, W].</param>
    /// <param name="angles">Those of x's positions.</param>
    /// <param name="mask">[B or 1, 1, L, T], true where a token is seen; null for those up to itself.</param>
    /// <param name="cache">Receives keys and values, and has those before; null for none.</param>
    /// <param name="layer">The number of the layer.</param>
    /// <returns>[B, L, W].</returns>
    public Tensor Forward(Tensor x, RotaryAngles angles, Tensor? mask, MistralCache? cache, int layer)
    {
        using var scope = NewDisposeScope();
        var (batch, length) = (x.size(0), x.size(1));
        var groups = _config.Heads / _config.KeyValueHeads;
        var q = angles.Turn(Split(q_proj.Forward(x), _config.Heads)); // [B, H, L, D]
        var k = angles.Turn(Split(k_proj.Forward(x), _config.KeyValueHeads)); // [B, K, L, D]
        var v = Split(v_proj.Forward(x), _config.KeyValueHeads);
        if (cache is not null)
        {
            (k, v) = cache.Append(layer, k, v); // [B, K, T, D]
        }

        Tensor mixed;
        if (length == 1)
        {
            // The queries that share keys stand in a row, so that keys and values are read once and not copied.
            mixed = F.scaled_dot_product_attention(q.view(batch, _config.KeyValueHeads, groups, -1), k, v, mask); // [B, K, G, D]
            mixed = mixed.reshape(batch, 1, -1);
        }
        else
        {
            mixed = F.scaled_dot_product_attention(q, Spread(k, groups), Spread(v, groups), mask, is_casual: mask is null)
                .transpose(1, 2)
                .flatten(2); // [B, L, H·D]
        }

        return o_proj.Forward(mixed).MoveToOuterDisposeScope();
    }

    private static Tensor Split(Tensor x, long heads) => x.unflatten(2, heads, -1).transpose(1, 2);

    private static Tensor Spread(Tensor x, long groups) =>
        groups == 1 ? x : x.unsqueeze(2).expand(-1, -1, groups, -1, -1).reshape(x.size(0), -1, x.size(2), x.size(3));
}

/// <summary>down(silu(gate(x)) · up(x)) (Shazeer 2020).</summary>
internal sealed class MistralMlp : nn.Module
{
    private readonly LinearLayer gate_proj;
    private readonly LinearLayer up_proj;
    private readonly LinearLayer down_proj;

    public MistralMlp(long width, long inner)
        : base(nameof(MistralMlp))
    {
        gate_proj = new LinearLayer(width, inner, bias: false);
        up_proj = new LinearLayer(width, inner, bias: false);
        down_proj = new LinearLayer(inner, width, bias: false);
        RegisterComponents();
    }

    /// <param name="x">[…, W].</param>
    public Tensor Forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        return down_proj.Forward(F.silu(gate_proj.Forward(x)).mul(up_proj.Forward(x))).MoveToOuterDisposeScope();
    }
}

/// <summary>A layer: x + attention(norm(x)), then x + perceptron(norm(x)).</summary>
internal sealed class MistralLayer : nn.Module
{
    private readonly RmsNormLayer input_layernorm;
    private readonly MistralAttention self_attn;
    private readonly RmsNormLayer post_attention_layernorm;
    private readonly MistralMlp mlp;

    public MistralLayer(MistralConfig config)
        : base(nameof(MistralLayer))
    {
        input_layernorm = new RmsNormLayer(config.HiddenSize, config.RmsNormEps);
        self_attn = new MistralAttention(config);
        post_attention_layernorm = new RmsNormLayer(config.HiddenSize, config.RmsNormEps);
        mlp = new MistralMlp(config.HiddenSize, config.IntermediateSize);
        RegisterComponents();
    }

    /// <summary>Arguments as those of <see cref="MistralAttention.Forward"/>.</summary>
    public Tensor Forward(Tensor x, RotaryAngles angles, Tensor? mask, MistralCache? cache, int layer)
    {
        using var scope = NewDisposeScope();
        x = x.add(self_attn.Forward(input_layernorm.Forward(x), angles, mask, cache, layer));
        return x.add(mlp.Forward(post_attention_layernorm.Forward(x))).MoveToOuterDisposeScope();
    }
}
