using System.CommandLine;
using AirMLNet.Recipes;
using AirMLNet.Synthesis;
using AirMLNet.Tool.Output;
using AirMLNet.Tool.Pipelines;

namespace AirMLNet.Tool.Commands;

/// <summary>The options of 'adapt' that say how AiR's synthetic images are made.</summary>
internal sealed class SynthesisArguments
{
    // For the help: the numbers are the library's own.
    private static readonly DiffusionSynthesisOptions Standard = new()
    {
        DiffusionFolder = "-",
        ClipFolder = "-",
        ClassNames = ["a", "b"],
        WorkFolder = "-",
    };

    private readonly Option<string?> _diffusion = new("--diffusion")
    {
        Description =
            "Stable Diffusion model (v1, 2 or XL) for air: fine-tuned on the most confident images, then images of every class "
            + "are generated",
        HelpName = "FOLDER",
        CustomParser = SharedOptions.ModelFolder,
    };

    private readonly Option<string?> _work = new("--work")
    {
        Description =
            "Folder for the adapter and the images, or for the CLIP that is fine-tuned and its checkpoints; an interrupted run "
            + "goes on there "
            + "(default: beside the output)",
        HelpName = "FOLDER",
    };

    private readonly DomainOptions _domain = new();

    private readonly Option<int?> _images = SharedOptions.Optional(
        "--images-per-class",
        $"Images to generate of each class (default: {Standard.ImagesPerClass})",
        1,
        100_000
    );
    private readonly Option<int?> _steps = SharedOptions.Optional(
        "--lora-steps",
        $"Steps of fine-tuning the diffusion model, {Standard.Training.BatchSize} images each (default: {Standard.Training.Steps}; 0: "
            + $"none)",
        0,
        10_000_000
    );
    private readonly Option<double?> _rate = SharedOptions.Optional(
        "--lora-lr",
        FormattableString.Invariant($"Learning rate of fine-tuning (default: {Standard.Training.LearningRate})"),
        1e-9,
        1.0
    );
    private readonly Option<int?> _sampling = SharedOptions.Optional(
        "--sampling-steps",
        $"Denoising steps of an image (default: {Standard.Generation.Steps})",
        1,
        1000
    );
    private readonly Option<double?> _guidance = SharedOptions.Optional(
        "--guidance",
        FormattableString.Invariant($"Weight of the prompt; 1 for none (default: {Standard.Generation.Guidance})"),
        0.0,
        100.0
    );
    private readonly Option<int?> _batch = SharedOptions.Optional(
        "--sampling-batch",
        $"Images generated at a time (default: {Standard.Generation.BatchSize})",
        1,
        1024
    );

    private IEnumerable<Option> Details => [_work, .. _domain.All, _images, _steps, _rate, _sampling, _guidance, _batch];

    public void AddTo(Command command)
    {
        command.Options.Add(_diffusion);
        foreach (var option in Details)
        {
            command.Options.Add(option);
        }
    }

    /// <summary>The published data set that was named, or whose folder the images are in; null for none.</summary>
    public string? DataSetOf(ParseResult parsed, string images) => _domain.NameOf(parsed, images);

    /// <summary>The folder to work in.</summary>
    public string WorkOf(ParseResult parsed, string output, string kind) =>
        parsed.GetValue(_work) ?? Path.ChangeExtension(output, null) + "-" + kind;

    /// <summary>Whether a diffusion model was named.</summary>
    public bool IsGiven(ParseResult parsed) => parsed.GetValue(_diffusion) is not null;

    /// <summary>How the images are made; null where no model is named.</summary>
    /// <exception cref="UsageException">An option was given that has no meaning without --diffusion.</exception>
    public DiffusionSynthesisOptions? Read(ParseResult parsed, AdaptSettings settings, string images, string output)
    {
        if (parsed.GetValue(_diffusion) is not { } folder)
        {
            // What fine-tunes CLIP has a folder too, and most of it numbers of a data set.
            var recipe = settings.Recipe;
            Option[] own =
            [
                .. recipe.FineTune is null ? Array.Empty<Option>() : [_work],
                .. recipe.FineTune is not null && recipe.Uses(nameof(Recipe.DataSet)) ? _domain.All.Except([_domain.Domain]) : [],
            ];
            SharedOptions.Refuse(parsed, Details.Except(own), "says how images are generated; it needs --diffusion");
            return null;
        }

        if (parsed.GetValue(_steps) == 0)
        {
            SharedOptions.Refuse(parsed, [_rate], "is of fine-tuning, which --lora-steps 0 leaves out");
        }

        var options = new DiffusionSynthesisOptions
        {
            DiffusionFolder = folder,
            ClipFolder = settings.ClipFolder,
            ClassNames = settings.ClassNames,
            WorkFolder = WorkOf(parsed, output, "synthetic"),
            Domain = _domain.Read(parsed, images),
            FineTune = parsed.GetValue(_steps) != 0,
        };
        return options with
        {
            ImagesPerClass = parsed.GetValue(_images) ?? options.ImagesPerClass,
            Training = options.Training with
            {
                Steps = parsed.GetValue(_steps) is { } steps and > 0 ? steps : options.Training.Steps,
                LearningRate = parsed.GetValue(_rate) ?? options.Training.LearningRate,
            },
            Generation = options.Generation with
            {
                Steps = parsed.GetValue(_sampling) ?? options.Generation.Steps,
                Guidance = parsed.GetValue(_guidance) ?? options.Generation.Guidance,
                BatchSize = parsed.GetValue(_batch) ?? options.Generation.BatchSize,
            },
        };
    }
}
