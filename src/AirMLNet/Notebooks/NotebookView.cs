using System.Globalization;
using System.Xml.Linq;

namespace AirMLNet.Notebooks;

/// <summary>
/// Something to look at: HTML in a notebook, text elsewhere. A cell of a notebook that ends with one shows it; it needs no library and no
/// network.
/// </summary>
[TypeFormatterSource(typeof(NotebookFormatters))]
public sealed class NotebookView
{
    private readonly string _text;

    internal NotebookView(XElement html, string text)
    {
        Html = html.ToString(SaveOptions.DisableFormatting);
        _text = text;
    }

    /// <summary>A well-formed piece of HTML, pictures within it.</summary>
    public string Html { get; }

    /// <summary>The same in words, without pictures.</summary>
    public override string ToString() => _text;

    /// <summary>A table whose first column is the head of each row.</summary>
    internal static XElement Table(IReadOnlyList<string> heads, IEnumerable<IReadOnlyList<string>> rows) =>
        new(
            "table",
            new XElement("thead", new XElement("tr", heads.Select(h => new XElement("th", h)))),
            new XElement("tbody", rows.Select(row => new XElement("tr", row.Select((cell, i) => new XElement(i == 0 ? "th" : "td", cell)))))
        );

    /// <summary>The same table in columns of equal width.</summary>
    internal static string Columns(IReadOnlyList<string> heads, IReadOnlyList<IReadOnlyList<string>> rows)
    {
        var widths = heads.Select((head, i) => rows.Select(row => row[i].Length).Append(head.Length).Max()).ToArray();
        return string.Join(
            Environment.NewLine,
            rows.Prepend(heads).Select(row => string.Join("  ", row.Select((cell, i) => cell.PadRight(widths[i]))).TrimEnd())
        );
    }

    /// <summary>A share as "81.2 %".</summary>
    internal static string Percent(double share) => (100 * share).ToString("0.0", CultureInfo.InvariantCulture) + " %";
}
