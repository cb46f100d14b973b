using System.Reflection;
using System.Xml.Linq;
using AirMLNet.Options;

namespace AirMLNet.Reports;

/// <summary>The page around the parts of a report: head, contents, and what opens pictures large and sorts tables.</summary>
internal static class PageFrame
{
    /// <summary>Writes a page.</summary>
    /// <param name="photos">How many it is about.</param>
    /// <param name="opening">Its first sentence.</param>
    /// <param name="parts">What each part is called in reports of progress, and what makes it; null is left out.</param>
    /// <param name="options">Progress and cancellation.</param>
    /// <param name="origin">Names the model.</param>
    public static string Write(
        int photos,
        string opening,
        IReadOnlyList<(string Name, Func<XElement?> Make)> parts,
        AdaptationReportOptions options,
        ReportOrigin origin
    )
    {
        List<XElement> sections = [];
        foreach (var (at, (name, make)) in parts.Index())
        {
            options.CancellationToken.ThrowIfCancellationRequested();
            options.Progress?.Report(new ProgressReport("Report", $"writing: {name}", at, parts.Count));
            if (make() is { } section)
            {
                sections.Add(section);
            }
        }

        var title = $"{(origin.Name is { } file ? file + ": a" : "A")}dapted model on {ReportPage.Count(photos, "photo")}";
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
                Html.P(opening),
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

    // HTML does not unescape the text of these two; the comments hide from it what tells XML the same.
    private static XElement Raw(string name, string text) => new(name, "/*", new XCData("*/\n" + text + "/*"), "*/");

    private static string Resource(string name)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream("AirMLNet.Reports." + name)!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
