using System.CommandLine;
using System.Globalization;
using AirMLNet.Data;
using AirMLNet.Diffusion;
using AirMLNet.Options;
using AirMLNet.Synthesis;
using AirMLNet.Tool.Output;
using TorchSharp;

namespace AirMLNet.Tool.Commands;

/// <summary><c>airml synthesize</c>: images of a prompt, or of every class of a list.</summary>
internal static class SynthesizeCommand
{
    private static readonly (string Name, SchedulerKind Kind)[] Schedulers =
    [
        ("ddim", SchedulerKind.Ddim),
        ("ddpm", SchedulerKind.Ddpm),
        ("pndm", SchedulerKind.Pndm),
        ("dpmsolver++", SchedulerKind.DpmSolverMultistep),
        ("euler", SchedulerKind.EulerDiscrete),
    ];

    private static readonly (string Name, torch.ScalarType Type)[] Precisions =
    [
        ("float32", torch.ScalarType.Float32),
        ("float16", torch.ScalarType.Float16),
        ("bfloat16", torch.ScalarType.BFloat16),
    ];

    public static Command Build()
    {
        var diffusion = new Option<string>("--diffusion")
        {
            Description =
                "Folder of the Stable Diffusion model (v1, 2 or XL), in diffusers layout (model_index.json, unet, vae, text_encoder, …)",
            HelpName = "FOLDER",
            CustomParser = SharedOptions.ModelFolder,
            Required = true,
        };
        var prompt = new Option<string?>("--prompt") { Description = "What the images show", HelpName = "TEXT" };
        var classes = new Option<string?>("--classes")
        {
            Description = "Text file with one class name a line, instead of --prompt: images go to a sub-folder per class",
            HelpName = "FILE",
        };
        var domain = new DomainOptions();
        var negative = new Option<string?>("--negative") { Description = "What the images must not show", HelpName = "TEXT" };
        var lora = new Option<string?>("--lora")
        {
            Description = "LoRA file (safetensors; names of diffusers, PEFT or kohya) that adapts the model",
            HelpName = "FILE",
        };
        var weight = SharedOptions.Optional("--lora-weight", "By what the LoRA's own scale is multiplied (default: 1)", -10.0, 10.0);
        var count = SharedOptions.Number("-n", "Images of the prompt, or of each class", 1, 1, 100_000);
        var seed = SharedOptions.Number("--seed", "Seed of the first image", 1, 0, int.MaxValue);
        var output = new Option<string>("--output", "-o")
        {
            Description = "Folder to write to; images that are there are not made again",
            HelpName = "FOLDER",
            Required = true,
        };
        var steps = SharedOptions.Number("--steps", "Denoising steps", 50, 1, 1000);
        var guidance = SharedOptions.Optional("--guidance", "Weight of the prompt; 1 for none (default: 7.5)", 0.0, 100.0);
        var rescale = SharedOptions.Optional(
            "--guidance-rescale",
            "Share of the guided prediction brought back to its deviation without guidance (default: 0)",
            0.0,
            1.0
        );
        var eta = SharedOptions.Optional("--eta", "Share of fresh noise in each step of the scheduler ddim (default: 0)", 0.0, 1.0);
        var scheduler = new Option<string?>("--scheduler")
        {
            Description = "The way of sampling (default: the model's own)",
            HelpName = "NAME",
        };
        scheduler.AcceptOnlyFromAmong([.. Schedulers.Select(s => s.Name)]);
        var size = new Option<string?>("--size")
        {
            Description = "Size in pixels, 512 or 512x768 (width x height; default: the model's own)",
            HelpName = "SIZE",
        };
        var batch = SharedOptions.Number("--batch", "Images made at a time", 1, 1, 1024);
        var precision = new Option<string?>("--precision")
        {
            Description = "Numbers to compute in (default: float32 on a processor, float16 on a GPU)",
            HelpName = "TYPE",
        };
        precision.AcceptOnlyFromAmong([.. Precisions.Select(p => p.Name)]);
        var shard = new ShardOption("Folders on several machines are joined with 'airml merge'; a run without it draws the contact sheet");
        var compute = new ComputeOptions();
        var command = new Command("synthesize", "Generate images with a diffusion model; goes on where it was interrupted")
        {
            diffusion,
            lora,
            weight,
            prompt,
            classes,
            negative,
            count,
            seed,
            output,
            steps,
            guidance,
            rescale,
            eta,
            scheduler,
            size,
            batch,
            precision,
        };
        foreach (var option in domain.All)
        {
            command.Options.Add(option);
        }
        shard.AddTo(command);
        compute.AddTo(command);
        ExamplesHelpAction.Add(
            command,
            "airml synthesize --diffusion models/mini-diffusion --prompt 'a photo of a ship' -n 8 --seed 1 -o ships",
            "airml synthesize --diffusion stable-diffusion-v1-4 --classes flowers.txt --domain 'Flowers:' -n 120 -o synthetic",
            "airml synthesize --diffusion stable-diffusion-v1-4 --lora flowers.safetensors --prompt 'Flowers: thorn apple' -n 16 -o "
                + "thorn-apple",
            "airml synthesize --diffusion stable-diffusion-v1-4 --prompt 'a red fox in snow' --scheduler dpmsolver++ --steps 20 -o fox",
            "airml synthesize --diffusion stable-diffusion-v1-4 --classes flowers.txt -n 120 -o synthetic --shard 3/16"
        );
        command.Does(
            (parsed, cancellation) =>
            {
                var part = shard.Read(parsed);
                if (parsed.GetValue(classes) is null)
                {
                    SharedOptions.Refuse(parsed, domain.All, DomainOptions.IdleBesidePrompt);
                }
                if (parsed.GetValue(lora) is null)
                {
                    SharedOptions.Refuse(parsed, [weight], "is the weight of a LoRA; it needs --lora");
                }
                if (parsed.GetValue(guidance) is <= 1)
                {
                    SharedOptions.Refuse(parsed, [negative, rescale], "is a part of guidance; it needs a --guidance above 1");
                }

                var prompts = Prompts(parsed.GetValue(prompt), parsed.GetValue(classes), domain.Read(parsed));
                var (width, height) = Size(parsed.GetValue(size));
                var options = new StableDiffusionOptions
                {
                    Steps = parsed.GetValue(steps),
                    Guidance = parsed.GetValue(guidance) ?? new StableDiffusionOptions().Guidance,
                    GuidanceRescale = parsed.GetValue(rescale) ?? 0,
                    Eta = parsed.GetValue(eta) ?? 0,
                    Scheduler = parsed.GetValue(scheduler) is { } name ? Schedulers.Single(s => s.Name == name).Kind : null,
                    Width = width,
                    Height = height,
                    BatchSize = parsed.GetValue(batch),
                };
                torch.ScalarType? type = parsed.GetValue(precision) is { } wanted ? Precisions.Single(p => p.Name == wanted).Type : null;
                using var model = StableDiffusionPipeline.Load(
                    parsed.GetRequiredValue(diffusion),
                    compute.Device(parsed),
                    type,
                    options.Scheduler
                );
                if (model.SchedulerConfig.Kind != SchedulerKind.Ddim)
                {
                    SharedOptions.Refuse(parsed, [eta], "is for the scheduler ddim; --scheduler names it");
                }

                string[] texts = [.. prompts.Select(p => p.Text), .. parsed.GetValue(negative) is { } not ? [not] : Array.Empty<string>()];
                if (model.Tokenizer?.Cuts(texts) is { } cut)
                {
                    Terminal.Warn(cut);
                }
                if (SyntheticImageFolder.Cut(prompts.Select(p => p.Class).OfType<string>()) is { } folders)
                {
                    Terminal.Warn(folders);
                }
                var adapter = parsed.GetValue(lora);
                if (adapter is not null)
                {
                    model.LoadLora(adapter, parsed.GetValue(weight) ?? 1);
                }

                var result = Terminal.Work(
                    "Synthesising",
                    prompts.Count * parsed.GetValue(count),
                    step =>
                    {
                        string? rate = null;
                        var generator = new StableDiffusionGenerator(
                            model,
                            options with
                            {
                                // A bar that moves with the steps: an image can take minutes.
                                Progress = Terminal.Progress(step, _ => rate),
                            }
                        );
                        return new ImageSynthesizer(
                            generator,
                            new ImageSynthesizerOptions
                            {
                                Output = parsed.GetRequiredValue(output),
                                Prompts = prompts,
                                ImagesPerPrompt = parsed.GetValue(count),
                                Seed = parsed.GetValue(seed),
                                NegativePrompt = parsed.GetValue(negative),
                                GroupSize = options.BatchSize,
                                Shard = part,
                                Settings = generator.Settings(adapter, parsed.GetValue(weight) ?? 1),
                                Progress = new DirectProgress(p =>
                                    rate = string.Create(
                                        CultureInfo.InvariantCulture,
                                        $"Synthesising, {p.Done} of {p.Total} images, {p.PerSecond:0.00} images/s"
                                    )
                                ),
                                CancellationToken = cancellation,
                            }
                        ).Run();
                    }
                );
                var speed = result.Made / Math.Max(result.Seconds, 1e-9);
                Terminal.Note(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{result.Made} images made in {result.Seconds:0.0} s ({speed:0.00} images/s), {result.Images.Count - result.Made} "
                            + $"were there"
                    )
                );
                Console.Out.WriteLine(
                    $"{parsed.GetRequiredValue(output)}: {result.Images.Count} images, "
                        + (result.ContactSheet is { } sheet ? $"all on {sheet}" : $"those of part {part}")
                );
                return 0;
            }
        );
        return command;
    }

    private static List<SynthesisPrompt> Prompts(string? prompt, string? classes, string domain)
    {
        if ((prompt is null) == (classes is null))
        {
            throw new UsageException("give either --prompt or --classes");
        }

        return prompt is not null
            ? [new SynthesisPrompt(prompt)]
            : [.. ClassNames.Load(classes!).Select(name => SynthesisPrompt.OfClass(name, domain))];
    }

    private static (int? Width, int? Height) Size(string? text)
    {
        if (text is null)
        {
            return (null, null);
        }

        var parts = text.Split('x');
        int[] numbers =
        [
            .. parts.Select(p =>
                int.TryParse(p, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is >= 1 and <= 8192 ? number : 0
            ),
        ];
        return numbers.Length is 1 or 2 && !numbers.Contains(0)
            ? (numbers[0], numbers[^1])
            : throw new UsageException($"--size is '{text}'; expected a number of pixels or width x height, such as 512 or 512x768");
    }
}
