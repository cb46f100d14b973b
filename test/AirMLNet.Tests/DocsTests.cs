using System.Globalization;
using System.Text.RegularExpressions;
using AirMLNet.Prompts;
using AirMLNet.PseudoLabels;
using AirMLNet.Recipes;
using static AirMLNet.Tests.ReadmeTests;

namespace AirMLNet.Tests;

/// <summary>What the pages say of the repository is so: sections, links, and the numbers of the recipes.</summary>
[TestClass]
public sealed partial class DocsTests
{
    /// <summary>AIRML_UPDATE=1 makes this test write the table.</summary>
    [TestMethod]
    public void TheTableOfRecipes_HoldsTheirNumbers()
    {
        var path = Path.Combine(Root, "docs", "methods.md");
        var page = File.ReadAllText(path);
        var table =
            "<!-- recipes -->\n"
            + "| recipe | rounds | K | loss | lr | weight decay | epochs | warm-up | batch | clip | prototypes | λ | β |\n"
            + "|---|---|---|---|---|---|---|---|---|---|---|---|---|\n"
            + string.Concat(Recipe.All.Where(r => r.FineTune is null).Select(Row))
            + "<!-- /recipes -->";
        if (Environment.GetEnvironmentVariable("AIRML_UPDATE") == "1")
        {
            File.WriteAllText(path, RecipeTable().Replace(page, table));
            return;
        }

        Assert.AreEqual(table, RecipeTable().Match(page).Value, "AIRML_UPDATE=1 makes this test write the table");
    }

    [TestMethod]
    public void TheReadme_IsShortEnoughToRead() =>
        Assert.IsLessThanOrEqualTo(150, File.ReadAllLines(Path.Combine(Root, "README.md")).Length);

    /// <summary>A comment's "methods §2.3" is a section of docs/methods.md; sections of other pages are not cited.</summary>
    [TestMethod]
    public void EverySectionThatTheCodeCites_IsThere()
    {
        var page = File.ReadAllText(Path.Combine(Root, "docs", "methods.md"));
        var sections = Heading().Matches(page).Select(heading => heading.Groups[1].Value).ToHashSet(StringComparer.Ordinal);
        var citations =
            from folder in new[] { "src", "eng" }
            from file in Directory.EnumerateFiles(Path.Combine(Root, folder), "*.cs", SearchOption.AllDirectories)
            from Match citation in Section().Matches(File.ReadAllText(file))
            select (File: Path.GetRelativePath(Root, file), Section: citation.Groups[1].Value);
        var all = citations.ToArray();
        Assert.IsNotEmpty(all);
        var missing = all.Where(citation => !sections.Contains(citation.Section)).ToArray();
        Assert.IsEmpty(missing, string.Join('\n', missing));
    }

    /// <summary>A link of a page leads to a file, and where it names a heading, to one.</summary>
    [TestMethod]
    public void EveryLink_LeadsSomewhere()
    {
        var dead = new List<string>();
        string[] pages =
        [
            .. Directory.GetFiles(Path.Combine(Root, "docs"), "*.md"),
            .. Directory.GetFiles(Root, "*.md"),
            .. Directory.GetFiles(Path.Combine(Root, "models"), "*.md", SearchOption.AllDirectories),
        ];
        foreach (var page in pages.Distinct())
        {
            foreach (Match link in Link().Matches(File.ReadAllText(page)))
            {
                var target = Path.Combine(Path.GetDirectoryName(page)!, link.Groups[1].Value);
                var there =
                    link.Groups[1].Value.Length == 0 ? File.Exists(page)
                    : link.Groups[2].Value.Length == 0 ? File.Exists(target) || Directory.Exists(target)
                    : File.Exists(target) && Anchors(target).Contains(link.Groups[2].Value[1..]);
                if (!there)
                {
                    dead.Add($"{Path.GetRelativePath(Root, page)}: {link.Value}");
                }
            }
        }

        Assert.IsEmpty(dead, string.Join('\n', dead));
    }

    /// <summary>From the README to the index, and from there to every page of docs/.</summary>
    [TestMethod]
    public void EveryPage_CanBeReachedFromTheIndex()
    {
        var index = Path.Combine(Root, "docs", "index.md");
        Assert.Contains(index, LinkedPages(Path.Combine(Root, "README.md")));
        var seen = new HashSet<string>([index], StringComparer.Ordinal);
        var open = new Stack<string>(seen);
        while (open.TryPop(out var page))
        {
            foreach (var next in LinkedPages(page).Where(seen.Add))
            {
                open.Push(next);
            }
        }

        var lost = Directory.GetFiles(Path.Combine(Root, "docs"), "*.md").Where(page => !seen.Contains(page)).ToArray();
        Assert.IsEmpty(lost, string.Join('\n', lost));
    }

    /// <summary>A sentence in the first column of docs/troubleshooting.md is one that the product says; … stands for what varies.</summary>
    [TestMethod]
    public void EverySentenceOfTroubleshooting_IsInTheSources()
    {
        var sources = string.Join(
            '\n',
            Directory
                .EnumerateFiles(Path.Combine(Root, "src"), "*.cs", SearchOption.AllDirectories)
                .Select(file => Concatenation().Replace(File.ReadAllText(file), ""))
        );
        var sentences = File.ReadLines(Path.Combine(Root, "docs", "troubleshooting.md"))
            .Where(line => line.StartsWith("| `", StringComparison.Ordinal))
            .SelectMany(line => Quoted().Matches(line.Split(" | ")[0]).Select(quoted => quoted.Groups[1].Value))
            .ToArray();
        Assert.IsGreaterThan(20, sentences.Length);
        var unknown = sentences.Where(sentence =>
            sentence.Split('…').Any(part => !sources.Contains(part.Trim(), StringComparison.Ordinal))
        );
        Assert.AreEqual("", string.Join('\n', unknown));
    }

    /// <summary>A package that a page asks for with a version is one that this is built with: another LibTorch does not load.</summary>
    [TestMethod]
    public void PackagesWithAVersion_AreThoseThatThisIsBuiltWith()
    {
        var settings = File.ReadAllText(Path.Combine(Root, "Directory.Packages.props"));
        var asked = Directory
            .EnumerateFiles(Path.Combine(Root, "docs"), "*.md")
            .Append(Path.Combine(Root, "README.md"))
            .SelectMany(page => PackageVersion().Matches(File.ReadAllText(page)))
            .Select(match => (Name: match.Groups[1].Value, Version: match.Groups[2].Value))
            .Distinct()
            .ToArray();
        CollectionAssert.IsSubsetOf(new[] { "TorchSharp-cpu", "libtorch-cpu-linux-x64" }, asked.Select(a => a.Name).ToArray());
        foreach (var (name, version) in asked)
        {
            var variable = Regex.Match(settings, $"Include=\"{Regex.Escape(name)}\" Version=\"\\$\\((\\w+)\\)\"").Groups[1].Value;
            Assert.Contains($"<{variable}>{version}</{variable}>", settings, name);
        }
    }

    private static IEnumerable<string> LinkedPages(string page) =>
        Link()
            .Matches(File.ReadAllText(page))
            .Select(link => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(page)!, link.Groups[1].Value)))
            .Where(target => target.EndsWith(".md", StringComparison.Ordinal) && File.Exists(target));

    private static IEnumerable<string> Anchors(string page) =>
        File.ReadLines(page)
            .Where(line => line.StartsWith('#'))
            .Select(line =>
                string.Concat(
                    line.TrimStart('#').Trim().ToLowerInvariant().Replace(' ', '-').Where(c => char.IsLetterOrDigit(c) || c is '-' or '_')
                )
            );

    private static string Row(Recipe recipe)
    {
        if (recipe.Rounds == 0)
        {
            return $"| `{recipe.Name}` | 0 |{string.Concat(Enumerable.Repeat(" |", 11))}\n";
        }

        string[] cells =
        [
            $"`{recipe.Name}`",
            recipe.Supervised ? "1, on labels" : $"{recipe.Rounds}",
            recipe.Supervised ? ""
            : recipe.Strategy == PseudoLabelStrategy.Fpl ? $"{recipe.PerClass}"
            : "growing",
            recipe.Loss == PromptLoss.Candidates ? "candidates" : "cross entropy",
            Number(recipe.LearningRate),
            Number(recipe.WeightDecay),
            $"{recipe.Epochs}",
            $"{recipe.WarmUpEpochs} at {Number(recipe.WarmUpLearningRate)}",
            $"{recipe.BatchSize}",
            recipe.GradientClip > 0 ? Number(recipe.GradientClip) : "",
            recipe.PrototypesOfPseudoLabels ? $"of {recipe.PerClass} labelled images"
            : recipe.Prototypes
                ? recipe.Representatives == 1 ? "of a synthetic image"
                    : "of all synthetic images"
            : "",
            recipe.Prototypes ? Number(recipe.PrototypeWeight) : "",
            recipe.SyntheticWeight > 0 ? Number(recipe.SyntheticWeight) : "",
        ];
        return $"{string.Concat(cells.Select(cell => cell.Length > 0 ? $"| {cell} " : "| "))}|\n";
    }

    private static string Number(double value) => value.ToString(CultureInfo.InvariantCulture);

    [GeneratedRegex("<!-- recipes -->.*?<!-- /recipes -->", RegexOptions.Singleline)]
    private static partial Regex RecipeTable();

    [GeneratedRegex(@"^#+ (\d+(?:\.\d+)?)\.? ", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex(@"§(\d+(?:\.\d+)?)")]
    private static partial Regex Section();

    [GeneratedRegex("\"\\s*\\+\\s*\\$?\"")]
    private static partial Regex Concatenation();

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Quoted();

    [GeneratedRegex(@"\]\((?!https?:)([^)#\s]*)(#[^)\s]*)?\)")]
    private static partial Regex Link();

    [GeneratedRegex("""(?:nuget: |add package )([\w.-]+)(?:, | --version )(\d[\w.]*)""")]
    private static partial Regex PackageVersion();
}
