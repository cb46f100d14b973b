using System.Globalization;
using System.Text.Json.Nodes;
using AirMLNet.Clip;
using AirMLNet.Images;
using AirMLNet.Weights;
using static TorchSharp.torch;

namespace AirMLNet.Verification;

/// <summary>
/// Image preprocessing: resizing, cropping and normalising against Pillow's, from the decoded pixels a case stores and from
/// the image files.
/// </summary>
/// <remarks>
/// Files are decoded as <see cref="ImageFile"/> does: EXIF orientation applied, 16 bits cut to 8, transparency on white. A
/// case's outputs for OpenAI's other order of steps (<c>openai_direct</c>) are not computed; outputs for an orientation that
/// is ignored, 16 bits that are clipped or alpha that is dropped are computed from the stored pixels.
/// </remarks>
internal sealed class PreprocessCase : ICaseKind
{
    // JPEG decoders differ by as much.
    private const int JpegLevels = 3;

    public string Name => "CLIP preprocessing";

    public string Form => "case.json with images (each with a file), beside io.safetensors with *.resized_u8 or *.crop_u8";

    public bool Recognises(CaseFolder folder) =>
        folder.HasIo
        && folder.Case["images"] is JsonObject { Count: > 0 }
        && folder.Io.Entries.Keys.Any(n =>
            n.EndsWith(".resized_u8", StringComparison.Ordinal) || n.EndsWith(".crop_u8", StringComparison.Ordinal)
        );

    public void Run(CaseFolder folder, List<VerificationRow> rows)
    {
        foreach (var (name, node) in (JsonObject)folder.Case["images"]!)
        {
            var relative =
                (string?)node?["file"] ?? throw new InvalidDataException($"{folder.File("case.json")}: images.{name} has no file.");
            var path = folder.File(relative);
            var stored = folder.Io.Entries.ContainsKey(name + ".source_rgb_u8") ? Stored(folder.Io, name + ".source_rgb_u8") : null;
            var file = new Lazy<RgbImage>(() => ImageFile.Load(path));
            foreach (
                var output in folder
                    .Io.Entries.Keys.Where(k => k.StartsWith(name + ".", StringComparison.Ordinal))
                    .Order(StringComparer.Ordinal)
            )
            {
                var what = output[(name.Length + 1)..];
                if (Compare(folder, name, what, stored, file, path) is { } compared)
                {
                    rows.AddRange(compared);
                }
            }
        }
    }

    private static IEnumerable<VerificationRow>? Compare(
        CaseFolder folder,
        string name,
        string what,
        RgbImage? stored,
        Lazy<RgbImage> file,
        string path
    )
    {
        var output = name + "." + what;
        var jpeg = Path.GetExtension(path) is ".jpg" or ".jpeg";
        VerificationRow Bytes(string label, Func<byte[]> got, int levels = 1) =>
            Comparison.Guarded(label, () => Comparison.Levels(label, got(), folder.Io.GetBytes(output), levels));
        var preprocessor = ClipPreprocessor.Load(folder.Path, Size(what));
        switch (what)
        {
            case "source_u16" or "openai_direct.crop_u8":
                return null; // an input, and the steps in an order that is not ours
            case "source_rgb_u8":
                return Plain(folder, name) ? [Bytes(output + " (file)", () => file.Value.Pixels, jpeg ? JpegLevels : 1)] : null;
            case "resized_u8":
                return [Bytes(output, () => preprocessor.Resize(stored ?? file.Value).Pixels)];
            case "crop_u8":
                return [Bytes(output, () => preprocessor.ResizeAndCrop(stored ?? file.Value).Pixels)];
            case "exif_transposed.crop_u8":
                return [Bytes(output + " (file)", () => preprocessor.ResizeAndCrop(file.Value).Pixels, jpeg ? JpegLevels : 1)];
            case "shift8.crop_u8":
                return [Bytes(output + " (file)", () => preprocessor.ResizeAndCrop(file.Value).Pixels)];
            case "tensor" or ['t', 'e', 'n', 's', 'o', 'r', '_', ..]:
                return
                [
                    Comparison.Guarded(
                        output,
                        () =>
                        {
                            using var scope = NewDisposeScope();
                            var got = tensor(preprocessor.Preprocess(stored ?? file.Value), [3, preprocessor.Size, preprocessor.Size]);
                            return Comparison.Output(output, got, folder.Io.GetTensor(output, ScalarType.Float32), folder.Tolerance);
                        }
                    ),
                ];
            default:
                return [Comparison.Failed(output, "this output is not known")];
        }
    }

    /// <summary>Whether the file's pixels are those the reference decodes: no orientation, no alpha, 8 bits.</summary>
    private static bool Plain(CaseFolder folder, string name) =>
        folder.Case["images"]?[name] is { } image
        && image["exif_orientation"] is null
        && (string?)image["pil_mode"] is "RGB" or "L" or "P" or "CMYK";

    /// <summary>The size in an output's name; 0 where it has none.</summary>
    private static int Size(string what)
    {
        if (
            what.StartsWith("tensor_", StringComparison.Ordinal)
            && int.TryParse(what.AsSpan("tensor_".Length), NumberStyles.None, CultureInfo.InvariantCulture, out var size)
            && size > 0
        )
        {
            return size;
        }
        return 0;
    }

    private static RgbImage Stored(SafetensorsFile io, string name)
    {
        var shape = io.Entries[name].Shape;
        return shape is [var height, var width, 3]
            ? new((int)width, (int)height, io.GetBytes(name).ToArray())
            : throw new InvalidDataException($"{name} is [{string.Join(", ", shape)}], not [height, width, 3].");
    }
}
