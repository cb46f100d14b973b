using System.Runtime.InteropServices;
using TorchSharp.Interop;

namespace TorchSharp;

/// <summary>A GPU as its driver describes it. The official surface has no such members, so this is for the engine's own use.</summary>
/// <param name="Name">The product's name.</param>
/// <param name="ComputeCapability">For example 9.0.</param>
/// <param name="Multiprocessors">Number of streaming multiprocessors.</param>
/// <param name="TotalMemory">Bytes on the device.</param>
/// <param name="FreeMemory">Bytes not taken by any process.</param>
internal sealed record CudaDevice(string Name, Version ComputeCapability, int Multiprocessors, long TotalMemory, long FreeMemory)
{
    /// <exception cref="ExternalException">There is no CUDA driver or no such device.</exception>
    internal static unsafe CudaDevice Describe(int index)
    {
        CudaInfo info;
        NativeMethods.Check(NativeMethods.ts_cuda_device_info(index, &info));
        return new(Marshal.PtrToStringUTF8((nint)info.Name), new Version(info.Major, info.Minor), info.Multiprocessors, info.Total, info.Free);
    }
}
