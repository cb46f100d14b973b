using System.Text.Json;
using System.Xml.Linq;
using AirMLNet.Captions;
using AirMLNet.Recipes;
using AirMLNet.Reports;
using AirMLNet.Testing;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Tests.Reports;

/// <summary>The part of a report with LatteCLIP's texts.</summary>
[TestClass]
public sealed class TextReportTests
{
    private readonly TemporaryFolder _folder = new();
    private readonly MLContext _ml = new(seed: 1);

    [TestCleanup]
    public void Delete() => _folder.Dispose();

    [TestMethod]
    public void Texts_StandBesideBothLabels_AndTheTruth()
    {
        var photos = TinyData.Images(_folder["photos"], perClass: 3, byClass: true);
        var fitted = Latte(photos);
        File.WriteAllLines(
            _folder["texts.jsonl"],
            new[] { "red/00.png", "green/10.png" }.Select(image =>
                JsonSerializer.Serialize(
                    new
                    {
                        image = "photos/" + image,
                        text = "a <b>",
                        group = "some " + image,
                    }
                )
            )
        );

        var page = Page(fitted, photos, Quick with { Captions = _folder["texts.jsonl"] });

        var section = page.Descendants("section").Single(s => s.Attribute("id")!.Value == "texts");
        Assert.AreEqual("Texts and both pseudo-labels", section.Element("h2")!.Value);
        Assert.Contains("2 of 9 photos have texts", section.Value);
        XElement[] shown = [.. section.Elements("div").Single().Elements("div")];
        Assert.HasCount(2, shown);
        foreach (var photo in shown)
        {
            var facts = Facts(photo);
            var name = photo.Descendants("figcaption").Single().Value;
            Assert.AreEqual("a <b>", facts["text of the photo"]);
            Assert.AreEqual("some " + name, facts["text of its group"]);
            Assert.AreEqual(name.Split('/')[0], facts["folder"]);
            Assert.Contains(facts["frozen model"], TinyData.ClassNames);
            Assert.Contains(facts["tuned model"].Split(' ')[0], TinyData.ClassNames);
        }
    }

    [TestMethod]
    public void WithoutTexts_BothLabelsAreShown_AndItSaysHowToGiveThem()
    {
        var photos = TinyData.Images(_folder["photos"], perClass: 2);

        var page = Page(Latte(photos), photos, Quick);

        var section = page.Descendants("section").Single(s => s.Attribute("id")!.Value == "texts");
        Assert.AreEqual("Both pseudo-labels", section.Element("h2")!.Value);
        Assert.Contains("--captions PATH", section.Value);
        CollectionAssert.AreEqual(new[] { "frozen model", "tuned model" }, Facts(section.Descendants("dl").First()).Keys.ToArray());
    }

    [TestMethod]
    public void WhatTheModelNotes_FindsTheTextsAgain_AndHoldsNone()
    {
        var photos = TinyData.Images(_folder["photos"], perClass: 2);
        var fitted = Fit(photos);
        var keys = TextKeys.Of(fitted)!;
        Assert.HasCount(6, keys);
        Assert.IsTrue(keys.Values.All(k => k.Image is { Length: 64 } && k.Group is { Length: 64 }));
        File.Move(Path.Combine(photos, "00.png"), _folder["elsewhere.png"]);

        var texts = ReportTexts.Of(null, keys, _folder["captions"])!;

        var stage = ReportModel.Flatten(fitted).OfType<CaptionSynthesisTransformer>().Single();
        foreach (var (path, expected) in stage.Texts)
        {
            var now = Path.GetFileName(path) == "00.png" ? _folder["elsewhere.png"] : path;
            Assert.IsGreaterThan(0, expected.Group.Length);
            Assert.AreEqual(expected, texts.Of(now)); // by content, wherever the photo is
        }

        var other = TinyData.Images(_folder["others"], perClass: 3);
        Assert.AreEqual(new CaptionTexts("", ""), texts.Of(Path.Combine(other, "02.png")));
        Assert.AreEqual(new CaptionTexts("", ""), ReportTexts.Of(null, keys, _folder["empty"])!.Of(_folder["elsewhere.png"]));
        var key = CaptionRows.Hash(_folder["elsewhere.png"]);
        var stranger = new Dictionary<string, TextKeys> { [key] = new("../../" + new string('a', 58), null) };
        Assert.AreEqual(new CaptionTexts("", ""), ReportTexts.Of(null, stranger, _folder["captions"])!.Of(_folder["elsewhere.png"]));
    }

    [TestMethod]
    public void TheCardOfASavedModel_KeepsTheNote()
    {
        var photos = TinyData.Images(_folder["photos"], perClass: 2);
        var fitted = Fit(photos);
        _ml.Model.Save(((TransformerChain<ITransformer>)fitted).LastTransformer, null, _folder["model.zip"]);
        var card = new AdaptationCard { Texts = TextKeys.Of(fitted) };

        using (var zip = File.Open(_folder["model.zip"], FileMode.Open))
        {
            card.AddTo(zip);
        }

        var found = AdaptationCard.Read(_folder["model.zip"])!.Texts!;
        CollectionAssert.AreEquivalent(card.Texts!.ToArray(), found.ToArray());
    }

    private static AdaptationReportOptions Quick { get; } = new() { HeatMaps = 0, Embedded = 0 };

    private static Dictionary<string, string> Facts(XElement within) =>
        within.Descendants("dt").Zip(within.Descendants("dd")).ToDictionary(p => p.First.Value, p => p.Second.Value);

    private XDocument Page(ITransformer model, string photos, AdaptationReportOptions options) =>
        AdaptationReportTests.Parse(AdaptationReport.Create(_ml, model, photos, options));

    private ITransformer Latte(string photos) => ((TransformerChain<ITransformer>)Fit(photos)).GetModelFor(TransformerScope.Scoring);

    private ITransformer Fit(string photos)
    {
        var task = new AdaptationTask
        {
            ClipFolder = TinyModels.Clip,
            ClassNames = TinyData.ClassNames,
            WorkFolder = _folder["tuned"],
            Captions = new() { Captioner = new ColourCaptioner(), WorkFolder = _folder["captions"] },
        };
        return Recipe.LatteClip.WithEpochs(1).Stages(_ml, task).Fit(_ml.Data.LoadFromImageFolder(photos));
    }
}
