using TorchSharp;

namespace AirMLNet.Testing;

/// <summary>
/// Counts tensors that were made on this thread and not yet freed. Tensor.TotalCount counts those of all threads, but grows by one
/// with every <c>new Parameter(tensor)</c>: the tensor that becomes empty there is never subtracted, though no memory is lost.
/// </summary>
public static class LiveTensors
{
    public static long Count => DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;
}
