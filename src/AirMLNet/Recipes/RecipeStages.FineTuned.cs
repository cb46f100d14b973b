using AirMLNet.Captions;
using AirMLNet.Options;
using AirMLNet.Prototypes;
using AirMLNet.PseudoLabels;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Recipes;

// LatteCLIP and what it is compared with (docs/methods.md §5).
internal static partial class RecipeStages
{
    /// <summary>Column of texts about images.</summary>
    public const string ImageTextColumn = "ImageText";

    /// <summary>Column of texts about groups of images of a class.</summary>
    public const string GroupTextColumn = "GroupText";

    /// <summary>
    /// The stages up to the labels that texts are asked by, and the stage that asks: what writing the texts ahead of a fit needs, or an
    /// estimate of its time. With the same seed they are the texts that <see cref="Of"/> asks for.
    /// </summary>
    internal static (IEstimator<ITransformer> Labels, CaptionSynthesisEstimator Captions) CaptionStages(
        this Recipe recipe,
        MLContext ml,
        AdaptationTask task
    )
    {
        var encoder = ml.Transforms.ClipFeature(FeatureColumn, "ImagePath", task.ClipFolder);
        // Not fitted here, but it draws its seed before the stages below, which decides what images a group has.
        FineTuner(recipe, ml, task);
        return (
            new EstimatorChain<ITransformer>().Append<ITransformer>(encoder).Append<ITransformer>(Labels(recipe, ml, task)),
            Captions(recipe, ml, task)
        );
    }

    private static IEstimator<ITransformer> FineTuned(EstimatorChain<ITransformer> chain, Recipe recipe, MLContext ml, AdaptationTask task)
    {
        var tune = recipe.FineTune!;
        if (recipe.NeedsCaptions && task.Captions?.Captioner is null)
        {
            throw new InvalidOperationException($"'{recipe.Name}' needs a captioner: give {nameof(AdaptationTask.Captions)}.");
        }
        if (tune.Kind != FineTuneKind.LmmZeroShot && task.WorkFolder is null)
        {
            throw new InvalidOperationException($"'{recipe.Name}' needs a folder to work in: give {nameof(AdaptationTask.WorkFolder)}.");
        }
        if (tune.CorrectInGroup is not null && task.LabelColumn is null)
        {
            throw new InvalidOperationException(
                $"{nameof(FineTuneSettings.CorrectInGroup)} asks the true labels: give {nameof(AdaptationTask.LabelColumn)}."
            );
        }

        // Made before the stages that not every method has, so that all methods see the same images in the same order.
        var trainer = FineTuner(recipe, ml, task);
        if (tune.NeedsZeroShotLabels)
        {
            chain = chain.Append<ITransformer>(Labels(recipe, ml, task), TransformerScope.TrainTest);
        }
        if (tune.Kind == FineTuneKind.LatteClip && recipe.NeedsCaptions)
        {
            chain = chain.Append<ITransformer>(Captions(recipe, ml, task), TransformerScope.TrainTest);
        }
        return chain.Append(trainer);
    }

    private static IEstimator<ITransformer> FineTuner(Recipe recipe, MLContext ml, AdaptationTask task) =>
        recipe.FineTune!.Kind switch
        {
            FineTuneKind.LmmZeroShot => new LmmZeroShotEstimator(Pipeline.FriendMembers.Environment(ml.Transforms), recipe.Lmm(task)),
            FineTuneKind.ReClip => ml.MulticlassClassification.Trainers.ReClip(recipe.ReClipOptions(task)),
            _ => ml.MulticlassClassification.Trainers.LatteClip(recipe.LatteOptions(task)),
        };

    private static PseudoLabelEstimator Labels(Recipe recipe, MLContext ml, AdaptationTask task) =>
        ml.Transforms.PseudoLabel(
            ZeroShotLabelColumn,
            FeatureColumn,
            new PseudoLabelOptions
            {
                ClipFolder = task.ClipFolder,
                ClassNames = task.ClassNames,
                Templates = recipe.TemplatesOf(task),
                Strategy = PseudoLabelStrategy.All,
                Progress = task.Progress,
                CancellationToken = task.CancellationToken,
            }
        );

    private static CaptionSynthesisEstimator Captions(Recipe recipe, MLContext ml, AdaptationTask task) =>
        ml.Transforms.CaptionSynthesis(ImageTextColumn, GroupTextColumn, "ImagePath", recipe.CaptionOptions(task));

    private static CaptionSynthesisOptions CaptionOptions(this Recipe recipe, AdaptationTask task)
    {
        var tune = recipe.FineTune!;
        return task.Captions! with
        {
            LabelColumn = ZeroShotLabelColumn,
            Wording = tune.Wording,
            NameClass = tune.NameClass,
            ImageTexts = tune.ImageText,
            GroupTexts = tune.GroupText,
            GroupSize = tune.GroupSize,
            GroupsPerClass = tune.GroupsPerClass,
            CorrectInGroup = tune.CorrectInGroup,
            TrueLabelColumn = tune.CorrectInGroup is null ? null : task.LabelColumn,
            Shuffled = tune.ShuffledTexts,
            Progress = task.Progress,
            CancellationToken = task.CancellationToken,
        };
    }

    private static LmmZeroShotOptions Lmm(this Recipe recipe, AdaptationTask task) =>
        new()
        {
            ClassNames = task.ClassNames,
            Captions = task.Captions! with { Progress = task.Progress, CancellationToken = task.CancellationToken },
        };

    private static ReClipOptions ReClipOptions(this Recipe recipe, AdaptationTask task) =>
        new()
        {
            ClipFolder = task.ClipFolder,
            ClassNames = task.ClassNames,
            Templates = recipe.TemplatesOf(task),
            WorkFolder = task.WorkFolder ?? "-",
            Epochs = recipe.FineTune!.EpochsByImages ? null : recipe.Epochs,
            BatchSize = recipe.BatchSize,
            LearningRate = recipe.LearningRate,
            Progress = task.Progress,
            CancellationToken = task.CancellationToken,
        };

    private static LatteClipOptions LatteOptions(this Recipe recipe, AdaptationTask task)
    {
        var tune = recipe.FineTune!;
        var captioned = tune.Kind == FineTuneKind.LatteClip && recipe.NeedsCaptions;
        return new(tune)
        {
            ClipFolder = task.ClipFolder,
            ClassNames = task.ClassNames,
            Templates = recipe.TemplatesOf(task),
            WorkFolder = task.WorkFolder ?? "-",
            LabelColumn = tune.Kind == FineTuneKind.FlypGivenLabels ? task.LabelColumn ?? "-" : ZeroShotLabelColumn,
            ImageTextColumn = captioned && tune.ImageText ? ImageTextColumn : null,
            GroupTextColumn = captioned && tune.GroupText ? GroupTextColumn : null,
            Method = tune.Kind switch
            {
                FineTuneKind.LatteClip => FineTuneMethod.LatteClip,
                FineTuneKind.FlypPseudoLabels when !tune.FixedLabels => FineTuneMethod.FlypCurrentLabels,
                _ => FineTuneMethod.FlypGivenLabels,
            },
            Epochs = recipe.Epochs,
            BatchSize = Math.Max(2, recipe.BatchSize),
            LearningRate = recipe.LearningRate,
            WeightDecay = recipe.WeightDecay,
            TextsAreTold = tune.NeedsZeroShotLabels,
            Progress = task.Progress,
            CancellationToken = task.CancellationToken,
        };
    }

    private static string FineTunedResolved(Recipe recipe, AdaptationTask task)
    {
        var plain = task with
        {
            ClipFolder = "-",
            WorkFolder = "-",
            Captions = new() { WorkFolder = "-", Domain = task.Captions?.Domain ?? "-" },
        };
        return string.Join(
            '\n',
            OptionsJson.Write(recipe with { DataSet = null }),
            string.Join('|', recipe.TemplatesOf(task)),
            recipe.NeedsCaptions ? OptionsJson.Write(recipe.CaptionOptions(plain)) : "-",
            recipe.FineTune!.Kind == FineTuneKind.ReClip
                ? OptionsJson.Write(recipe.ReClipOptions(plain))
                : OptionsJson.Write(recipe.LatteOptions(plain))
        );
    }
}
