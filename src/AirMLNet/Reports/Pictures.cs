using System.Xml.Linq;
using AirMLNet.Images;

namespace AirMLNet.Reports;

/// <summary>Pictures of a report: small copies within the page, that open large.</summary>
/// <param name="longest">Longest side in pixels.</param>
internal sealed class Pictures(int longest)
{
    private const int Quality = 82;
    private const int Lossless = 64; // a smaller picture is no smaller as a JPEG
    private readonly Dictionary<string, string> _known = new(StringComparer.Ordinal);

    /// <summary>A picture with a text below it.</summary>
    /// <param name="path">The file.</param>
    /// <param name="alt">What it is, for those who do not see it and for the large picture.</param>
    /// <param name="caption">Lines below, each a text or an element.</param>
    public XElement Figure(string path, string alt, params object[] caption)
    {
        if (!_known.TryGetValue(path, out var data))
        {
            _known[path] = data = Encode(Small(ImageFile.Load(path)));
        }

        return Made(data, alt, caption);
    }

    /// <summary>The same of an image in memory.</summary>
    public static XElement Figure(RgbImage image, string alt, params string[] caption) => Made(Encode(image), alt, caption);

    private static XElement Made(string data, string alt, object[] caption) =>
        Html.E(
            "figure",
            Html.E(
                "button",
                new XAttribute("class", "pic"),
                new XAttribute("type", "button"),
                new XElement("img", new XAttribute("src", data), new XAttribute("alt", Html.Clean(alt)))
            ),
            Html.E("figcaption", caption.SelectMany((line, i) => i == 0 ? [line] : new[] { new XElement("br"), line }))
        );

    private RgbImage Small(RgbImage image)
    {
        var side = Math.Max(image.Width, image.Height);
        return side <= longest
            ? image
            : PilResize.Bicubic(
                image,
                Math.Max(1, (int)((long)image.Width * longest / side)),
                Math.Max(1, (int)((long)image.Height * longest / side))
            );
    }

    private static string Encode(RgbImage image) =>
        Math.Max(image.Width, image.Height) <= Lossless
            ? "data:image/png;base64," + Convert.ToBase64String(ImageCodec.EncodePng(image))
            : "data:image/jpeg;base64," + Convert.ToBase64String(ImageCodec.EncodeJpeg(image, Quality));
}
