using System.Diagnostics;
using System.Globalization;
using AirMLNet.Data;
using AirMLNet.Images;

namespace AirMLNet.Benchmarks;

/// <summary>The model and the images that every benchmark uses.</summary>
internal static class BenchmarkData
{
    private const int Side = 32;

    public static string Root { get; } = FindRoot();

    /// <summary>A whole number from the environment.</summary>
    public static int Setting(string name, int standard) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : standard;

    /// <summary>models/mini-clip, or a model of the same architecture with random weights.</summary>
    public static string ClipFolder()
    {
        var trained = Path.Combine(Root, "models", "mini-clip");
        return File.Exists(Path.Combine(trained, "model.safetensors"))
            ? trained
            : RandomModel.Write(Path.Combine(Root, "artifacts", "bench", "random-clip"));
    }

    /// <summary>Paths of <paramref name="count"/> PNG photos of 32×32 pixels, made once.</summary>
    public static IReadOnlyList<ImageRow> Images(int count)
    {
        var folder = Path.Combine(Root, "artifacts", "bench", "images");
        Directory.CreateDirectory(folder);
        var rows = new List<ImageRow>(count);
        for (var i = 0; i < count; i++)
        {
            var path = Path.Combine(folder, i.ToString("00000", CultureInfo.InvariantCulture) + ".png");
            if (!File.Exists(path))
            {
                ImageFile.SavePng(path, Photo(i));
            }

            rows.Add(new ImageRow { ImagePath = path });
        }

        return rows;
    }

    public static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted.Length % 2 == 1 ? sorted[sorted.Length / 2] : (sorted[(sorted.Length / 2) - 1] + sorted[sorted.Length / 2]) / 2;
    }

    /// <summary>Seconds by the clock.</summary>
    public static double Timed(Action work)
    {
        var clock = Stopwatch.StartNew();
        work();
        return clock.Elapsed.TotalSeconds;
    }

    /// <summary>Tiles of smooth gradients with noise: about as hard to unpack as a photo of this size.</summary>
    public static RgbImage Photo(int seed, int side = Side)
    {
        var random = new Random(seed);
        var pixels = new byte[3 * side * side];
        var (dx, dy, start) = (random.Next(-4, 5), random.Next(-4, 5), random.Next(60, 200));
        for (var i = 0; i < pixels.Length; i++)
        {
            var (x, y) = (i / 3 % side, i / 3 / side);
            pixels[i] = (byte)Math.Clamp(start + (dx * (x % Side)) + (dy * (y % Side)) + random.Next(-20, 21), 0, 255);
        }

        return new RgbImage(side, side, pixels);
    }

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder != null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "AirMLNet.sln")))
            {
                return folder.FullName;
            }
        }

        throw new DirectoryNotFoundException("AirMLNet.sln lies in no folder above the benchmark program");
    }
}
