using AirMLNet.PseudoLabels;

namespace AirMLNet.Recipes;

/// <summary>
/// Which settings mean something to which recipe. One that a recipe never reads would be taken without a word and change nothing, so the
/// command and the experiments refuse it; this is the one place that knows.
/// </summary>
internal static class RecipeUse
{
    /// <summary>Before the members of <see cref="Recipe.FineTune"/>.</summary>
    public const string FineTune = nameof(Recipe.FineTune) + ".";

    /// <summary>Whether a recipe reads a member; those that are not listed here are taken to be read.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="member">The member's name, in any case; of one that fine-tunes CLIP after <see cref="FineTune"/>.</param>
    public static bool Uses(this Recipe recipe, string member)
    {
        var kind = recipe.FineTune?.Kind;
        var learns = recipe.Rounds > 0;
        var prompt = learns && kind is null;
        var labels = prompt && !recipe.Supervised;
        return member.ToUpperInvariant() switch
        {
            "EPOCHS" or "BATCHSIZE" or "LEARNINGRATE" => learns,
            "GRADIENTCLIP" or "PROMPT" or "PROMPTLENGTH" => prompt,
            "ROUNDS" => recipe.Rounds > 1,
            "PERCLASS" => labels && (recipe.Strategy == PseudoLabelStrategy.Fpl || recipe.PrototypesOfPseudoLabels),
            "SELECTION" => labels && recipe.Selection != SelectionRule.Candidates,
            "INTRAQUANTILE" or "INTERQUANTILE" => labels && recipe.Selection == SelectionRule.Candidates,
            "PROTOTYPEWEIGHT" or "FUSION" or "PROTOTYPEATTEST" or "PROTOTYPECENTRING" or "PROTOTYPETEMPERATURE" => recipe.Prototypes,
            "REPRESENTATIVES" or "REPRESENTATIVE" => recipe is { Prototypes: true, PrototypesOfPseudoLabels: false },
            "SYNTHETICWEIGHT" or "SYNTHETICBATCHSIZE" => recipe.SyntheticWeight > 0,
            "DATASET" => recipe.Selection == SelectionRule.Candidates || recipe.Uses(FineTune + nameof(FineTuneSettings.WarmUpSteps)),
            "FINETUNE" => kind is not null,
            // Of FLYP the labels, and how a step is computed; ReCLIP is trained in a way of its own.
            "FINETUNE.FIXEDLABELS" => kind == FineTuneKind.FlypPseudoLabels,
            "FINETUNE.MOSTSTEPS" or "FINETUNE.CHUNK" or "FINETUNE.WARMUPSTEPS" => kind
                is FineTuneKind.LatteClip
                    or FineTuneKind.FlypPseudoLabels
                    or FineTuneKind.FlypGivenLabels,
            "FINETUNE.CLASSTEXT"
            or "FINETUNE.IMAGETEXT"
            or "FINETUNE.GROUPTEXT"
            or "FINETUNE.UPDATE"
            or "FINETUNE.MIXER"
            or "FINETUNE.ZEROSHOTLOSS"
            or "FINETUNE.CURRENTLOSS"
            or "FINETUNE.ALPHA"
            or "FINETUNE.MOMENTUM"
            or "FINETUNE.GROUPSIZE"
            or "FINETUNE.GROUPSPERCLASS" => kind == FineTuneKind.LatteClip,
            _ => true,
        };
    }

    /// <summary>The rest of a sentence that begins with what was set: it means nothing to some recipes, and to which it does.</summary>
    /// <returns>Null where one of them reads it.</returns>
    public static string? Idle(string member, IEnumerable<Recipe> recipes)
    {
        Recipe[] all = [.. recipes];
        return all.Any(r => r.Uses(member))
            ? null
            : $"changes nothing for {Names(all)}; it is for {Names(Recipe.All.Where(r => r.Uses(member)))}";

        static string Names(IEnumerable<Recipe> some) => string.Join(", ", some.Select(r => r.Name).Distinct());
    }
}
