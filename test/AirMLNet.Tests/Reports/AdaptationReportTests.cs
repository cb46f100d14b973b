using System.Text.RegularExpressions;
using System.Xml.Linq;
using AirMLNet.Images;
using AirMLNet.Recipes;
using AirMLNet.Reports;
using AirMLNet.Testing;
using Microsoft.ML;

namespace AirMLNet.Tests.Reports;

[TestClass]
public sealed partial class AdaptationReportTests
{
    private readonly TemporaryFolder _folder = new();

    [TestCleanup]
    public void Delete() => _folder.Dispose();

    [TestMethod]
    public void The_page_is_well_formed_and_asks_for_nothing()
    {
        var photos = TinyData.Images(_folder["photos"], byClass: true);
        var ml = new MLContext(seed: 1);

        var report = AdaptationReport.Create(ml, Model(ml, photos), photos, Quick);

        var page = Parse(report);
        Assert.IsFalse(report.Html.Contains("http:", StringComparison.Ordinal) || report.Html.Contains("https:", StringComparison.Ordinal));
        foreach (var source in page.Descendants().Attributes().Where(a => a.Name.LocalName is "src" or "href"))
        {
            Assert.IsTrue(source.Value.StartsWith("data:", StringComparison.Ordinal) || source.Value.StartsWith('#'), source.ToString());
        }

        // HTML knows no self-closing but for these.
        string[] own = ["img", "meta", "br", "circle", "rect", "line", "polygon"];
        CollectionAssert.IsSubsetOf(page.Descendants().Where(e => e.IsEmpty).Select(e => e.Name.LocalName).Distinct().ToArray(), own);
        string[] ids = [.. page.Descendants("section").Select(s => s.Attribute("id")!.Value)];
        CollectionAssert.AreEqual(new[] { "quality", "confusion", "pseudo-labels", "photos", "heat-maps", "map", "origin" }, ids);
    }

    [TestMethod]
    public void Its_numbers_are_those_of_the_evaluator()
    {
        var photos = TinyData.Images(_folder["photos"], byClass: true);
        var ml = new MLContext(seed: 1);
        var model = Model(ml, photos);

        var report = AdaptationReport.Create(ml, model, photos, Quick);

        var scored = model.Transform(ml.Data.LoadFromImageFolder(photos, labelsFromSubfolders: true));
        var metrics = ml.MulticlassClassification.Evaluate(
            ml.Transforms.Conversion.MapValueToKey("Label", TinyData.ClassNames).Fit(scored).Transform(scored)
        );
        Assert.AreEqual(12, report.LabelledPhotos);
        Assert.AreEqual(metrics.MicroAccuracy, report.Accuracy!.Value, 1e-9);
        for (var t = 0; t < 3; t++)
        {
            for (var p = 0; p < 3; p++)
            {
                Assert.AreEqual(metrics.ConfusionMatrix.Counts[t][p], report.Figures.Confusion[t, p]);
            }
        }

        var page = Parse(report);
        Assert.AreEqual(
            FormattableString.Invariant($"{100 * metrics.MicroAccuracy:0.00} %{report.Figures.Accuracy.Hits} of 12 photos"),
            page.Descendants("div").Single(d => d.Attribute("id")?.Value == "accuracy").Element("dd")!.Value
        );
        double[] cells =
        [
            .. page.Descendants("table")
                .Single(t => t.Attribute("id")?.Value == "confusion-table")
                .Element("tbody")!
                .Elements()
                .SelectMany(r => r.Elements("td").Take(3))
                .Select(c => (double)c.Attribute("data-v")!),
        ];
        CollectionAssert.AreEqual(metrics.ConfusionMatrix.Counts.SelectMany(r => r).ToArray(), cells);
    }

    [TestMethod]
    public void Without_labels_it_says_what_can_be_said()
    {
        var photos = TinyData.Images(_folder["photos"]);
        var ml = new MLContext(seed: 1);

        var report = AdaptationReport.Create(ml, Model(ml, photos), photos, Quick);

        Assert.AreEqual(0, report.LabelledPhotos);
        Assert.IsNull(report.Accuracy);
        Assert.IsInRange(0, 1, report.ZeroShotAgreement!.Value);
        var page = Parse(report);
        Assert.Contains("without labels", page.Descendants("h2").First().Value);
        Assert.IsEmpty(page.Descendants("section").Where(s => s.Attribute("id")!.Value == "confusion"));
    }

    [TestMethod]
    public void Names_of_files_are_text_and_nothing_else()
    {
        var photos = TinyData.Images(_folder["photos"]);
        File.Move(Path.Combine(photos, "00.png"), Path.Combine(photos, "<b onclick=\"x\">&amp;\u0001.png"));
        var ml = new MLContext(seed: 1);

        var report = AdaptationReport.Create(ml, Model(ml, photos), photos, Quick);

        Assert.IsEmpty(Parse(report).Descendants("b"));
        Assert.Contains("&lt;b onclick=", report.Html);
    }

    [TestMethod]
    public void Synthetic_images_stand_beside_the_photos_and_in_the_map()
    {
        var photos = TinyData.Images(_folder["photos"]);
        var work = Path.GetDirectoryName(TinyData.Images(_folder["work/images"], perClass: 2, byClass: true))!;
        var ml = new MLContext(seed: 1);

        var page = Parse(AdaptationReport.Create(ml, Model(ml, photos), photos, Quick with { WorkFolder = work }));

        Assert.HasCount(6, page.Descendants("rect").Where(r => r.Attribute("class")?.Value == "synthetic").ToArray());
        var section = page.Descendants("section").Single(s => s.Attribute("id")!.Value == "synthetic");
        Assert.Contains("6 synthetic images of 3 classes", section.Value);
    }

    [TestMethod]
    public void The_same_model_and_photos_give_the_same_page()
    {
        var photos = TinyData.Images(_folder["photos"], byClass: true);
        var ml = new MLContext(seed: 1);
        var model = Model(ml, photos);

        Assert.AreEqual(AdaptationReport.Create(ml, model, photos, Quick).Html, AdaptationReport.Create(ml, model, photos, Quick).Html);
    }

    [TestMethod]
    public void A_model_that_is_no_classifier_is_refused()
    {
        var photos = TinyData.Images(_folder["photos"]);
        var ml = new MLContext(seed: 1);
        var view = ml.Data.LoadFromImageFolder(photos);
        var model = ml.Transforms.CopyColumns("Other", "ImagePath").Fit(view);

        var error = Assert.ThrowsExactly<InvalidDataException>(() => AdaptationReport.Create(ml, model, photos));

        Assert.Contains("'Score'", error.Message);
    }

    [TestMethod]
    public void A_heat_map_is_hottest_where_the_cosine_is()
    {
        var white = new RgbImage(8, 8, [.. Enumerable.Repeat((byte)255, 192)]);

        var overlay = HeatMaps.Overlay(white, [0, 0, 0, 1], 2, 2);

        Assert.IsGreaterThan(overlay.Pixels[0], overlay.Pixels[189]);
        Assert.IsGreaterThan(overlay.Pixels[191], overlay.Pixels[2]);
    }

    private static AdaptationReportOptions Quick { get; } = new() { HeatMaps = 2, Embedded = 20 };

    internal static XDocument Parse(AdaptationReport report)
    {
        Assert.StartsWith("<!DOCTYPE html>\n", report.Html);
        return XDocument.Parse(Doctype().Replace(report.Html, ""));
    }

    private ITransformer Model(MLContext ml, string photos)
    {
        var task = new AdaptationTask { ClipFolder = TinyClip.Create(_folder["clip"]), ClassNames = TinyData.ClassNames };
        return (Recipe.Fpl.WithEpochs(1)).Stages(ml, task).Fit(ml.Data.LoadFromImageFolder(photos));
    }

    [GeneratedRegex("^<!DOCTYPE html>\n")]
    private static partial Regex Doctype();
}
