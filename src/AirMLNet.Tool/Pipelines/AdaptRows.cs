using AirMLNet.Data;
using AirMLNet.Recipes;

namespace AirMLNet.Tool.Pipelines;

/// <summary>An image to adapt to, and what is known of it.</summary>
internal sealed class AdaptRow
{
    public string ImagePath { get; set; } = "";

    /// <summary>Name of the class; empty where it is not known.</summary>
    public string Label { get; set; } = "";

    public string Origin { get; set; } = "real";

    public static AdaptRow Real(ImageRow row) => new() { ImagePath = row.ImagePath, Label = row.Label };

    public static AdaptRow Synthetic(ImageRow row) =>
        new()
        {
            ImagePath = row.ImagePath,
            Label = row.Label,
            Origin = "synthetic",
        };
}

/// <summary>What a whole published method needs: its recipe, and the labelled and synthetic images beside the unlabelled ones.</summary>
internal static class AdaptRows
{
    /// <summary>The published settings, with what the command line changes.</summary>
    public static AdaptationRecipe Recipe(AdaptPlan plan)
    {
        var transductive = plan.Unseen is { Count: > 0 };
        var basis = new AdaptationRecipe
        {
            ClipFolder = plan.ClipFolder,
            ClassNames = plan.ClassNames,
            Prompt = plan.Prompt,
            Paradigm =
                plan.Labelled is null ? Paradigm.Unsupervised
                : transductive ? Paradigm.Transductive
                : Paradigm.SemiSupervised,
            UnseenClasses = transductive ? plan.Unseen : null,
        };
        var recipe = PublishedRecipes.Of(Name(plan), basis);
        return recipe with
        {
            Rounds = recipe.Rounds > 1 ? plan.Rounds ?? recipe.Rounds : recipe.Rounds,
            Epochs = plan.Epochs ?? recipe.Epochs,
            WarmUpEpochs = plan.Epochs is null ? recipe.WarmUpEpochs : null,
            BatchSize = plan.Batch ?? recipe.BatchSize,
            LearningRate = plan.LearningRate ?? recipe.LearningRate,
            GradientClip = plan.GradientClip ?? recipe.GradientClip,
            PerClass = plan.PerClass ?? recipe.PerClass,
            PrototypeWeight = plan.Lambda ?? recipe.PrototypeWeight,
            SyntheticWeight = plan.Method == AdaptMethod.Air ? plan.Beta ?? recipe.SyntheticWeight : 0,
            PrototypeAtTest = plan.PrototypeAtTest,
        };
    }

    /// <summary>The labelled and the synthetic images that the plan names.</summary>
    /// <exception cref="UsageException">The method needs synthetic images and none are given, or the other way round.</exception>
    public static IReadOnlyList<AdaptRow> Beside(AdaptPlan plan, bool skipUnreadable, CancellationToken cancellation)
    {
        if (plan.Method == AdaptMethod.Prototypes)
        {
            throw new UsageException("--method prototypes takes neither --prompt nor --labelled; --method air does");
        }

        if (plan.Method == AdaptMethod.Air != ((plan.Synthetic is not null) ^ (plan.Diffusion is not null)))
        {
            throw new UsageException(
                plan switch
                {
                    { Synthetic: not null, Diffusion: not null } =>
                        "give either --diffusion, to generate the synthetic images, or --synthetic, a folder of them",
                    { Method: AdaptMethod.Air } =>
                        "--method air needs --diffusion FOLDER, a Stable Diffusion model, or --synthetic FOLDER, generated images in one sub-folder per class; --method prototypes does without",
                    { Synthetic: not null } => "--synthetic is for --method air only",
                    _ => "--diffusion is for --method air only",
                }
            );
        }

        return
        [
            .. Open(plan.Labelled).Select(AdaptRow.Real),
            .. Open(plan.Synthetic is { } folder ? SyntheticImageFolder.Locate(folder, plan.ClassNames) : null).Select(AdaptRow.Synthetic),
        ];

        IReadOnlyList<ImageRow> Open(string? folder)
        {
            if (folder is null)
            {
                return [];
            }

            var rows = Photos.Open(folder, labels: true, skipUnreadable, cancellation);
            foreach (var row in rows)
            {
                row.Label = SyntheticImageFolder.ClassOf(row.Label, plan.ClassNames) is { } c
                    ? plan.ClassNames[c]
                    : throw new InvalidDataException(
                        $"Folder '{row.Label}' in '{folder}' is none of the classes: {string.Join(", ", plan.ClassNames.Take(20))}"
                    );
            }

            return rows;
        }
    }

    /// <summary>The classes of which no labelled image is there; null where every class has one.</summary>
    public static IReadOnlyList<string>? Unseen(AdaptPlan plan, IReadOnlyList<AdaptRow> beside)
    {
        var seen = beside.Where(row => row.Origin == "real").Select(row => row.Label).ToHashSet(StringComparer.Ordinal);
        string[] unseen = [.. plan.ClassNames.Where(name => !seen.Contains(name))];
        return unseen.Length > 0 ? unseen : null;
    }

    private static string Name(AdaptPlan plan) =>
        plan.Method switch
        {
            AdaptMethod.Air => "air-" + plan.Base,
            var method => AdaptPlan.Methods.First(pair => pair.Value == method).Key,
        };
}
