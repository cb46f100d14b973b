using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using AirMLNet.Clip;
using AirMLNet.Files;
using AirMLNet.Weights;

namespace AirMLNet.Diffusion;

/// <summary>Tells model folders apart by everything in them that decides an image, whichever part it is of.</summary>
internal static class DiffusionFingerprint
{
    private static readonly (string Component, WeightFileNames? Weights)[] Components =
    [
        ("unet", UNet2DConditionModel.Files),
        ("vae", AutoencoderKL.Files),
        ("text_encoder", ClipTextModel.Files),
        ("text_encoder_2", ClipTextModel.Files),
        ("scheduler", null),
        ("tokenizer", null),
        ("tokenizer_2", null),
    ];
    private static readonly Lock Gate = new();
    private static readonly Dictionary<string, (string Stamp, string Hash)> Known = new(StringComparer.Ordinal);

    /// <summary>SHA-256 over the files' names and hashes, computed again only when the size or time of one has changed.</summary>
    /// <exception cref="DirectoryNotFoundException">The UNet, VAE or text encoder is missing.</exception>
    /// <exception cref="FileNotFoundException">It has no weights.</exception>
    public static string Of(string folder)
    {
        folder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        List<string> files = [Path.Combine(folder, "model_index.json")];
        foreach (var (component, weights) in Components)
        {
            var place = Path.Combine(folder, component);
            // Only those that not every kind of model has may be missing; the others are refused by name.
            if (Directory.Exists(place))
            {
                files.AddRange(
                    Directory.EnumerateFiles(place).Where(f => Path.GetExtension(f) is ".json" or ".txt").Order(StringComparer.Ordinal)
                );
            }
            if (weights is not null && (Directory.Exists(place) || component != "text_encoder_2"))
            {
                files.AddRange(WeightFiles.Locate(place, weights).Paths);
            }
        }
        files.RemoveAll(f => !File.Exists(f));
        var stamp = string.Join(
            '|',
            files
                .Select(RealFile.Of)
                .Select(f => string.Create(CultureInfo.InvariantCulture, $"{f.FullName}:{f.Length}:{f.LastWriteTimeUtc.Ticks}"))
        );
        lock (Gate)
        {
            if (!Known.TryGetValue(folder, out var known) || known.Stamp != stamp)
            {
                var list = string.Concat(
                    files.Select(f => $"{FileHash.Sha256(f)}  {Path.GetRelativePath(folder, f).Replace('\\', '/')}\n")
                );
                Known[folder] = known = (stamp, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(list))));
            }
            return known.Hash;
        }
    }
}
