using System.Xml.Linq;
using AirMLNet.MultiLabel;
using AirMLNet.Reports;
using AirMLNet.Testing;
using Microsoft.ML;

namespace AirMLNet.Tests.Reports;

/// <summary>The report of a model that gives any number of labels.</summary>
[TestClass]
public sealed class MultiLabelReportTests
{
    private static readonly double[] Thresholds = [0.5, 0.5, 0.5];
    private readonly TemporaryFolder _folder = new();
    private readonly MLContext _ml = new(seed: 1);

    [TestCleanup]
    public void Delete() => _folder.Dispose();

    [TestMethod]
    public void WithLabels_ItsNumbersAreThoseOfTheEvaluator()
    {
        var photos = TinyData.Images(_folder["photos"], perClass: 2);
        var labels = Labels("image,labels", "photos/00.png,red", "photos/01.png,red;blue", "photos/10.png,green", "11.png,", "20.png,blue");

        var report = AdaptationReport.Create(_ml, Model(), photos, Quick with { LabelFile = labels });

        Assert.AreEqual(6, report.Photos);
        Assert.AreEqual(5, report.LabelledPhotos);
        Assert.IsNull(report.Accuracy);
        var figures = report.ManyLabels!;
        var rows = figures.Labelled.ToDictionary(r => r.Name, r => r.Labels!);
        CollectionAssert.AreEqual(new float[] { 1, 0, 1 }, rows["01.png"]);
        CollectionAssert.AreEqual(new float[] { 0, 0, 0 }, rows["11.png"]);
        var view = _ml.Data.LoadFromEnumerable(
            figures.Labelled.Select(r => new Scored
            {
                Labels = r.Labels!,
                Score = r.Score,
                PredictedLabels = r.Predicted,
            })
        );
        var metrics = _ml.MultiLabelClassification().Evaluate(view);
        Assert.AreEqual(metrics.MeanAveragePrecision, report.MeanAveragePrecision!.Value, 1e-9);

        var page = AdaptationReportTests.Parse(report);
        CollectionAssert.AreEqual(
            new[] { "quality", "mistakes", "photos", "heat-maps", "origin" },
            page.Descendants("section").Select(s => s.Attribute("id")!.Value).ToArray()
        );
        Assert.AreEqual(Html.Percent(metrics.MeanAveragePrecision) + "of 5 photos", Fact(page, "map-score"));
        Assert.AreEqual(Html.Percent(metrics.OverallRecall) + "of 5 photos", Fact(page, "overall-recall"));
        var table = page.Descendants("table").Single(t => t.Attribute("id")?.Value == "class-table");
        CollectionAssert.AreEqual(new[] { 2.0, 1, 2 }, Column(table, "shown in"));
        CollectionAssert.AreEqual(metrics.PerClassAveragePrecision.ToArray(), Column(table, "average precision"));
        CollectionAssert.AreEqual(Thresholds, Column(table, "threshold"));
    }

    [TestMethod]
    public void EveryLabelOfAPhoto_IsFoundOrMissed_AndEveryDecisionFoundOrWrong()
    {
        var row = new MultiLabelRow("a", "a", [0.9f, 0.2f, 0.7f, 0.1f], [true, false, true, false], [1, 1, 0, 0]);
        var unknown = row with { Labels = null };

        CollectionAssert.AreEqual(new[] { 0 }, row.Found.ToArray());
        CollectionAssert.AreEqual(new[] { 1 }, row.Missed.ToArray());
        CollectionAssert.AreEqual(new[] { 2 }, row.Wrong.ToArray());
        CollectionAssert.AreEqual(new[] { 0, 2 }, unknown.Found.ToArray());
        Assert.IsEmpty(unknown.Missed);
        Assert.IsEmpty(unknown.Wrong);
        Assert.AreEqual(2, row.Best([0.95f, 0.5f, 0.6f, 0.5f]));
        Assert.AreEqual(0.1f, row.Margin([0.95f, 0.5f, 0.6f, 0.5f]), 1e-6f);
    }

    [TestMethod]
    public void WithoutLabels_ItShowsWhatIsPredicted_AndSaysHowToGiveThem()
    {
        var photos = TinyData.Images(_folder["photos"], perClass: 2);

        var report = AdaptationReport.Create(_ml, Model(), photos, Quick);

        Assert.IsNull(report.MeanAveragePrecision);
        Assert.AreEqual(0, report.LabelledPhotos);
        var page = AdaptationReportTests.Parse(report);
        Assert.Contains("without labels", page.Descendants("h2").First().Value);
        Assert.Contains("--labels FILE", page.Root!.Value);
        Assert.IsEmpty(page.Descendants("section").Where(s => s.Attribute("id")!.Value == "mistakes"));
        Assert.DoesNotContain("missed ", page.Descendants("section").Single(s => s.Attribute("id")!.Value == "photos").Value);
    }

    [TestMethod]
    [DataRow(MultiLabelPrompt.ZeroShot)]
    [DataRow(MultiLabelPrompt.Dual)]
    [DataRow(MultiLabelPrompt.GlobalLocal)]
    public void AHeatMap_IsTheCosineOfEachPlaceWithTheLocalPrompt(MultiLabelPrompt prompt)
    {
        var photos = TinyData.Images(_folder["photos"], perClass: 1);
        using var model = Model(prompt);
        var image = AirMLNet.Images.ImageFile.Load(Directory.GetFiles(photos)[0]);

        var (cosines, height, width) = model.Places(image);

        Assert.AreEqual((2, 2), (height, width));
        Assert.HasCount(3 * 4, cosines);
        var clip = model.Backbone;
        var side = prompt == MultiLabelPrompt.Dual ? model.State.First : model.State.Second;
        for (var c = 0; c < 3; c++)
        {
            // The head's own maps, computed by the code for models of one label.
            var vector = side.AsSpan(c * clip.FeatureDimension, clip.FeatureDimension).ToArray();
            var (expected, _, _) = HeatMaps.Cosines(clip, image, vector, []);
            for (var i = 0; i < 4; i++)
            {
                Assert.AreEqual(expected[i], cosines[(c * 4) + i], 1e-5f);
            }
        }

        var report = AdaptationReport.Create(_ml, model, photos, Quick);
        var maps = AdaptationReportTests.Parse(report).Descendants("section").Single(s => s.Attribute("id")!.Value == "heat-maps");
        Assert.HasCount(2, maps.Elements("div").ToArray());
        Assert.IsGreaterThan(3, maps.Descendants("img").Count());
    }

    [TestMethod]
    public void WhatIsGivenInVain_IsRefused()
    {
        var photos = TinyData.Images(_folder["photos"], perClass: 1);
        using var model = Model();

        Refused("line 1 was expected to name a column \"image\"", "name,labels", "photos/00.png,red");
        Refused("'pink'", "image,labels", "photos/00.png,pink");
        Refused("no line for any of the 3 photos", "image,labels", "other.png,red");
        var single = _ml.Transforms.ZeroShot("ImagePath", TinyModels.Clip, TinyData.ClassNames).Fit(_ml.Data.LoadFromImageFolder(photos));
        var labels = Labels("image,labels", "photos/00.png,red");
        Assert.Contains(
            "names one class",
            Assert
                .ThrowsExactly<InvalidDataException>(() => AdaptationReport.Create(_ml, single, photos, Quick with { LabelFile = labels }))
                .Message
        );
        Assert.Contains(
            "any number of labels",
            Assert
                .ThrowsExactly<InvalidDataException>(() => AdaptationReport.Create(_ml, model, photos, Quick with { Captions = labels }))
                .Message
        );

        void Refused(string reason, params string[] lines)
        {
            var file = Labels(lines);
            var error = Assert.ThrowsExactly<InvalidDataException>(() =>
                AdaptationReport.Create(_ml, model, photos, Quick with { LabelFile = file })
            );
            Assert.Contains("labels.csv", error.Message);
            Assert.Contains(reason, error.Message);
        }
    }

    /// <summary>A list of moved or renamed photos showed no more than a smaller number.</summary>
    [TestMethod]
    public void RowsThatNameNoPhoto_AreCountedAndNamed()
    {
        var photos = _folder["photos"];
        TinyClip.WriteImages(photos, 2);
        var name = Path.GetFileName(Directory.GetFiles(photos)[0]);
        List<string> said = [];
        _ml.Log += (_, e) =>
        {
            if (e.Kind == Microsoft.ML.Runtime.ChannelMessageKind.Warning)
            {
                said.Add(e.RawMessage);
            }
        };
        var labels = Labels("image,labels", $"photos/{name},", "photos/a.png,", "b.png,", "c.png,", "d.png,");
        AdaptationReport.Create(_ml, Model(), photos, Quick with { LabelFile = labels });
        Assert.Contains(
            "labels.csv: 4 of its rows name none of the photos: photos/a.png (line 3), b.png (line 4), c.png (line 5), ….",
            said.Single(s => s.Contains("labels.csv", StringComparison.Ordinal))
        );
    }

    private static AdaptationReportOptions Quick { get; } = new() { HeatMaps = 2, Pictures = 4 };

    private static string Fact(XDocument page, string id) =>
        page.Descendants("div").Single(d => d.Attribute("id")?.Value == id).Element("dd")!.Value;

    private static double[] Column(XElement table, string head)
    {
        var at = table.Element("thead")!.Element("tr")!.Elements().Select(h => h.Value).ToList().IndexOf(head);
        return [.. table.Element("tbody")!.Elements().Select(r => (double)r.Elements().ElementAt(at).Attribute("data-v")!)];
    }

    private string Labels(params string[] lines)
    {
        File.WriteAllLines(_folder["labels.csv"], lines);
        return _folder["labels.csv"];
    }

    private MultiLabelPromptAdapterTransformer Model(MultiLabelPrompt prompt = MultiLabelPrompt.GlobalLocal)
    {
        var images = TinyClip.WriteImages(_folder["training"], 6);
        var rows = images.Select(image => new Row
        {
            ImagePath = image.Path,
            Caption = TinyData.ClassNames[image.Class],
            Labels = [.. TinyData.ClassNames.Select((_, c) => c == image.Class ? 1f : 0)],
        });
        return _ml.MultiLabelClassification()
            .Trainers.PromptAdapter(
                new()
                {
                    ClipFolder = TinyModels.Clip,
                    ClassNames = TinyData.ClassNames,
                    Prompt = prompt,
                    Adapter = prompt == MultiLabelPrompt.GlobalLocal ? AdapterPlacement.Local : AdapterPlacement.None,
                    PromptLength = 2,
                    Epochs = 1,
                    WarmUpEpochs = 0,
                    Thresholds = Thresholds,
                }
            )
            .Fit(_ml.Data.LoadFromEnumerable(rows));
    }

    private sealed class Row
    {
        public string ImagePath { get; set; } = "";
        public string Caption { get; set; } = "";

        [Microsoft.ML.Data.VectorType(3)]
        public float[] Labels { get; set; } = [];
    }

    private sealed class Scored
    {
        [Microsoft.ML.Data.VectorType(3)]
        public float[] Labels { get; set; } = [];

        [Microsoft.ML.Data.VectorType(3)]
        public float[] Score { get; set; } = [];

        [Microsoft.ML.Data.VectorType(3)]
        public bool[] PredictedLabels { get; set; } = [];
    }
}
