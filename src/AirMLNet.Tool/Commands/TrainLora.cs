using System.CommandLine;
using System.Globalization;
using AirMLNet.Clip;
using AirMLNet.Data;
using AirMLNet.Diffusion;
using AirMLNet.Images;
using AirMLNet.Tool.Output;
using TorchSharp;

namespace AirMLNet.Tool.Commands;

/// <summary><c>airml train lora</c>: fine-tunes a diffusion model on images.</summary>
internal static class TrainLora
{
    private static readonly string[] TextTargets = ["q_proj", "k_proj", "v_proj", "out_proj"];

    public static Command Build()
    {
        var images = new Argument<string>("IMAGES")
        {
            Description = "Folder of images; without --prompt in one sub-folder per class, whose name goes into the prompt",
        };
        var diffusion = new Option<string>("--diffusion")
        {
            Description = "Folder of the Stable Diffusion model (v1, 2 or XL), in diffusers layout",
            HelpName = "FOLDER",
            CustomParser = SharedOptions.ModelFolder,
            Required = true,
        };
        var output = new Option<string>("--output", "-o")
        {
            Description = $"Folder for {LoraTrainer.FileName}; an interrupted run goes on from the checkpoint in it",
            HelpName = "FOLDER",
            Required = true,
        };
        var prompt = new Option<string?>("--prompt") { Description = "What all the images show, instead of classes", HelpName = "TEXT" };
        var domain = new DomainOptions();
        var rank = SharedOptions.Number("--rank", "Rank of the adapters", 16, 1, 1024);
        var alpha = SharedOptions.Optional("--alpha", "α of the adapters (default: the rank)", 1e-6, 10_000.0);
        var text = new Option<bool>("--text-encoder") { Description = "Adapt the text encoder too" };
        var steps = SharedOptions.Number("--steps", "Optimiser steps", 3000, 1, 10_000_000);
        var batch = SharedOptions.Number("--batch", "Images in a step", 8, 1, 65_536);
        var parts = SharedOptions.Number("--accumulate", "Parts that a step's images are worked on in, to save memory", 1, 1, 65_536);
        var rate = SharedOptions.Optional("--lr", "Peak learning rate (default: 0.0001)", 1e-9, 1.0);
        var flip = new Option<bool>("--no-flip") { Description = "Do not train on mirror images" };
        var every = SharedOptions.Number("--checkpoint-every", "Steps between two checkpoints", 250, 1, 10_000_000);
        var precision = new Option<string?>("--precision")
        {
            Description = "Numbers the UNet computes in; adapters are always float32 (default: float32 on a processor, bfloat16 on a GPU)",
            HelpName = "TYPE",
        };
        precision.AcceptOnlyFromAmong("float32", "bfloat16");
        var compute = new ComputeOptions();
        var seed = SharedOptions.Number("--seed", "Seed of everything random", 1, 0, int.MaxValue);
        var json = SharedOptions.Json();
        var command = new Command("lora", "Fine-tune a diffusion model on images by LoRA")
        {
            images,
            diffusion,
            output,
            prompt,
            rank,
            alpha,
            text,
            steps,
            batch,
            parts,
            rate,
            flip,
            every,
            precision,
            seed,
            json,
        };
        foreach (var option in domain.All)
        {
            command.Options.Add(option);
        }
        compute.AddTo(command);
        ExamplesHelpAction.Add(
            command,
            "airml train lora flowers/train --diffusion stable-diffusion-v1-4 --domain 'Flowers:' -o flowers-lora",
            "airml train lora my-dog --diffusion stable-diffusion-v1-4 --prompt 'a photo of sks dog' --rank 4 --steps 500 -o dog-lora",
            "airml synthesize --diffusion stable-diffusion-v1-4 --lora dog-lora/pytorch_lora_weights.safetensors --prompt 'sks dog on the "
                + "moon' -n 4 -o out"
        );
        command.Does(
            (parsed, cancellation) =>
            {
                if (parsed.GetValue(prompt) is not null)
                {
                    SharedOptions.Refuse(parsed, domain.All, DomainOptions.IdleBesidePrompt);
                }

                var examples = Examples(
                    parsed.GetRequiredValue(images),
                    parsed.GetValue(prompt),
                    domain.Read(parsed, parsed.GetRequiredValue(images))
                );
                var device = compute.Device(parsed);
                var type =
                    (parsed.GetValue(precision) ?? (device.type == DeviceType.CPU ? "float32" : "bfloat16")) == "float32"
                        ? torch.ScalarType.Float32
                        : torch.ScalarType.BFloat16;
                var folder = parsed.GetRequiredValue(output);
                var result = Terminal.Work(
                    "Training LoRA",
                    1,
                    step =>
                    {
                        using var model = StableDiffusionPipeline.Load(parsed.GetRequiredValue(diffusion), device, type);
                        var options = new LoraTrainingOptions
                        {
                            Lora = new()
                            {
                                Rank = parsed.GetValue(rank),
                                Alpha = parsed.GetValue(alpha),
                                TextEncoderTargets = parsed.GetValue(text) ? TextTargets : null,
                            },
                            Steps = parsed.GetValue(steps),
                            BatchSize = parsed.GetValue(batch),
                            AccumulationSteps = parsed.GetValue(parts),
                            HorizontalFlip = !parsed.GetValue(flip),
                            CheckpointEvery = parsed.GetValue(every),
                            CancellationToken = cancellation,
                            Progress = Terminal.Training(step),
                        };
                        return new LoraTrainer(model, options with { LearningRate = parsed.GetValue(rate) ?? options.LearningRate }).Train(
                            examples,
                            folder,
                            parsed.GetValue(seed)
                        );
                    }
                );
                Write(result, examples.Count, parsed.GetValue(json));
                return 0;
            }
        );
        return command;
    }

    internal static IReadOnlyList<LoraExample> Examples(string folder, string? prompt, string domain)
    {
        var pool = PoolFolder.Open(folder, labels: prompt is null);
        if (pool.Note is { } note)
        {
            Terminal.Note(note);
        }

        return
        [
            .. pool.Entries.Select(e => new LoraExample(e.Path, () => ImageFile.Load(e.Path), prompt ?? ClassPrompt.Of(e.Label!, domain))),
        ];
    }

    private static void Write(LoraTrainingResult result, int images, bool json)
    {
        if (json)
        {
            Terminal.WriteJson(
                new
                {
                    file = result.File,
                    images,
                    lossBefore = result.LossBefore,
                    lossAfter = result.LossAfter,
                    seconds = result.Seconds,
                }
            );
            return;
        }

        var plain = CultureInfo.InvariantCulture;
        var done = result.LossAfter is { } after
            ? string.Create(plain, $"trained on {images} images, their loss {result.LossBefore:0.0000} before and {after:0.0000} after")
            : "was there already";
        Console.Out.WriteLine(string.Create(plain, $"{result.File}: {done}; {result.Seconds:0.0} s of training"));
    }
}
