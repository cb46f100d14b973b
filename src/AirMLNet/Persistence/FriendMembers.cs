using Microsoft.ML;
using Microsoft.ML.Runtime;

namespace AirMLNet.Persistence;

/// <summary>What a stage needs of its environment and cannot get through public members.</summary>
internal static class FriendMembers
{
    /// <exception cref="OperationCanceledException">MLContext.CancelExecution was called.</exception>
    public static void CheckAlive(IHostEnvironment environment)
    {
        if (environment is ICancelable { IsCanceled: true }) throw new OperationCanceledException("The MLContext was told to cancel its execution.");
    }

    /// <summary>MLContext.GpuDeviceId and FallbackToCpu.</summary>
    public static (int? Id, bool Fallback) Gpu(IHostEnvironment environment)
        => environment is IHostEnvironmentInternal known ? (known.GpuDeviceId, known.FallbackToCpu) : (null, false);
}
