using AirMLNet.Data;
using AirMLNet.Pipeline;
using AirMLNet.Recipes;
using AirMLNet.Tool.Output;
using Microsoft.ML;

namespace AirMLNet.Tool.Pipelines;

/// <summary>Fits the recipe of a plan to images.</summary>
internal static class AdaptRun
{
    /// <summary>Fits.</summary>
    /// <param name="ml">A fresh context: its seed is the only one.</param>
    /// <param name="plan">Recipe, model and classes.</param>
    /// <param name="photos">The images to adapt to, with labels where the plan says so.</param>
    /// <param name="known">Labelled and synthetic images.</param>
    /// <param name="step">Told how far it is.</param>
    /// <param name="cancellation">Checked by the stages.</param>
    /// <returns>The model, and the schema of what it scores.</returns>
    public static (ITransformer Model, DataViewSchema Schema) Fit(
        MLContext ml,
        AdaptPlan plan,
        IReadOnlyList<ImageRow> photos,
        IReadOnlyList<AdaptRow> known,
        IStep step,
        CancellationToken cancellation
    )
    {
        // The stages first: they draw their seeds from the context, whatever is made after them.
        var stages = plan.Recipe.Stages(
            ml,
            plan.Task(hasFeatures: false) with
            {
                Progress = Terminal.Progress(step, p => $"{p.Source}: {p.Activity}"),
                CancellationToken = cancellation,
            }
        );
        var unlabelled = ml.Data.LoadFromEnumerable(Terminal.Counted(photos, step, cancellation));
        var all =
            known.Count == 0
                ? unlabelled
                : ml.Data.LoadFromEnumerable(Terminal.Counted([.. photos.Select(AdaptRow.Real), .. known], step, cancellation));
        var keyed = plan.Labels || known.Count > 0 ? ImageLabels.WithKeys(ml, all, plan.ClassNames) : all;
        return (stages.Fit(keyed), unlabelled.Schema);
    }
}
