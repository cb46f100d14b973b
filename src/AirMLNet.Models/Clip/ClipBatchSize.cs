namespace AirMLNet.Clip;

/// <summary>How many images to encode at a time.</summary>
internal static class ClipBatchSize
{
    // More gains nothing: the matrices are large enough long before.
    private const int Most = 64;
    private const int Share = 4;

    /// <summary>As many as a quarter of the memory has room for, 1..64.</summary>
    /// <param name="config">The model.</param>
    /// <param name="memory">Bytes there are; what the runtime may use when null.</param>
    public static int Choose(ClipConfig config, long? memory = null) =>
        (int)Math.Clamp((memory ?? GC.GetGCMemoryInfo().TotalAvailableMemoryBytes) / Share / BytesPerImage(config), 1, Most);

    /// <summary>An estimate of what one image needs: its pixels three times, and the largest set of activations alive at once.</summary>
    private static long BytesPerImage(ClipConfig config)
    {
        var vision = config.Vision;
        var pixels = 3L * vision.ImageSize * vision.ImageSize;
        if (vision.ResNet is { } net)
        {
            // After the stem the map has a quarter of the side; its first stage is four times as wide.
            return sizeof(float) * ((3 * pixels) + (3L * 4 * net.Width * (vision.ImageSize / 4) * (vision.ImageSize / 4)));
        }
        long tokens = 1 + vision.Patches;
        return sizeof(float)
            * ((3 * pixels) + (tokens * ((6L * vision.HiddenSize) + (2L * vision.IntermediateSize) + (2L * vision.Heads * tokens))));
    }
}
