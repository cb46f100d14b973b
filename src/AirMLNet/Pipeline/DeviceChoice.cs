using AirMLNet.Native;
using Microsoft.ML.Runtime;
using TorchSharp;

namespace AirMLNet.Pipeline;

/// <summary>Which device a stage computes on: what MLContext.GpuDeviceId and FallbackToCpu say.</summary>
internal static class DeviceChoice
{
    /// <exception cref="DllNotFoundException">LibTorch cannot be loaded.</exception>
    /// <exception cref="InvalidOperationException">The GPU that was asked for is not there and FallbackToCpu is off.</exception>
    public static torch.Device Resolve(IHostEnvironment environment, IChannel channel)
    {
        LibTorch.Require();
        (var gpu, var fallback) = FriendMembers.Gpu(environment);
        var device = torch.CPU;
        if (gpu is { } index)
        {
            var seen = torch.cuda.is_available() ? torch.cuda.device_count() : 0;
            if (index >= 0 && index < seen)
            {
                device = torch.device($"cuda:{index}");
            }
            else if (fallback)
            {
                channel.Warn($"GpuDeviceId = {index}, but {Seen(seen)}: computing on the CPU (FallbackToCpu is on).");
            }
            else
            {
                throw new InvalidOperationException($"GpuDeviceId = {index}, but {Seen(seen)}. Set FallbackToCpu, or GpuDeviceId to null.");
            }
        }
        channel.Say($"Device: {device}.");
        return device;
    }

    private static string Seen(int count) => count == 0 ? "no CUDA device is seen" : $"only 0..{count - 1} are seen";
}
