using AirMLNet.Diffusion;
using AirMLNet.Images;
using AirMLNet.Synthesis;
using AirMLNet.Testing;

namespace AirMLNet.Tests.Synthesis;

[TestClass]
public sealed class ImageSynthesizerTests
{
    private readonly TemporaryFolder _folder = new();

    [TestCleanup]
    public void Delete() => _folder.Dispose();

    [TestMethod]
    public void ARunThatFailsBeforeItsFirstImage_LeavesNothing_AndTheCorrectedOneIsTaken()
    {
        Assert.Contains("no tokenizer", Assert.ThrowsExactly<IOException>(() => Run(0, "5")).Message);
        Assert.IsFalse(Directory.Exists(_folder["out"]));
        Directory.CreateDirectory(_folder["out"]);
        Assert.ThrowsExactly<IOException>(() => Run(0, "5"));
        Assert.IsEmpty(Directory.GetFileSystemEntries(_folder["out"]));
        Assert.AreEqual(2, Run(2, "6").Made);
    }

    [TestMethod]
    public void ARunThatFailsLater_LeavesWhatItMade_AndHow()
    {
        Assert.ThrowsExactly<IOException>(() => Run(1, "5"));
        Assert.IsTrue(File.Exists(_folder["out", ImageSynthesizer.Manifest]));
        Assert.Contains("another steps", Assert.ThrowsExactly<InvalidDataException>(() => Run(2, "6")).Message);
        Assert.ThrowsExactly<IOException>(() => Run(0, "5"));
        Assert.IsTrue(File.Exists(_folder["out", ImageSynthesizer.Manifest]));
        Assert.AreEqual(1, Run(2, "5").Made);
    }

    private SynthesisResult Run(int whole, string steps) =>
        new ImageSynthesizer(
            new Breaking(whole),
            new()
            {
                Output = _folder["out"],
                Prompts = [new("a cat")],
                ImagesPerPrompt = 2,
                Settings = new Dictionary<string, string> { ["steps"] = steps },
            }
        ).Run();

    /// <summary>Makes some images and then fails, as a model does whose files are only read when the first image is made.</summary>
    private sealed class Breaking(int whole) : ITextToImageGenerator
    {
        public IEnumerable<RgbImage> Generate(IReadOnlyList<TextToImageRequest> requests, CancellationToken cancellation = default)
        {
            for (var i = 0; i < requests.Count; i++)
            {
                yield return i < whole ? new RgbImage(4, 4, new byte[48]) : throw new IOException("no tokenizer");
            }
        }
    }
}
