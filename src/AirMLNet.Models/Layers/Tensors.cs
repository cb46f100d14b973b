using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace AirMLNet.Layers;

/// <summary>Tensors of managed numbers.</summary>
internal static class Tensors
{
    /// <summary>
    /// A float32 tensor in LibTorch's own memory. <c>torch.tensor(array)</c> uses the array's memory instead, which begins at any
    /// multiple of eight bytes; the matrix products of MKL add in another order where it is not one of sixteen, so that the last
    /// bit of a result would depend on where the array happens to lie.
    /// </summary>
    /// <param name="values">The numbers, row-major.</param>
    /// <param name="shape">The shape, of as many numbers.</param>
    /// <param name="device">The CPU where null.</param>
    /// <exception cref="ArgumentException">The shape does not fit.</exception>
    public static Tensor Of(ReadOnlySpan<float> values, long[] shape, Device? device = null)
    {
        using var scope = NewDisposeScope();
        var tensor = empty(shape, ScalarType.Float32);
        if (tensor.numel() != values.Length)
        {
            throw new ArgumentException($"{values.Length} numbers cannot have the shape [{string.Join(", ", shape)}].", nameof(shape));
        }

        if (values.Length > 0)
        {
            MemoryMarshal.AsBytes(values).CopyTo(tensor.bytes);
        }

        return (device is null || device.type == TorchSharp.DeviceType.CPU ? tensor : tensor.to(device)).MoveToOuterDisposeScope();
    }
}
