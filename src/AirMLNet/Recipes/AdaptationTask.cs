using AirMLNet.Captions;
using AirMLNet.Clip;
using AirMLNet.Options;
using AirMLNet.Prompts;
using AirMLNet.Synthesis;

namespace AirMLNet.Recipes;

/// <summary>What a <see cref="Recipe"/> is applied to: the model, the classes, and what is known of the rows.</summary>
public sealed record AdaptationTask
{
    /// <summary>Folder of the CLIP model.</summary>
    public required string ClipFolder
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    }

    /// <summary>Two or more class names, each once.</summary>
    public required IReadOnlyList<string> ClassNames
    {
        get;
        init => field = OptionCheck.ClassNames(value);
    }

    /// <summary>Templates of the zero-shot classifier, with <c>{}</c> for the class name.</summary>
    public IReadOnlyList<string> Templates
    {
        get;
        init => field = OptionCheck.Templates(value);
    } = PromptTemplates.Single;

    /// <summary>Key column with the labels of labelled and synthetic rows, missing in others; null where the data has none.</summary>
    public string? LabelColumn
    {
        get;
        init => field = OptionCheck.NullOrNotBlank(value);
    }

    /// <summary>
    /// The classes of which no row is labelled, the only ones that pseudo-labels may take (transductive zero-shot learning); null
    /// otherwise.
    /// </summary>
    public IReadOnlyList<string>? UnseenClasses
    {
        get;
        init => field = OptionCheck.NamesOrNull(value);
    }

    /// <summary>Whether the rows have the column <c>Features</c> already; else it is made from <c>ImagePath</c>.</summary>
    public bool HasFeatures { get; init; }

    /// <summary>
    /// How synthetic images are made (AiR's steps A to C) from the surest zero-shot labels; null where the rows have them, or the
    /// recipe takes none. Its model, classes and columns are set by the recipe.
    /// </summary>
    public DiffusionSynthesisOptions? Synthesis { get; init; }

    /// <summary>
    /// Who writes LatteCLIP's texts, and where they are kept; null where the recipe needs none. Questions and groups are the recipe's.
    /// </summary>
    public CaptionSynthesisOptions? Captions { get; init; }

    /// <summary>
    /// Folder for checkpoints and the tuned CLIP of the recipes that fine-tune it, which the fitted stages read until they are saved.
    /// </summary>
    public string? WorkFolder
    {
        get;
        init => field = OptionCheck.NullOrNotBlank(value);
    }

    /// <summary>Told the labels of each round of training; for measuring them.</summary>
    internal Action<RoundLabels>? Labelled { get; init; }

    /// <summary>Receives the reports of the stages.</summary>
    public IProgress<ProgressReport>? Progress { get; init; }

    /// <summary>Checked by the stages.</summary>
    public CancellationToken CancellationToken { get; init; }
}
