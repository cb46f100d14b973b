using AirMLNet.Clip;
using static TorchSharp.torch;

namespace AirMLNet.Prompts;

/// <summary>
/// The text side of prompt tuning (<c>docs/methods.md</c> §2.1): start token, P learned vectors shared by all classes, the tokens of the
/// class name, end token; through the frozen text tower. Free of ML.NET.
/// </summary>
/// <remarks>
/// The learned vectors are run through the tower once for all classes: what follows cannot reach them under the causal mask.
/// </remarks>
internal sealed class SharedPrompt : IDisposable
{
    private readonly ClipBackbone _backbone;
    private readonly ClipSharedPrefix _tower;
    private readonly Tensor _start; // [1, W]
    private readonly Tensor _rest; // [Σ length, W]: name and end token of each class

    /// <summary>Looks up the frozen embeddings of the class names.</summary>
    /// <param name="backbone">The model; must live as long as this.</param>
    /// <param name="classNames">C names; underscores are read as spaces.</param>
    /// <param name="length">P, the number of learned vectors.</param>
    /// <exception cref="ArgumentException">A class name leaves no room for the prompt in the model's context.</exception>
    public SharedPrompt(ClipBackbone backbone, IReadOnlyList<string> classNames, int length)
    {
        _backbone = backbone;
        Length = length;
        var tokenizer = backbone.Tokenizer;
        var names = Names(backbone, classNames, length);
        long[] ids = [.. names.SelectMany(name => name.Append(tokenizer.EndToken)).Select(id => (long)id)];
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var text = backbone.Model.Text;
        _start = text.EmbedTokens(tensor([(long)tokenizer.StartToken], [1, 1], device: backbone.Device))
            .view(1, -1)
            .DetachFromDisposeScope();
        _rest = text.EmbedTokens(tensor(ids, [1, ids.Length], device: backbone.Device)).squeeze(0).DetachFromDisposeScope();
        _tower = new ClipSharedPrefix(
            backbone.Model.Text,
            backbone.Model.TextProjection,
            1 + length,
            [.. names.Select(name => name.Length + 1)],
            backbone.Device
        );
    }

    /// <summary>The ids of the class names, which must leave room for a prompt; what can fail of a prompt before images are read.</summary>
    /// <exception cref="ArgumentException">A class name leaves no room for the prompt in the model's context.</exception>
    public static int[][] Names(ClipBackbone backbone, IReadOnlyList<string> classNames, int length)
    {
        var names = classNames.Select(name => backbone.Tokenizer.Encode(ClassPrompt.Spoken(name))).ToArray();
        var longest = names.Max(n => n.Length);
        var room = backbone.Model.Config.Text.ContextLength - length - 2;
        if (longest > room)
        {
            var name = classNames[Array.FindIndex(names, n => n.Length == longest)];
            throw new ArgumentException(
                $"Class name '{name}' is {longest} tokens long; "
                    + $"beside a prompt of {length} vectors the model's context has room for {room}.",
                nameof(classNames)
            );
        }
        return names;
    }

    /// <summary>P.</summary>
    public int Length { get; }

    /// <summary>New prompt vectors, N(0, std²).</summary>
    /// <param name="generator">Draws them.</param>
    /// <param name="standardDeviation">std.</param>
    /// <returns>[1, P, W] on the model's device, without gradient.</returns>
    public Tensor NewContext(Generator generator, double standardDeviation)
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        // Drawn on the CPU: the same seed gives the same prompt on every device.
        var drawn = randn([1, Length, _backbone.Model.Config.Text.HiddenSize], generator: generator);
        return drawn.mul(standardDeviation).to(_backbone.Device).MoveToOuterDisposeScope();
    }

    /// <summary>The class vectors that a prompt gives; differentiable with respect to it.</summary>
    /// <param name="context">[1, P, W].</param>
    /// <returns>[C, D], rows of length 1.</returns>
    public Tensor ClassVectors(Tensor context)
    {
        using var scope = NewDisposeScope();
        var vectors = _tower.Encode(cat([_start, context.view(Length, -1), _rest], 0)); // [C, D]
        return nn.functional.normalize(vectors, 2, -1, 1e-12).MoveToOuterDisposeScope();
    }

    /// <summary>Frees the embeddings; the model stays.</summary>
    public void Dispose()
    {
        _start.Dispose();
        _rest.Dispose();
        _tower.Dispose();
    }
}
