using AirMLNet.Heads;
using AirMLNet.Layers;
using static TorchSharp.torch;

namespace AirMLNet.Prompts;

/// <summary>A prompt and the images it classifies, whatever is learned: what the rounds need of it.</summary>
internal interface IPromptModel : IPromptClassifier, IDisposable
{
    /// <summary>First values of the prompt.</summary>
    Tensor NewContext(Generator generator, double? standardDeviation);

    /// <summary>p of all images, [N, C].</summary>
    float[] Probabilities(Tensor context, CancellationToken cancellation);

    /// <summary>The class vectors of the classifier, [C·D].</summary>
    float[] ClassVectors(Tensor context);
}

/// <summary>Text prompts over image features that never change: logits are s·f·g(prompt)ᵀ.</summary>
internal sealed class TextPromptModel : IPromptModel
{
    private const double StandardDeviation = 0.02;
    private readonly SharedPrompt _prompt;
    private readonly ReadOnlyMemory<float> _rows;
    private readonly Tensor _features; // [N, D]
    private readonly double _scale;
    private readonly int _classes;

    /// <param name="prompt">The text side; disposed with this.</param>
    /// <param name="features">[N, D], rows of length 1.</param>
    /// <param name="dimension">D.</param>
    /// <param name="classes">C.</param>
    /// <param name="scale">s.</param>
    /// <param name="device">Where the model is.</param>
    public TextPromptModel(SharedPrompt prompt, ReadOnlyMemory<float> features, int dimension, int classes, double scale, Device device)
    {
        (_prompt, _rows, _scale, _classes) = (prompt, features, scale, classes);
        using var off = no_grad();
        using var scope = NewDisposeScope();
        _features = Tensors.Of(features.Span, [features.Length / dimension, dimension], device).DetachFromDisposeScope();
    }

    public Tensor NewContext(Generator generator, double? standardDeviation) =>
        _prompt.NewContext(generator, standardDeviation ?? StandardDeviation);

    public Tensor Logits(Tensor context, long[] images)
    {
        using var scope = NewDisposeScope();
        var vectors = _prompt.ClassVectors(context); // [C, D]
        var chosen = _features.index_select(0, tensor(images, [images.Length], device: _features.device)); // [B, D]
        return chosen.matmul(vectors.t()).mul(_scale).MoveToOuterDisposeScope(); // [B, C]
    }

    public float[] ClassVectors(Tensor context)
    {
        using var off = no_grad();
        using var g = _prompt.ClassVectors(context); // [C, D]
        return g.cpu().contiguous().data<float>().ToArray();
    }

    public float[] Probabilities(Tensor context, CancellationToken cancellation) =>
        new CosineHead(ClassVectors(context), _classes, _scale).Probabilities(_rows, cancellation);

    public void Dispose()
    {
        _features.Dispose();
        _prompt.Dispose();
    }
}
