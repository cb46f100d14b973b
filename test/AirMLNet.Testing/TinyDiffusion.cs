using AirMLNet.Clip;
using AirMLNet.Diffusion;
using static TorchSharp.torch;

namespace AirMLNet.Testing;

/// <summary>A diffusion model with random weights that makes images of 16×16 pixels in a moment.</summary>
public static class TinyDiffusion
{
    /// <summary>Writes the model's folder.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="tokenizer">The folder of mini-clip, whose tokenizer it takes.</param>
    public static string Write(string folder, string tokenizer)
    {
        using var generator = new Generator(1);
        using var unet = new UNet2DConditionModel(UNet, generator);
        using var vae = new AutoencoderKL(
            new()
            {
                BlockOutChannels = [8, 8],
                LayersPerBlock = 1,
                NormNumGroups = 4,
                SampleSize = 16,
            },
            generator
        );
        using var text = new ClipTextModel(Text, generator);
        StableDiffusionPipeline.Save(
            folder,
            unet,
            vae,
            text,
            NoiseScheduler.Create(new() { Kind = SchedulerKind.Ddim, StepsOffset = 1 }),
            tokenizer,
            ScalarType.Float32
        );
        return folder;
    }

    internal static UNet2DConditionConfig UNet { get; } =
        new()
        {
            SampleSize = 8,
            BlockOutChannels = [16, 32],
            DownBlockTypes = ["CrossAttnDownBlock2D", "DownBlock2D"],
            UpBlockTypes = ["UpBlock2D", "CrossAttnUpBlock2D"],
            LayersPerBlock = [1, 1],
            TransformerLayersPerBlock = [1, 1],
            AttentionHeads = [2, 4],
            CrossAttentionDim = 32,
            NormNumGroups = 4,
        };

    // mini-clip's tokenizer has 875 ids and 32 places.
    private static ClipTextConfig Text { get; } =
        new()
        {
            HiddenSize = 32,
            IntermediateSize = 64,
            Layers = 1,
            Heads = 2,
            ContextLength = 32,
            VocabularySize = 900,
        };
}
