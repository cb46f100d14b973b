using System.Diagnostics;
using System.Globalization;
using AirMLNet.Clip;
using AirMLNet.Diffusion;
using AirMLNet.Prompts;
using AirMLNet.PseudoLabels;
using AirMLNet.Recipes;
using TorchSharp;

namespace AirMLNet.Experiments;

/// <summary>
/// Estimates what runs cost from the sizes of models and data: floating-point operations, over what the device does in a second. Good to a
/// factor of three or four; it tells minutes from days. Work that several runs share is counted for the first of them.
/// </summary>
internal sealed class ExperimentCosts
{
    private const double Backward = 3; // a training step costs about three forward passes
    private const double SdForward = 0.8e12, // of SD v1's UNet at 64 × 64 latents, 320 channels wide
        SdDecode = 2.5e12; // of its VAE, at 512 × 512 pixels
    private const double Share = 0.3; // of what large products reach
    private const double UnknownGpu = 20e12; // operations a second, float32 with TF32
    private const int NameTokens = 8;

    private readonly ExperimentContext _context;
    private readonly ClipConfig _clip;
    private readonly double _rate;
    private readonly HashSet<string> _counted = new(StringComparer.Ordinal);

    public ExperimentCosts(ExperimentContext context)
    {
        _context = context;
        _clip = (context.IsOnlyPlanned(context.File.Clip) ? null : ClipConfig.Load(context.File.Clip)) ?? new();
        _rate = Share * Measure(context);
    }

    /// <summary>What a run would do.</summary>
    /// <param name="data">Its data set.</param>
    /// <param name="run">The run.</param>
    /// <param name="labelled">Images whose labels it is given.</param>
    public RunPlan Plan(ExperimentData data, ExperimentRun run, int labelled)
    {
        string N(double value) => value.ToString("#,0", CultureInfo.InvariantCulture);
        var pool = run.PoolImages;
        var cost = 0.0;
        if (_counted.Add($"encode {data.Entry.Name}"))
        {
            cost += (pool + data.Test.Images.Count) * ImageForward(0);
        }

        var makes = "";
        if (run.Synthesis is { } synthesis)
        {
            var missing = Math.Max(0, synthesis.Images - synthesis.Made);
            var lora = synthesis.Options.FineTune
                ? $"LoRA of {N(synthesis.Options.Training.Steps)} steps on {N(synthesis.Examples)} images, "
                : "";
            makes =
                missing == 0
                    ? $"no images: {N(synthesis.Images)} are in {synthesis.Folder}"
                    : $"{lora}{N(missing)} images in {synthesis.Folder}";
            if (missing > 0 && _counted.Add(synthesis.Key))
            {
                cost += Making(synthesis, missing);
            }

            cost += _counted.Add($"encode {synthesis.Key}") ? synthesis.Images * ImageForward(0) : 0;
        }
        else if (run.Recipe is { NeedsCaptions: true, FineTune: { } tune })
        {
            makes =
                tune.Kind == FineTuneKind.LmmZeroShot
                    ? $"{N(data.Test.Images.Count)} answers"
                    : $"{N(((tune.ImageText ? 1 : 0) + (tune.GroupText ? 1 : 0)) * pool)} texts, of which those that are there are taken";
        }
        else if (run.SyntheticImages > 0)
        {
            makes = $"no images: {N(run.SyntheticImages)} are given";
        }

        (var trains, var training) = Training(data, run, labelled);
        var reads =
            $"{N(pool)} images of the pool, {N(labelled)} of them labelled, and {N(data.Test.Images.Count)} test images of "
            + $"{data.Entry.Name}";
        return new(reads, makes, trains, (cost + training) / _rate);
    }

    private (string Text, double Cost) Training(ExperimentData data, ExperimentRun run, int labelled)
    {
        var recipe = run.Recipe;
        int pool = run.PoolImages,
            classes = data.ClassNames.Count;
        if (recipe is { FineTune: { } tune, Rounds: > 0 })
        {
            return FineTuning(recipe, tune, pool, data.Test.Images.Count);
        }

        if (recipe.Rounds == 0)
        {
            return ($"nothing; {classes} classes by text", classes * TextForward());
        }

        // The rounds of GRIP and CPL learn from a tenth, two tenths and so on of the pool.
        var chosen =
            recipe.Supervised || recipe.PseudoLabelWeight == 0 ? 0
            : recipe.Strategy == PseudoLabelStrategy.Grip ? (pool - labelled) * (recipe.Rounds + 1) / (2.0 * recipe.Rounds)
            : Math.Min(pool - labelled, recipe.PerClass * classes);
        // Synthetic images have batches of their own beside the real ones, and give the steps where there are no real ones.
        var real = chosen + labelled;
        var images = Math.Max(1, real > 0 ? real : run.SyntheticImages);
        var steps = recipe.Rounds * recipe.Epochs * Math.Ceiling(images / recipe.BatchSize);
        var beside = real > 0 && recipe.SyntheticWeight > 0 ? recipe.SyntheticBatchSize ?? recipe.BatchSize : 0;
        var batch = Math.Min(images, recipe.BatchSize) + beside;
        var visual = recipe.Prompt != PromptKind.Text;
        var step = Backward * (visual ? batch * ImageForward(recipe.PromptLength) : classes * TextForward());
        // Between the rounds the pool is labelled anew, and at the end the test images are named: both through a visual prompt.
        var naming = visual ? (((recipe.Rounds - 1) * pool) + data.Test.Images.Count) * ImageForward(recipe.PromptLength) : 0;
        var text = string.Create(
            CultureInfo.InvariantCulture,
            $"a {(visual ? "visual" : "text")} prompt in {recipe.Rounds} rounds of {recipe.Epochs} epochs, about {steps:#,0} steps of "
                + $"{batch:0} images"
        );
        return (text, (steps * step) + naming);
    }

    /// <summary>Both towers, or ReCLIP's norms; then the test images are encoded by the tuned tower.</summary>
    private (string Text, double Cost) FineTuning(Recipe recipe, FineTuneSettings tune, int pool, int test)
    {
        var epochs = tune.EpochsByImages ? Math.Min(100, (pool / 5000) + 2) : recipe.Epochs;
        var batch = Math.Min(pool, recipe.BatchSize);
        var steps = Math.Min((long)Math.Max(1, pool / batch) * epochs, tune.MostSteps);
        // An image text, a group text, and class texts of which a batch has at most twice as many as images.
        var texts = tune.Kind == FineTuneKind.LatteClip ? 3 : 1;
        var step = Backward * batch * (ImageForward(0) + (texts * TextForward()));
        return (
            string.Create(CultureInfo.InvariantCulture, $"CLIP itself in {epochs} epochs, {steps:#,0} steps of {batch} images"),
            (steps * step) + (test * ImageForward(0))
        );
    }

    private double Making(ExperimentSynthesis synthesis, int images)
    {
        var options = synthesis.Options;
        var folder = _context.IsOnlyPlanned(options.DiffusionFolder) ? null : DiffusionFolder.Open(options.DiffusionFolder);
        var latents = folder?.UNet.SampleSize ?? 64;
        double side = latents.Height * latents.Width / (64.0 * 64.0),
            unet = SdForward * side * Math.Pow((folder?.UNet.BlockOutChannels[0] ?? 320) / 320.0, 2),
            vae = SdDecode * side * Math.Pow((folder?.Vae.BlockOutChannels[0] ?? 128) / 128.0, 2);
        var training = options.FineTune ? Backward * options.Training.Steps * options.Training.BatchSize * unet : 0;
        var guided = options.Generation.Guidance > 1 ? 2 : 1;
        return training + (images * ((options.Generation.Steps * guided * unet) + vae));
    }

    /// <summary>Operations of the image tower for one image, with so many tokens more.</summary>
    private double ImageForward(int more)
    {
        var vision = _clip.Vision;
        return vision.ResNet is { } resNet
            ? 8e9 * Math.Pow(vision.ImageSize / 224.0, 2) * Math.Pow(resNet.Width / 64.0, 2)
            : Transformer(vision.Patches + 1 + more, vision.Layers, vision.HiddenSize);
    }

    /// <summary>Operations of the text tower for one class.</summary>
    private double TextForward() =>
        Transformer(Math.Min(_clip.Text.ContextLength, NameTokens + 1), _clip.Text.Layers, _clip.Text.HiddenSize);

    private static double Transformer(double tokens, double layers, double width) =>
        layers * ((24 * tokens * width * width) + (4 * tokens * tokens * width));

    /// <summary>Operations a second in a large product on the device; an assumption where it is not there.</summary>
    private static double Measure(ExperimentContext context)
    {
        if (context.Device.Gpu is not null && context.Device.Missing() is not null)
        {
            return UnknownGpu;
        }

        const int side = 1024,
            times = 4;
        var device = context.Device.Resolve(_ => { });
        using var scope = torch.NewDisposeScope();
        using var off = torch.no_grad();
        var a = torch.ones([side, side], device: device);
        a.matmul(a).sum().item<float>(); // wakes the device
        var clock = Stopwatch.StartNew();
        for (var i = 0; i < times; i++)
        {
            a.matmul(a).sum().item<float>();
        }

        return times * 2.0 * side * side * side / Math.Max(1e-6, clock.Elapsed.TotalSeconds);
    }
}
