// Finds images by text: two stages and a dot product.
//   dotnet run --project samples/ImageSearch -- CLIP_FOLDER IMAGE_FOLDER "a red car"
using Microsoft.ML;

if (args is not [var clip, var folder, var query])
{
    Console.Error.WriteLine("usage: ImageSearch CLIP_FOLDER IMAGE_FOLDER TEXT");
    return 2;
}

string[] extensions = [".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif"];
var paths = Directory
    .EnumerateFiles(folder, "*", SearchOption.AllDirectories)
    .Where(p => extensions.Contains(Path.GetExtension(p).ToLowerInvariant()))
    .Order(StringComparer.Ordinal)
    .Select(p => new Item(p))
    .ToArray();
var ml = new MLContext();
var images = ml.Data.LoadFromEnumerable(paths);
var texts = ml.Data.LoadFromEnumerable([new Item(query)]);

var imageFeatures = Features(ml.Transforms.ClipFeature("Features", "Text", clip).Fit(images).Transform(images));
var textFeature = Features(ml.Transforms.ClipTextFeature("Features", "Text", clip).Fit(texts).Transform(texts))[0];

foreach (var (path, cosine) in paths.Zip(imageFeatures, (p, f) => (p.Text, Dot(f, textFeature))).OrderByDescending(p => p.Item2).Take(10))
{
    Console.WriteLine($"{cosine:0.000}  {path}");
}

return 0;

List<float[]> Features(IDataView view) => [.. ml.Data.CreateEnumerable<Found>(view, reuseRowObject: false).Select(f => f.Features)];

static float Dot(float[] a, float[] b) => a.Zip(b, (x, y) => x * y).Sum();

internal sealed record Item(string Text);

internal sealed class Found
{
    public float[] Features { get; set; } = [];
}
