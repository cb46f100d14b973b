using AirMLNet.Features;
using AirMLNet.Pipeline;
using AirMLNet.Prompts;
using AirMLNet.Prototypes;
using AirMLNet.PseudoLabels;
using AirMLNet.Tool.Output;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Tool.Pipelines;

/// <summary>Builds the estimator chain of a plan: the same stages that a program would append itself.</summary>
internal static class AdaptChain
{
    public static string Title(AdaptMethod method) =>
        method switch
        {
            AdaptMethod.ZeroShot => "zero-shot",
            AdaptMethod.Fpl => "FPL",
            AdaptMethod.Grip => "GRIP",
            AdaptMethod.Ifpl => "IFPL",
            AdaptMethod.Cpl => "CPL",
            AdaptMethod.Air => "AiR",
            _ => "prompt adapter with prototypes",
        };

    /// <summary>From image files to scores.</summary>
    public static IEstimator<ITransformer> ForImages(MLContext ml, AdaptPlan plan, IStep step, CancellationToken cancellation) =>
        Stages(Encoder(ml, plan, cancellation), ml, plan, step, cancellation);

    /// <summary>From the column <c>Features</c> to scores; on a context of the same seed the same model as from image files.</summary>
    public static IEstimator<ITransformer> ForFeatures(MLContext ml, AdaptPlan plan, IStep step, CancellationToken cancellation)
    {
        // Every stage draws its seed from the context when it is made, so the stage that is not needed is made too.
        _ = Encoder(ml, plan, cancellation);
        return Stages(null, ml, plan, step, cancellation);
    }

    /// <summary>From image files to the column <c>Features</c>.</summary>
    public static IEstimator<ITransformer> Encoder(MLContext ml, AdaptPlan plan, CancellationToken cancellation) =>
        ml.Transforms.ClipFeature(
            "Features",
            "ImagePath",
            new ClipFeatureOptions { ClipFolder = plan.ClipFolder, CancellationToken = cancellation }
        );

    private static IEstimator<ITransformer> Stages(
        IEstimator<ITransformer>? encoder,
        MLContext ml,
        AdaptPlan plan,
        IStep step,
        CancellationToken cancellation
    )
    {
        var progress = new StageReports(step);
        if (plan.IsRecipe && !plan.Labels)
        {
            var recipe = AdaptRows.Recipe(plan);
            var labels = plan.Labelled != null || (recipe.Prototypes && plan.Diffusion == null) ? AdaptPlan.LabelColumn : null;
            return recipe.Chain(ml, labels, progress, cancellation, encoder, plan.Diffusion);
        }

        var chain = new EstimatorChain<ITransformer>();
        if (encoder is not null)
        {
            chain = chain.Append(encoder);
        }

        var trainer = Trainer(plan) with { Progress = progress, CancellationToken = cancellation };
        if (trainer.Rounds > 0 && !plan.Labels)
        {
            chain = chain.Append<ITransformer>(
                ml.Transforms.PseudoLabel(
                    "PseudoLabel",
                    "Features",
                    new PseudoLabelOptions
                    {
                        ClipFolder = plan.ClipFolder,
                        ClassNames = plan.ClassNames,
                        Strategy = trainer.Strategy,
                        PerClass = trainer.PerClass,
                        Rounds = trainer.Rounds,
                        Progress = progress,
                        CancellationToken = cancellation,
                    }
                )
            );
        }

        if (trainer.PrototypeColumn is { } column)
        {
            chain = chain.Append<ITransformer>(
                ml.Transforms.PrototypeClassifier(
                    column,
                    "Features",
                    new PrototypeClassifierOptions
                    {
                        ClipFolder = plan.ClipFolder,
                        LabelColumn = trainer.LabelColumn,
                        ConfidenceColumn = plan.Labels ? null : trainer.LabelColumn + "Confidence",
                        Shots = trainer.PerClass,
                        CancellationToken = cancellation,
                    }
                )
            );
        }

        return chain.Append<ITransformer>(ml.MulticlassClassification.Trainers.PromptAdapter(trainer));
    }

    private static PromptAdapterOptions Trainer(AdaptPlan plan)
    {
        var relabels = plan.Method is AdaptMethod.Grip or AdaptMethod.Prototypes && !plan.Labels;
        var standard = new PromptAdapterOptions { ClipFolder = plan.ClipFolder, ClassNames = plan.ClassNames };
        return standard with
        {
            Prompt = plan.Prompt,
            LabelColumn = plan.Labels ? AdaptPlan.LabelColumn : standard.LabelColumn,
            PrototypeColumn = plan.Method == AdaptMethod.Prototypes ? "PrototypeScore" : null,
            PrototypeWeight = plan.Lambda ?? standard.PrototypeWeight,
            Strategy = relabels ? PseudoLabelStrategy.Grip : PseudoLabelStrategy.Fpl,
            Rounds = plan switch
            {
                { Method: AdaptMethod.ZeroShot } => 0,
                { Labels: true } => 1,
                _ => plan.Rounds ?? (relabels ? 10 : 1),
            },
            PerClass = plan.PerClass ?? standard.PerClass,
            // A round of GRIP has up to the whole pool in each epoch, FPL a few images per class: both get thousands of steps.
            Epochs = plan.Epochs ?? (relabels ? 30 : standard.Epochs),
            BatchSize = plan.Batch ?? (relabels ? 128 : 16),
            LearningRate = plan.LearningRate ?? standard.LearningRate,
            GradientClip = plan.GradientClip ?? standard.GradientClip,
        };
    }

    private sealed class StageReports(IStep step) : IProgress<StageProgress>
    {
        public void Report(StageProgress value) => step.Report(value.Done, value.Total ?? value.Done, $"{value.Stage}: {value.Activity}");
    }
}
