using AirMLNet.Captions;
using AirMLNet.MultiLabel;
using AirMLNet.Options;
using AirMLNet.Synthesis;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Recipes;

/// <summary>Where the images of a multi-label recipe come from.</summary>
public enum RecipeImages
{
    /// <summary>It takes none.</summary>
    None,

    /// <summary>They are generated from the captions.</summary>
    Synthetic,

    /// <summary>They are real, and labelled.</summary>
    Real,
}

/// <summary>What a <see cref="MultiLabelRecipe"/> is applied to.</summary>
public sealed record MultiLabelTask
{
    /// <summary>Folder of the CLIP model.</summary>
    public required string ClipFolder
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    }

    /// <summary>The classes, and which nouns of a caption mean them.</summary>
    public required NounFilterOptions Nouns { get; init; }

    /// <summary>How images are generated of the captions; null where the recipe generates none. Model, classes and columns are set by the
    /// recipe.</summary>
    public DiffusionSynthesisOptions? Synthesis { get; init; }

    /// <summary>Whether the rows have labels already; else they come from the captions.</summary>
    public bool HasLabels { get; init; }

    /// <summary>Folder that keeps the features of training images and captions; null keeps them in memory.</summary>
    public string? FeatureCacheFolder { get; init; }

    /// <summary>Receives the reports of the stages.</summary>
    public IProgress<ProgressReport>? Progress { get; init; }

    /// <summary>Checked by the stages.</summary>
    public CancellationToken CancellationToken { get; init; }
}

/// <summary>
/// A method for many labels per image with its published numbers, or where they are lost the defaults of <c>docs/methods.md</c> §10: the
/// one
/// place where they stand. The command and the experiments build the same recipe.
/// </summary>
/// <param name="Name">Its name on the command line and in experiment files.</param>
/// <param name="Description">One line.</param>
/// <param name="Images">Where its images come from.</param>
public sealed record MultiLabelRecipe(string Name, string Description, RecipeImages Images)
{
    // Its folder and names are the task's.
    private static readonly MultiLabelPromptAdapterOptions Defaults = new() { ClipFolder = "-", ClassNames = ["-", "--"] };

    /// <summary>Zero-shot CLIP on every place of an image.</summary>
    public static MultiLabelRecipe ZeroShotDense { get; } =
        new("zs-dense", "zero-shot CLIP on every place of the image", RecipeImages.None)
        {
            Settings = Defaults with { Prompt = MultiLabelPrompt.ZeroShot },
        };

    /// <summary>TaI-DPT (Guo et al. 2023): prompts from captions alone.</summary>
    public static MultiLabelRecipe TaiDpt { get; } =
        new("tai-dpt", "two prompts from captions alone", RecipeImages.None)
        {
            Settings = Defaults with { ImageWeight = 0, Adapter = AdapterPlacement.None },
        };

    /// <summary>TaI-DPT with T2I-PAL's adapter.</summary>
    public static MultiLabelRecipe TaiAdapter { get; } =
        new("tai-adapter", "prompts and adapter from captions alone", RecipeImages.None) { Settings = Defaults with { ImageWeight = 0 } };

    /// <summary>T2I-PAL's image branch alone.</summary>
    public static MultiLabelRecipe ImagesAlone { get; } =
        new("images-alone", "prompts and adapter from generated images alone", RecipeImages.Synthetic)
        {
            Settings = Defaults with { ImageWeight = 1 },
        };

    /// <summary>T2I-PAL, whole: captions and six images of each.</summary>
    public static MultiLabelRecipe T2iPal { get; } =
        new("t2i-pal", "prompts and adapter from captions and images generated of them", RecipeImages.Synthetic) { Settings = Defaults };

    /// <summary>T2I-PAL with real, labelled images in the place of generated ones: an upper bound.</summary>
    public static MultiLabelRecipe RealImages { get; } =
        new("real-images", "the same with real, labelled images", RecipeImages.Real) { Settings = Defaults with { ImageWeight = 1 } };

    /// <summary>CoOp with many labels per image: one prompt on the global feature of real, labelled images.</summary>
    public static MultiLabelRecipe CoOp { get; } =
        new("coop", "one prompt on whole images with labels", RecipeImages.Real)
        {
            Settings = Defaults with
            {
                Prompt = MultiLabelPrompt.Global,
                ImageWeight = 1,
                Adapter = AdapterPlacement.None,
                LearningRate = 0.002,
                BatchSize = 32,
                Epochs = 50,
            },
        };

    /// <summary>
    /// DualCoOp (Sun et al. 2022): a positive and a negative prompt from real images of 448 pixels, some of whose labels may be unknown.
    /// </summary>
    public static MultiLabelRecipe DualCoOp { get; } =
        new("dualcoop", "a positive and a negative prompt from images with labels", RecipeImages.Real)
        {
            Settings = Defaults with
            {
                Prompt = MultiLabelPrompt.Dual,
                ImageSize = 448,
                ImageWeight = 1,
                Adapter = AdapterPlacement.None,
                LearningRate = 0.002,
                BatchSize = 32,
                Epochs = 50,
            },
        };

    /// <summary>Images per caption of the whole method.</summary>
    public const int ImagesPerCaption = 6;

    /// <summary>All recipes.</summary>
    public static IReadOnlyList<MultiLabelRecipe> All { get; } =
    [ZeroShotDense, TaiDpt, TaiAdapter, ImagesAlone, T2iPal, RealImages, CoOp, DualCoOp];

    /// <summary>Every number of the method; folder and class names are replaced by the task's.</summary>
    public required MultiLabelPromptAdapterOptions Settings { get; init; }

    /// <summary>The recipe of a name.</summary>
    /// <exception cref="ArgumentException">There is none; the message lists those that are.</exception>
    public static MultiLabelRecipe Named(string name) =>
        All.FirstOrDefault(recipe => recipe.Name == name)
        ?? throw new ArgumentException($"There is no method '{name}'; expected one of {string.Join(", ", All.Select(r => r.Name))}.");

    /// <summary>The stages, from captions (or labelled images) to scores of images.</summary>
    /// <param name="ml">The context.</param>
    /// <param name="task">Model, classes, and how images are generated.</param>
    /// <exception cref="ArgumentException">The recipe generates images, and the task does not say how; or options contradict each
    /// other.</exception>
    public IEstimator<TransformerChain<MultiLabelPromptAdapterTransformer>> Stages(MLContext ml, MultiLabelTask task)
    {
        ArgumentNullException.ThrowIfNull(ml);
        ArgumentNullException.ThrowIfNull(task);
        var chain = new EstimatorChain<ITransformer>();
        var nouns = ml.Transforms.NounFilter(Settings.LabelColumn, Settings.CaptionColumn, task.Nouns);
        if (Images != RecipeImages.Real && Settings.Prompt != MultiLabelPrompt.ZeroShot && !task.HasLabels)
        {
            chain = chain.Append<ITransformer>(nouns, TransformerScope.TrainTest);
        }
        if (Images == RecipeImages.Synthetic)
        {
            var synthesis =
                task.Synthesis
                ?? throw new ArgumentException($"{Name} generates images, but {nameof(MultiLabelTask.Synthesis)} does not say with what.");
            chain = chain.Append<ITransformer>(
                ml.Transforms.DiffusionSynthesis(
                    synthesis with
                    {
                        ClipFolder = task.ClipFolder,
                        ClassNames = nouns.ClassNames,
                        CaptionColumn = Settings.CaptionColumn,
                        LabelColumn = Settings.LabelColumn,
                        ImageColumn = Settings.ImageColumn,
                        PseudoLabelColumn = null,
                        FineTune = false,
                        Progress = task.Progress ?? synthesis.Progress,
                        CancellationToken = task.CancellationToken,
                    }
                ),
                TransformerScope.TrainTest
            );
        }
        return chain.Append(
            ml.MultiLabelClassification()
                .Trainers.PromptAdapter(
                    Settings with
                    {
                        ClipFolder = task.ClipFolder,
                        ClassNames = nouns.ClassNames,
                        FeatureCacheFolder = task.FeatureCacheFolder,
                        Progress = task.Progress,
                        CancellationToken = task.CancellationToken,
                    }
                )
        );
    }
}
