using AirMLNet.Clip;
using static TorchSharp.torch;

namespace AirMLNet.MultiLabel;

/// <summary>
/// Texts "M learned vectors, name." of the classes through the frozen text tower (<c>docs/methods.md</c> §6.2 and §6.3, Eq. 1). The
/// vectors are shared by the classes, [M, W], or each class has its own, [C, M, W].
/// </summary>
/// <remarks>Shared vectors are run through the tower once for all classes: what follows cannot reach them under the causal mask.</remarks>
internal sealed class ContextPrompts : IDisposable
{
    private readonly ClipTextTower _text;
    private readonly ClipWeight _projection;
    private readonly ClipSharedPrefix _shared;
    private readonly Tensor _start; // [1, W]
    private readonly Tensor _rest; // [Σ rest, W], what follows the vectors, class by class up to the end token
    private readonly Tensor _padded; // [C, longest rest, W]
    private readonly Tensor _ends; // [C] int64
    private readonly int[] _lengths; // of each rest

    /// <summary>Looks up the frozen embeddings.</summary>
    /// <param name="text">The tower; must live as long as this.</param>
    /// <param name="projection">Into the space of features.</param>
    /// <param name="ids">[C, L] int64: start token, M tokens whose embeddings the vectors replace, name, end token, padding.</param>
    /// <param name="length">M, 1 or more.</param>
    public ContextPrompts(ClipTextTower text, ClipWeight projection, Tensor ids, int length)
    {
        (_text, _projection, Length) = (text, projection, length);
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var ends = text.EndPositions(ids);
        _ends = ends.DetachFromDisposeScope();
        Classes = (int)ids.size(0);
        _lengths = [.. ends.cpu().data<long>().ToArray().Select(end => (int)end - length)]; // positions length + 1 .. end
        var embedded = text.EmbedTokens(ids); // [C, L, W]
        _start = embedded[0, ..1].clone().DetachFromDisposeScope();
        _padded = embedded.narrow(1, 1 + length, _lengths.Max()).clone().DetachFromDisposeScope();
        _rest = cat([.. _lengths.Select((n, c) => embedded[c].narrow(0, 1 + length, n))], 0).DetachFromDisposeScope();
        _shared = new ClipSharedPrefix(text, projection, 1 + length, _lengths, ids.device);
    }

    /// <summary>The same for class names and a model's tokenizer.</summary>
    /// <exception cref="ArgumentException">A class name leaves no room for the vectors in the model's context.</exception>
    public static ContextPrompts Of(ClipBackbone backbone, IReadOnlyList<string> classNames, int length)
    {
        var tokenizer = backbone.Tokenizer;
        int[][] names = [.. classNames.Select(name => tokenizer.Encode(ClassPrompt.Spoken(name) + "."))];
        var (longest, room) = (names.Max(n => n.Length), backbone.Model.Config.Text.ContextLength - length - 2);
        if (longest > room)
        {
            throw new ArgumentException(
                $"Class name '{classNames[Array.FindIndex(names, n => n.Length == longest)]}' is {longest} tokens long; beside "
                    + $"{length} learned vectors the model's context has room for {room}.",
                nameof(classNames)
            );
        }

        var width = longest + length + 2;
        var ids = new long[names.Length * width];
        for (var c = 0; c < names.Length; c++)
        {
            // The places of the vectors hold any token below the end token; their embeddings are never used.
            long[] text = [tokenizer.StartToken, .. new long[length], .. names[c].Select(id => (long)id), tokenizer.EndToken];
            text.CopyTo(ids, c * width);
        }
        using var scope = NewDisposeScope();
        var all = tensor(ids, [names.Length, width], device: backbone.Device);
        return new ContextPrompts(backbone.Model.Text, backbone.Model.TextProjection, all, length);
    }

    /// <summary>M.</summary>
    public int Length { get; }

    /// <summary>C.</summary>
    public int Classes { get; }

    /// <summary>W.</summary>
    public long Width => _start.size(1);

    /// <summary>New vectors, N(0, std²), drawn on the CPU: the same seed gives the same on every device.</summary>
    public Tensor NewContext(Generator generator, double standardDeviation, bool classSpecific)
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        long[] shape = classSpecific ? [Classes, Length, Width] : [Length, Width];
        return randn(shape, generator: generator).mul(standardDeviation).to(_start.device).MoveToOuterDisposeScope();
    }

    /// <summary>The class features of the vectors; differentiable with respect to them.</summary>
    /// <param name="context">[M, W] or [C, M, W].</param>
    /// <returns>[C, D], not normalised.</returns>
    public Tensor ClassFeatures(Tensor context)
    {
        using var scope = NewDisposeScope();
        if (context.dim() == 2)
        {
            return _shared.Encode(cat([_start, context, _rest], 0)).MoveToOuterDisposeScope();
        }

        var start = _start.unsqueeze(0).expand(Classes, 1, Width);
        return _projection.Project(_text.Encode(cat([start, context, _padded], 1), _ends)).MoveToOuterDisposeScope();
    }

    /// <summary>Frees the embeddings; the tower stays.</summary>
    public void Dispose()
    {
        _start.Dispose();
        _rest.Dispose();
        _padded.Dispose();
        _ends.Dispose();
        _shared.Dispose();
    }
}
