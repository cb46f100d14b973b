using System.Globalization;
using System.Xml.Linq;

namespace AirMLNet.Reports;

/// <summary>Puts the parts of a report about a model that names one class on one page.</summary>
internal sealed class ReportPage(ReportModel model, ReportFigures figures, AdaptationReportOptions options, ReportOrigin origin)
{
    private readonly Pictures _pictures = new(options.PictureSize);

    private IReadOnlyList<string> Names => model.ClassNames;

    public string Write() =>
        PageFrame.Write(
            figures.Rows.Count,
            Opening(),
            [
                ("quality", () => new QualitySection(Names, figures, model.IsZeroShot).Write()),
                ("confusion", () => new ConfusionSection(Names, figures, _pictures, options).Write()),
                ("pseudo-labels", () => new PseudoLabelSection(model, figures).Write()),
                ("photos", Photos),
                ("texts", () => new TextSection(model, figures, _pictures, options, origin).Write()),
                ("synthetic", () => new SyntheticSection(Names, figures, _pictures, options).Write()),
                ("heat maps", HeatMapsOfPhotos),
                ("map", () => new MapSection(model, figures, options).Write()),
                ("made of", () => new OriginSection(model, origin).Write()),
            ],
            options,
            origin
        );

    internal static string Count(int count, string what) =>
        string.Create(CultureInfo.InvariantCulture, $"{count} {what}{(count == 1 ? "" : "s")}");

    private string Opening()
    {
        var labels =
            figures.Labelled.Count == 0 ? "They have no labels: no sub-folder is named after a class."
            : figures.Labelled.Count == figures.Rows.Count ? "All of them lie in folders named after their classes."
            : $"{figures.Labelled.Count} of them lie in folders named after their classes; the others count as without label.";
        return $"{Names.Count} classes, {Count(figures.Rows.Count, "photo")}. {labels}";
    }

    private XElement Photos()
    {
        var surest = figures.Rows.OrderByDescending(r => r.Confidence).ThenBy(r => r.Name, StringComparer.Ordinal).ToList();
        List<object> parts =
        [
            Html.E("h3", "Surest"),
            Show(surest.Take(options.Pictures)),
            Html.E("h3", "Least sure"),
            Show(surest.AsEnumerable().Reverse().Take(options.Pictures)),
        ];
        if (figures.Labelled.Count > 0)
        {
            parts.Add(Html.E("h3", "Likeliest mislabelled"));
            parts.Add(
                Html.Note(
                    $"{figures.Mislabelled.Count} of {figures.Labelled.Count} labelled photos: another class is predicted at "
                        + "least as surely "
                        + "as on the photos of that class's own folder (confident learning). The folder may be wrong, or the model."
                )
            );
            parts.Add(Show(figures.Mislabelled.Take(options.Pictures).Select(m => m.Row)));
        }

        return Html.Section("photos", "Photos", parts);
    }

    private XElement? HeatMapsOfPhotos()
    {
        if (options.HeatMaps == 0 || !HeatMaps.CanDraw(model))
        {
            return null;
        }

        // Half of them wrong where that is known, the others sure; a photo of each class before a second one.
        var wrong = figures.Labelled.Where(r => r.Predicted != r.Label).OrderByDescending(r => r.Confidence).Take(options.HeatMaps / 2);
        var sure = figures
            .Rows.Where(r => r.Label < 0 || r.Label == r.Predicted)
            .GroupBy(r => r.Predicted)
            .SelectMany(g => g.OrderByDescending(r => r.Confidence).Index())
            .OrderBy(r => r.Index)
            .ThenByDescending(r => r.Item.Confidence)
            .Select(r => r.Item);
        ReportRow[] shown = [.. sure.Take(options.HeatMaps - wrong.Count()), .. wrong];
        return Html.Section(
            "heat-maps",
            "Heat maps",
            Html.Note(
                "How near each place of a photo is to a class vector, by cosine; blue is the least and red the most of that "
                    + "picture. A place is a "
                    + "patch of a vision transformer or a cell of a ResNet's last map; CLIP was not trained to place things, "
                    + "so read them with care."
            ),
            shown.Select(row =>
            {
                options.CancellationToken.ThrowIfCancellationRequested();
                return HeatMaps.Row(model, row);
            })
        );
    }

    private XElement Show(IEnumerable<ReportRow> rows) =>
        Html.Row(rows.Select(r => _pictures.Figure(r.Path, $"{r.Name}: {Html.Said(Names, r)}", r.Name, Html.Said(Names, r))));
}
