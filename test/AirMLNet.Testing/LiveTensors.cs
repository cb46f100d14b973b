using TorchSharp;

namespace AirMLNet.Testing;

/// <summary>
/// Counts tensors that were made on this thread and not yet freed. Tensor.TotalCount counts those of all threads, but grows by one
/// with every <c>new Parameter(tensor)</c>: the tensor that becomes empty there is never subtracted, though no memory is lost.
/// </summary>
public static class LiveTensors
{
    public static long Count => DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;

    /// <summary>
    /// Tensor.TotalCount, once what earlier tests left to the collector is gone: a model that nobody disposed is given back by a work item
    /// that its finalizer queues, and its weights go with the collection after that.
    /// </summary>
    public static async Task<long> SettledTotal()
    {
        var (count, before) = (torch.Tensor.TotalCount, -1L);
        for (var i = 0; i < 3 || count != before; i++)
        {
            before = count;
            GC.Collect();
            GC.WaitForPendingFinalizers();
            await Task.Run(static () => { }); // behind what the finalizers queued
            count = torch.Tensor.TotalCount;
        }
        return count;
    }
}
