using AirMLNet.Native;
using TorchSharp;

namespace AirMLNet.Tool.Pipelines;

/// <summary>The one process-wide setting of the tensor engine that the tool changes.</summary>
internal static class Compute
{
    public static void UseThreads(int? threads)
    {
        if (threads is { } number)
        {
            LibTorch.Require();
            torch.set_num_threads(number);
        }
    }

    /// <summary>The device that --gpu names; the processor where it was not given.</summary>
    /// <exception cref="DllNotFoundException">LibTorch cannot be loaded.</exception>
    /// <exception cref="InvalidOperationException">There is no such GPU.</exception>
    public static torch.Device Device(int? gpu)
    {
        LibTorch.Require();
        if (gpu is not { } index)
        {
            return torch.CPU;
        }

        var seen = torch.cuda.is_available() ? torch.cuda.device_count() : 0;
        return index < seen
            ? torch.device($"cuda:{index}")
            : throw new InvalidOperationException(
                $"--gpu is {index}, but {(seen == 0 ? "no CUDA device is seen" : $"only 0..{seen - 1} are seen")}."
            );
    }
}
