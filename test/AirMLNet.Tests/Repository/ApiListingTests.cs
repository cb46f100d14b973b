using AirMLNet.Clip;
using AirMLNet.Extensions.AI;
using AirMLNet.Features;

namespace AirMLNet.Tests.Repository;

/// <summary>docs/api.md shows the public API as it is, so that a change of it is seen in the difference of a commit.</summary>
[TestClass]
public sealed class ApiListingTests
{
    [TestMethod]
    public void TheApiPage_IsThatOfTheAssemblies()
    {
        var path = Path.Combine(SourceTree.Root, "docs", "api.md");
        var expected = ApiListing.Write(
            typeof(ClipModel).Assembly,
            typeof(ClipFeatureEstimator).Assembly,
            typeof(ClipTextEmbeddingGenerator).Assembly,
            typeof(Microsoft.ML.ArrowCatalog).Assembly
        );
        if (SourceTree.Update)
        {
            File.WriteAllText(path, expected);
            return;
        }

        var lines = File.Exists(path) ? File.ReadAllLines(path) : [];
        var wanted = expected.TrimEnd('\n').Split('\n');
        var differences = wanted
            .Except(lines)
            .Select(line => "+ " + line)
            .Concat(lines.Except(wanted).Select(line => "- " + line))
            .ToArray();
        Assert.IsTrue(
            lines.SequenceEqual(wanted),
            $"docs/api.md differs from the assemblies; AIRML_UPDATE=1 makes this test write it:\n{string.Join('\n', differences.Take(60))}"
        );
    }

    /// <summary>The listing itself: what a reader can rely on.</summary>
    [TestMethod]
    public void TheListing_ShowsKindsSignaturesAndDefaults_AndLeavesOutInternalTypes()
    {
        var text = ApiListing.Write(typeof(ApiListingTests).Assembly);
        Assert.Contains("public enum Sample\n    One = 1\n    Two = 2\n", text);
        Assert.Contains("public sealed record SampleRow\n    SampleRow(int Number, string? Name = null)\n", text);
        Assert.Contains("    string? Name { get; init; }\n    int Number { get; init; }\n", text);
        Assert.Contains("public interface ISample<T>\n    Task<T?> Make(IReadOnlyList<string> names, Sample kind = Two)\n", text);
        Assert.DoesNotContain(nameof(SourceTree), text);
    }
}

public enum Sample
{
    One = 1,
    Two = 2,
}

public sealed record SampleRow(int Number, string? Name = null);

public interface ISample<T>
{
    Task<T?> Make(IReadOnlyList<string> names, Sample kind = Sample.Two);
}
