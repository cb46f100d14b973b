using AirMLNet.Testing;

namespace AirMLNet.Tests.Repository;

/// <summary>The files of the repository.</summary>
internal static class SourceTree
{
    /// <summary>The projects whose folders the graph shows, each with the first part of its folders' names.</summary>
    private static readonly (string Project, string Prefix)[] Projects =
    [
        ("src/AirMLNet.Models", ""),
        ("src/AirMLNet", ""),
        ("src/AirMLNet.Arrow", "Arrow"),
        ("src/AirMLNet.Extensions.AI", "Extensions.AI"),
        ("src/AirMLNet.Experiments", "Experiments"),
        ("src/AirMLNet.Tool", "Tool"),
        ("eng/SmallModels", "SmallModels"),
    ];

    public static string Root { get; } = Path.GetFullPath(Path.Combine(TestData.Root, "..", ".."));

    /// <summary>True where the tests are asked to write the files that they check.</summary>
    public static bool Update => Environment.GetEnvironmentVariable("AIRML_UPDATE") == "1";

    /// <summary>Every hand-written C# file below a folder, as a path from the root with slashes.</summary>
    public static IEnumerable<string> CSharpFiles(string folder) =>
        Directory
            .EnumerateFiles(Path.Combine(Root, folder), "*.cs", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(Root, path).Replace('\\', '/'))
            .Where(path => !path.Split('/').Any(part => part is "obj" or "bin" or "artifacts"))
            .Order(StringComparer.Ordinal);

    public static FolderGraph Graph()
    {
        var files = new List<(string, string, string)>();
        foreach (var (project, prefix) in Projects)
        {
            foreach (var path in CSharpFiles(project))
            {
                var inside = Path.GetDirectoryName(path)!.Replace('\\', '/')[project.Length..].TrimStart('/');
                var folder = string.Join('/', new[] { prefix, inside }.Where(part => part.Length > 0));
                files.Add((folder, path, File.ReadAllText(Path.Combine(Root, path))));
            }
        }

        return new(files);
    }
}
