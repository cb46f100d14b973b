using static TorchSharp.torch;

namespace AirMLNet.Diffusion;

/// <summary>What a generation's steps have in common, computed once by <see cref="UNet2DConditionModel.Prepare"/>.</summary>
internal sealed class UNetConditions : IDisposable
{
    private readonly Dictionary<CrossAttention, (Tensor Keys, Tensor Values)> _keysValues;
    private readonly Dictionary<ResnetBlock2D, Tensor> _timeShifts;

    /// <param name="model">The model they are for.</param>
    /// <param name="keysValues">Keys and values of the texts for each attention to them, [B, heads, L, D]; taken over.</param>
    /// <param name="timeShifts">What each resnet adds for the time of each step, [S, 1 or B, C]; taken over.</param>
    /// <param name="batch">B.</param>
    internal UNetConditions(
        UNet2DConditionModel model,
        Dictionary<CrossAttention, (Tensor Keys, Tensor Values)> keysValues,
        Dictionary<ResnetBlock2D, Tensor> timeShifts,
        int batch
    )
    {
        (Model, _keysValues, _timeShifts, Batch) = (model, keysValues, timeShifts, batch);
        foreach (var tensor in Tensors)
        {
            tensor.DetachFromDisposeScope();
        }
    }

    /// <summary>Rows of the batch.</summary>
    public int Batch { get; }

    internal UNet2DConditionModel Model { get; }

    private IEnumerable<Tensor> Tensors => _keysValues.Values.SelectMany(p => new[] { p.Keys, p.Values }).Concat(_timeShifts.Values);

    internal (Tensor Keys, Tensor Values) KeysValues(CrossAttention attention) => _keysValues[attention];

    /// <summary>[1 or B, C], in the caller's dispose scope.</summary>
    internal Tensor TimeShift(ResnetBlock2D resnet, int step) => _timeShifts[resnet].select(0, step);

    /// <summary>Frees the tensors.</summary>
    public void Dispose()
    {
        foreach (var tensor in Tensors)
        {
            tensor.Dispose();
        }
    }
}
