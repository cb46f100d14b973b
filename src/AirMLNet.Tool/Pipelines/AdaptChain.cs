using AirMLNet.Clip;
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
    public static string Title(AdaptMethod method) => method switch
    {
        AdaptMethod.ZeroShot => "zero-shot",
        AdaptMethod.Fpl => "FPL",
        AdaptMethod.Grip => "GRIP",
        _ => "prompt adapter with prototypes",
    };

    /// <summary>From image files to scores.</summary>
    public static IEstimator<ITransformer> ForImages(MLContext ml, AdaptPlan plan, IStep step, CancellationToken cancellation) =>
        AppendStages(new EstimatorChain<ITransformer>().Append(Encoder(ml, plan, step, cancellation)), ml, plan, step, cancellation);

    /// <summary>From the column <c>Features</c> to scores.</summary>
    public static IEstimator<ITransformer> ForFeatures(MLContext ml, AdaptPlan plan, IStep step, CancellationToken cancellation) =>
        AppendStages(new EstimatorChain<ITransformer>(), ml, plan, step, cancellation);

    /// <summary>From image files to the column <c>Features</c>.</summary>
    public static IEstimator<ITransformer> Encoder(MLContext ml, AdaptPlan plan, IStep step, CancellationToken cancellation) =>
        ml.Transforms.ClipFeature("Features", "ImagePath", new ClipFeatureOptions
        {
            ClipFolder = plan.ClipFolder,
            CancellationToken = cancellation,
        });

    private static IEstimator<ITransformer> AppendStages(
        EstimatorChain<ITransformer> chain, MLContext ml, AdaptPlan plan, IStep step, CancellationToken cancellation)
    {
        var grip = plan.Method is AdaptMethod.Grip or AdaptMethod.Prototypes;
        var rounds = plan.Method switch
        {
            AdaptMethod.ZeroShot => 0,
            AdaptMethod.Fpl => plan.Rounds ?? 1,
            _ => plan.Rounds ?? 10,
        };
        var progress = new StageReports(step);
        if (rounds > 0 && !plan.Labels)
        {
            var labels = new PseudoLabelOptions
            {
                ClipFolder = plan.ClipFolder,
                ClassNames = plan.ClassNames,
                Strategy = grip ? PseudoLabelStrategy.Grip : PseudoLabelStrategy.Fpl,
                Progress = progress,
                CancellationToken = cancellation,
            };
            chain = chain.Append<ITransformer>(ml.Transforms.PseudoLabel("PseudoLabel", "Features", labels with
            {
                PerClass = plan.PerClass ?? labels.PerClass,
                Rounds = rounds,
            }));
        }

        return chain;
    }

    private sealed class StageReports(IStep step) : IProgress<StageProgress>
    {
        public void Report(StageProgress value) => step.Report(value.Done, value.Total ?? value.Done, $"{value.Stage}: {value.Activity}");
    }
}
