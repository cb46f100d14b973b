using AirMLNet.Experiments;
using AirMLNet.Pipeline;
using AirMLNet.Testing;

namespace AirMLNet.Tests.Experiments;

/// <summary>What experiment files say that contradicts itself or changes nothing, and what a finished experiment does not need.</summary>
[TestClass]
public sealed class ExperimentChecksTests
{
    private static readonly TemporaryFolder Root = new();

    [ClassInitialize]
    public static void LayOut(TestContext context) => ColourExperiment.LayOut(Root);

    [ClassCleanup]
    public static void CleanUp() => Root.Dispose();

    [TestMethod]
    [DataRow("""["fpl", "fpl"]""", "", "methods: 'fpl' is there twice; expected names that tell them apart")]
    [DataRow("""[{ "method": "fpl", "name": "x" }, { "method": "grip", "name": "x" }]""", "", "methods: 'x' is there twice")]
    [DataRow("""["grip", "coop"]""", "", "methods: 'coop' has no run: coop is for paradigms ssl and trzsl, and prompt text, and the file")]
    [DataRow("""["reclip"]""", """, "paradigms": ["ssl"]""", "'reclip' has no run: reclip is for paradigm ul and prompt text")]
    [DataRow("""["grip"]""", """, "transfer": true""", "transfer tries prompts on the other data sets, and dataSets has one")]
    [DataRow(
        """["grip"]""",
        """, "promptSettings": { "visual": {} }""",
        "promptSettings: 'visual' is none of the prompts of this file: text"
    )]
    [DataRow(
        """[{ "method": "fpl", "settings": { "rounds": 5 } }]""",
        "",
        "settings of 'fpl': rounds changes nothing for fpl; it is for ifpl"
    )]
    [DataRow("""[{ "method": "grip", "settings": { "fineTune": {} } }]""", "", "settings of 'grip': fineTune changes nothing for grip")]
    [DataRow(
        """[{ "method": "flyp-pl", "settings": { "fineTune": { "mixer": false } } }]""",
        "",
        "FineTune.mixer changes nothing for flyp-pl"
    )]
    [DataRow("""[{ "method": "grip", "mostSynthetic": 2 }]""", "", "mostSynthetic of 'grip' changes nothing: it takes no synthetic images")]
    [DataRow("""[{ "method": "grip", "captions": { "errors": 0.5 } }]""", "", "captions of 'grip' change nothing: it takes no texts")]
    [DataRow(
        """["grip"]""",
        """, "overrides": { "epochs": 1 }""",
        "settings of 'grip': warmUpEpochs is 1 and epochs 1; expected fewer, or null"
    )]
    [DataRow("""["grip"]""", """, "shots": 0""", "Shots = 0; expected 1..1000.")]
    public void WhatContradictsItself_IsRefusedByFileAndMember(string methods, string more, string expected)
    {
        var e = Assert.ThrowsExactly<InvalidDataException>(() => ColourExperiment.Load(Root, methods, $"\"seeds\": [1]{more}"));
        Assert.StartsWith(Root["file.json"] + ": ", e.Message);
        Assert.Contains(expected, e.Message);
        Assert.DoesNotContain("Actual value", e.Message);
    }

    [TestMethod]
    [DataRow(""" "classes": ["red"]""", "Classes has 1 names; expected 2 or more")]
    [DataRow(""" "classes": ["red", "red"]""", "repeats Classes[0]")]
    [DataRow(""" "templates": []""", "Templates is empty")]
    [DataRow(""" "templates": ["photo"]""", "Templates[0] = 'photo'; expected a text with {}")]
    public void ADataSet_IsLookedAtBeforeItIsOpened(string member, string expected)
    {
        var sets = $$"""[{ "name": "colours", "csv": "set/set.csv",{{member}} }]""";
        var e = Assert.ThrowsExactly<InvalidDataException>(() => ColourExperiment.Load(Root, """["grip"]""", "\"seeds\": [1]", sets));
        Assert.StartsWith(Root["file.json"] + ": ", e.Message);
        Assert.Contains(expected, e.Message);
    }

    [TestMethod]
    public void WhatItsListsDoNotHave_IsNamedWithTheFile()
    {
        const string sets = """[{ "name": "colours", "csv": "set/set.csv", "classes": ["red", "pink"] }]""";
        var file = ColourExperiment.Load(Root, """["zero-shot"]""", "\"seeds\": [1]", sets);
        var e = Assert.ThrowsExactly<InvalidDataException>(() => ExperimentRunner.Run(file));
        Assert.Contains($"{Root["file.json"]}: data set 'colours': classes: 'pink' is none of", e.Message);
    }

    [TestMethod]
    public void SettingsOfAFile_AreForAllItsMethods_AndMayMeanNothingToSome()
    {
        // The file has settings of rounds and of labels for a class.
        var file = ColourExperiment.Load(Root, """["zero-shot", { "method": "fpl", "settings": { "perClass": 2 } }]""", "\"seeds\": [1]");
        Assert.HasCount(2, file.Variants);
    }

    [TestMethod]
    public void ZeroShot_NeedsNoWarmUp()
    {
        var file = ColourExperiment.Load(Root, """["zero-shot"]""", "\"seeds\": [1], \"overrides\": { \"epochs\": 1 }");
        Assert.HasCount(1, ExperimentRunner.Run(file));
    }

    [TestMethod]
    public void AFinishedExperiment_LoadsNoModel()
    {
        var file = ColourExperiment.Load(Root, """["zero-shot", "fpl"]""", "\"seeds\": [1]");
        var first = ExperimentRunner.Run(file);
        // There is no such GPU: whatever is loaded onto it would say so.
        var again = ExperimentRunner.Run(file, new() { Device = new DeviceChoice(41) });
        CollectionAssert.AreEqual(first.Select(r => r.Hash).ToArray(), again.Select(r => r.Hash).ToArray());
    }
}
