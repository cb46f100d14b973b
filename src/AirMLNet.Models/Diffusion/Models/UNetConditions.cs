using static TorchSharp.torch;

namespace AirMLNet.Diffusion;

/// <summary>What a generation's steps have in common, computed once by <see cref="UNet2DConditionModel.Prepare"/>.</summary>
public sealed class UNetConditions : IDisposable
{
    private readonly Dictionary<ResnetBlock2D, Tensor> _biases;

    internal UNetConditions(
        UNet2DConditionModel model,
        Dictionary<CrossAttention, (Tensor Key, Tensor Value)> keys,
        Dictionary<ResnetBlock2D, Tensor> biases,
        int batch
    )
    {
        (Model, Keys, _biases, Batch) = (model, keys, biases, batch);
        foreach (var tensor in All)
        {
            tensor.DetachFromDisposeScope();
        }
    }

    /// <summary>Rows of the batch.</summary>
    public int Batch { get; }

    internal UNet2DConditionModel Model { get; }

    internal IReadOnlyDictionary<CrossAttention, (Tensor Key, Tensor Value)> Keys { get; }

    private IEnumerable<Tensor> All => Keys.Values.SelectMany(p => new[] { p.Key, p.Value }).Concat(_biases.Values);

    /// <summary>The biases of one step; in the caller's dispose scope.</summary>
    internal IReadOnlyDictionary<ResnetBlock2D, Tensor> Step(int step) =>
        _biases.ToDictionary(
            p => p.Key,
            p => p.Value.select(0, step),
            (IEqualityComparer<ResnetBlock2D>)ReferenceEqualityComparer.Instance
        );

    /// <summary>Frees the tensors.</summary>
    public void Dispose()
    {
        foreach (var tensor in All)
        {
            tensor.Dispose();
        }
    }
}
