using System.Globalization;
using System.Xml;
using System.Xml.Linq;
using AirMLNet.Images;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace AirMLNet.Notebooks;

/// <summary>Rows of a data view as thumbnails, with what the view says of them.</summary>
internal static class ImageGallery
{
    /// <summary>Thumbnails where nobody said how many.</summary>
    public const int Few = 12;

    private const int Side = 96; // longest side of a thumbnail in pixels
    private const int Quality = 80;
    private static readonly string[] Told = ["PredictedLabel", "PredictedLabels", "PseudoLabel", "Label", "Labels", "Origin", "Caption"];

    /// <summary>Thumbnails of rows; of a view without images its columns.</summary>
    /// <param name="view">The rows.</param>
    /// <param name="count">How many at most.</param>
    /// <param name="spread">Takes them from the whole view, which is then read to its end, and not from its beginning.</param>
    /// <param name="column">Paths of files or images; null for <c>ImagePath</c> or the first column of images.</param>
    public static NotebookView Of(IDataView view, int count, bool spread, string? column = null)
    {
        if (Column(view.Schema, column) is not { } images)
        {
            string[] heads = ["column", "type"];
            var columns = view.Schema.Where(c => !c.IsHidden).Select(c => new[] { c.Name, $"{c.Type}" }).ToList();
            return new(NotebookView.Table(heads, columns), NotebookView.Columns(heads, columns));
        }

        var told = Told.Select(name => view.Schema.GetColumnOrNull(name)).OfType<DataViewSchema.Column>().ToList();
        var scores = view.Schema.GetColumnOrNull("Score") is { Type: VectorDataViewType { ItemType: NumberDataViewType } } s
            ? s
            : (DataViewSchema.Column?)null;
        List<XElement> figures = [];
        List<string> lines = [];
        using var cursor = view.GetRowCursor([images, .. told, .. scores is { } score ? [score] : Array.Empty<DataViewSchema.Column>()]);
        var image = Images(cursor, images);
        var words = told.Select(c => (c.Name, Text: Words(cursor, c))).ToList();
        var confidence = scores is { } known && told.Any(c => c.Name == "PredictedLabel") ? Highest(cursor, known) : null;
        var chosen = Chosen(count, spread ? Rows(view) : null);
        for (long row = 0; figures.Count < count && cursor.MoveNext(); row++)
        {
            if (!chosen(row))
            {
                continue;
            }

            var (picture, name) = image();
            List<string> said =
            [
                .. words
                    .Select(w => (w.Name, Text: w.Text()))
                    .Where(w => w.Text.Length > 0)
                    .Select(w =>
                        w.Name switch
                        {
                            "PredictedLabel" => confidence is null ? w.Text : $"{w.Text} {confidence()}",
                            "PredictedLabels" => w.Text,
                            _ => $"{Lower(w.Name)}: {w.Text}",
                        }
                    ),
            ];
            figures.Add(Figure(picture, name, said));
            lines.Add(string.Join("  ", said.Prepend(name)));
        }

        var box = new XElement("div", new XAttribute("style", "display:flex;flex-wrap:wrap;gap:8px"), figures);
        box.Add(figures.Count == 0 ? "No rows." : "");
        return new(box, string.Join(Environment.NewLine, lines));
    }

    private static DataViewSchema.Column? Column(DataViewSchema schema, string? name)
    {
        if (name is not null)
        {
            return schema.GetColumnOrNull(name) is { } given && given.Type is TextDataViewType or ImageDataViewType
                ? schema[name]
                : throw new ArgumentException($"There is no column '{name}' of paths or images.", nameof(name));
        }

        return schema.GetColumnOrNull("ImagePath") is { Type: TextDataViewType } path
            ? path
            : schema.Where(c => c.Type is ImageDataViewType && !c.IsHidden).Select(c => (DataViewSchema.Column?)c).FirstOrDefault();
    }

    // Some views know their number of rows only once they were read.
    private static long Rows(IDataView view)
    {
        if (view.GetRowCount() is { } known)
        {
            return known;
        }

        long rows = 0;
        using var cursor = view.GetRowCursor([]);
        while (cursor.MoveNext())
        {
            rows++;
        }

        return rows;
    }

    private static Func<long, bool> Chosen(int count, long? rows)
    {
        if (rows is not { } all || all <= count)
        {
            return _ => true;
        }

        HashSet<long> places = [.. Enumerable.Range(0, count).Select(i => i * all / count)];
        return places.Contains;
    }

    private static Func<(string Source, string Name)> Images(DataViewRow row, DataViewSchema.Column column)
    {
        if (column.Type is TextDataViewType)
        {
            var path = row.GetGetter<ReadOnlyMemory<char>>(column);
            return () =>
            {
                ReadOnlyMemory<char> file = default;
                path(ref file);
                return (Source(ImageFile.Load($"{file}")), Path.GetFileName($"{file}"));
            };
        }

        var getter = row.GetGetter<MLImage>(column);
        return () =>
        {
            MLImage image = null!;
            getter(ref image);
            using (image)
            {
                return (Source(MLImages.ToRgb(image)), $"row {row.Position + 1}");
            }
        };
    }

    private static string Source(RgbImage image)
    {
        var longest = Math.Max(image.Width, image.Height);
        return longest <= Side
            ? "data:image/png;base64," + Convert.ToBase64String(ImageCodec.EncodePng(image))
            : "data:image/jpeg;base64,"
                + Convert.ToBase64String(
                    ImageCodec.EncodeJpeg(
                        PilResize.Bicubic(
                            image,
                            (int)Math.Max(1, (long)image.Width * Side / longest),
                            (int)Math.Max(1, (long)image.Height * Side / longest)
                        ),
                        Quality
                    )
                );
    }

    private static XElement Figure(string source, string name, IReadOnlyList<string> said) =>
        new(
            "figure",
            new XAttribute("style", "margin:0;width:110px;font-size:85%"),
            new XElement(
                "img",
                new XAttribute("src", source),
                new XAttribute("alt", Clean(name)),
                new XAttribute("title", Clean(name)),
                new XAttribute("style", $"width:{Side}px;image-rendering:pixelated")
            ),
            new XElement(
                "figcaption",
                said.SelectMany((line, i) => i == 0 ? new object[] { Clean(line) } : [new XElement("br"), Clean(line)])
            )
        );

    private static Func<string> Highest(DataViewRow row, DataViewSchema.Column column)
    {
        var getter = row.GetGetter<VBuffer<float>>(column);
        VBuffer<float> values = default;
        return () =>
        {
            getter(ref values);
            return values.Length == 0 ? "" : values.DenseValues().Max().ToString("0.00", CultureInfo.InvariantCulture);
        };
    }

    /// <summary>What a column says: a text, the name of a key, or the names of the slots that are set.</summary>
    internal static Func<string> Words(DataViewRow row, DataViewSchema.Column column)
    {
        switch (column.Type)
        {
            case TextDataViewType:
                var text = row.GetGetter<ReadOnlyMemory<char>>(column);
                return () =>
                {
                    ReadOnlyMemory<char> value = default;
                    text(ref value);
                    return $"{value}";
                };
            case KeyDataViewType { RawType: var raw } when raw == typeof(uint):
                var names = Names(column, "KeyValues");
                var key = row.GetGetter<uint>(column);
                return () =>
                {
                    uint value = 0;
                    key(ref value);
                    return value == 0 ? ""
                        : value <= names.Length ? names[value - 1]
                        : $"{value}";
                };
            case VectorDataViewType { ItemType: BooleanDataViewType }:
                return Set<bool>(row, column, on => on);
            case VectorDataViewType { ItemType: NumberDataViewType { RawType: var number } } when number == typeof(float):
                return Set<float>(row, column, value => value > 0.5f);
            default:
                return () => "";
        }
    }

    private static Func<string> Set<T>(DataViewRow row, DataViewSchema.Column column, Func<T, bool> on)
    {
        var names = Names(column, "SlotNames");
        var getter = row.GetGetter<VBuffer<T>>(column);
        VBuffer<T> values = default;
        return () =>
        {
            getter(ref values);
            return string.Join(
                ", ",
                values
                    .DenseValues()
                    .Select(
                        (v, i) =>
                            on(v)
                                ? i < names.Length
                                    ? names[i]
                                    : $"{i}"
                                : null
                    )
                    .OfType<string>()
            );
        };
    }

    private static string[] Names(DataViewSchema.Column column, string annotation)
    {
        if (column.Annotations.Schema.GetColumnOrNull(annotation) is not { Type: VectorDataViewType { ItemType: TextDataViewType } })
        {
            return [];
        }

        VBuffer<ReadOnlyMemory<char>> names = default;
        column.Annotations.GetValue(annotation, ref names);
        return [.. names.DenseValues().Select(n => n.ToString())];
    }

    private static string Lower(string name) => name == "PseudoLabel" ? "pseudo-label" : name.ToLowerInvariant();

    private static string Clean(string text) => string.Concat(text.Where(XmlConvert.IsXmlChar));
}
