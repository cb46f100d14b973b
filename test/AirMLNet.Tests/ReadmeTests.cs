using System.Text.RegularExpressions;
using AirMLNet.Data;
using AirMLNet.Extensions.AI;
using AirMLNet.Testing;
using Microsoft.CodeAnalysis.CSharp.Scripting;
using Microsoft.CodeAnalysis.Scripting;
using Microsoft.Extensions.AI;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Tests;

/// <summary>
/// The C# of the README and of docs/ runs as it stands there, but for where the files lie and how long a training goes on.
/// </summary>
[TestClass]
[DoNotParallelize] // takes the console of the whole process
public sealed partial class ReadmeTests
{
    private const int Photos = 12;
    private const string Listing = "api.md"; // shows signatures, not programs
    internal static readonly string Root = Path.GetDirectoryName(Path.GetDirectoryName(TestData.Root))!;

    // What takes long on real models, and what the test puts in its place.
    private static readonly (string Old, string New)[] Shorter =
    [
        (
            "WorkFolder = \"work\"",
            "WorkFolder = WORK, ImagesPerClass = 2, Training = new() { Steps = 2 }, Generation = new() { Steps = 2 }"
        ),
        ("Recipe.AirOnCpl.Stages", "Recipe.AirOnCpl.WithRounds(2).WithEpochs(1).Stages"),
    ];

    public static IEnumerable<object[]> Blocks() =>
        Pages().SelectMany(page => Code(page).Select((_, number) => new object[] { Path.GetRelativePath(Root, page), number }));

    [TestMethod]
    [DynamicData(nameof(Blocks))]
    public async Task EveryProgram_NamesThePhotos(string page, int number)
    {
        using var folder = new TemporaryFolder();
        var (code, state, printed) = await Run(page, number, folder);
        if (printed.Length > 0)
        {
            var lines = printed.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            Assert.HasCount(Photos, lines);
            foreach (var (line, photo) in lines.Zip(Directory.GetFiles(folder["photos"]).Order(StringComparer.Ordinal)))
            {
                Assert.EndsWith("  " + photo, line.TrimEnd());
                Assert.Contains($"\"{line.Split(' ')[0]}\"", code, "the name is one of the program's");
            }

            return;
        }

        var model = (ITransformer)state.GetVariable("model").Value;
        var scores = Scores(new MLContext(), model, folder);
        Assert.IsTrue(scores.All(row => row.Length == StageFixture.Names.Length && Math.Abs(row.Sum() - 1) < 1e-4));
        if (code.Contains("model.zip", StringComparison.Ordinal))
        {
            var ml = new MLContext();
            var loaded = ml.Model.Load(folder["model.zip"], out var input);
            Assert.IsNotNull(input.GetColumnOrNull("ImagePath"));
            Assert.AreEqual(string.Join(' ', scores.SelectMany(s => s)), string.Join(' ', Scores(ml, loaded, folder).SelectMany(s => s)));
        }

        if (code.Contains("DiffusionSynthesisOptions", StringComparison.Ordinal))
        {
            var images = Directory.GetFiles(folder["work", "images"], "*.png", SearchOption.AllDirectories);
            Assert.HasCount(2 * StageFixture.Names.Length, images);
        }
    }

    [TestMethod]
    public void EveryShortening_IsOfAProgramThatIsThere()
    {
        var all = string.Concat(Pages().SelectMany(Code));
        foreach (var (old, _) in Shorter)
        {
            Assert.Contains(old, all);
        }
    }

    [TestMethod]
    public async Task TheColumnsInTheDocs_AreThoseOfTheChain()
    {
        using var folder = new TemporaryFolder();
        var page = Path.Combine("docs", "pipeline.md");
        var (_, state, _) = await Run(page, 0, folder);
        var ml = new MLContext();
        var view = ((ITransformer)state.GetVariable("model").Value).Transform(ml.Data.LoadFromImageFolder(folder["photos"]));
        var length = ((VectorDataViewType)view.Schema["Features"].Type).Size;
        var names = StageFixture.Names.Length;
        var actual = view
            .Schema.Where(column => !column.IsHidden)
            .Select(column =>
                $"{column.Name}: {column.Type}"
                    .Replace($", {length}>", ", D>", StringComparison.Ordinal)
                    .Replace($", {names}>", ", C>", StringComparison.Ordinal)
                    .Replace($", 0-{names - 1}>", ", C>", StringComparison.Ordinal)
            );
        var table = ColumnTable().Match(await File.ReadAllTextAsync(Path.Combine(Root, page))).Value;
        var written = ColumnRow().Matches(table).Select(row => $"{row.Groups[1].Value}: {row.Groups[2].Value}");
        Assert.AreEqual(string.Join('\n', actual), string.Join('\n', written));
    }

    internal static IEnumerable<string> Pages() =>
        Directory
            .GetFiles(Path.Combine(Root, "docs"), "*.md")
            .Where(page => Path.GetFileName(page) != Listing)
            .Order(StringComparer.Ordinal)
            .Prepend(Path.Combine(Root, "README.md"));

    private static IEnumerable<string> Code(string page) => CSharpBlock().Matches(File.ReadAllText(page)).Select(m => m.Groups[1].Value);

    /// <summary>Runs a program on pictures and models of its own.</summary>
    private static async Task<(string Code, ScriptState<object> State, string Printed)> Run(string page, int number, TemporaryFolder folder)
    {
        TinyClip.WriteImages(folder["photos"], Photos);
        await File.WriteAllLinesAsync(folder["classes.txt"], StageFixture.Names);
        var code = Code(Path.Combine(Root, page)).ElementAt(number);
        if (code.Contains("\"models/mini-diffusion\"", StringComparison.Ordinal))
        {
            TinyDiffusion.Write(folder["models", "mini-diffusion"], Path.Combine(Root, "models", "mini-clip"));
        }

        var run = Shorter.Aggregate(code, (text, pair) => text.Replace(pair.Old, pair.New, StringComparison.Ordinal));
        (string Old, string New)[] places =
        [
            ("\"photos\"", folder["photos"]),
            ("\"classes.txt\"", folder["classes.txt"]),
            ("\"models/mini-clip\"", Path.Combine(Root, "models", "mini-clip")),
            ("\"models/mini-diffusion\"", folder["models", "mini-diffusion"]),
            ("\"model.zip\"", folder["model.zip"]),
            ("WORK", folder["work"]),
        ];
        run = run.Replace("using var ", "var ", StringComparison.Ordinal); // scripts have no such declarations
        run = places.Aggregate(run, (text, pair) => text.Replace(pair.Old, $"@\"{pair.New}\"", StringComparison.Ordinal));
        var options = ScriptOptions
            .Default.AddReferences(
                typeof(ImageFolder).Assembly,
                typeof(Clip.ClipModel).Assembly,
                typeof(ClipTextEmbeddingGenerator).Assembly,
                typeof(IEmbeddingGenerator).Assembly,
                typeof(MLContext).Assembly,
                typeof(IDataView).Assembly,
                typeof(ITransformer).Assembly
            )
            .AddImports("System", "System.IO", "System.Linq", "System.Collections.Generic"); // as a project has them by itself
        var console = Console.Out;
        using var printed = new StringWriter();
        Console.SetOut(printed);
        try
        {
            return (code, await CSharpScript.RunAsync(run, options), printed.ToString());
        }
        finally
        {
            Console.SetOut(console);
        }
    }

    private static float[][] Scores(MLContext ml, ITransformer model, TemporaryFolder folder)
    {
        var view = model.Transform(ml.Data.LoadFromImageFolder(folder["photos"]));
        Assert.IsTrue(view.GetColumn<uint>("PredictedLabel").All(key => key >= 1 && key <= StageFixture.Names.Length));
        var scores = StageFixture.Vectors(view, "Score");
        Assert.HasCount(Photos, scores);
        return scores;
    }

    [GeneratedRegex("```csharp\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex CSharpBlock();

    [GeneratedRegex("<!-- columns -->.*?<!-- /columns -->", RegexOptions.Singleline)]
    private static partial Regex ColumnTable();

    [GeneratedRegex(@"^\| `(\w+)` \| ([^|]+?) \|", RegexOptions.Multiline)]
    private static partial Regex ColumnRow();
}
