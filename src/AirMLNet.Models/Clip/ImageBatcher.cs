using System.Runtime.ExceptionServices;
using AirMLNet.Images;

namespace AirMLNet.Clip;

/// <summary>
/// Collects images, decodes and preprocesses a batch of them at a time on all processors, and hands each batch on; no more than one
/// batch of pixels exists.
/// </summary>
/// <param name="preprocessor">Makes pixels of images.</param>
/// <param name="batchSize">B, the images of a batch; the last one may have fewer.</param>
/// <param name="encode">Takes the pixels of the next images, [B, 3, S, S], and their number; the memory is used again afterwards.</param>
/// <param name="cancellation">Checked before each batch and each image.</param>
internal sealed class ImageBatcher(
    ClipPreprocessor preprocessor,
    int batchSize,
    Action<ReadOnlyMemory<float>, int> encode,
    CancellationToken cancellation
)
{
    private readonly List<Func<RgbImage>> _waiting = [];
    private readonly ParallelOptions _parallel = new() { CancellationToken = cancellation };
    private float[] _pixels = []; // [B, 3, S, S]

    /// <summary>Takes the next image, and encodes a batch when it is full.</summary>
    /// <param name="load">Decodes it; called from several threads, at the latest by <see cref="Complete"/>.</param>
    /// <exception cref="UnreadableImageException">An image of the batch cannot be read: the first of them.</exception>
    /// <exception cref="OperationCanceledException">The work was cancelled.</exception>
    public void Add(Func<RgbImage> load)
    {
        _waiting.Add(load);
        if (_waiting.Count == batchSize)
        {
            Run();
        }
    }

    /// <summary>Encodes what is left.</summary>
    /// <exception cref="UnreadableImageException">An image of the batch cannot be read: the first of them.</exception>
    /// <exception cref="OperationCanceledException">The work was cancelled.</exception>
    public void Complete()
    {
        if (_waiting.Count > 0)
        {
            Run();
        }
    }

    private void Run()
    {
        int area = 3 * preprocessor.Size * preprocessor.Size,
            count = _waiting.Count;
        if (_pixels.Length < count * area)
        {
            _pixels = GC.AllocateUninitializedArray<float>(count * area);
        }

        var failures = new ExceptionDispatchInfo?[count];
        Parallel.For(
            0,
            count,
            _parallel,
            i =>
            {
                try
                {
                    preprocessor.Preprocess(_waiting[i](), _pixels.AsSpan(i * area, area));
                }
                catch (Exception e)
                {
                    failures[i] = ExceptionDispatchInfo.Capture(e);
                }
            }
        );
        Array.Find(failures, failure => failure is not null)?.Throw();
        _waiting.Clear();
        encode(_pixels.AsMemory(0, count * area), count);
    }
}
