using AirMLNet.Images;

namespace AirMLNet.Clip;

/// <summary>Features of images outside of a pipeline.</summary>
internal static class ClipImages
{
    /// <summary>Reads in parallel and encodes in batches.</summary>
    /// <param name="backbone">The model.</param>
    /// <param name="number">N.</param>
    /// <param name="image">Reads the image of a number; called from several threads.</param>
    /// <param name="cancellation">Checked before each batch.</param>
    /// <param name="done">Told after each batch how many are done.</param>
    /// <returns>[N, D], rows of length 1.</returns>
    /// <exception cref="UnreadableImageException">A file cannot be read.</exception>
    public static float[] Encode(
        ClipBackbone backbone,
        int number,
        Func<int, RgbImage> image,
        CancellationToken cancellation = default,
        Action<int>? done = null
    )
    {
        int size = backbone.Preprocessor.Size,
            area = 3 * size * size,
            dimension = backbone.FeatureDimension;
        var batch = Math.Min(ClipBatchSize.Choose(backbone.Model.Config), Math.Max(1, number));
        var pixels = new float[batch * area]; // [B, 3, S, S]
        var features = new float[number * dimension];
        for (var from = 0; from < number; from += batch)
        {
            cancellation.ThrowIfCancellationRequested();
            int start = from,
                count = Math.Min(batch, number - from);
            try
            {
                Parallel.For(0, count, i => backbone.Preprocessor.Preprocess(image(start + i), pixels.AsSpan(i * area, area)));
            }
            catch (AggregateException e) when (e.InnerException is UnreadableImageException unreadable)
            {
                throw new UnreadableImageException(unreadable.ImagePath, unreadable.Message, unreadable);
            }
            backbone.EncodeImages(pixels.AsSpan(0, count * area), count, features.AsSpan(from * dimension, count * dimension));
            done?.Invoke(from + count);
        }
        return features;
    }
}
