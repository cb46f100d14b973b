namespace AirMLNet.Tests.Repository;

/// <summary>Files and lines stay short enough to read.</summary>
[TestClass]
public sealed class SourceFileTests
{
    private const int MostLines = 400,
        MostColumns = 140;

    [TestMethod]
    [DataRow("src")]
    [DataRow("eng")]
    [DataRow("test")]
    [DataRow("samples")]
    public void NoFileAndNoLine_IsTooLong(string folder)
    {
        var files = SourceTree.CSharpFiles(folder).ToArray();
        Assert.IsNotEmpty(files);
        var faults = new List<string>();
        foreach (var file in files)
        {
            var lines = File.ReadAllLines(Path.Combine(SourceTree.Root, file));
            if (lines.Length > MostLines)
            {
                faults.Add($"{file} has {lines.Length} lines; at most {MostLines}");
            }

            for (var i = 0; i < lines.Length; i++)
            {
                if (lines[i].Length > MostColumns)
                {
                    faults.Add($"{file}:{i + 1} has {lines[i].Length} columns; at most {MostColumns}");
                }
            }
        }

        Assert.IsEmpty(faults, string.Join('\n', faults));
    }
}
