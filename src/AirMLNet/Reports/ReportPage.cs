using System.Globalization;
using System.Reflection;
using System.Xml.Linq;
using AirMLNet.Options;

namespace AirMLNet.Reports;

/// <summary>Puts the parts of a report on one page.</summary>
internal sealed class ReportPage(ReportModel model, ReportFigures figures, AdaptationReportOptions options, ReportOrigin origin)
{
    private readonly Pictures _pictures = new(options.PictureSize);

    private IReadOnlyList<string> Names => model.ClassNames;

    public string Write()
    {
        List<XElement> sections = [];
        (string Name, Func<XElement?> Make)[] parts =
        [
            ("quality", () => new QualitySection(Names, figures, model.IsZeroShot).Write()),
            ("confusion", () => new ConfusionSection(Names, figures, _pictures, options).Write()),
            ("pseudo-labels", () => model.PseudoLabel is null ? null : PseudoLabels()),
            ("photos", Photos),
            ("synthetic", () => new SyntheticSection(Names, figures, _pictures, options).Write()),
            ("heat maps", HeatMapsOfPhotos),
            ("map", () => new MapSection(model, figures, options).Write()),
            ("made of", () => new OriginSection(model, origin).Write()),
        ];
        foreach (var (at, (name, make)) in parts.Index())
        {
            options.CancellationToken.ThrowIfCancellationRequested();
            options.Progress?.Report(new ProgressReport("Report", $"writing: {name}", at, parts.Length));
            if (make() is { } section)
            {
                sections.Add(section);
            }
        }

        var title = $"{(origin.Name is { } file ? file + ": a" : "A")}dapted model on {Count(figures.Rows.Count, "photo")}";
        var page = Html.E(
            "html",
            new XAttribute("lang", "en"),
            Html.E(
                "head",
                new XElement("meta", new XAttribute("charset", "utf-8")),
                new XElement(
                    "meta",
                    new XAttribute("http-equiv", "Content-Security-Policy"),
                    // The browser itself sees to it that nothing is asked for.
                    new XAttribute("content", "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'")
                ),
                new XElement("meta", new XAttribute("name", "viewport"), new XAttribute("content", "width=device-width, initial-scale=1")),
                Html.E("title", title),
                Raw("style", Resource("report.css"))
            ),
            Html.E(
                "body",
                Html.E("h1", title),
                Html.P(Opening()),
                Html.E(
                    "nav",
                    sections.Select(s => Html.E("a", new XAttribute("href", "#" + s.Attribute("id")!.Value), s.Element("h2")!.Value))
                ),
                sections,
                Html.E(
                    "dialog",
                    new XAttribute("id", "large"),
                    new XElement("img", new XAttribute("src", "data:,"), new XAttribute("alt", "")),
                    Html.P("")
                ),
                Raw("script", Resource("report.js"))
            )
        );
        return "<!DOCTYPE html>\n" + page.ToString(SaveOptions.DisableFormatting) + "\n";
    }

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

    private XElement PseudoLabels()
    {
        var labels = figures.PseudoLabels();
        var all = labels.Sum(l => l.Count);
        return Html.Section(
            "pseudo-labels",
            "Pseudo-labels",
            Html.P($"The labelling stage of the model chooses {all} of these {Count(figures.Rows.Count, "photo")} to learn from."),
            Html.Note(
                "These are the labels that training starts from. Purity is the share of the chosen photos whose folder says "
                    + "the same class; "
                    + "confidence is what the adapted model gives the class on them."
            ),
            Html.Table(
                "pseudo-label-table",
                ["class", "chosen", "mean confidence", "purity"],
                labels.Select(l => (Cell[])[new(Names[l.Class]), Cell.Of(l.Count), Cell.Of(l.Confidence, "0.000"), Cell.Of(l.Purity)])
            )
        );
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

    // HTML does not unescape the text of these two; the comments hide from it what tells XML the same.
    private static XElement Raw(string name, string text) => new(name, "/*", new XCData("*/\n" + text + "/*"), "*/");

    private static string Resource(string name)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream("AirMLNet.Reports." + name)!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
