namespace AirMLNet.Tests.Repository;

/// <summary>Files and lines stay short enough to read.</summary>
[TestClass]
public sealed class SourceFileTests
{
    private const int MostColumns = 140;

    [TestMethod]
    [DataRow("src", 400)]
    [DataRow("eng", 400)]
    [DataRow("test", 600)]
    [DataRow("samples", 400)]
    public void NoFileAndNoLine_IsTooLong(string folder, int mostLines)
    {
        var files = SourceTree.CSharpFiles(folder).ToArray();
        Assert.IsNotEmpty(files);
        var faults = new List<string>();
        foreach (var file in files)
        {
            var lines = File.ReadAllLines(Path.Combine(SourceTree.Root, file));
            if (lines.Length > mostLines)
            {
                faults.Add($"{file} has {lines.Length} lines; at most {mostLines}");
            }

            var quoted = false;
            for (var i = 0; i < lines.Length; i++)
            {
                // Text in raw strings, and what has no blank to break at, such as encoded bytes, is as long as it is.
                var marks = lines[i].Split("\"\"\"").Length - 1;
                var text = quoted || marks > 0 || lines[i].Trim().Split(' ').Any(word => word.Length > MostColumns / 2);
                quoted ^= marks % 2 == 1;
                if (lines[i].Length > MostColumns && !text)
                {
                    faults.Add($"{file}:{i + 1} has {lines[i].Length} columns; at most {MostColumns}");
                }
            }
        }

        Assert.IsEmpty(faults, string.Join('\n', faults));
    }
}
