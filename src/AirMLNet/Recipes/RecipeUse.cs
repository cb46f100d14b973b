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

    // By the member's name; of one that fine-tunes CLIP after FineTune. JSON writes names with a small letter.
    private static readonly Dictionary<string, Func<Recipe, bool>> Rules = new(StringComparer.OrdinalIgnoreCase)
    {
        [nameof(Recipe.Epochs)] = Learns,
        [nameof(Recipe.BatchSize)] = Learns,
        [nameof(Recipe.LearningRate)] = Learns,
        [nameof(Recipe.GradientClip)] = LearnsPrompt,
        [nameof(Recipe.Prompt)] = LearnsPrompt,
        [nameof(Recipe.PromptLength)] = LearnsPrompt,
        [nameof(Recipe.Rounds)] = r => r.Rounds > 1,
        [nameof(Recipe.PerClass)] = r => MakesLabels(r) && (r.Strategy == PseudoLabelStrategy.Fpl || r.PrototypesOfPseudoLabels),
        [nameof(Recipe.Selection)] = r => MakesLabels(r) && r.Selection != SelectionRule.Candidates,
        [nameof(Recipe.IntraQuantile)] = HasCandidates,
        [nameof(Recipe.InterQuantile)] = HasCandidates,
        [nameof(Recipe.PrototypeWeight)] = r => r.Prototypes,
        [nameof(Recipe.Fusion)] = r => r.Prototypes,
        [nameof(Recipe.PrototypeAtTest)] = r => r.Prototypes,
        [nameof(Recipe.PrototypeCentring)] = r => r.Prototypes,
        [nameof(Recipe.PrototypeTemperature)] = r => r.Prototypes,
        [nameof(Recipe.Representatives)] = TakesRepresentatives,
        [nameof(Recipe.Representative)] = TakesRepresentatives,
        [nameof(Recipe.SyntheticWeight)] = r => r.SyntheticWeight > 0,
        [nameof(Recipe.SyntheticBatchSize)] = r => r.SyntheticWeight > 0,
        [nameof(Recipe.DataSet)] = r => r.Selection == SelectionRule.Candidates || IsFineTunedInSteps(r),
        [nameof(Recipe.FineTune)] = r => r.FineTune is not null,
        // Of FLYP the labels, and how a step is computed; ReCLIP is trained in a way of its own.
        [FineTune + nameof(FineTuneSettings.FixedLabels)] = r => r.FineTune?.Kind == FineTuneKind.FlypPseudoLabels,
        [FineTune + nameof(FineTuneSettings.MostSteps)] = IsFineTunedInSteps,
        [FineTune + nameof(FineTuneSettings.Chunk)] = IsFineTunedInSteps,
        [FineTune + nameof(FineTuneSettings.WarmUpSteps)] = IsFineTunedInSteps,
        [FineTune + nameof(FineTuneSettings.ClassText)] = IsLatteClip,
        [FineTune + nameof(FineTuneSettings.ImageText)] = IsLatteClip,
        [FineTune + nameof(FineTuneSettings.GroupText)] = IsLatteClip,
        [FineTune + nameof(FineTuneSettings.Update)] = IsLatteClip,
        [FineTune + nameof(FineTuneSettings.Mixer)] = IsLatteClip,
        [FineTune + nameof(FineTuneSettings.ZeroShotLoss)] = IsLatteClip,
        [FineTune + nameof(FineTuneSettings.CurrentLoss)] = IsLatteClip,
        [FineTune + nameof(FineTuneSettings.Alpha)] = IsLatteClip,
        [FineTune + nameof(FineTuneSettings.Momentum)] = IsLatteClip,
        [FineTune + nameof(FineTuneSettings.GroupSize)] = IsLatteClip,
        [FineTune + nameof(FineTuneSettings.GroupsPerClass)] = IsLatteClip,
    };

    /// <summary>Whether a recipe reads a member; those that are not listed here are taken to be read.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="member">The member's name, in any case; of one that fine-tunes CLIP after <see cref="FineTune"/>.</param>
    public static bool Uses(this Recipe recipe, string member) => !Rules.TryGetValue(member, out var reads) || reads(recipe);

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

    private static bool Learns(Recipe recipe) => recipe.Rounds > 0;

    private static bool LearnsPrompt(Recipe recipe) => recipe is { Rounds: > 0, FineTune: null };

    private static bool MakesLabels(Recipe recipe) => LearnsPrompt(recipe) && !recipe.Supervised;

    private static bool HasCandidates(Recipe recipe) => MakesLabels(recipe) && recipe.Selection == SelectionRule.Candidates;

    private static bool TakesRepresentatives(Recipe recipe) => recipe is { Prototypes: true, PrototypesOfPseudoLabels: false };

    private static bool IsLatteClip(Recipe recipe) => recipe.FineTune?.Kind == FineTuneKind.LatteClip;

    private static bool IsFineTunedInSteps(Recipe recipe) =>
        recipe.FineTune?.Kind is FineTuneKind.LatteClip or FineTuneKind.FlypPseudoLabels or FineTuneKind.FlypGivenLabels;
}
