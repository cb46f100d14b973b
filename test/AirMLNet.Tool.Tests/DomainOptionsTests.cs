using System.CommandLine;
using AirMLNet.Testing;
using AirMLNet.Tool.Commands;

namespace AirMLNet.Tool.Tests;

/// <summary>What comes before class names in a diffusion model's prompts.</summary>
[TestClass]
public sealed class DomainOptionsTests
{
    private static readonly TemporaryFolder Root = new();

    [ClassInitialize]
    public static void LayOut(TestContext context) => PublishedSets.Write(Root, train: 2, test: 1);

    [ClassCleanup]
    public static void CleanUp() => Root.Dispose();

    [TestMethod]
    [DataRow("a photo of a", null)]
    [DataRow("Texture:", "DTD")]
    [DataRow("Satellite:", "EuroSAT")]
    [DataRow("Satellite:", "RESICS45/airplane")]
    [DataRow("Flowers:", "DTD", "--data-set", "flowers102")]
    [DataRow("Leaves:", "DTD", "--domain", "Leaves:", "--data-set", "Flowers102")]
    public void TheOptionsComeFirst_ThenTheFoldersDataSet(string expected, string? folder, params string[] arguments)
    {
        var options = new DomainOptions();
        var command = new RootCommand();
        foreach (var option in options.All)
        {
            command.Options.Add(option);
        }

        Assert.AreEqual(expected, options.Read(command.Parse(arguments), folder is null ? null : Root[folder]));
    }

    [TestMethod]
    public void AnUnknownDataSetIsNamed() =>
        Airml
            .Run("synthesize", "--diffusion", "none", "--classes", "none.txt", "-o", "out", "--data-set", "cats")
            .Failed(2, "--data-set is 'cats'; expected one of RESISC45, FGVCAircraft");

    [TestMethod]
    public void LoraIsTrainedOnTrainingImagesAlone_WithTheDataSetsWords()
    {
        var images = TrainLora.Examples(Root["Flowers102"], null, "Flowers:");
        Assert.HasCount(12, images);
        Assert.AreEqual("Flowers: pink primrose", images[0].Prompt);
        Assert.IsFalse(images.Any(i => i.Name.Contains($"{Path.DirectorySeparatorChar}test{Path.DirectorySeparatorChar}")));
        TinyData.Images(Root["folders", "blue_sky"], 1);
        Assert.AreEqual("Skies: blue sky", TrainLora.Examples(Root["folders"], null, "Skies:")[0].Prompt);
    }

    [TestMethod]
    public void Adapt_TakesADataSetsTrainingImages_OrRefuses()
    {
        File.WriteAllLines(Root["classes.txt"], ["banded", "blotchy", "braided", "bubbly"]);
        string[] options = ["--classes", Root["classes.txt"], "--clip", TinyModels.Clip, "-o", Root["model.zip"], "--method", "zero-shot"];
        var adapted = Airml.Run(["adapt", Root["DTD"], .. options]);
        Assert.Contains("adapted to 12 images", adapted.Succeeded());
        Assert.Contains("is DTD: 12 training images are taken, no test images", adapted.Error);
        Airml.Run(["adapt", Root["DTD", "test"], .. options]).Failed(1, "holds no training image of DTD");
    }
}
