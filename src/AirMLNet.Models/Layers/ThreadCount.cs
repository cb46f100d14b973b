using static TorchSharp.torch;

namespace AirMLNet.Layers;

/// <summary>
/// Sets the number of threads that LibTorch computes with, and on disposal puts back what was set before. The last bits of results
/// depend on that number: what one stage asks for must not stay for others, also where several work at a time.
/// </summary>
internal readonly ref struct ThreadCount
{
    private static readonly Lock Gate = new();
    private static int _active,
        _ofProcess;

    [ThreadStatic]
    private static int _nested;

    private readonly int _before;

    /// <param name="threads">1 or more; 0 changes nothing.</param>
    public ThreadCount(int threads)
    {
        if (threads == 0)
        {
            return;
        }

        lock (Gate)
        {
            // A thread that is new while another stage works would be told that stage's number.
            if (_active++ == 0)
            {
                _ofProcess = get_num_threads();
            }

            _before = _nested++ == 0 ? _ofProcess : get_num_threads();
            set_num_threads(threads);
        }
    }

    public void Dispose()
    {
        if (_before == 0)
        {
            return;
        }

        lock (Gate)
        {
            set_num_threads(_before);
            _nested--;
            _active--;
        }
    }
}
