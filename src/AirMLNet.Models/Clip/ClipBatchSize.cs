namespace AirMLNet.Clip;

/// <summary>
/// How many images or texts to encode at a time. On a GPU, as many as memory has room for. On a processor no more than about a second's
/// work beside other work: work ends, when it is to end, between two batches.
/// </summary>
internal static class ClipBatchSize
{
    // More gains nothing: the matrices are large enough long before.
    private const int Most = 64;
    private const int MostTexts = 256;
    private const int Share = 4;
    private const double PerThread = 6e10; // operations in a batch; a core does 4e10 to 1e11 in a second

    /// <summary>As many as a quarter of the memory has room for, 1..64.</summary>
    /// <param name="config">The model.</param>
    /// <param name="threads">Threads of the processor that encodes; null for a GPU.</param>
    /// <param name="memory">Bytes there are; what the runtime may use when null.</param>
    public static int Choose(ClipConfig config, int? threads = null, long? memory = null) =>
        Within(
            (int)Math.Clamp((memory ?? GC.GetGCMemoryInfo().TotalAvailableMemoryBytes) / Share / BytesPerImage(config), 1, Most),
            OperationsPerImage(config),
            threads
        );

    /// <summary>The same for the device that a model is on.</summary>
    public static int Choose(ClipBackbone backbone) => Choose(backbone.Model.Config, ThreadsOf(backbone));

    /// <summary>Texts to encode at a time.</summary>
    public static int Texts(ClipBackbone backbone) => Texts(backbone.Model.Config, ThreadsOf(backbone));

    /// <summary>The same for so many threads; null for a GPU.</summary>
    public static int Texts(ClipConfig config, int? threads)
    {
        var text = config.Text;
        return Within(MostTexts, Transformer(text.ContextLength, text.HiddenSize, text.IntermediateSize, text.Layers), threads);
    }

    private static int? ThreadsOf(ClipBackbone backbone) =>
        backbone.Device.type == TorchSharp.DeviceType.CPU ? TorchSharp.torch.get_num_threads() : null;

    private static int Within(int most, double operations, int? threads) =>
        threads is { } count ? (int)Math.Clamp(count * PerThread / operations, 1, most) : most;

    /// <summary>An estimate of the multiplications and additions of one image.</summary>
    private static double OperationsPerImage(ClipConfig config)
    {
        var vision = config.Vision;
        if (vision.ResNet is { } net)
        {
            // Of CLIP's RN50 with its 16 blocks about 10^10; blocks of all stages cost alike.
            return 3.0 * net.Layers.Sum() * net.Width * net.Width * vision.ImageSize * vision.ImageSize;
        }
        return Transformer(1 + vision.Patches, vision.HiddenSize, vision.IntermediateSize, vision.Layers);
    }

    private static double Transformer(long tokens, long width, long inner, long layers) =>
        2.0 * layers * tokens * ((4.0 * width * width) + (2.0 * width * inner) + (2.0 * tokens * width));

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
