using AirMLNet.Clip;
using static TorchSharp.torch;

namespace AirMLNet.Prompts;

/// <summary>
/// The image side of visual prompt tuning (VPT; <c>docs/methods.md</c> §2.2): P learned tokens beside the class token and the patches,
/// through the frozen vision transformer. Shallow prompts go in before the first block; deep prompts have tokens of their
/// own before every block, in the places of the last ones. Free of ML.NET.
/// </summary>
/// <remarks>
/// The learned tokens get no position, and attention does not care about the order of its tokens, so they stand last
/// instead of between class token and patches: the same numbers to rounding. What does not depend on the prompt is
/// computed once per image (<see cref="Freeze"/>): patches, positions, the normalisation before the blocks, and the
/// first block's queries, keys and values of these tokens. From the first attention on, everything depends on the prompt.
/// </remarks>
internal sealed class VisualPrompt
{
    private readonly ClipBackbone _backbone;
    private readonly ClipVisionTower _tower;
    private readonly long _width;

    /// <param name="backbone">The model; must live as long as this.</param>
    /// <param name="length">P.</param>
    /// <param name="deep">Tokens for every block.</param>
    /// <exception cref="ArgumentException">The image tower is no transformer.</exception>
    public VisualPrompt(ClipBackbone backbone, int length, bool deep)
    {
        if (backbone.Model.Config.Vision.ResNet is not null)
        {
            throw new ArgumentException(
                $"Visual prompts need a vision transformer; the image tower of {backbone.Name} is a ResNet.",
                nameof(backbone)
            );
        }

        _backbone = backbone;
        _tower = backbone.Model.Vision;
        _width = backbone.Model.Config.Vision.HiddenSize;
        (Length, Deep) = (length, deep);
    }

    /// <summary>P.</summary>
    public int Length { get; }

    /// <summary>Whether every block has tokens of its own.</summary>
    public bool Deep { get; }

    /// <summary>Blocks with tokens of their own: 1, or all.</summary>
    public int Layers => Deep ? _tower.Encoder.Blocks.Count : 1;

    /// <summary>New tokens: N(0, 1/W), or uniform within ±√(6/(3·patch² + W)) where deep.</summary>
    /// <param name="generator">Draws them.</param>
    /// <param name="spread">Another standard deviation, or bound where deep; null for the rule.</param>
    /// <returns>[1, P, W], or [blocks, P, W] where deep; on the model's device, without gradient.</returns>
    public Tensor NewContext(Generator generator, double? spread = null)
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        long patch = _backbone.Model.Config.Vision.PatchSize;
        // Drawn on the CPU: the same seed gives the same prompt on every device.
        var drawn = Deep
            ? rand([Layers, Length, _width], generator: generator)
                .mul(2)
                .sub(1)
                .mul(spread ?? Math.Sqrt(6.0 / (3 * patch * patch + _width)))
            : randn([1, Length, _width], generator: generator).mul(spread ?? Math.Pow(_width, -0.5));
        return drawn.to(_backbone.Device).MoveToOuterDisposeScope();
    }

    /// <summary>What of the images does not depend on the prompt: their tokens as the first block takes them.</summary>
    /// <param name="pixels">[B, 3, S, S], preprocessed.</param>
    /// <returns>[B, 1 + N, W], without gradient.</returns>
    public Tensor Freeze(Tensor pixels)
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        return _tower.PreNorm.Forward(_tower.Embed(pixels.to(_backbone.Device))).MoveToOuterDisposeScope();
    }

    /// <summary>Adds the first block's queries, keys and values, which do not depend on the prompt either.</summary>
    /// <param name="tokens">From <see cref="Freeze"/>.</param>
    /// <returns>[B, 1 + N, 4·W], without gradient.</returns>
    public Tensor Complete(Tensor tokens)
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        return cat([tokens, .. Project(tokens)], -1).MoveToOuterDisposeScope();
    }

    /// <summary>Image features under a prompt; differentiable with respect to it.</summary>
    /// <param name="context">[1, P, W], or [blocks, P, W] where deep.</param>
    /// <param name="frozen">From <see cref="Freeze"/> or <see cref="Complete"/>.</param>
    /// <returns>[B, D], rows of length 1.</returns>
    public Tensor Encode(Tensor context, Tensor frozen)
    {
        using var scope = NewDisposeScope();
        var blocks = _tower.Encoder.Blocks;
        var (batch, own) = (frozen.size(0), frozen.size(1));
        var tokens = frozen.narrow(2, 0, _width); // [B, 1 + N, W]
        var learned = _tower.PreNorm.Forward(context.select(0, 0)); // [P, W]
        var x = Join(tokens, learned, batch); // [B, T, W]
        if (blocks.Count == 1)
        {
            return Pool(blocks[0], x);
        }

        var old =
            frozen.size(2) == _width ? Project(tokens) : [.. Enumerable.Range(1, 3).Select(i => frozen.narrow(2, i * _width, _width))];
        var fresh = Project(learned);
        var attention = blocks[0].Attention;
        Tensor[] projected = [.. old.Zip(fresh, (o, f) => attention.Split(Join(o, f, batch)))]; // q, k and v, [B, H, T, D] each
        var mixed = nn.functional.scaled_dot_product_attention(projected[0], projected[1], projected[2]); // [B, H, T, D]
        x = blocks[0].Finish(x, attention.Merge(mixed));
        for (var i = 1; i < blocks.Count; i++)
        {
            x = Deep ? Join(x.narrow(1, 0, own), context.select(0, i), batch) : x;
            if (i < blocks.Count - 1)
            {
                x = blocks[i].Forward(x);
            }
        }
        return Pool(blocks[^1], x);

        Tensor Pool(ClipBlock last, Tensor x)
        {
            var pooled = _tower.PostNorm.Forward(last.ForwardToken(x, x.narrow(1, 0, 1), null).squeeze(1)); // [B, W]
            return ClipModel.Normalise(_backbone.Model.VisualProjection.Project(pooled)).MoveToOuterDisposeScope(); // [B, D]
        }
    }

    /// <summary>The first block's queries, keys and values of normalised tokens, each in their shape.</summary>
    private Tensor[] Project(Tensor tokens)
    {
        var block = _tower.Encoder.Blocks[0];
        var normed = block.Norm1.Forward(tokens);
        return [.. block.Attention.Inputs.Select(p => p.Forward(normed))];
    }

    /// <summary>[B, T₀, W] and the same [P, W] for every image: [B, T₀ + P, W].</summary>
    private Tensor Join(Tensor tokens, Tensor learned, long batch) => cat([tokens, learned.unsqueeze(0).expand(batch, Length, _width)], 1);
}
