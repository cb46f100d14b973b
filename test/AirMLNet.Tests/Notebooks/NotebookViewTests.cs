using System.Xml.Linq;
using AirMLNet.Notebooks;
using AirMLNet.Testing;
using Microsoft.ML;

namespace AirMLNet.Tests.Notebooks;

[TestClass]
public sealed class NotebookViewTests
{
    [TestMethod]
    public void Photos_AreShownWithTheirNames_FromTheWholeViewOrItsBeginning()
    {
        using var fixture = new StageFixture(images: 9);
        var scored = fixture.Chain().Fit(fixture.Data).Transform(fixture.Data);
        var spread = scored.ShowImages(3);
        Assert.AreEqual(3, Elements(spread, "img"));
        var lines = spread.ToString().Split(Environment.NewLine);
        CollectionAssert.AreEqual(
            new[] { 0, 3, 6 }.Select(i => fixture.Rows[i].Name).ToArray(),
            lines.Select(line => line.Split(' ')[0]).ToArray()
        );
        Assert.IsTrue(
            lines.All(line => StageFixture.Names.Any(name => line.Contains($"  {name} ", StringComparison.Ordinal))),
            spread.ToString()
        );
        StringAssert.StartsWith(scored.ShowImages(3, spread: false).ToString().Split(Environment.NewLine)[2], fixture.Rows[2].Name);
    }

    [TestMethod]
    public void DataWithoutPhotos_ShowTheirColumns()
    {
        var view = new MLContext().Data.LoadFromEnumerable([new PictureScore()]).ShowImages();
        StringAssert.Contains(view.ToString(), "PredictedLabel");
        Assert.AreEqual(0, Elements(view, "img"));
        Assert.ThrowsExactly<ArgumentException>(() =>
            new MLContext().Data.LoadFromEnumerable([new PictureScore()]).ShowImages(imageColumn: "Name2")
        );
    }

    [TestMethod]
    public void TheCard_NamesStagesClassesAndSettings_AndNoPlaceOfThisMachine()
    {
        using var fixture = new StageFixture(images: 9);
        var card = fixture.Chain().Fit(fixture.Data).ShowCard();
        foreach (var word in new[] { "ClipFeature", "PseudoLabel", "PrototypeClassifier", "PromptAdapter: red, green, blue", "epochs: 3" })
        {
            StringAssert.Contains(card.ToString(), word);
        }

        Assert.IsFalse(card.Html.Contains(Path.GetDirectoryName(fixture.ClipFolder)!, StringComparison.Ordinal), card.Html);
        Assert.AreEqual(5, Elements(card, "table"));
    }

    [TestMethod]
    public void AComparison_CountsRightNames()
    {
        using var fixture = new StageFixture(images: 9);
        var ml = fixture.Context;
        var rows = Enumerable.Range(0, 4).Select(i => new Said { Label = i < 3 ? "a" : "b", PredictedLabel = i == 0 ? "b" : "a" });
        var table = ml.Compare(
            ml.Data.LoadFromEnumerable(rows),
            [("as it is", ml.Transforms.CopyColumns("Copy", "Label").Fit(ml.Data.LoadFromEnumerable(rows)))]
        );
        Assert.AreEqual(
            "model     right of 4 photos  a       b" + Environment.NewLine + "as it is  50.0 %             66.7 %  0.0 %",
            table.ToString()
        );
        Assert.ThrowsExactly<ArgumentException>(() => ml.Compare(fixture.Data, [("none", fixture.Chain().Fit(fixture.Data))], "NoLabel"));
    }

    [TestMethod]
    public void TheFormatters_LeaveOtherTypesAlone()
    {
        foreach (var formatter in new NotebookFormatters().CreateTypeFormatters().Cast<NotebookFormatter>())
        {
            using var writer = new StringWriter();
            Assert.IsFalse(formatter.Format("text", writer));
            Assert.AreEqual("", writer.ToString());
        }
    }

    private static int Elements(NotebookView view, string name) => XElement.Parse(view.Html).DescendantsAndSelf(name).Count();

    private sealed class Said
    {
        public string Label { get; set; } = "";
        public string PredictedLabel { get; set; } = "";
    }
}
