using AirMLNet.Clip;
using TorchSharp;
using static TorchSharp.torch;

namespace AirMLNet.Prompts;

/// <summary>
/// The text side of prompt tuning (methods §2.1): start token, P learned vectors shared by all classes, the tokens of the
/// class name, end token; through the frozen text tower. Free of ML.NET.
/// </summary>
/// <remarks>Sequences end with the longest class name: what follows an end token cannot reach it under the causal mask.</remarks>
public sealed class SharedPrompt : IDisposable
{
    private readonly ClipBackbone _backbone;
    private readonly Tensor _start;  // [C, 1, W]
    private readonly Tensor _suffix; // [C, L−1−P, W]: name, end token, padding
    private readonly Tensor _ends;   // [C] int64
    private readonly int _classes;

    /// <summary>Looks up the frozen embeddings of the class names.</summary>
    /// <param name="backbone">The model; must live as long as this.</param>
    /// <param name="classNames">C names; underscores are read as spaces.</param>
    /// <param name="length">P, the number of learned vectors.</param>
    /// <exception cref="ArgumentException">A class name leaves no room for the prompt in the model's context.</exception>
    public SharedPrompt(ClipBackbone backbone, IReadOnlyList<string> classNames, int length)
    {
        _backbone = backbone;
        _classes = classNames.Count;
        Length = length;
        ClipTokenizer tokenizer = backbone.Tokenizer;
        int[][] names = classNames.Select(name => tokenizer.Encode(ZeroShotClassifier.Spoken(name))).ToArray();
        int longest = names.Max(n => n.Length);
        int room = backbone.Model.Config.Text.ContextLength - length - 2;
        if (longest > room)
        {
            string name = classNames[Array.FindIndex(names, n => n.Length == longest)];
            throw new ArgumentException($"Class name '{name}' is {longest} tokens long; beside a prompt of {length} vectors the model's context has room for {room}.", nameof(classNames));
        }
        var ids = new long[_classes * (longest + 1)];
        Array.Fill(ids, tokenizer.PadToken);
        var ends = new long[_classes];
        for (int c = 0; c < _classes; c++)
        {
            int at = c * (longest + 1);
            foreach (int id in names[c]) ids[at++] = id;
            ids[at] = tokenizer.EndToken;
            ends[c] = 1 + length + names[c].Length;
        }
        using var off = no_grad();
        using var scope = NewDisposeScope();
        ClipTextTower text = backbone.Model.Text;
        Tensor start = tensor(Enumerable.Repeat((long)tokenizer.StartToken, _classes).ToArray(), [_classes, 1], device: backbone.Device);
        _start = text.EmbedTokens(start).DetachFromDisposeScope();
        _suffix = text.EmbedTokens(tensor(ids, [_classes, longest + 1], device: backbone.Device)).DetachFromDisposeScope();
        _ends = tensor(ends, [_classes], device: backbone.Device).DetachFromDisposeScope();
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
        Tensor drawn = randn([1, Length, _backbone.Model.Config.Text.HiddenSize], generator: generator);
        return drawn.mul(standardDeviation).to(_backbone.Device).MoveToOuterDisposeScope();
    }

    /// <summary>The class vectors that a prompt gives; differentiable with respect to it.</summary>
    /// <param name="context">[1, P, W].</param>
    /// <returns>[C, D], rows of length 1.</returns>
    public Tensor ClassVectors(Tensor context)
    {
        using var scope = NewDisposeScope();
        Tensor shared = context.expand(_classes, Length, context.size(2));                  // [C, P, W]
        Tensor tokens = cat([_start, shared, _suffix], 1);                                  // [C, L, W]
        Tensor vectors = _backbone.Model.EncodeTextEmbeddings(tokens, _ends);               // [C, D]
        return nn.functional.normalize(vectors, 2, -1, 1e-12).MoveToOuterDisposeScope();
    }

    /// <summary>Frees the embeddings; the model stays.</summary>
    public void Dispose()
    {
        _start.Dispose();
        _suffix.Dispose();
        _ends.Dispose();
    }
}
