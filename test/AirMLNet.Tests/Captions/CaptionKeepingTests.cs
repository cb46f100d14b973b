using AirMLNet.Captions;
using AirMLNet.Images;
using AirMLNet.Testing;
using Microsoft.ML;

namespace AirMLNet.Tests.Captions;

/// <summary>Nothing that was written is lost, whatever ends the work.</summary>
[TestClass]
public sealed class CaptionKeepingTests
{
    private readonly TemporaryFolder _root = new();

    [TestInitialize]
    public void LayOut()
    {
        var random = new Random(2);
        for (var i = 0; i < 9; i++)
        {
            ImageFile.SavePng(_root["pictures", $"{i}.png"], TinyClip.Picture(i % 3, random));
        }
    }

    [TestCleanup]
    public void Delete() => _root.Dispose();

    [TestMethod]
    public void AKilledProcessIsGoneOnFrom_WithoutACallForWhatIsThere()
    {
        var (code, _, _) = ChildProcess.Run("--captions", _root["pictures"], _root["work"], "4");
        Assert.AreNotEqual(0, code);
        var there = Directory.GetFiles(_root["work"], "*.txt", SearchOption.AllDirectories).ToDictionary(f => f, File.ReadAllText);
        Assert.HasCount(4, there);

        var captioner = new ColourCaptioner();
        var texts = Fit(captioner);
        Assert.AreEqual(5, captioner.Asked);
        CollectionAssert.AreEqual(Fit(new ColourCaptioner(), "whole"), texts);
        Assert.IsTrue(there.All(f => File.ReadAllText(f.Key) == f.Value));
    }

    /// <summary>A file where the folder of a text belongs stands for a disk that takes no more: both are an IOException of the
    /// write.</summary>
    [TestMethod]
    public void ADiskThatTakesNoMore_IsAnErrorThatNamesTheFile_AndKeepsWhatIsThere()
    {
        Fit(new ColourCaptioner(), "whole");
        var folders = Directory.GetDirectories(_root["whole"]).Select(Path.GetFileName).Order(StringComparer.Ordinal).ToArray();
        Directory.CreateDirectory(_root["work"]);
        File.WriteAllText(_root["work", folders[^1]!], "in the way");
        var e = Assert.Throws<IOException>(() => Fit(new ColourCaptioner()));
        Assert.Contains(_root["work"], e.Message);

        var kept = Directory.GetFiles(_root["work"], "*.txt", SearchOption.AllDirectories).Length;
        Assert.IsEmpty(Directory.GetFiles(_root["work"], "*.tmp", SearchOption.AllDirectories));
        File.Delete(_root["work", folders[^1]!]);
        var captioner = new ColourCaptioner();
        CollectionAssert.AreEqual(Fit(new ColourCaptioner(), "whole"), Fit(captioner));
        Assert.AreEqual(9 - kept, captioner.Asked);
    }

    private string[] Fit(ColourCaptioner captioner, string work = "work")
    {
        var ml = new MLContext(1);
        var rows = CaptionFixture.Rows(ml, _root["pictures"]);
        var options = new CaptionSynthesisOptions
        {
            Captioner = captioner,
            WorkFolder = _root[work],
            ParallelCalls = 1,
            GroupTexts = false,
        };
        var output = ml.Transforms.CaptionSynthesis("ImageText", "GroupText", "ImagePath", options).Fit(rows).Transform(rows);
        return [.. StageFixture.Column<ReadOnlyMemory<char>>(output, "ImageText").Select(t => t.ToString())];
    }
}
