using System.Globalization;
using System.Xml.Linq;

namespace AirMLNet.Reports;

/// <summary>Drawings of a report, as SVG within the page.</summary>
internal static class Charts
{
    /// <summary>A point of a map.</summary>
    /// <param name="X">Across.</param>
    /// <param name="Y">Down.</param>
    /// <param name="Class">Decides the colour; −1 for none.</param>
    /// <param name="Kind">photo, synthetic, text or prototype: decides the shape.</param>
    /// <param name="Title">Shown when it is pointed at.</param>
    internal sealed record MapPoint(double X, double Y, int Class, string Kind, string Title);

    /// <summary>Photos per tenth of confidence, right ones below, wrong ones on them, then those without a label.</summary>
    public static XElement Histogram((int Right, int Wrong, int Unknown)[] bins)
    {
        const int width = 600,
            height = 220,
            left = 46,
            bottom = 190;
        var most = Math.Max(1, bins.Max(b => b.Right + b.Wrong + b.Unknown));
        var bar = (width - left) / (double)bins.Length;
        List<XElement> parts = [Line(left, bottom, width, bottom), Label(left - 6, 20, "end", most), Label(left - 6, bottom, "end", 0)];
        for (var i = 0; i < bins.Length; i++)
        {
            double top = bottom;
            foreach (var (kind, count) in new[] { ("right", bins[i].Right), ("wrong", bins[i].Wrong), ("unknown", bins[i].Unknown) })
            {
                var size = (bottom - 15.0) * count / most;
                top -= size;
                if (count > 0)
                {
                    parts.Add(
                        Rectangle(
                            left + (i * bar) + 2,
                            top,
                            bar - 4,
                            size,
                            kind,
                            FormattableString.Invariant($"confidence {i / 10.0:0.0} to {(i + 1) / 10.0:0.0}: {count} {Word(kind)}")
                        )
                    );
                }
            }

            parts.Add(Label(left + (i * bar), bottom + 18, "middle", i / 10.0));
        }

        parts.Add(Label(width - 8, bottom + 18, "middle", 1));
        return Svg("histogram", "Number of photos by confidence", width, height, parts);
    }

    /// <summary>A map of points in two dimensions.</summary>
    public static XElement Map(IReadOnlyList<MapPoint> points, int classes)
    {
        const int side = 640,
            edge = 14;
        var (left, right) = (points.Min(p => p.X), points.Max(p => p.X));
        var (top, bottom) = (points.Min(p => p.Y), points.Max(p => p.Y));
        var scale = (side - (2 * edge)) / Math.Max(1e-12, Math.Max(right - left, bottom - top));
        return Svg(
            "map",
            "Map of the embeddings",
            side,
            side,
            points.Select(p => Mark(edge + ((p.X - left) * scale), edge + ((p.Y - top) * scale), p, classes))
        );
    }

    /// <summary>The colour of a class; those of neighbours differ in lightness too.</summary>
    public static string Colour(int c, int classes) =>
        c < 0
            ? "#888"
            : FormattableString.Invariant($"hsl({360.0 * c / Math.Max(1, classes):0} {(c % 3 == 2 ? 45 : 75)}% {(c % 2 == 0 ? 42 : 60)}%)");

    private static string Word(string kind) =>
        kind switch
        {
            "right" => "right",
            "wrong" => "wrong",
            _ => "without label",
        };

    private static XElement Mark(double x, double y, MapPoint point, int classes)
    {
        var mark = point.Kind switch
        {
            "photo" => new XElement("circle", A("cx", x), A("cy", y), A("r", 4)),
            "synthetic" => new XElement("rect", A("x", x - 4), A("y", y - 4), A("width", 8), A("height", 8)),
            "text" => Shape(x, y, (0, -9), (8, 6), (-8, 6)),
            _ => Shape(x, y, (0, -9), (9, 0), (0, 9), (-9, 0)),
        };
        mark.Add(
            new XAttribute("class", point.Kind),
            new XAttribute("fill", Colour(point.Class, classes)),
            new XElement("title", Html.Clean(point.Title))
        );
        return mark;
    }

    private static XElement Shape(double x, double y, params (double X, double Y)[] corners) =>
        new(
            "polygon",
            new XAttribute("points", string.Join(' ', corners.Select(c => FormattableString.Invariant($"{x + c.X:0.#},{y + c.Y:0.#}"))))
        );

    private static XElement Svg(string id, string title, int width, int height, IEnumerable<XElement> parts) =>
        new(
            "svg",
            new XAttribute("id", id),
            new XAttribute("viewBox", $"0 0 {width} {height}"),
            new XAttribute("role", "img"),
            new XAttribute("aria-label", title),
            parts
        );

    private static XElement Rectangle(double x, double y, double width, double height, string kind, string title) =>
        new(
            "rect",
            A("x", x),
            A("y", y),
            A("width", width),
            A("height", height),
            new XAttribute("class", kind),
            new XElement("title", title)
        );

    private static XElement Line(double x1, double y1, double x2, double y2) =>
        new("line", A("x1", x1), A("y1", y1), A("x2", x2), A("y2", y2), new XAttribute("class", "axis"));

    private static XElement Label(double x, double y, string anchor, double value) =>
        new("text", A("x", x), A("y", y), new XAttribute("text-anchor", anchor), Html.Number(value));

    private static XAttribute A(string name, double value) => new(name, value.ToString("0.##", CultureInfo.InvariantCulture));
}
