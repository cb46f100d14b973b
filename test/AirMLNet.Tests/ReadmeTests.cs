using System.Text.RegularExpressions;
using AirMLNet.Data;
using AirMLNet.Images;
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
        string folder = Directory.CreateTempSubdirectory("airmlnet-test-").FullName;
        try
        {
            string photos = Path.Combine(folder, "photos"), model = Path.Combine(folder, "model.zip");
            TinyClip.WriteImages(photos, 30);
            File.WriteAllLines(Path.Combine(folder, "classes.txt"), StageFixture.Names);
            string code = Sample()
                .Replace("\"photos\"", Quote(photos), StringComparison.Ordinal)
                .Replace("\"classes.txt\"", Quote(Path.Combine(folder, "classes.txt")), StringComparison.Ordinal)
                .Replace("\"models/mini-clip\"", Quote(Path.Combine(Root, "models", "mini-clip")), StringComparison.Ordinal)
                .Replace("\"model.zip\"", Quote(model), StringComparison.Ordinal);

            ScriptOptions options = ScriptOptions.Default.AddReferences(
                typeof(ImageFolder).Assembly, typeof(MLContext).Assembly, typeof(IDataView).Assembly, typeof(ITransformer).Assembly);
            await CSharpScript.RunAsync(code, options);

            var ml = new MLContext();
            ITransformer loaded = ml.Model.Load(model, out DataViewSchema input);
            Assert.IsNotNull(input.GetColumnOrNull("ImagePath"));
            string first = Directory.GetFiles(photos).Order().First();
            IDataView scored = loaded.Transform(ml.Data.LoadFromEnumerable([new ImageRow { ImagePath = first }]));
            float[] score = scored.GetColumn<VBuffer<float>>("Score").Single().DenseValues().ToArray();
            Assert.HasCount(StageFixture.Names.Length, score);
            Assert.AreEqual(1, score.Sum(), 1e-4);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static string Sample() => CSharpBlock().Match(File.ReadAllText(Path.Combine(Root, "README.md"))).Groups[1].Value;

    private static string Quote(string text) => $"@\"{text}\"";

    [GeneratedRegex("```csharp\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex CSharpBlock();
}
