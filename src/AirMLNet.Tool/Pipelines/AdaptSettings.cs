using AirMLNet.Captions;
using AirMLNet.Recipes;
using AirMLNet.Synthesis;
using AirMLNet.Tool.Output;

namespace AirMLNet.Tool.Pipelines;

/// <summary>Everything that decides what an adaptation gives, apart from the images: the recipe, and what it is applied to.</summary>
internal sealed record AdaptSettings
{
    /// <summary>Key column with the classes that are known.</summary>
    public const string LabelColumn = "TrueLabel";

    public required Recipe Recipe { get; init; }

    public required string ClipFolder { get; init; }

    public required IReadOnlyList<string> ClassNames { get; init; }

    /// <summary>Images are in folders named after their classes, and these labels are learned instead of pseudo-labels.</summary>
    public bool Labels { get; init; }

    /// <summary>Folder of synthetic images by class.</summary>
    public string? Synthetic { get; init; }

    /// <summary>How the synthetic images are made; null where <see cref="Synthetic"/> has them.</summary>
    public DiffusionSynthesisOptions? Diffusion { get; init; }

    /// <summary>Folder of labelled images by class: semi-supervised, or transductive where some classes have none.</summary>
    public string? Labelled { get; init; }

    /// <summary>Classes without labelled images, the only ones that pseudo-labels may take; null for all.</summary>
    public IReadOnlyList<string>? Unseen { get; init; }

    /// <summary>Who writes the texts of methods that need some.</summary>
    public CaptionSynthesisOptions? Captions { get; init; }

    /// <summary>Folder of checkpoints and the tuned CLIP.</summary>
    public string? Work { get; init; }

    /// <summary>What the recipe is applied to.</summary>
    /// <param name="hasFeatures">Whether the rows are features instead of image files.</param>
    public AdaptationTask Task(bool hasFeatures) =>
        new()
        {
            ClipFolder = ClipFolder,
            ClassNames = ClassNames,
            LabelColumn = Labels || Labelled is not null || Synthetic is not null ? LabelColumn : null,
            UnseenClasses = Unseen is { Count: > 0 } ? Unseen : null,
            HasFeatures = hasFeatures,
            Synthesis = Diffusion,
            Captions = Captions,
            WorkFolder = Work,
        };

    /// <exception cref="UsageException">What was given does not fit the method.</exception>
    public void Check()
    {
        if (Labels && ((Labelled ?? Synthetic) is not null || Diffusion is not null))
        {
            throw new UsageException(
                "--labels learns from the folders of the images alone; it takes none of --labelled, --synthetic and --diffusion"
            );
        }
        if (Recipe.FineTune is not null && Labelled is not null)
        {
            throw new UsageException($"--method {Recipe.Name} takes no --labelled: it learns from no label, or as an oracle from all");
        }
        if (Recipe is { FineTune: null, Rounds: 0 } && Labelled is not null)
        {
            throw new UsageException($"--labelled is for methods that learn; nothing is learned by {Recipe.Name}");
        }
        if (Recipe.Name == Recipe.LmmZeroShot.Name)
        {
            throw new UsageException($"--method {Recipe.Name} learns nothing that could be saved; 'airml compare' scores it");
        }
        if (Recipe.Supervised != Labels)
        {
            throw new UsageException(
                Labels
                    ? $"--labels learns from labels by coop, flyp-oracle or, with a visual prompt, vpt; --method {Recipe.Name} "
                        + "makes its own"
                    : $"--method {Recipe.Name} learns from labels; --labels says that the images lie in folders of their classes"
            );
        }
        if (Recipe.NeedsSynthetic != ((Synthetic is not null) ^ (Diffusion is not null)))
        {
            throw new UsageException(
                this switch
                {
                    { Synthetic: not null, Diffusion: not null } =>
                        "give either --diffusion, to generate the synthetic images, or --synthetic, a folder of them",
                    { Recipe.NeedsSynthetic: true } => "--method air needs --diffusion FOLDER, a Stable Diffusion model, or "
                        + "--synthetic FOLDER, generated images in one sub-folder per class; --method prototypes does without",
                    { Synthetic: not null } => "--synthetic is for --method air only",
                    _ => "--diffusion is for --method air only",
                }
            );
        }
    }
}
