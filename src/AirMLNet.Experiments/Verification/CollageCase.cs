using System.Text.Json.Nodes;
using AirMLNet.Captions;
using AirMLNet.Images;

namespace AirMLNet.Verification;

/// <summary>Collages of images (LatteCLIP's groups): places exactly, pixels to one level.</summary>
internal sealed class CollageCase : ICaseKind
{
    public string Name => "image collage";

    public string Form => "images/* beside a case.json whose outputs list files with placement_x_y_w_h";

    public bool Recognises(CaseFolder folder) =>
        folder.Case["outputs"] is JsonArray { Count: > 0 } outputs
        && outputs.All(o => o is JsonObject c && c.ContainsKey("file") && c.ContainsKey("placement_x_y_w_h"));

    public void Run(CaseFolder folder, List<VerificationRow> rows)
    {
        var images = Directory.GetFiles(folder.File("images")).Order(StringComparer.Ordinal).Select(f => ImageFile.Load(f)).ToList();
        foreach (var node in (JsonArray)folder.Case["outputs"]!)
        {
            var output = (JsonObject)node!;
            var file = (string)output["file"]!;
            rows.Add(Comparison.Guarded(file + ".placement", () => Placement(output, images, file)));
            rows.Add(Comparison.Guarded(file, () => Pixels(folder, output, images, file)));
        }
    }

    private static VerificationRow Placement(JsonObject output, List<RgbImage> images, string file)
    {
        var (count, gap, width, height) = Settings(output);
        var got = GroupCollage.Places([.. images.Take(count).Select(i => (i.Width, i.Height))], gap, width, height);
        int[] numbers = [.. got.SelectMany(p => new[] { p.X, p.Y, p.Width, p.Height })];
        int[] want = [.. ((JsonArray)output["placement_x_y_w_h"]!).SelectMany(row => ((JsonArray)row!).Select(v => (int)v!))];
        return numbers.Length != want.Length
            ? Comparison.Failed(file + ".placement", $"{numbers.Length / 4} places, expected {want.Length / 4}")
            : Comparison.Exact(file + ".placement", numbers.Zip(want).Count(p => p.First != p.Second), want.Length, null);
    }

    private static VerificationRow Pixels(CaseFolder folder, JsonObject output, List<RgbImage> images, string file)
    {
        var (count, gap, width, height) = Settings(output);
        return Comparison.Levels(
            file,
            GroupCollage.Of([.. images.Take(count)], gap, width, height).Pixels,
            ImageFile.Load(folder.File(file)).Pixels,
            1
        );
    }

    private static (int Count, int Gap, int Width, int Height) Settings(JsonObject output)
    {
        var canvas = (JsonArray)output["canvas"]!;
        return ((int)output["images"]!, (int)output["distance"]!, (int)canvas[0]!, (int)canvas[1]!);
    }
}
