using AirMLNet.Clip;
using AirMLNet.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace AirMLNet.Llava;

/// <summary>A decoder with its last layer: Mistral 7B's, or Llama's (Jiang et al. 2023, "Mistral 7B").</summary>
internal sealed class MistralModel : nn.Module
{
    private readonly MistralDecoder model;
    private readonly LinearLayer lm_head;
    private readonly MistralConfig _config;

    public MistralModel(MistralConfig config)
        : base(nameof(MistralModel))
    {
        _config = config;
        model = new MistralDecoder(config);
        lm_head = new LinearLayer(config.HiddenSize, config.VocabularySize, bias: false);
        RegisterComponents();
    }

    internal MistralConfig Config => _config;

    /// <summary>A tensor of the model's type and device.</summary>
    internal Tensor Like => lm_head.weight;

    /// <summary>The embeddings of tokens.</summary>
    /// <param name="ids">[B, L], int64.</param>
    /// <returns>[B, L, W].</returns>
    public Tensor Embed(Tensor ids) => model.Tokens.weight.index_select(0, ids.flatten()).view(ids.size(0), ids.size(1), -1);

    /// <summary>The states of tokens after the last layer and its normalisation.</summary>
    /// <param name="embeddings">[B, L, W].</param>
    /// <param name="cache">Has the tokens before, and receives these; null where these are all.</param>
    /// <param name="padding">
    /// [B], int64: how many tokens at the start of a sequence, of those before as well, are padding; null for none.
    /// </param>
    /// <returns>[B, L, W].</returns>
    /// <exception cref="ArgumentException">The sequence is longer than the cache or the model allows.</exception>
    public Tensor Forward(Tensor embeddings, MistralCache? cache = null, Tensor? padding = null)
    {
        using var scope = NewDisposeScope();
        var (length, before) = (embeddings.size(1), cache?.Length ?? 0);
        var total = before + length;
        if (total > Math.Min(_config.ContextLength, cache?.Capacity ?? long.MaxValue))
        {
            throw new ArgumentException(
                $"A sequence of {total} tokens; the longest is {Math.Min(_config.ContextLength, cache?.Capacity ?? long.MaxValue)}.",
                nameof(embeddings)
            );
        }

        var device = embeddings.device;
        var places = arange(before, total, ScalarType.Int64, device).unsqueeze(0); // [1, L]
        var positions = padding is null ? places : places.sub(padding.unsqueeze(1)).clamp_min(0); // [B or 1, L]
        var angles = RotaryAngles.Of(positions, _config.HeadWidth, _config.RopeTheta, embeddings.dtype);
        var states = model.Forward(embeddings, angles, Mask(places, total, padding), cache);
        cache?.Advance(length);
        return states.MoveToOuterDisposeScope();
    }

    /// <summary>The logits of the next token.</summary>
    /// <param name="states">[…, W], as <see cref="Forward"/> gives them.</param>
    /// <returns>[…, V], float32.</returns>
    public Tensor Logits(Tensor states)
    {
        using var scope = NewDisposeScope();
        return lm_head.Forward(states).to_type(ScalarType.Float32).MoveToOuterDisposeScope();
    }

    // Which of T tokens each of L sees. Null where no window and no padding narrow it: the attention is then causal of itself, and a
    // single token sees all.
    private Tensor? Mask(Tensor places, long total, Tensor? padding)
    {
        var window = _config.SlidingWindow;
        if (padding is null && (window == 0 || window >= total) && places.size(1) is var length && (length == 1 || length == total))
        {
            return null;
        }

        var asking = places.unsqueeze(-1); // [1, L, 1]
        var asked = arange(total, ScalarType.Int64, places.device).view(1, 1, total);
        var seen = asked.le(asking); // [1, L, T]
        if (window > 0)
        {
            seen = seen.logical_and(asked.gt(asking.sub(window)));
        }
        if (padding is not null)
        {
            // Padding sees itself: a token that sees nothing would have no finite state.
            seen = seen.logical_and(asked.ge(padding.view(-1, 1, 1)).logical_or(asked.eq(asking)));
        }

        return seen.unsqueeze(1);
    }
}

/// <summary>The embedding table, the layers and the last normalisation.</summary>
internal sealed class MistralDecoder : nn.Module
{
    private readonly ClipWeight embed_tokens;
    private readonly ModuleList<MistralLayer> layers;
    private readonly RmsNormLayer norm;

    public MistralDecoder(MistralConfig config)
        : base(nameof(MistralDecoder))
    {
        embed_tokens = new ClipWeight(config.VocabularySize, config.HiddenSize);
        layers = nn.ModuleList(Enumerable.Range(0, config.Layers).Select(_ => new MistralLayer(config)).ToArray());
        norm = new RmsNormLayer(config.HiddenSize, config.RmsNormEps);
        RegisterComponents();
    }

    internal ClipWeight Tokens => embed_tokens;

    public Tensor Forward(Tensor x, RotaryAngles angles, Tensor? mask, MistralCache? cache)
    {
        using var scope = NewDisposeScope();
        x = x.alias();
        foreach (var (index, layer) in layers.Index())
        {
            var next = layer.Forward(x, angles, mask, cache, index);
            x.Dispose();
            x = next;
        }

        return norm.Forward(x).MoveToOuterDisposeScope();
    }
}
