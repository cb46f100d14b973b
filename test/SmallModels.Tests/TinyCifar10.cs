using System.Text.Json;
using AirMLNet.Images;

namespace AirMLNet.SmallModels.Tests;

/// <summary>
/// A folder in the form of the npm package: photo i of every sheet is a noisy flat colour that tells its class, i mod 10.
/// </summary>
internal static class TinyCifar10
{
    private const int PhotosPerSheet = 10_000;

    public static string Create(string folder)
    {
        Directory.CreateDirectory(folder);
        const int photoBytes = Cifar10.Side * Cifar10.Side * 3;
        var pixels = new byte[PhotosPerSheet * photoBytes];
        for (var photo = 0; photo < PhotosPerSheet; photo++)
        {
            var random = new Random(photo);
            var (label, shade) = (photo % 10, random.Next(40));
            for (var i = 0; i < photoBytes; i++)
            {
                // Three channels, each at one of three levels by a digit of the class.
                pixels[(photo * photoBytes) + i] = (byte)(((label / (int)Math.Pow(3, i % 3) % 3) * 100) + shade);
            }
        }

        var sheet = Path.Combine(folder, "test_batch.png");
        ImageFile.SavePng(sheet, new RgbImage(Cifar10.Side * Cifar10.Side, PhotosPerSheet, pixels));
        for (var batch = 1; batch <= 5; batch++)
        {
            File.Copy(sheet, Path.Combine(folder, $"data_batch_{batch}.png"));
        }

        File.WriteAllText(
            Path.Combine(folder, "train_lables.json"),
            JsonSerializer.Serialize(Enumerable.Range(0, 5 * PhotosPerSheet).Select(i => i % 10))
        );
        File.WriteAllText(
            Path.Combine(folder, "test_lables.json"),
            JsonSerializer.Serialize(Enumerable.Range(0, PhotosPerSheet).Select(i => i % 10))
        );
        return folder;
    }
}
