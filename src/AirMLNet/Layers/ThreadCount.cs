using static TorchSharp.torch;

namespace AirMLNet.Layers;

/// <summary>
/// Sets the number of threads that LibTorch computes with, and on disposal puts back what was set before. The number is the whole
/// process's, and the last bits of results depend on it: what one stage asks for must not stay for others.
/// </summary>
internal readonly ref struct ThreadCount
{
    private readonly int _before;

    /// <param name="threads">1 or more; 0 changes nothing.</param>
    public ThreadCount(int threads)
    {
        if (threads == 0) return;
        _before = get_num_threads();
        set_num_threads(threads);
    }

    public void Dispose()
    {
        if (_before != 0) set_num_threads(_before);
    }
}
