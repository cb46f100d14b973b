using System.Text.Json.Nodes;
using AirMLNet.Recipes;

namespace AirMLNet.Experiments;

/// <summary>
/// What is wrong with an experiment file beyond its values, before a data set is opened: what contradicts itself, and what would change
/// nothing without a word.
/// </summary>
internal static class ExperimentChecks
{
    /// <exception cref="FormatException">Something is; the message names the member.</exception>
    public static void Of(ExperimentFile file)
    {
        // The results are told apart by it.
        if (file.Variants.GroupBy(v => v.Title).FirstOrDefault(g => g.Count() > 1) is { } twice)
        {
            throw new FormatException($"methods: '{twice.Key}' is there twice; expected names that tell them apart.");
        }

        if (file.Transfer && file.DataSets.Count == 1)
        {
            throw new FormatException("transfer tries prompts on the other data sets, and dataSets has one; expected two or more.");
        }

        if (file.PromptSettings?.Keys.FirstOrDefault(p => !file.Prompts.Contains(p)) is { } prompt)
        {
            throw new FormatException(
                $"promptSettings: '{prompt}' is none of the prompts of this file: {string.Join(", ", file.Prompts)}."
            );
        }

        foreach (var variant in file.Variants)
        {
            Check(file, variant);
        }
    }

    private static void Check(ExperimentFile file, ExperimentVariant variant)
    {
        List<Recipe> runs =
        [
            .. from set in file.DataSets
            from cell in file.Cells
            where cell.Seed == file.Seeds[0] && cell.Variant == variant
            select variant.RecipeFor(file, set, cell.Paradigm, cell.Prompt),
        ];
        if (runs.Count == 0)
        {
            throw new FormatException(
                $"methods: '{variant.Title}' has no run: {variant.Method} is for {variant.Kind}, and the file has paradigms "
                    + $"{string.Join(", ", file.Paradigms)} and prompts {string.Join(", ", file.Prompts)}."
            );
        }

        _ = variant.SynthesisFor(file, ExperimentSynthesis.Standard);
        _ = variant.CaptionsFor(file);
        foreach (var recipe in runs)
        {
            if (recipe is { FineTune: null, Rounds: > 0 } && recipe.WarmUpLength >= recipe.Epochs)
            {
                throw new FormatException(
                    $"settings of '{variant.Title}': warmUpEpochs is {recipe.WarmUpLength} and epochs {recipe.Epochs}; expected fewer, or "
                        + "null for a tenth of them."
                );
            }
        }

        string?[] images =
        [
            variant.Synthetic is null ? null : "synthetic",
            variant.Diffusion is null ? null : "diffusion",
            variant.Synthesis is null ? null : "synthesis",
            variant.MostSynthetic is null ? null : "mostSynthetic",
        ];
        if (images.OfType<string>().FirstOrDefault() is { } idle && !runs.Any(r => r.NeedsSynthetic))
        {
            throw new FormatException($"methods: {idle} of '{variant.Title}' changes nothing: it takes no synthetic images.");
        }
        if (variant.Captions is not null && !runs.Any(r => r.NeedsCaptions))
        {
            throw new FormatException($"methods: captions of '{variant.Title}' change nothing: it takes no texts.");
        }

        CheckUse(variant, [Recipe.Named(variant.Method), .. runs]);
    }

    // What the file sets is for all its methods, and some of them may have no use for it; what a method sets itself is for it alone.
    private static void CheckUse(ExperimentVariant variant, IReadOnlyList<Recipe> recipes)
    {
        if (variant.Settings is not { } settings)
        {
            return;
        }

        var within = settings["fineTune"] is JsonObject tuned ? tuned.Select(m => RecipeUse.FineTune + m.Key) : [];
        foreach (var member in settings.Select(m => m.Key).Concat(within))
        {
            if (RecipeUse.Idle(member, recipes) is { } idle)
            {
                throw new FormatException($"settings of '{variant.Title}': {member} {idle}.");
            }
        }
    }
}
