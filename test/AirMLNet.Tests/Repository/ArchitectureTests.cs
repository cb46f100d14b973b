using System.Text.Json;
using System.Text.RegularExpressions;
using AirMLNet.Clip;

namespace AirMLNet.Tests.Repository;

/// <summary>Folders depend downwards only, and CONTRIBUTING.md draws them as they are.</summary>
[TestClass]
public sealed partial class ArchitectureTests
{
    private static readonly Lazy<FolderGraph> Graph = new(SourceTree.Graph);

    [TestMethod]
    public void Folders_DependDownwardsOnly()
    {
        var cycles = Graph.Value.DescribeCycles();
        if (cycles.Length > 0)
        {
            Assert.Fail(cycles);
        }
    }

    [TestMethod]
    public void TheFolderGraphOfContributing_IsTheOneOfTheSources()
    {
        var path = Path.Combine(SourceTree.Root, "CONTRIBUTING.md");
        var expected = $"<!-- folders -->\n```text\n{Graph.Value.Draw()}```\n<!-- /folders -->";
        var text = File.Exists(path) ? File.ReadAllText(path) : "";
        if (SourceTree.Update)
        {
            File.WriteAllText(path, Block().IsMatch(text) ? Block().Replace(text, expected) : text + expected + "\n");
            return;
        }

        if (Block().Match(text).Value != expected)
        {
            Assert.Fail($"CONTRIBUTING.md must hold this block (AIRML_UPDATE=1 makes this test write it):\n{expected}");
        }
    }

    [TestMethod]
    public void TheModels_KnowNothingOfMLNet()
    {
        var names = typeof(ClipModel).Assembly.GetReferencedAssemblies().Select(name => name.Name!).ToArray();
        CollectionAssert.Contains(names, "TorchSharp");
        Assert.AreEqual("", string.Join(", ", names.Where(name => name.StartsWith("Microsoft.ML", StringComparison.Ordinal))));
        var assets = File.ReadAllText(Path.Combine(SourceTree.Root, "src/AirMLNet.Models/obj/project.assets.json"));
        using var document = JsonDocument.Parse(assets);
        var packages = document
            .RootElement.GetProperty("targets")
            .EnumerateObject()
            .SelectMany(target => target.Value.EnumerateObject().Select(package => package.Name))
            .ToArray();
        Assert.IsTrue(packages.Any(name => name.StartsWith("TorchSharp/", StringComparison.Ordinal)));
        Assert.AreEqual("", string.Join(", ", packages.Where(name => name.StartsWith("Microsoft.ML", StringComparison.OrdinalIgnoreCase))));
    }

    /// <summary>The graph itself, on sources of which the answer is known.</summary>
    [TestMethod]
    public void TheGraph_CountsCodeOnly_AndNamesCyclesWithTheirTypes()
    {
        var graph = new FolderGraph([
            ("A", "A/First.cs", "using N.B; namespace N.A; public class First { /* Third */ string s = \"Third\"; Second? x; }"),
            ("A", "A/More.cs", "namespace N.A; public static class More { public static int Twice(this int i) => 2 * i; }"),
            ("B", "B/Second.cs", "using N.C; namespace N.B; public class Second { public int Third => Fourth.Value.Third; }"),
            ("B", "B/Third.cs", "namespace N.B; public class Third { }"),
            (
                "C",
                "C/Fourth.cs",
                "using N.A; namespace N.C; class Fourth { public int Third = 1.Twice(); public static Fourth Value = new(); }"
            ),
            ("D", "D/Fifth.cs", "using static N.A.More; namespace N.D; class Fifth { int i = Twice(1); }"),
            ("E", "E/Sixth.cs", "namespace N.E; class Sixth { N.B.Second second = new(); var t = typeof(N.B.Third); }"),
        ]);
        Assert.AreEqual("A -> B\nB -> C\nC -> A\nD -> A\nE -> B\n", graph.Draw());
        Assert.AreEqual(
            """
            These folders use each other: A, B, C
              A -> B: Second (in First.cs)
              B -> C: Fourth (in Second.cs)
              C -> A: More (in Fourth.cs)

            """.ReplaceLineEndings("\n"),
            graph.DescribeCycles()
        );
    }

    [GeneratedRegex("<!-- folders -->.*?<!-- /folders -->", RegexOptions.Singleline)]
    private static partial Regex Block();
}
