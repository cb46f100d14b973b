using System.Globalization;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using System.Xml.Linq;
using AirMLNet.Clip;
using AirMLNet.Heads;
using AirMLNet.Images;
using AirMLNet.Layers;
using AirMLNet.MultiLabel;
using TorchSharp;

namespace AirMLNet.Reports;

/// <summary>
/// Where in a photo a class vector finds its class (AiR, figure 5): the cosine of each place's feature with the vector. Places are patch
/// tokens after the projection, or a ResNet's last map (<see cref="ClipModel.EncodeDense"/>).
/// </summary>
internal static class HeatMaps
{
    private const int Side = 224; // of an overlay, in pixels
    private const float Strength = 0.5f; // of the colours over the photo

    /// <summary>The photo as CLIP sees it, and an overlay for each class vector that the model has.</summary>
    public static XElement Row(ReportModel model, ReportRow row)
    {
        var image = ImageFile.Load(row.Path);
        var said = model.ClassNames[row.Predicted];
        List<XElement> figures =
        [
            Pictures.Figure(Crop(model.Clip ?? model.AdaptedClip!, image), row.Name, row.Name, Html.Said(model.ClassNames, row)),
        ];
        foreach (var (title, clip, head, c) in Vectors(model, row))
        {
            var (heat, height, width) = Cosines(clip, image, Vector(head, c), head.Centre.ToArray());
            var name = $"{title}, '{model.ClassNames[c]}'";
            figures.Add(
                Pictures.Figure(
                    Overlay(Crop(clip, image), heat, height, width),
                    $"{row.Name}: heat map of {name}",
                    name,
                    string.Create(CultureInfo.InvariantCulture, $"cosine {heat.Min():0.000} to {heat.Max():0.000}")
                )
            );
        }

        return Html.E("div", new XAttribute("class", "pics heat"), new XAttribute("data-class", said), figures);
    }

    /// <summary>The photo, and an overlay for each of some classes of a model of many labels (T2I-PAL, figures 7 and 8).</summary>
    public static XElement Row(MultiLabelPromptAdapterTransformer stage, MultiLabelRow row, IEnumerable<(string Kind, int Class)> classes)
    {
        var image = ImageFile.Load(row.Path);
        var photo = Crop(stage.Backbone, image);
        var (cosines, height, width) = stage.Places(image);
        List<XElement> figures = [Pictures.Figure(photo, row.Name, row.Name)];
        foreach (var (kind, c) in classes)
        {
            var heat = cosines.AsSpan(c * height * width, height * width).ToArray();
            var name = $"{kind} '{stage.ClassNames[c]}'";
            figures.Add(
                Pictures.Figure(
                    Overlay(photo, heat, height, width),
                    $"{row.Name}: heat map of {name}",
                    $"{name} {Html.Number(row.Score[c], "0.000")}",
                    string.Create(CultureInfo.InvariantCulture, $"cosine {heat.Min():0.000} to {heat.Max():0.000}")
                )
            );
        }

        return Html.E("div", new XAttribute("class", "pics heat"), figures);
    }

    /// <summary>Whether there is any vector to draw a map of.</summary>
    public static bool CanDraw(ReportModel model) =>
        (model.Clip is not null && (model.Text ?? model.Prototype?.Head) is not null)
        || (model.AdaptedClip is not null && model.Adapted is not null);

    /// <summary>The cosine of each place with a vector, row by row from the top left.</summary>
    /// <param name="clip">The model.</param>
    /// <param name="image">The photo.</param>
    /// <param name="vector">[D], of length 1.</param>
    /// <param name="centre">[D], subtracted from each feature first; empty for nothing.</param>
    internal static (float[] Cosines, int Height, int Width) Cosines(ClipBackbone clip, RgbImage image, float[] vector, float[] centre)
    {
        using var off = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        var size = clip.Preprocessor.Size;
        var pixels = Tensors.Of(clip.Preprocessor.Preprocess(image), [1, 3, size, size], clip.Device);
        using var dense = clip.Model.EncodeDense(pixels.to_type(clip.Model.logit_scale.dtype));
        var local = ClipModel.Normalise(dense.Local.to_type(torch.ScalarType.Float32)).cpu().contiguous(); // [1, H·W, D]
        var features = MemoryMarshal.Cast<byte, float>(local.bytes).ToArray();
        var heat = new float[dense.Height * dense.Width];
        for (var i = 0; i < heat.Length; i++)
        {
            var place = features.AsSpan(i * vector.Length, vector.Length);
            if (centre.Length > 0)
            {
                TensorPrimitives.Subtract(place, centre, place);
            }

            heat[i] = TensorPrimitives.CosineSimilarity<float>(place, vector);
        }

        return (heat, (int)dense.Height, (int)dense.Width);
    }

    private static IEnumerable<(string Title, ClipBackbone Clip, CosineHead Head, int Class)> Vectors(ReportModel model, ReportRow row)
    {
        var c = row.Predicted;
        if (model is { Clip: { } clip, Text: { } text })
        {
            yield return ("text", clip, text, c);
        }

        if (model is { Clip: { } same, Prototype.Head: { } prototype } && prototype.Present[c])
        {
            yield return ("image side", same, prototype, c);
            if (model is { Text: { } words, Fusion: { } fusion } && prototype.Centre.Length == 0)
            {
                yield return ("text and image", same, Fused(words, prototype, fusion), c);
            }
        }

        if (model is { AdaptedClip: { } tuned, Adapted: { } adapted, IsZeroShot: false })
        {
            yield return ("adapted", tuned, adapted, c);
            if (row.Label >= 0 && row.Label != c)
            {
                yield return ("adapted", tuned, adapted, row.Label);
            }
        }
    }

    /// <summary>The weighted sum of both sides' vectors, of length 1.</summary>
    private static CosineHead Fused(CosineHead text, CosineHead image, Fusion fusion)
    {
        float[] sum = [.. text.Weights];
        float[] other = [.. image.Weights];
        fusion.Into(sum, other);
        for (var c = 0; c < text.Classes; c++)
        {
            var vector = sum.AsSpan(c * text.Dimension, text.Dimension);
            TensorPrimitives.Divide(vector, Math.Max(TensorPrimitives.Norm<float>(vector), 1e-12f), vector);
        }

        return new(sum, text.Classes, text.Scale);
    }

    private static float[] Vector(CosineHead head, int c) => head.Weights.Slice(c * head.Dimension, head.Dimension).ToArray();

    private static RgbImage Crop(ClipBackbone clip, RgbImage image) =>
        PilResize.Bicubic(clip.Preprocessor.ResizeAndCrop(image), Side, Side);

    /// <summary>Colours over the photo, from blue for the coldest place of this photo to red for its hottest.</summary>
    internal static RgbImage Overlay(RgbImage photo, float[] heat, int height, int width)
    {
        var (low, high) = (heat.Min(), heat.Max());
        var pixels = photo.Pixels.ToArray();
        for (var y = 0; y < photo.Height; y++)
        {
            for (var x = 0; x < photo.Width; x++)
            {
                var value = Between(heat, height, width, (y + 0.5) * height / photo.Height, (x + 0.5) * width / photo.Width);
                var (r, g, b) = Colour(high > low ? (value - low) / (high - low) : 0.5);
                var at = 3 * ((y * photo.Width) + x);
                (pixels[at], pixels[at + 1], pixels[at + 2]) = (Mix(pixels[at], r), Mix(pixels[at + 1], g), Mix(pixels[at + 2], b));
            }
        }

        return new(photo.Width, photo.Height, pixels);
    }

    /// <summary>Linear between the middles of places.</summary>
    private static double Between(float[] heat, int height, int width, double y, double x)
    {
        var (top, left) = (Math.Clamp(y - 0.5, 0, height - 1), Math.Clamp(x - 0.5, 0, width - 1));
        var (y0, x0) = ((int)top, (int)left);
        var (y1, x1) = (Math.Min(y0 + 1, height - 1), Math.Min(x0 + 1, width - 1));
        var (v, u) = (top - y0, left - x0);
        return ((1 - v) * (((1 - u) * heat[(y0 * width) + x0]) + (u * heat[(y0 * width) + x1])))
            + (v * (((1 - u) * heat[(y1 * width) + x0]) + (u * heat[(y1 * width) + x1])));
    }

    private static (double R, double G, double B) Colour(double heat) => (Hump(heat, 0.75), Hump(heat, 0.5), Hump(heat, 0.25));

    private static double Hump(double heat, double middle) => 255 * Math.Clamp(1.5 - (4 * Math.Abs(heat - middle)), 0, 1);

    private static byte Mix(byte photo, double colour) => (byte)Math.Round(((1 - Strength) * photo) + (Strength * colour));
}
