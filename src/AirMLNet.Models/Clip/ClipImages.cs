using AirMLNet.Images;

namespace AirMLNet.Clip;

/// <summary>Features of images outside of a pipeline.</summary>
internal static class ClipImages
{
    /// <summary>Reads in parallel and encodes in batches.</summary>
    /// <param name="backbone">The model.</param>
    /// <param name="number">N.</param>
    /// <param name="image">Reads the image of a number; called from several threads.</param>
    /// <param name="cancellation">Checked before each batch and each image.</param>
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
        var dimension = backbone.FeatureDimension;
        var features = new float[number * dimension];
        var encoded = 0;
        var batches = new ImageBatcher(
            backbone.Preprocessor,
            ClipBatchSize.Choose(backbone),
            (pixels, count) =>
            {
                backbone.EncodeImages(pixels.Span, count, features.AsSpan(encoded * dimension, count * dimension));
                encoded += count;
                done?.Invoke(encoded);
            },
            cancellation
        );
        for (var i = 0; i < number; i++)
        {
            var next = i;
            batches.Add(() => image(next));
        }

        batches.Complete();
        return features;
    }
}
