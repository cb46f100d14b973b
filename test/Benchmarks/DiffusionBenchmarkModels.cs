using AirMLNet.Clip;
using AirMLNet.Diffusion;
using AirMLNet.SmallModels;
using static TorchSharp.torch;

namespace AirMLNet.Benchmarks;

/// <summary>Stable Diffusion v1 models with random weights, small enough for a processor, under artifacts/bench.</summary>
internal static class DiffusionBenchmarkModels
{
    /// <summary>What there is to choose from.</summary>
    public static IEnumerable<(string Name, UNet2DConditionConfig UNet, AutoencoderKLConfig Vae, ClipTextConfig Text)> All()
    {
        yield return (
            "tiny",
            new()
            {
                SampleSize = 16,
                BlockOutChannels = [32, 48],
                DownBlockTypes = ["CrossAttnDownBlock2D", "DownBlock2D"],
                UpBlockTypes = ["UpBlock2D", "CrossAttnUpBlock2D"],
                LayersPerBlock = [1, 1],
                TransformerLayersPerBlock = [1, 1],
                AttentionHeads = [4, 4],
                CrossAttentionDim = 32,
                NormNumGroups = 8,
            },
            new()
            {
                BlockOutChannels = [16, 32],
                LayersPerBlock = 1,
                NormNumGroups = 8,
                SampleSize = 32,
            },
            new()
            {
                HiddenSize = 32,
                IntermediateSize = 128,
                Layers = 2,
                Heads = 4,
                VocabularySize = 600,
            }
        );
        yield return (
            "quarter width",
            new()
            {
                SampleSize = 32,
                BlockOutChannels = [80, 160, 320, 320],
                CrossAttentionDim = 192,
                NormNumGroups = 16,
            },
            new() { BlockOutChannels = [32, 64, 128, 128], SampleSize = 256 },
            new()
            {
                HiddenSize = 192,
                IntermediateSize = 768,
                Layers = 12,
                Heads = 3,
                VocabularySize = 600,
            }
        );
    }

    /// <summary>The folder of a model in diffusers layout, made once.</summary>
    public static string Write(string name, UNet2DConditionConfig config, AutoencoderKLConfig vaeConfig, ClipTextConfig textConfig)
    {
        var folder = Path.Combine(BenchmarkData.Root, "artifacts", "bench", "diffusion-" + name.Replace(' ', '-'));
        if (!File.Exists(Path.Combine(folder, "model_index.json")))
        {
            BytePairLearner.Learn(["a photo of a cat"], 8, textConfig.ContextLength, folder);
            using var generator = new Generator(1);
            using var unet = new UNet2DConditionModel(config, generator);
            using var vae = new AutoencoderKL(vaeConfig, generator);
            using var text = new ClipTextModel(textConfig, generator);
            StableDiffusionPipeline.Save(
                folder,
                unet,
                vae,
                text,
                NoiseScheduler.Create(new() { Kind = SchedulerKind.Ddim, StepsOffset = 1 }),
                folder,
                ScalarType.Float32
            );
        }

        return folder;
    }

    /// <summary>Writes what both sides start from.</summary>
    public static (string Ids, string Negative, string Latents, string Output) Inputs(string folder, StableDiffusionPipeline model)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(2);
        string Write(string name, Tensor tensor)
        {
            var path = Path.Combine(folder, name);
            File.WriteAllBytes(path, tensor.contiguous().bytes.ToArray());
            return path;
        }

        var side = model.UNet.Config.SampleSize.Height;
        return (
            Write("ids.bin", model.Tokenize(["a photo of a cat"])),
            Write("negative.bin", model.Tokenize([""])),
            Write("latents.bin", randn([1, 4, side, side], generator: generator)),
            Path.Combine(folder, "peer-picture.bin")
        );
    }
}
