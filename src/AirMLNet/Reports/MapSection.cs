using System.Xml.Linq;
using AirMLNet.Clip;
using AirMLNet.Data;
using AirMLNet.Heads;
using AirMLNet.Images;

namespace AirMLNet.Reports;

/// <summary>Photos, texts, prototypes and synthetic images in the space of CLIP, drawn in two dimensions (AiR, figure 6).</summary>
internal sealed class MapSection(ReportModel model, ReportFigures figures, AdaptationReportOptions options)
{
    private const int Neighbours = 7;
    private const int MostInLegend = 40;
    private readonly List<float[]> _vectors = [];
    private readonly List<(int Class, string Kind, string Title)> _marks = [];

    public XElement? Write()
    {
        var photos = Sample([.. figures.Rows.Where(r => r.Feature.Length > 0)]);
        if (options.Embedded == 0 || photos.Count < 2 || model.Clip is not { } clip)
        {
            return null;
        }

        foreach (var row in photos)
        {
            var labelled = row.Label >= 0;
            Add(row.Feature, labelled ? row.Label : row.Predicted, "photo", $"{row.Name}: {Html.Said(model.ClassNames, row)}");
        }

        AddHead(model.Text, "text", "text");
        AddHead(model.Prototype?.Head, "prototype", "image prototype");
        if (!model.IsZeroShot && ReferenceEquals(model.AdaptedClip, clip))
        {
            AddHead(model.Adapted, "text", "adapted text");
        }

        var synthetic = AddSynthetic(clip);
        float[] all = [.. _vectors.SelectMany(v => v)];
        var map = Tsne.Embed(all, clip.FeatureDimension, options.Seed, cancellation: options.CancellationToken);
        var near = Math.Min(Neighbours, (_vectors.Count / 2) - 1);
        var trust = near < 1 ? double.NaN : Tsne.Trustworthiness(all, clip.FeatureDimension, map, near);
        return Html.Section(
            "map",
            "Map of the embeddings",
            Html.P(
                $"{photos.Count} of {figures.Rows.Count} photos (circles), {synthetic} synthetic images (squares), class texts (triangles)"
                    + $"{(model.Prototype is null ? "" : " and image prototypes (diamonds)")}; the colour is the class, of "
                    + "photos by their folder "
                    + "or, without one, as predicted."
            ),
            Html.Note(
                $"t-SNE of {_vectors.Count} points, seed {options.Seed}. Near is alike; distances between groups mean little. "
                    + "Trustworthiness of "
                    + $"{near} neighbours: {Html.Number(trust, "0.000")} (1: every neighbour in the map is one in truth). CLIP "
                    + "keeps texts and images "
                    + "apart, so triangles stand by themselves."
            ),
            Charts.Map(
                [.. _marks.Select((m, i) => new Charts.MapPoint(map[2 * i], map[(2 * i) + 1], m.Class, m.Kind, m.Title))],
                model.ClassNames.Count
            ),
            model.ClassNames.Count > MostInLegend ? null : Legend()
        );
    }

    private XElement Legend() =>
        Html.E(
            "ul",
            new XAttribute("class", "legend"),
            model.ClassNames.Select(
                (name, c) =>
                    Html.E("li", Html.E("i", new XAttribute("style", "background:" + Charts.Colour(c, model.ClassNames.Count))), name)
            )
        );

    private void Add(float[] vector, int c, string kind, string title)
    {
        _vectors.Add(vector);
        _marks.Add((c, kind, title));
    }

    private void AddHead(CosineHead? head, string kind, string title)
    {
        for (var c = 0; c < (head?.Classes ?? 0); c++)
        {
            if (head!.Present[c])
            {
                Add([.. head.Weights.Slice(c * head.Dimension, head.Dimension)], c, kind, $"{title}: {model.ClassNames[c]}");
            }
        }
    }

    private int AddSynthetic(ClipBackbone clip)
    {
        if (options.WorkFolder is not { } folder)
        {
            return 0;
        }

        var images = Sample(SyntheticImageFolder.FromFolder(folder, model.ClassNames));
        foreach (var image in images)
        {
            options.CancellationToken.ThrowIfCancellationRequested();
            var feature = new float[clip.FeatureDimension];
            clip.EncodeImages(clip.Preprocessor.Preprocess(ImageFile.Load(image.Path)), 1, feature);
            Add(feature, image.Class, "synthetic", $"{Path.GetFileName(image.Path)}: synthetic {model.ClassNames[image.Class]}");
        }

        return images.Count;
    }

    /// <summary>At most so many, evenly from the whole list.</summary>
    private List<T> Sample<T>(IReadOnlyList<T> all)
    {
        var count = Math.Min(all.Count, options.Embedded);
        return [.. Enumerable.Range(0, count).Select(i => all[(int)((long)i * all.Count / count)])];
    }
}
