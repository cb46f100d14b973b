using System.Text.RegularExpressions;
using AirMLNet.Data;
using AirMLNet.Testing;
using Microsoft.CodeAnalysis.CSharp.Scripting;
using Microsoft.CodeAnalysis.Scripting;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Tests;

/// <summary>The README's C# runs as it stands there, but for where the files lie.</summary>
[TestClass]
public sealed partial class ReadmeTests
{
    private static readonly string Root = Path.GetDirectoryName(Path.GetDirectoryName(TestData.Root))!;

    [TestMethod]
    public async Task The_sample_makes_a_model_that_predicts()
    {
        var folder = Directory.CreateTempSubdirectory("airmlnet-test-").FullName;
        try
        {
            string photos = Path.Combine(folder, "photos"),
                model = Path.Combine(folder, "model.zip");
            TinyClip.WriteImages(photos, 30);
            File.WriteAllLines(Path.Combine(folder, "classes.txt"), StageFixture.Names);
            await Run(0, folder);

            var ml = new MLContext();
            var loaded = ml.Model.Load(model, out var input);
            Assert.IsNotNull(input.GetColumnOrNull("ImagePath"));
            var first = Directory.GetFiles(photos).Order().First();
            var scored = loaded.Transform(ml.Data.LoadFromEnumerable([new ImageRow { ImagePath = first }]));
            var score = scored.GetColumn<VBuffer<float>>("Score").Single().DenseValues().ToArray();
            Assert.HasCount(StageFixture.Names.Length, score);
            Assert.AreEqual(1, score.Sum(), 1e-4);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [TestMethod]
    public async Task Zero_shot_on_a_folder_names_a_class_for_each_photo()
    {
        var folder = Directory.CreateTempSubdirectory("airmlnet-test-").FullName;
        try
        {
            TinyClip.WriteImages(Path.Combine(folder, "photos"), 6);
            var state = await Run(1, folder);
            var scored = (IDataView)state.GetVariable("scored").Value;
            Assert.IsTrue(scored.GetColumn<uint>("PredictedLabel").All(k => k is >= 1 and <= 3));
            Assert.AreEqual(6, scored.GetColumn<VBuffer<float>>("Score").Count());
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [TestMethod]
    public async Task Air_makes_its_own_images_and_a_model_that_predicts()
    {
        var folder = Directory.CreateTempSubdirectory("airmlnet-test-").FullName;
        try
        {
            TinyClip.WriteImages(Path.Combine(folder, "photos"), 12);
            File.WriteAllLines(Path.Combine(folder, "classes.txt"), StageFixture.Names);
            TinyDiffusion.Write(Path.Combine(folder, "models/mini-diffusion"), Path.Combine(Root, "models", "mini-clip"));
            await Run(
                2,
                folder,
                (
                    "WorkFolder = \"work\"",
                    $"WorkFolder = {Quote(Path.Combine(folder, "work"))}, ImagesPerClass = 2, Training = new() {{ Steps = 2 }}, Generation = new() {{ Steps = 2 }}"
                ),
                ("recipe.Chain", "(recipe with { Rounds = 2, Epochs = 1, WarmUpEpochs = null }).Chain")
            );
            Assert.HasCount(6, Directory.GetFiles(Path.Combine(folder, "work", "images"), "*.png", SearchOption.AllDirectories));
            var ml = new MLContext();
            var loaded = ml.Model.Load(Path.Combine(folder, "model.zip"), out _);
            Assert.AreEqual(
                12,
                loaded.Transform(ml.Data.LoadFromImageFolder(Path.Combine(folder, "photos"))).GetColumn<uint>("PredictedLabel").Count()
            );
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    // Only where the files lie is changed, and how long a training goes on.
    private static Task<ScriptState<object>> Run(int block, string folder, params (string Old, string New)[] shorter)
    {
        var code = CSharpBlock()
            .Matches(File.ReadAllText(Path.Combine(Root, "README.md")))[block]
            .Groups[1]
            .Value.Replace("\"photos\"", Quote(Path.Combine(folder, "photos")), StringComparison.Ordinal)
            .Replace("\"classes.txt\"", Quote(Path.Combine(folder, "classes.txt")), StringComparison.Ordinal)
            .Replace("\"models/mini-clip\"", Quote(Path.Combine(Root, "models", "mini-clip")), StringComparison.Ordinal)
            .Replace("\"models/mini-diffusion\"", Quote(Path.Combine(folder, "models/mini-diffusion")), StringComparison.Ordinal)
            .Replace("\"model.zip\"", Quote(Path.Combine(folder, "model.zip")), StringComparison.Ordinal);
        foreach ((var old, var @new) in shorter)
        {
            Assert.Contains(old, code);
            code = code.Replace(old, @new, StringComparison.Ordinal);
        }
        var options = ScriptOptions.Default.AddReferences(
            typeof(ImageFolder).Assembly,
            typeof(MLContext).Assembly,
            typeof(IDataView).Assembly,
            typeof(ITransformer).Assembly
        );
        return CSharpScript.RunAsync(code, options);
    }

    private static string Quote(string text) => $"@\"{text}\"";

    [GeneratedRegex("```csharp\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex CSharpBlock();
}
