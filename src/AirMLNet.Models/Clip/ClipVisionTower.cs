using AirMLNet.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace AirMLNet.Clip;

/// <summary>The image tower: a vision transformer that gives the normalised class token of its last block.</summary>
internal sealed class ClipVisionTower : nn.Module
{
    private readonly ClipVisionEmbeddings embeddings;
    private readonly NormLayer pre_layrnorm; // the checkpoints spell it so
    private readonly ClipEncoder encoder;
    private readonly NormLayer post_layernorm;
    private readonly ClipVisionConfig _config;

    internal ClipVisionTower(ClipVisionConfig config)
        : base(nameof(ClipVisionTower))
    {
        _config = config;
        embeddings = new ClipVisionEmbeddings(config);
        pre_layrnorm = new NormLayer(config.HiddenSize, config.LayerNormEps);
        encoder = new ClipEncoder(
            config.Layers,
            () => new ClipBlock(config.HiddenSize, config.IntermediateSize, config.Heads, config.Activation, config.LayerNormEps)
        );
        post_layernorm = new NormLayer(config.HiddenSize, config.LayerNormEps);
        RegisterComponents();
    }

    internal ClipVisionEmbeddings Embeddings => embeddings;

    internal NormLayer PreNorm => pre_layrnorm;

    internal NormLayer PostNorm => post_layernorm;

    internal ClipEncoder Encoder => encoder;

    /// <summary>Cuts images into patches and embeds them, class token first, positions added.</summary>
    /// <param name="pixels">[B, 3, S, S], normalised as the model's preprocessor does; S is the configured image size.</param>
    /// <returns>[B, 1 + P, W], before the first layer normalisation.</returns>
    /// <exception cref="ArgumentException">The shape is another.</exception>
    public Tensor Embed(Tensor pixels)
    {
        using var scope = NewDisposeScope();
        return embeddings.Forward(pixels).MoveToOuterDisposeScope();
    }

    /// <summary>As <see cref="Embed(Tensor)"/>, for any size that patches divide, with positions interpolated.</summary>
    /// <param name="pixels">[B, 3, H, W], normalised; H and W multiples of the patch size, or the configured size.</param>
    /// <param name="positions">The interpolation, for grids other than the configured one.</param>
    /// <returns>[B, 1 + H·W/patch², width].</returns>
    /// <exception cref="ArgumentException">The shape is another, or positions were to be left out.</exception>
    public Tensor Embed(Tensor pixels, ClipPositions positions)
    {
        using var scope = NewDisposeScope();
        return embeddings.Forward(pixels, positions).MoveToOuterDisposeScope();
    }

    /// <summary>Runs the transformer over embedded tokens and gives all of them.</summary>
    /// <param name="tokens">[B, N, W]; left unchanged.</param>
    /// <returns>[B, N, W] after the last layer normalisation, before the projection.</returns>
    public Tensor EncodeAll(Tensor tokens)
    {
        using var scope = NewDisposeScope();
        return post_layernorm.Forward(encoder.Forward(pre_layrnorm.Forward(tokens))).MoveToOuterDisposeScope();
    }

    /// <summary>Runs the transformer over embedded tokens. Patches may be left out or tokens put in: token 0 is pooled.</summary>
    /// <param name="tokens">[B, N, W], N at least 1; left unchanged.</param>
    /// <returns>[B, W], the class token after the last layer normalisation, before the projection.</returns>
    public Tensor Encode(Tensor tokens)
    {
        using var scope = NewDisposeScope();
        return post_layernorm.Forward(encoder.ForwardToken(pre_layrnorm.Forward(tokens))).MoveToOuterDisposeScope();
    }

    /// <summary>Every intermediate state, for checks against a reference.</summary>
    internal ClipHiddenStates HiddenStates(Tensor pixels)
    {
        var first = pre_layrnorm.Forward(Embed(pixels)); // [B, N, W]
        List<Tensor> states = [first, .. encoder.ForwardAll(first)];
        return new(states, states[^1], post_layernorm.Forward(states[^1].select(1, 0)));
    }
}

/// <summary>What the transformer of a tower passes through: [B, N, W] each, and the pooled [B, W].</summary>
internal sealed record ClipHiddenStates(IReadOnlyList<Tensor> States, Tensor Last, Tensor Pooled);

/// <summary>Patches, class token and positions.</summary>
internal sealed class ClipVisionEmbeddings : nn.Module
{
    // Patches of 32 pixels as one product take 3 ms of an image in place of 9 in float32 and 0.7 of a batch's time in bfloat16, because
    // oneDNN lays such large weights out anew for every convolution; of 14 pixels and below its convolutions are faster.
    private const int ProductPatchSize = 32;

    internal readonly Parameter class_embedding; // [W]
    internal readonly ClipWeight patch_embedding; // [W, 3, P, P]
    internal readonly ClipWeight position_embedding; // [1 + patches, W]
    private readonly ClipVisionConfig _config;

    public ClipVisionEmbeddings(ClipVisionConfig config)
        : base(nameof(ClipVisionEmbeddings))
    {
        _config = config;
        class_embedding = LayerParameter.Create(config.HiddenSize);
        patch_embedding = new ClipWeight(config.HiddenSize, config.Channels, config.PatchSize, config.PatchSize);
        position_embedding = new ClipWeight(1 + config.Patches, config.HiddenSize);
        RegisterComponents();
    }

    public Tensor Forward(Tensor pixels)
    {
        long size = _config.ImageSize,
            channels = _config.Channels;
        if (pixels.dim() != 4 || pixels.size(1) != channels || pixels.size(2) != size || pixels.size(3) != size)
        {
            throw new ArgumentException(
                $"Images of shape [B, {channels}, {size}, {size}] were expected, not [{string.Join(", ", pixels.shape)}].",
                nameof(pixels)
            );
        }
        return Patches(pixels, position_embedding.weight);
    }

    public Tensor Forward(Tensor pixels, ClipPositions positions)
    {
        long patch = _config.PatchSize,
            channels = _config.Channels;
        bool Fits(long side) => side == _config.ImageSize || (side >= patch && side % patch == 0);
        if (pixels.dim() != 4 || pixels.size(1) != channels || !Fits(pixels.size(2)) || !Fits(pixels.size(3)))
        {
            throw new ArgumentException(
                $"Images of shape [B, {channels}, H, W] with H and W multiples of {patch} were expected, not "
                    + $"[{string.Join(", ", pixels.shape)}].",
                nameof(pixels)
            );
        }
        if (positions == ClipPositions.None)
        {
            throw new ArgumentException(
                "A vision transformer knows places by their positions only; they cannot be left out.",
                nameof(positions)
            );
        }
        return Patches(
            pixels,
            ClipPositionGrid.Resize(
                position_embedding.weight,
                _config.ImageSize / patch,
                pixels.size(2) / patch,
                pixels.size(3) / patch,
                positions
            )
        );
    }

    private Tensor Patches(Tensor pixels, Tensor positions)
    {
        var patches = _config.PatchSize < ProductPatchSize ? Convolution(pixels) : Product(pixels); // [B, P, W]
        var classes = class_embedding.expand(pixels.size(0), 1, -1); // [B, 1, W]
        return cat([classes, patches], 1).add(positions); // [B, 1 + P, W]
    }

    private Tensor Convolution(Tensor pixels)
    {
        long[] stride = [_config.PatchSize, _config.PatchSize];
        return nn.functional.conv2d(pixels, patch_embedding.weight, null, stride).flatten(2).transpose(1, 2); // [B, P, W]
    }

    /// <summary>The same of patches that do not overlap, as one product.</summary>
    private Tensor Product(Tensor pixels)
    {
        long size = _config.PatchSize;
        var unfolded = pixels
            .unflatten(3, pixels.size(3) / size, size)
            .unflatten(2, pixels.size(2) / size, size) // [B, C, H / size, size, W / size, size]
            .permute(0, 2, 4, 1, 3, 5)
            .flatten(3)
            .flatten(1, 2); // [B, P, C · size · size]
        return nn.functional.linear(unfolded, patch_embedding.weight.flatten(1)); // [B, P, W]
    }
}
