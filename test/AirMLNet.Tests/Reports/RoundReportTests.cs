using AirMLNet.Prompts;
using AirMLNet.Recipes;
using AirMLNet.Reports;
using AirMLNet.Testing;
using Microsoft.ML;

namespace AirMLNet.Tests.Reports;

/// <summary>The labels of every round: kept in the model, shown in the report.</summary>
[TestClass]
public sealed class RoundReportTests
{
    private readonly TemporaryFolder _folder = new();
    private readonly MLContext _ml = new(seed: 1);
    private readonly List<RoundLabels> _labels = [];

    [TestCleanup]
    public void Delete() => _folder.Dispose();

    [TestMethod]
    public void Rounds_AreCountedAsTheyWereTrained_AndSurviveSaving()
    {
        var photos = TinyData.Images(_folder["photos"], perClass: 4);
        var fitted = Fit(photos);
        _ml.Model.Save(fitted, _ml.Data.LoadFromImageFolder(photos).Schema, _folder["model.zip"]);

        var loaded = new MLContext().Model.LoadAdapted(_folder["model.zip"], out _);

        foreach (var model in new[] { fitted, loaded })
        {
            var rounds = ReportModel.Flatten(model).OfType<PromptAdapterTransformer>().Single().Rounds!;
            Assert.HasCount(3, rounds);
            for (var r = 0; r < 3; r++)
            {
                Assert.AreEqual(r + 1, rounds[r].Round);
                for (var c = 0; c < 3; c++)
                {
                    int[] own = [.. Enumerable.Range(0, _labels[r].Labels.Count).Where(k => _labels[r].Labels[k] == c)];
                    Assert.AreEqual(own.Length, rounds[r].Counts[c]);
                    double? expected =
                        _labels[r].Confidence.Count == 0 || own.Length == 0 ? null : own.Average(k => (double)_labels[r].Confidence[k]);
                    Assert.AreEqual(expected ?? -1, rounds[r].Confidence?[c] ?? -1, 1e-5);
                }
            }

            Assert.IsTrue(rounds[2].Confidence!.All(p => p is null or > 0 and <= 1));
        }
    }

    [TestMethod]
    public void TheReport_ShowsEveryRound_AndSaysThatPurityIsNotKnown()
    {
        var photos = TinyData.Images(_folder["photos"], perClass: 4, byClass: true);

        var page = AdaptationReportTests.Parse(AdaptationReport.Create(_ml, Fit(photos), photos, new() { HeatMaps = 0, Embedded = 0 }));

        var section = page.Descendants("section").Single(s => s.Attribute("id")!.Value == "pseudo-labels");
        var table = section.Descendants("table").Single(t => t.Attribute("id")!.Value == "round-table").Element("tbody")!;
        CollectionAssert.AreEqual(
            _labels.Select(l => (double)l.Labels.Count).ToArray(),
            table.Elements().Select(row => (double)row.Elements().ElementAt(1).Attribute("data-v")!).ToArray()
        );
        Assert.Contains("the purity of later rounds cannot be said", section.Value);
        var classes = section.Descendants("table").Single(t => t.Attribute("id")!.Value == "round-class-table");
        Assert.HasCount(4, classes.Descendants("thead").Single().Descendants("th").ToArray());
        Assert.HasCount(3, classes.Element("tbody")!.Elements().ToArray());
    }

    [TestMethod]
    public void RoundsOfOtherClasses_AreLeftOut()
    {
        var file = new PromptAdapterFile(1, new() { ClipFolder = "-", ClassNames = TinyData.ClassNames });

        Assert.IsNull(file.RoundsOf(3));
        Assert.IsNull((file with { Rounds = [new(1, [1, 2], null)] }).RoundsOf(3));
        Assert.IsNull((file with { Rounds = [new(1, [1, 2, 3], [0.5])] }).RoundsOf(3));
        Assert.HasCount(1, (file with { Rounds = [new(1, [1, 2, 3], [0.5, null, 1])] }).RoundsOf(3)!);
    }

    private ITransformer Fit(string photos)
    {
        var task = new AdaptationTask
        {
            ClipFolder = TinyModels.Clip,
            ClassNames = TinyData.ClassNames,
            Labelled = _labels.Add,
        };
        return Recipe.Ifpl.WithEpochs(1).WithRounds(3).Stages(_ml, task).Fit(_ml.Data.LoadFromImageFolder(photos));
    }
}
