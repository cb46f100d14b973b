using AirMLNet.Prompts;

namespace AirMLNet.Recipes;

/// <summary>The settings that papers and published code give (methods §2.3, §3.3, §4 and §10).</summary>
public static class PublishedRecipes
{
    /// <summary>The names of <see cref="Of"/>.</summary>
    public static IReadOnlyList<string> Names { get; } = ["zero-shot", "fpl", "ifpl", "grip", "cpl", "air-grip", "air-cpl"];

    // CPL's quantiles: text α, text β (UL and SSL), text γ of TRZSL, visual α, visual β, visual γ. β = 1 − γ/C_u in TRZSL.
    private static readonly (
        string DataSet,
        double TextIntra,
        double TextInter,
        double TextGamma,
        double VisualIntra,
        double VisualInter,
        double VisualGamma
    )[] Quantiles =
    [
        ("EuroSAT", 0.75, 0.80, 3, 0.90, 0.80, 2),
        ("Flowers102", 0.60, 0.99, 1, 0.60, 0.99, 1),
        ("FGVCAircraft", 0.90, 0.97, 1.5, 0.90, 0.99, 2),
        ("DTD", 0.75, 0.95, 2, 0.60, 0.97, 2),
        ("RESISC45", 0.90, 0.97, 2, 0.90, 0.97, 2),
    ];

    /// <summary>A method with its published settings.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="basis">Model, classes, paradigm, unseen classes and prompt kind; the rest is set here.</param>
    /// <param name="dataSet">The published data set, for CPL's quantiles; others get α 0.75 and β 1 − 2/C.</param>
    /// <exception cref="ArgumentException">The name is not known; the message lists those that are.</exception>
    public static AdaptationRecipe Of(string name, AdaptationRecipe basis, string? dataSet = null)
    {
        ArgumentNullException.ThrowIfNull(basis);
        (var method, var air) = name switch
        {
            "zero-shot" => (AdaptationMethod.ZeroShot, false),
            "fpl" => (AdaptationMethod.Fpl, false),
            "ifpl" => (AdaptationMethod.Ifpl, false),
            "grip" => (AdaptationMethod.Grip, false),
            "cpl" => (AdaptationMethod.Cpl, false),
            "air-grip" => (AdaptationMethod.Grip, true),
            "air-cpl" => (AdaptationMethod.Cpl, true),
            _ => throw new ArgumentException($"'{name}' is no method; expected one of {string.Join(", ", Names)}.", nameof(name)),
        };
        var recipe = basis with
        {
            Method = method,
            Rounds = method switch
            {
                AdaptationMethod.ZeroShot => 0,
                AdaptationMethod.Fpl => 1,
                _ => 10,
            },
        };
        recipe =
            method == AdaptationMethod.Cpl
                ? recipe with
                {
                    LearningRate = 0.02,
                    WeightDecay = 0.05,
                    Epochs = air ? 150 : 50,
                    WarmUpEpochs = air ? 5 : 2,
                    BatchSize = 64,
                    DropLast = true,
                    GradientClip = 0.8,
                }
                : recipe with
                {
                    LearningRate = 0.1,
                    WeightDecay = air ? 0.05 : 0.1,
                    Epochs = 150,
                    WarmUpEpochs = 5,
                    BatchSize = air ? 64 : 16,
                };
        if (air)
        {
            recipe = recipe with { Prototypes = true, PrototypeWeight = 0.5, SyntheticWeight = 0.1 };
        }

        return method == AdaptationMethod.Cpl ? WithQuantiles(recipe, dataSet) : recipe;
    }

    private static AdaptationRecipe WithQuantiles(AdaptationRecipe recipe, string? dataSet)
    {
        var known = Array.Find(Quantiles, q => q.DataSet.Equals(dataSet, StringComparison.OrdinalIgnoreCase));
        if (known.DataSet is null)
        {
            return recipe;
        }

        var text = recipe.Prompt == PromptKind.Text;
        var classes = recipe.UnseenClasses?.Count ?? recipe.ClassNames.Count;
        return recipe with
        {
            IntraQuantile = text ? known.TextIntra : known.VisualIntra,
            InterQuantile =
                recipe.Paradigm == Paradigm.Transductive ? Math.Clamp(1 - (text ? known.TextGamma : known.VisualGamma) / classes, 0, 1)
                : text ? known.TextInter
                : known.VisualInter,
        };
    }
}
