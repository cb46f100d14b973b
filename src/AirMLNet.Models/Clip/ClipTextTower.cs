using AirMLNet.Layers;
using static TorchSharp.torch;

namespace AirMLNet.Clip;

/// <summary>The text tower: a causal transformer that gives the normalised state of the end token.</summary>
internal sealed class ClipTextTower : nn.Module
{
    private readonly ClipTextEmbeddings embeddings;
    private readonly ClipEncoder encoder;
    private readonly NormLayer final_layer_norm;
    private readonly ClipTextConfig _config;

    internal ClipTextTower(ClipTextConfig config)
        : base(nameof(ClipTextTower))
    {
        _config = config;
        embeddings = new ClipTextEmbeddings(config);
        encoder = new ClipEncoder(
            config.Layers,
            () => new ClipBlock(config.HiddenSize, config.IntermediateSize, config.Heads, config.Activation, config.LayerNormEps)
        );
        final_layer_norm = new NormLayer(config.HiddenSize, config.LayerNormEps);
        RegisterComponents();
    }

    internal ClipTextEmbeddings Embeddings => embeddings;

    internal ClipEncoder Encoder => encoder;

    internal NormLayer FinalNorm => final_layer_norm;

    /// <summary>Looks up token embeddings, without positions.</summary>
    /// <param name="ids">[B, L] int64.</param>
    /// <returns>[B, L, W].</returns>
    public Tensor EmbedTokens(Tensor ids)
    {
        using var scope = NewDisposeScope();
        return embeddings.token_embedding.weight.index_select(0, ids.flatten()).unflatten(0, ids.shape).MoveToOuterDisposeScope();
    }

    /// <summary>The position of the token that ends each text.</summary>
    /// <param name="ids">[B, L] int64.</param>
    /// <returns>[B] int64.</returns>
    public Tensor EndPositions(Tensor ids)
    {
        if (_config.EndIsHighestId)
        {
            return ids.argmax(-1);
        }
        using var scope = NewDisposeScope();
        return ids.eq((long)_config.EndToken!.Value).to_type(ScalarType.Int32).argmax(-1).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Adds positions and runs the transformer. What follows the last end token cannot reach it (the attention is causal),
    /// so it is cut off and not computed: short texts cost what their length costs, not the whole context.
    /// </summary>
    /// <param name="tokenEmbeddings">[B, L, W] without positions, L at most the context length; left unchanged.</param>
    /// <param name="endPositions">[B] int64, each below L.</param>
    /// <returns>[B, W], the end token after the last layer normalisation, before the projection.</returns>
    /// <exception cref="ArgumentException">A shape or position does not fit.</exception>
    public Tensor Encode(Tensor tokenEmbeddings, Tensor endPositions)
    {
        using var scope = NewDisposeScope();
        CheckShape(tokenEmbeddings, endPositions);
        var given = tokenEmbeddings.size(1);
        var length = endPositions.max().item<long>() + 1;
        if (length > given)
        {
            throw new ArgumentException($"An end position is {length - 1}, but there are only {given} tokens.", nameof(endPositions));
        }
        var x = AddPositions(tokenEmbeddings.narrow(1, 0, length)); // [B, n, W]
        return final_layer_norm.Forward(encoder.ForwardToken(x, endPositions)).MoveToOuterDisposeScope();
    }

    /// <summary>The states of all tokens after the last layer normalisation.</summary>
    /// <param name="ids">[B, L] int64, L at most the context length.</param>
    /// <returns>[B, L, W].</returns>
    /// <exception cref="ArgumentException">The shape is another.</exception>
    public Tensor EncodeAll(Tensor ids)
    {
        CheckIds(ids);
        using var scope = NewDisposeScope();
        return final_layer_norm.Forward(encoder.Forward(AddPositions(EmbedTokens(ids)), causal: true)).MoveToOuterDisposeScope();
    }

    private void CheckIds(Tensor ids)
    {
        if (ids.dim() != 2 || ids.size(0) == 0 || ids.size(1) > _config.ContextLength)
        {
            throw new ArgumentException(
                $"Token ids of shape [B, L] with L at most {_config.ContextLength} were expected, not [{string.Join(", ", ids.shape)}].",
                nameof(ids)
            );
        }
    }

    /// <summary>The states of all tokens before and after the last block, neither of them normalised.</summary>
    /// <param name="ids">[B, L] int64, L at most the context length.</param>
    /// <param name="needsLast">Whether the last block is computed; it is null otherwise.</param>
    /// <returns>[B, L, W] each.</returns>
    /// <exception cref="ArgumentException">The shape is another.</exception>
    public (Tensor Before, Tensor? Last) LastTwo(Tensor ids, bool needsLast)
    {
        CheckIds(ids);
        var x = AddPositions(EmbedTokens(ids)); // [B, L, W]
        var blocks = encoder.Blocks;
        for (var i = 0; i < blocks.Count - 1; i++)
        {
            var next = blocks[i].Forward(x, causal: true);
            x.Dispose(); // autograd keeps what it needs
            x = next;
        }
        return (x, needsLast ? blocks[^1].Forward(x, causal: true) : null);
    }

    /// <summary>The normalised state of the token that ends each text, [B, W].</summary>
    /// <param name="states">[B, L, W], after the last block.</param>
    /// <param name="ids">[B, L] int64.</param>
    public Tensor AtEnd(Tensor states, Tensor ids) =>
        final_layer_norm.Forward(states)[arange(ids.size(0), ScalarType.Int64, ids.device), EndPositions(ids)];

    /// <summary>Every intermediate state, for checks against a reference and for models that read all tokens.</summary>
    internal ClipHiddenStates HiddenStates(Tensor ids)
    {
        var first = AddPositions(EmbedTokens(ids)); // [B, L, W]
        List<Tensor> states = [first, .. encoder.ForwardAll(first, causal: true)];
        var last = final_layer_norm.Forward(states[^1]);
        return new(states, last, AtEnd(states[^1], ids));
    }

    private Tensor AddPositions(Tensor tokens) => tokens.add(embeddings.position_embedding.weight.narrow(0, 0, tokens.size(1)));

    private void CheckShape(Tensor tokens, Tensor ends)
    {
        if (tokens.dim() != 3 || tokens.size(2) != _config.HiddenSize || tokens.size(1) > _config.ContextLength || tokens.size(0) == 0)
        {
            throw new ArgumentException(
                $"Token embeddings of shape [B, L, {_config.HiddenSize}] with L at most {_config.ContextLength} were expected, not "
                    + $"[{string.Join(", ", tokens.shape)}].",
                nameof(tokens)
            );
        }
        if (ends.dim() != 1 || ends.size(0) != tokens.size(0))
        {
            throw new ArgumentException(
                $"{tokens.size(0)} end positions were expected, not [{string.Join(", ", ends.shape)}].",
                nameof(ends)
            );
        }
    }
}

/// <summary>Token and position tables.</summary>
internal sealed class ClipTextEmbeddings : nn.Module
{
    internal readonly ClipWeight token_embedding; // [V, W]
    internal readonly ClipWeight position_embedding; // [L, W]

    public ClipTextEmbeddings(ClipTextConfig config)
        : base(nameof(ClipTextEmbeddings))
    {
        token_embedding = new ClipWeight(config.VocabularySize, config.HiddenSize);
        position_embedding = new ClipWeight(config.ContextLength, config.HiddenSize);
        RegisterComponents();
    }
}
