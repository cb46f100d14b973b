using AirMLNet.Captions;
using AirMLNet.Data;
using AirMLNet.Files;
using AirMLNet.Recipes;
using AirMLNet.Reports;
using AirMLNet.Tool.Output;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Tool.Pipelines;

/// <summary>Fits the recipe of a settings to images.</summary>
internal static class AdaptRun
{
    /// <summary>Fits.</summary>
    /// <param name="ml">A fresh context: its seed is the only one.</param>
    /// <param name="settings">Recipe, model and classes.</param>
    /// <param name="photos">The images to adapt to, with labels where the settings says so.</param>
    /// <param name="known">Labelled and synthetic images.</param>
    /// <param name="step">Told how far it is.</param>
    /// <param name="cancellation">Checked by the stages.</param>
    /// <returns>The model, the schema of what it scores, and what its texts are kept under.</returns>
    public static (ITransformer Model, DataViewSchema Schema, IReadOnlyDictionary<string, TextKeys>? Texts) Fit(
        MLContext ml,
        AdaptSettings settings,
        IReadOnlyList<ImageRow> photos,
        IReadOnlyList<AdaptRow> known,
        IStep step,
        CancellationToken cancellation
    )
    {
        // The stages first: they draw their seeds from the context, whatever is made after them.
        var stages = settings.Recipe.Stages(
            ml,
            settings.Task(hasFeatures: false) with
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
        var keyed = settings.Labels || known.Count > 0 ? ImageLabels.WithKeys(ml, all, settings.ClassNames) : all;
        var model = stages.Fit(keyed);
        // What only training needed, texts and the original CLIP, would be saved along: the tuned model does without.
        return (
            settings.Recipe.FineTune is null ? model : ((TransformerChain<ITransformer>)model).GetModelFor(TransformerScope.Scoring),
            unlabelled.Schema,
            TextKeys.Of(model)
        );
    }

    /// <summary>How long the texts of a recipe will take; null where all are there.</summary>
    public static CaptionEstimate? Estimate(
        MLContext ml,
        AdaptSettings settings,
        IReadOnlyList<ImageRow> photos,
        IStep step,
        CancellationToken cancellation
    )
    {
        var (captions, labelled) = Captions(ml, settings, photos, step, cancellation);
        return captions.Estimate(labelled);
    }

    /// <summary>Has a shard's texts of a recipe written.</summary>
    public static (int Texts, int Made) WriteTexts(
        MLContext ml,
        AdaptSettings settings,
        IReadOnlyList<ImageRow> photos,
        Shard shard,
        IStep step,
        CancellationToken cancellation
    )
    {
        var (captions, labelled) = Captions(ml, settings, photos, step, cancellation);
        return captions.Write(labelled, shard);
    }

    private static (CaptionSynthesisEstimator Stage, IDataView Labelled) Captions(
        MLContext ml,
        AdaptSettings settings,
        IReadOnlyList<ImageRow> photos,
        IStep step,
        CancellationToken cancellation
    )
    {
        var (labels, captions) = settings.Recipe.CaptionStages(
            ml,
            settings.Task(hasFeatures: false) with
            {
                Progress = Terminal.Progress(step, p => $"{p.Source}: {p.Activity}"),
                CancellationToken = cancellation,
            }
        );
        var rows = ml.Data.LoadFromEnumerable(photos);
        return (captions, labels.Fit(rows).Transform(rows));
    }
}
