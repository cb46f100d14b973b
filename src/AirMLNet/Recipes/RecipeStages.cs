using AirMLNet.Features;
using AirMLNet.Options;
using AirMLNet.Prompts;
using AirMLNet.Prototypes;
using AirMLNet.PseudoLabels;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Recipes;

/// <summary>Makes the estimators of a recipe.</summary>
internal static partial class RecipeStages
{
    /// <summary>Column of image-side probabilities, where there is one.</summary>
    public const string PrototypeColumn = "PrototypeScore";

    /// <summary>Column of pseudo-labels.</summary>
    public const string PseudoLabelColumn = "PseudoLabel";

    /// <summary>Column of the surest zero-shot labels, of which synthetic images or prototypes are made.</summary>
    public const string ZeroShotLabelColumn = "ZeroShotLabel";

    /// <summary>Column with the classes of synthetic images, where the data has no labels.</summary>
    public const string SyntheticLabelColumn = "SyntheticLabel";

    private const string FeatureColumn = "Features";

    /// <summary>See <see cref="Recipe.Stages"/>.</summary>
    public static IEstimator<ITransformer> Of(Recipe recipe, MLContext ml, AdaptationTask task)
    {
        ArgumentNullException.ThrowIfNull(ml);
        ArgumentNullException.ThrowIfNull(task);
        if (recipe.Supervised && task.LabelColumn is null)
        {
            throw new InvalidOperationException($"'{recipe.Name}' learns from labels: give {nameof(AdaptationTask.LabelColumn)}.");
        }
        if (recipe.NeedsSynthetic && task is { LabelColumn: null, Synthesis: null })
        {
            throw new InvalidOperationException(
                $"'{recipe.Name}' needs synthetic images: give {nameof(AdaptationTask.Synthesis)}, or rows of them and their labels in "
                    + $"{nameof(AdaptationTask.LabelColumn)}."
            );
        }

        // Every stage draws its seed from the context when it is made. The first one is made even where it is not needed, so that the
        // same seed gives the same model from image files and from their features.
        var encoder = ml.Transforms.ClipFeature(
            FeatureColumn,
            "ImagePath",
            new ClipFeatureOptions { ClipFolder = task.ClipFolder, CancellationToken = task.CancellationToken }
        );
        var chain = new EstimatorChain<ITransformer>();
        if (recipe.FineTune is { } tune)
        {
            return FineTuned(
                tune.NeedsZeroShotLabels && !task.HasFeatures ? chain.Append<ITransformer>(encoder, TransformerScope.TrainTest) : chain,
                recipe,
                ml,
                task
            );
        }
        if (!task.HasFeatures)
        {
            chain = chain.Append<ITransformer>(encoder);
        }
        var synthesis = recipe.NeedsSynthetic ? task.Synthesis : null;
        var trained = synthesis is null ? task : task with { LabelColumn = task.LabelColumn ?? SyntheticLabelColumn };
        // Made before the stages that not every method has, so that all methods start from the same prompt and in the same order.
        var trainer = ml.MulticlassClassification.Trainers.PromptAdapter(recipe.Trainer(trained));
        if (synthesis is not null)
        {
            chain = AppendSynthesis(chain, recipe, ml, task, synthesis);
            task = trained;
        }
        if (recipe.UsesPrototypes)
        {
            chain = AppendPrototypes(chain, recipe, ml, task);
        }
        if (recipe is { Supervised: false, Rounds: > 0, PseudoLabelWeight: > 0 })
        {
            chain = chain.Append<ITransformer>(
                ml.Transforms.PseudoLabel(PseudoLabelColumn, FeatureColumn, recipe.PseudoLabels(task, recipe.Prototypes))
            );
        }
        return chain.Append<ITransformer>(trainer);
    }

    /// <summary>The options of the labelling stage.</summary>
    /// <param name="recipe">The method.</param>
    /// <param name="task">What the method is applied to.</param>
    /// <param name="fused">Whether prototypes take part.</param>
    internal static PseudoLabelOptions PseudoLabels(this Recipe recipe, AdaptationTask task, bool fused)
    {
        var (intra, inter) = recipe.Quantiles(task);
        return new()
        {
            ClipFolder = task.ClipFolder,
            ClassNames = task.ClassNames,
            Templates = recipe.TemplatesOf(task),
            Strategy = recipe.Strategy,
            Selection = recipe.SelectionOf(),
            PerClass = recipe.PerClass,
            Rounds = Math.Max(1, recipe.Rounds),
            IntraQuantile = intra,
            InterQuantile = inter,
            LabelClasses = task.UnseenClasses,
            LabelColumn = task.LabelColumn,
            PrototypeColumn = fused ? PrototypeColumn : null,
            PrototypeWeight = recipe.PrototypeWeight,
            Fusion = recipe.Fusion,
            Progress = task.Progress,
            CancellationToken = task.CancellationToken,
        };
    }

    /// <summary>The stages that make a task's synthetic images, alone, for rows that have features already.</summary>
    internal static IEstimator<ITransformer> SynthesisStages(this Recipe recipe, MLContext ml, AdaptationTask task) =>
        AppendSynthesis(new EstimatorChain<ITransformer>(), recipe, ml, task, task.Synthesis!);

    /// <summary>
    /// All that decides what the recipe does to a task, as text: the options of its stages. Folders, columns and progress aside, two
    /// recipes that agree in it do the same.
    /// </summary>
    internal static string Resolved(this Recipe recipe, AdaptationTask task) =>
        recipe.FineTune is not null
            ? FineTunedResolved(recipe, task)
            : string.Join(
                '\n',
                OptionsJson.Write(recipe with { DataSet = null }),
                OptionsJson.Write(recipe.PseudoLabels(task, recipe.Prototypes) with { ClipFolder = "-" }),
                recipe.UsesPrototypes ? OptionsJson.Write(recipe.PrototypeOptions(task) with { ClipFolder = "-" }) : "-",
                OptionsJson.Write(recipe.Trainer(task) with { ClipFolder = "-" })
            );

    /// <summary>AiR's steps A to C: the surest images of each class by zero-shot CLIP, and synthetic images from them.</summary>
    private static EstimatorChain<ITransformer> AppendSynthesis(
        EstimatorChain<ITransformer> chain,
        Recipe recipe,
        MLContext ml,
        AdaptationTask task,
        Synthesis.DiffusionSynthesisOptions synthesis
    ) =>
        AppendSurest(chain, recipe, ml, task, synthesis.Shots)
            .Append<ITransformer>(
                ml.Transforms.DiffusionSynthesis(
                    synthesis with
                    {
                        ClipFolder = task.ClipFolder,
                        ClassNames = task.ClassNames,
                        Templates = recipe.TemplatesOf(task),
                        FeatureColumn = FeatureColumn,
                        LabelColumn = task.LabelColumn ?? SyntheticLabelColumn,
                        PseudoLabelColumn = ZeroShotLabelColumn,
                        ConfidenceColumn = ZeroShotLabelColumn + "Confidence",
                        Progress = task.Progress,
                        CancellationToken = task.CancellationToken,
                    }
                ),
                TransformerScope.TrainTest
            );

    private static EstimatorChain<ITransformer> AppendPrototypes(
        EstimatorChain<ITransformer> chain,
        Recipe recipe,
        MLContext ml,
        AdaptationTask task
    )
    {
        if (recipe.PrototypesOfPseudoLabels)
        {
            chain = AppendSurest(chain, recipe, ml, task, recipe.PerClass);
        }

        return chain.Append<ITransformer>(ml.Transforms.PrototypeClassifier(PrototypeColumn, FeatureColumn, recipe.PrototypeOptions(task)));
    }

    private static PrototypeClassifierOptions PrototypeOptions(this Recipe recipe, AdaptationTask task)
    {
        var options = new PrototypeClassifierOptions
        {
            ClipFolder = task.ClipFolder,
            Templates = recipe.TemplatesOf(task),
            Temperature = recipe.PrototypeTemperature,
            Centre = recipe.PrototypeCentring,
            CancellationToken = task.CancellationToken,
        };
        return recipe.PrototypesOfPseudoLabels
            ? options with
            {
                LabelColumn = ZeroShotLabelColumn,
                ConfidenceColumn = ZeroShotLabelColumn + "Confidence",
                Shots = recipe.PerClass,
            }
            : options with
            {
                LabelColumn = task.LabelColumn!, // checked by the caller, or set for the images that are made
                ConfidenceColumn = null,
                Ranking = recipe.Representative,
                Shots = recipe.Representatives,
            };
    }

    private static EstimatorChain<ITransformer> AppendSurest(
        EstimatorChain<ITransformer> chain,
        Recipe recipe,
        MLContext ml,
        AdaptationTask task,
        int perClass
    ) =>
        chain.Append<ITransformer>(
            ml.Transforms.PseudoLabel(
                ZeroShotLabelColumn,
                FeatureColumn,
                recipe.PseudoLabels(task, fused: false) with
                {
                    Strategy = PseudoLabelStrategy.Fpl,
                    Selection = SelectionRule.Deferred, // one label for an image, and as many images of every class
                    PerClass = perClass,
                }
            ),
            TransformerScope.TrainTest
        );

    private static PromptAdapterOptions Trainer(this Recipe recipe, AdaptationTask task)
    {
        var (intra, inter) = recipe.Quantiles(task);
        var candidates = recipe.Selection == SelectionRule.Candidates;
        return new(recipe)
        {
            ClipFolder = task.ClipFolder,
            ClassNames = task.ClassNames,
            Templates = recipe.TemplatesOf(task),
            LabelColumn = recipe.Supervised ? task.LabelColumn! : PseudoLabelColumn,
            TrueLabelColumn = recipe.Supervised ? null : task.LabelColumn,
            CandidateColumn = candidates ? PseudoLabelColumn + "Candidates" : null,
            // The label column holds one label for an image, which several classes may have chosen.
            FirstRoundScoreColumn = recipe.Supervised || candidates ? null : PseudoLabelColumn + "Score",
            PrototypeColumn = recipe.UsesPrototypes ? PrototypeColumn : null,
            Selection = recipe.SelectionOf(),
            IntraQuantile = intra,
            InterQuantile = inter,
            LabelClasses = recipe.Supervised ? null : task.UnseenClasses,
            LabelledBalance =
                recipe.LabelledBalance ?? (task.UnseenClasses is null ? LabelledBalance.ScaleLabelled : LabelledBalance.ScalePseudo),
            WarmUp = recipe.PaperQuirk ? Optimisation.WarmUp.Linear : recipe.WarmUp,
            WarmStart =
                recipe.WarmStart
                || recipe
                    is {
                        PaperQuirk: true,
                        Prompt: PromptKind.Text,
                        Strategy: PseudoLabelStrategy.Grip,
                        Selection: not SelectionRule.Candidates
                    },
            Labelled = task.Labelled,
            Progress = task.Progress,
            CancellationToken = task.CancellationToken,
        };
    }

    private static SelectionRule SelectionOf(this Recipe recipe) =>
        recipe is { PaperQuirk: true, Selection: SelectionRule.Exact } ? SelectionRule.Leaderboard : recipe.Selection;

    // GRIP's code appends the name to "a photo of a {}", and so leaves the braces in the text.
    private static IReadOnlyList<string> TemplatesOf(this Recipe recipe, AdaptationTask task) =>
        recipe is { PaperQuirk: true, Selection: not SelectionRule.Candidates }
            ? [.. task.Templates.Select(t => t.Replace("{}", "{{}}{}", StringComparison.Ordinal))]
            : task.Templates;

    private static (double Intra, double? Inter) Quantiles(this Recipe recipe, AdaptationTask task)
    {
        var (intra, inter) = CplQuantiles.Of(recipe.DataSet, recipe.Prompt != PromptKind.Text, task.UnseenClasses?.Count);
        return (recipe.IntraQuantile ?? intra, recipe.InterQuantile ?? inter);
    }
}
