using System.Globalization;
using System.Xml;
using System.Xml.Linq;

namespace AirMLNet.Reports;

/// <summary>
/// Pieces of a page. They are XML elements, so that the page is well-formed and every name in it is escaped; elements that HTML closes
/// by a tag of their own always have content.
/// </summary>
internal static class Html
{
    /// <summary>An element with a closing tag.</summary>
    public static XElement E(string name, params object?[] content)
    {
        var element = new XElement(name, content.Select(CleanText));
        if (element.IsEmpty)
        {
            element.Value = "";
        }

        return element;
    }

    /// <summary>A section with a heading that can be linked to.</summary>
    public static XElement Section(string id, string title, params object?[] content) =>
        E("section", new XAttribute("id", id), E("h2", title), content);

    /// <summary>A paragraph.</summary>
    public static XElement P(params object?[] content) => E("p", content);

    /// <summary>A paragraph that explains how something is to be read.</summary>
    public static XElement Note(string text) => E("p", new XAttribute("class", "note"), text);

    /// <summary>A row of pictures.</summary>
    public static XElement Row(IEnumerable<XElement> figures) => E("div", new XAttribute("class", "pics"), figures);

    /// <summary>Rows of six pictures that stand below each other, for comparing.</summary>
    public static XElement SixInRow(IEnumerable<XElement> figures) => E("div", new XAttribute("class", "pics six"), figures);

    /// <summary>A table whose columns can be sorted by a click on their heads.</summary>
    /// <param name="id">Names the table.</param>
    /// <param name="heads">Heads of the columns.</param>
    /// <param name="rows">Cells of each row.</param>
    public static XElement Table(string id, IEnumerable<string> heads, IEnumerable<IEnumerable<Cell>> rows) =>
        E(
            "div",
            new XAttribute("class", "wide"),
            E(
                "table",
                new XAttribute("id", id),
                new XAttribute("class", "sortable"),
                E(
                    "thead",
                    E("tr", heads.Select(h => E("th", new XAttribute("scope", "col"), E("button", new XAttribute("type", "button"), h))))
                ),
                E("tbody", rows.Select(row => E("tr", row.Select((cell, i) => cell.Element(head: i == 0)))))
            )
        );

    /// <summary>"812 of 1000 (81.20 %)".</summary>
    public static string Text(Share share) =>
        share.Value is { } value ? $"{Percent(value)} ({share.Hits} of {share.Rows})" : "– (0 photos)";

    /// <summary>A share as a percentage with two digits.</summary>
    public static string Percent(double value) => (100 * value).ToString("0.00", CultureInfo.InvariantCulture) + " %";

    /// <summary>A number with the given format, the same in every country.</summary>
    public static string Number(double value, string format = "0.###") =>
        double.IsFinite(value) ? value.ToString(format, CultureInfo.InvariantCulture) : "–";

    /// <summary>What a model said of a photo, and what its folder says where that differs.</summary>
    public static string Said(IReadOnlyList<string> names, ReportRow row)
    {
        var said = $"{names[row.Predicted]} {Number(row.Confidence, "0.000")}";
        return row.Label < 0 || row.Label == row.Predicted ? said : $"{said}, folder: {names[row.Label]}";
    }

    /// <summary>Text without the characters that XML does not have; names of files may have any.</summary>
    public static string Clean(string text) =>
        text.All(XmlConvert.IsXmlChar)
            ? text
            : string.Concat(
                text.EnumerateRunes().Select(r => r.Value is >= 32 or 9 or 10 or 13 and not 0xFFFE and not 0xFFFF ? r.ToString() : "�")
            );

    private static object? CleanText(object? content) =>
        content switch
        {
            string text => Clean(text),
            IEnumerable<object> several => several.Select(CleanText).ToArray(),
            _ => content,
        };
}

/// <summary>A cell of a table.</summary>
/// <param name="Text">What it shows.</param>
/// <param name="Value">What it is sorted by; null for its text.</param>
/// <param name="Shade">0..1 for a background, 0 for none.</param>
/// <param name="Own">Whether the shade is that of a right answer.</param>
internal sealed record Cell(string Text, double? Value = null, double Shade = 0, bool Own = false)
{
    public static Cell Of(Share share) => new(Html.Text(share), share.Value ?? -1);

    public static Cell Of(int value) => new(value.ToString(CultureInfo.InvariantCulture), value);

    public static Cell Of(double value, string format) => new(Html.Number(value, format), double.IsFinite(value) ? value : -1);

    public XElement Element(bool head) =>
        Html.E(
            head ? "th" : "td",
            head ? new XAttribute("scope", "row") : null,
            Value is { } value ? new XAttribute("data-v", value.ToString("R", CultureInfo.InvariantCulture)) : null,
            Shade > 0 ? new XAttribute("class", Own ? "own" : "off") : null,
            Shade > 0 ? new XAttribute("style", $"--s:{Shade.ToString("0.###", CultureInfo.InvariantCulture)}") : null,
            Text
        );
}
