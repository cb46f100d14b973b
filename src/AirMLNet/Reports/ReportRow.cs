using AirMLNet.Data;
using AirMLNet.Features;
using AirMLNet.Heads;
using AirMLNet.Options;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Reports;

/// <summary>One photo and what the model says of it.</summary>
/// <param name="Path">Its file.</param>
/// <param name="Name">What the report calls it: its path within the folder of the photos.</param>
/// <param name="Label">Its class by the name of its sub-folder; −1 where that is none.</param>
/// <param name="Score">[C].</param>
/// <param name="Predicted">The adapted model's class.</param>
internal sealed record ReportRow(string Path, string Name, int Label, float[] Score, int Predicted)
{
    /// <summary>Feature of the frozen model, [D]; empty where there is none.</summary>
    public float[] Feature { get; init; } = [];

    /// <summary>Class by zero-shot classification; −1 where the model cannot be asked.</summary>
    public int Text { get; init; } = -1;

    /// <summary>Class by the image prototypes; −1 without them.</summary>
    public int Image { get; init; } = -1;

    /// <summary>Class by the pseudo-labelling stage; −1 where it chose none.</summary>
    public int PseudoLabel { get; init; } = -1;

    /// <summary>Probability of the predicted class.</summary>
    public float Confidence => Score[Predicted];

    /// <summary>Scores photos.</summary>
    public static IReadOnlyList<ReportRow> Read(
        MLContext ml,
        ReportModel model,
        IReadOnlyList<(string Path, string Name, int Label)> photos,
        AdaptationReportOptions options
    )
    {
        var view = model.Model.Transform(ml.Data.LoadFromEnumerable(Rows(photos, options.CancellationToken)));
        var feature = model.Feature?.Columns.Output;
        if (feature is null && model.Clip is { } clip && model.Text is not null)
        {
            feature = "AirMLNetReportFeatures";
            view = ml
                .Transforms.ClipFeature(
                    feature,
                    "ImagePath",
                    new ClipFeatureOptions { ClipFolder = clip.Folder, Activation = clip.Execution.Activation }
                )
                .Fit(view)
                .Transform(view);
        }

        var schema = view.Schema;
        var columns = new[] { "Score", "PredictedLabel", feature, model.Prototype?.OutputColumnName, model.PseudoLabel?.OutputColumnName }
            .OfType<string>()
            .Select(name => schema[name])
            .ToArray();
        using var cursor = view.GetRowCursor(columns);
        var score = cursor.GetGetter<VBuffer<float>>(schema["Score"]);
        var predicted = cursor.GetGetter<uint>(schema["PredictedLabel"]);
        var features = feature is null ? null : cursor.GetGetter<VBuffer<float>>(schema[feature]);
        var prototype = model.Prototype is { } p ? cursor.GetGetter<VBuffer<float>>(schema[p.OutputColumnName]) : null;
        var pseudo = model.PseudoLabel is { } l ? cursor.GetGetter<uint>(schema[l.OutputColumnName]) : null;
        List<ReportRow> rows = new(photos.Count);
        while (cursor.MoveNext())
        {
            options.CancellationToken.ThrowIfCancellationRequested();
            var (path, name, label) = photos[rows.Count];
            var vector = Vector(features);
            rows.Add(
                new(path, name, label, Vector(score), (int)Key(predicted) - 1)
                {
                    Feature = vector,
                    Text = model.Text is { } text && vector.Length > 0 ? Best(text, vector) : -1,
                    Image = prototype is null ? -1 : CosineHead.ArgMax(Vector(prototype)),
                    PseudoLabel = (int)Key(pseudo) - 1,
                }
            );
            options.Progress?.Report(new ProgressReport("Report", "scoring photos", rows.Count, photos.Count));
        }

        return rows;
    }

    private static int Best(CosineHead head, float[] feature)
    {
        var probabilities = new float[head.Classes];
        head.Probabilities(feature, probabilities);
        return CosineHead.ArgMax(probabilities);
    }

    private static float[] Vector(ValueGetter<VBuffer<float>>? getter)
    {
        VBuffer<float> value = default;
        getter?.Invoke(ref value);
        return [.. value.DenseValues()];
    }

    private static uint Key(ValueGetter<uint>? getter)
    {
        uint value = 0;
        getter?.Invoke(ref value);
        return value;
    }

    internal static IEnumerable<ImageRow> Rows(IReadOnlyList<(string Path, string Name, int Label)> photos, CancellationToken cancellation)
    {
        foreach (var (path, _, _) in photos)
        {
            cancellation.ThrowIfCancellationRequested();
            yield return new ImageRow { ImagePath = path };
        }
    }
}
