using System.Runtime.ExceptionServices;
using AirMLNet.Clip;
using AirMLNet.Images;
using AirMLNet.Optimisation;

namespace AirMLNet.FineTuning;

/// <summary>Pixels of batches, read and cropped in parallel while the batch before is trained on. Memory: two batches.</summary>
/// <param name="load">Reads the image of a row; called from several threads.</param>
/// <param name="preprocessor">The model's.</param>
/// <param name="crop">The random crop; null takes each image as in scoring.</param>
/// <param name="seed">Draws the crops.</param>
internal sealed class FineTuneImages(Func<int, RgbImage> load, ClipPreprocessor preprocessor, RandomCrop? crop, int seed)
{
    private const int CropStream = 22;
    private (int Step, Task<float[]> Pixels)? _ahead;

    /// <summary>The pixels of a step's rows.</summary>
    /// <param name="step">The step, on which the crops depend.</param>
    /// <param name="rows">Its rows.</param>
    /// <param name="next">The rows of the step after it, to be read ahead; null for none.</param>
    /// <returns>[B, 3, S, S].</returns>
    /// <exception cref="UnreadableImageException">An image cannot be read.</exception>
    public float[] Take(int step, long[] rows, long[]? next)
    {
        var pixels = _ahead is { } ahead && ahead.Step == step ? ahead.Pixels.GetAwaiter().GetResult() : Read(step, rows);
        _ahead = next is null ? null : (step + 1, Task.Run(() => Read(step + 1, next)));
        return pixels;
    }

    private float[] Read(int step, long[] rows)
    {
        var size = preprocessor.Size;
        var area = 3 * size * size;
        var pixels = GC.AllocateUninitializedArray<float>(rows.Length * area);
        try
        {
            Parallel.For(
                0,
                rows.Length,
                i =>
                {
                    var image = load((int)rows[i]);
                    if (crop is not null)
                    {
                        image = crop.Of(image, size, SeededRandom.Create(seed, CropStream, unchecked((step * 8191) + i)));
                    }

                    preprocessor.Preprocess(image, pixels.AsSpan(i * area, area));
                }
            );
        }
        catch (AggregateException e) when (e.InnerException is { } inner)
        {
            ExceptionDispatchInfo.Throw(inner);
        }
        return pixels;
    }
}
