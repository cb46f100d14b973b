using AirMLNet.Native;
using Microsoft.ML;
using Microsoft.ML.Runtime;
using TorchSharp;

namespace AirMLNet.Pipeline;

/// <summary>Which device is computed on: what MLContext.GpuDeviceId and FallbackToCpu say, and the command's <c>--gpu</c>.</summary>
/// <param name="Gpu">Number of the GPU; null for the processor.</param>
/// <param name="FallbackToCpu">Computes on the processor, with a warning, where there is no such GPU.</param>
internal sealed record DeviceChoice(int? Gpu = null, bool FallbackToCpu = false)
{
    /// <summary>A fresh context of this device.</summary>
    /// <param name="seed">Its seed; null for one that is drawn.</param>
    public MLContext Context(int? seed = null) => new(seed) { GpuDeviceId = Gpu, FallbackToCpu = FallbackToCpu };

    /// <summary>Why the GPU cannot be had; null where it can, or none is asked for.</summary>
    /// <exception cref="DllNotFoundException">LibTorch cannot be loaded.</exception>
    public string? Missing()
    {
        LibTorch.Require();
        var seen = Gpu is not null && torch.cuda.is_available() ? torch.cuda.device_count() : 0;
        return Gpu is null || (Gpu >= 0 && Gpu < seen) ? null
            : seen == 0 ? "no CUDA device is seen"
            : $"only 0..{seen - 1} are seen";
    }

    /// <summary>The device.</summary>
    /// <param name="warn">Told where the processor takes the GPU's place.</param>
    /// <exception cref="DllNotFoundException">LibTorch cannot be loaded.</exception>
    /// <exception cref="InvalidOperationException">The GPU that was asked for is not there and FallbackToCpu is off.</exception>
    public torch.Device Resolve(Action<string> warn)
    {
        if (Missing() is not { } why)
        {
            return Gpu is { } index ? torch.device($"cuda:{index}") : torch.CPU;
        }

        if (!FallbackToCpu)
        {
            throw new InvalidOperationException($"GpuDeviceId = {Gpu}, but {why}. Set FallbackToCpu, or GpuDeviceId to null.");
        }

        warn($"GpuDeviceId = {Gpu}, but {why}: computing on the CPU (FallbackToCpu is on).");
        return torch.CPU;
    }

    /// <summary>The device of a context, which its log is told.</summary>
    /// <inheritdoc cref="Resolve(Action{string})" path="/exception"/>
    public static torch.Device Resolve(IHostEnvironment environment, IChannel channel)
    {
        (var gpu, var fallback) = FriendMembers.Gpu(environment);
        var device = new DeviceChoice(gpu, fallback).Resolve(text => channel.Warn(text));
        channel.Say($"Device: {device}.");
        return device;
    }
}
