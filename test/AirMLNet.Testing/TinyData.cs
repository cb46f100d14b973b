using AirMLNet.Images;

namespace AirMLNet.Testing;

/// <summary>Small images and class files, made by the tests themselves.</summary>
public static class TinyData
{
    public static readonly string[] ClassNames = ["red", "green", "blue"];

    /// <summary>Images of three colours with noise; in one folder, or in a sub-folder per class.</summary>
    public static string Images(string folder, int perClass = 4, bool byClass = false)
    {
        for (var c = 0; c < ClassNames.Length; c++)
        {
            var place = byClass ? Path.Combine(folder, ClassNames[c]) : folder;
            Directory.CreateDirectory(place);
            for (var i = 0; i < perClass; i++)
            {
                ImageFile.SavePng(Path.Combine(place, $"{c}{i}.png"), Colour(c, i));
            }
        }

        return folder;
    }

    public static string Classes(string path, params string[] names)
    {
        File.WriteAllLines(path, names.Length == 0 ? ClassNames : names);
        return path;
    }

    /// <summary>Cuts a file in half.</summary>
    public static void Halve(string path)
    {
        using var file = File.OpenWrite(path);
        file.SetLength(file.Length / 2);
    }

    /// <summary>The folder of the small CLIP that comes with the sources.</summary>
    public static string MiniClip()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "AirMLNet.sln")))
        {
            folder = folder.Parent!;
        }

        return Path.Combine(folder.FullName, "models", "mini-clip");
    }

    private static RgbImage Colour(int channel, int seed)
    {
        const int side = 24;
        var random = new Random((channel * 1000) + seed);
        var pixels = new byte[3 * side * side];
        for (var i = 0; i < pixels.Length; i++)
        {
            pixels[i] = (byte)(random.Next(60) + (i % 3 == channel ? 180 : 0));
        }

        return new RgbImage(side, side, pixels);
    }
}
