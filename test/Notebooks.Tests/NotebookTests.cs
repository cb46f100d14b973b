namespace Notebooks.Tests;

/// <summary>Every cell of every notebook runs, and shows what the notebook holds. AIRML_UPDATE=1 writes the outputs anew.</summary>
[TestClass]
[DoNotParallelize] // notebooks name files from their own folder, which is the folder of the whole process
public sealed class NotebookTests
{
    private const int LargestFile = 400_000;
    private const int LargestTogether = 1_500_000;
    private static readonly bool Update = Environment.GetEnvironmentVariable("AIRML_UPDATE") == "1";
    private static readonly string Folder = Directory.CreateTempSubdirectory("notebooks-").FullName;

    public static IEnumerable<object[]> Notebooks() => NotebookFile.All().Select(name => new object[] { name });

    /// <summary>A place like notebooks/ in a clone, in which notebooks may write.</summary>
    [ClassInitialize]
    public static void MakePlace(TestContext context)
    {
        var here = Path.Combine(Folder, "notebooks");
        Directory.CreateDirectory(here);
        Directory.CreateSymbolicLink(Path.Combine(here, "bin"), Path.Combine(NotebookFile.Root, "notebooks", "bin"));
        File.CreateSymbolicLink(Path.Combine(here, "photos.zip"), Path.Combine(NotebookFile.Root, "notebooks", "photos.zip"));
        Directory.CreateSymbolicLink(Path.Combine(Folder, "models"), Path.Combine(NotebookFile.Root, "models"));
        Environment.CurrentDirectory = here;
    }

    [ClassCleanup]
    public static void Remove()
    {
        Environment.CurrentDirectory = Path.GetTempPath();
        Directory.Delete(Folder, recursive: true);
    }

    [TestMethod]
    [DynamicData(nameof(Notebooks))]
    public async Task EveryCell_ShowsWhatTheNotebookPromises(string name)
    {
        var notebook = NotebookFile.Named(name);
        using var kernel = new NotebookKernel();
        List<IReadOnlyList<CellOutput>> shown = [];
        List<string> differences = [];
        foreach (var (number, code) in notebook.Code.Index())
        {
            var outputs = await kernel.RunAsync(code);
            shown.Add(outputs);
            if (!Update && PromisedOutput.Difference(notebook.Promised(number), outputs) is { } difference)
            {
                differences.Add($"Cell {number + 1}: {difference}");
            }
        }

        if (Update)
        {
            notebook.Write(shown);
        }

        Assert.AreEqual("", string.Join("\n", differences));
        Assert.IsTrue(shown.SelectMany(s => s).Any(s => s.Text.Contains("<img", StringComparison.Ordinal)), "a notebook shows pictures");
    }

    /// <summary>The script that comes with the package shows what belongs to ML.NET; without it they are shown as any object.</summary>
    [TestMethod]
    public async Task ThePackagesScript_ShowsDataAndChainsOfMLNet()
    {
        using var kernel = new NotebookKernel();
        await kernel.RunAsync(NotebookFile.Named("latteclip").Code[0]);
        await kernel.RunAsync(
            """
            var ml = new MLContext(1);
            var folder = DrawnPhotos.Draw("work/one", ["ship"], perClass: 1);
            var data = ml.Data.LoadFromImageFolder(folder, labelsFromSubfolders: true);
            var chain = ml.Transforms.CopyColumns("Copy", "Label").Append(ml.Transforms.CopyColumns("Again", "Copy")).Fit(data);
            """
        );
        const string Image = "<img src=\"data:image/png;base64,";
        Assert.DoesNotContain(Image, (await kernel.RunAsync("data")).Single().Text);
        var script = await File.ReadAllTextAsync(Path.Combine(NotebookFile.Root, "src", "AirMLNet", "Notebooks", "extension.dib"));
        await kernel.RunAsync(script.Replace("#!csharp", "", StringComparison.Ordinal));
        Assert.Contains(Image, (await kernel.RunAsync("data")).Single().Text);
        Assert.Contains("<th>ColumnCopying</th>", (await kernel.RunAsync("chain")).Single().Text);
    }

    [TestMethod]
    public void TheFiles_AreSmall()
    {
        var sizes = NotebookFile
            .All()
            .Select(name => new FileInfo(Path.Combine(NotebookFile.Root, "notebooks", name + ".ipynb")).Length)
            .ToList();
        Assert.IsTrue(sizes.All(size => size < LargestFile), string.Join(", ", sizes));
        Assert.IsLessThan(LargestTogether, sizes.Sum());
    }
}
