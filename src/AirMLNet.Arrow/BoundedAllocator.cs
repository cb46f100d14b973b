using System.Buffers;
using Apache.Arrow.Memory;

namespace AirMLNet.Arrow;

/// <summary>
/// Memory for what is read from one file, up to a bound: a compressed buffer states its length in full, and a few bytes can state
/// gigabytes.
/// </summary>
/// <param name="fileLength">Bytes of the file. LZ4 makes 255 times as much of its bytes at most; zstd makes more of repeated values, for
/// which the least bound is.</param>
internal sealed class BoundedAllocator(long fileLength) : MemoryAllocator
{
    private const long LeastBound = 64L << 20;
    private const int MostRatio = 255;

    private readonly long _most = Math.Max(LeastBound, fileLength * MostRatio);
    private long _taken;

    protected override IMemoryOwner<byte> AllocateInternal(int length, out int bytesAllocated)
    {
        if (_taken + length > _most)
        {
            throw new InvalidDataException($"its parts would take more than {_most >> 20} MiB of memory at a time.");
        }

        var memory = Default.Value.Allocate(length);
        _taken += bytesAllocated = length;
        return new Owner(this, memory, length);
    }

    private sealed class Owner(BoundedAllocator allocator, IMemoryOwner<byte> memory, int length) : IMemoryOwner<byte>
    {
        private bool _disposed;

        public Memory<byte> Memory => memory.Memory;

        public void Dispose()
        {
            if (!_disposed)
            {
                _disposed = true;
                allocator._taken -= length;
                memory.Dispose();
            }
        }
    }
}
