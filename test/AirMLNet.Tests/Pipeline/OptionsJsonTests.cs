using AirMLNet.Diffusion;
using AirMLNet.Features;
using AirMLNet.Options;
using AirMLNet.Prompts;
using AirMLNet.Prototypes;
using AirMLNet.PseudoLabels;

namespace AirMLNet.Tests.Pipeline;

[TestClass]
public sealed class OptionsJsonTests
{
    private static readonly string[] Names = ["cat", "dog"];

    [TestMethod]
    public void Values_AreCheckedWhenSet_AndTheMessageNamesOptionValueAndRange()
    {
        Refused(() => new ClipFeatureOptions { ClipFolder = "m", BatchSize = -1 }, "BatchSize = -1; expected 0..4096");
        Refused(() => new PrototypeClassifierOptions { Shots = 0 }, "Shots = 0; expected 1..100000");
        Refused(() => new PrototypeClassifierOptions { Temperature = double.NaN }, "Temperature = NaN; expected 0.0001..100");
        Refused(
            () =>
                new PromptAdapterOptions
                {
                    ClipFolder = "m",
                    ClassNames = Names,
                    LearningRate = -1,
                },
            "LearningRate = -1; expected 0..1000"
        );
        Refused(
            () =>
                new PromptAdapterOptions
                {
                    ClipFolder = "m",
                    ClassNames = Names,
                    Strategy = (PseudoLabelStrategy)9,
                },
            "Strategy = 9; expected one of Fpl, Grip, All"
        );
        Refused(() => new PseudoLabelOptions { ClipFolder = " ", ClassNames = Names }, "ClipFolder = ' '");
        Refused(() => new PseudoLabelOptions { ClipFolder = "m", ClassNames = ["one"] }, "ClassNames has 1 names; expected 2 or more");
        Refused(
            () => new PseudoLabelOptions { ClipFolder = "m", ClassNames = ["cat", "Cat"] },
            "ClassNames[1] = 'Cat' repeats ClassNames[0]"
        );
        Refused(
            () =>
                new PseudoLabelOptions
                {
                    ClipFolder = "m",
                    ClassNames = Names,
                    Templates = ["no place"],
                },
            "Templates[0] = 'no place'"
        );
        Refused(
            () =>
                new PseudoLabelOptions
                {
                    ClipFolder = "m",
                    ClassNames = Names,
                    Templates = ["a {{}}"],
                },
            "Templates[0] = 'a {{}}'"
        );
        Refused(
            () =>
                new PseudoLabelOptions
                {
                    ClipFolder = "m",
                    ClassNames = Names,
                    IntraQuantile = 1.1,
                },
            "IntraQuantile = 1.1; expected 0..1"
        );
        Refused(
            () =>
                new PseudoLabelOptions
                {
                    ClipFolder = "m",
                    ClassNames = Names,
                    LabelClasses = [],
                },
            "LabelClasses is empty"
        );
        Refused(() => new LoraOptions { Rank = 0 }, "Rank = 0; expected 1..1024");
        Refused(() => new LoraTrainingOptions { Steps = 0 }, "Steps = 0; expected 1..10000000");
    }

    [TestMethod]
    public void Json_WithABadValueOrMember_IsRefusedWithTheOptionsName()
    {
        var e = Assert.ThrowsExactly<FormatException>(() => OptionsJson.Read<PrototypeClassifierOptions>("""{"shots":0}"""));
        Assert.Contains("Shots = 0", e.Message);
        Assert.DoesNotContain("Parameter", e.Message);
        e = Assert.ThrowsExactly<FormatException>(() => OptionsJson.Read<PrototypeClassifierOptions>("""{"shotz":1}"""));
        Assert.Contains("shotz", e.Message);
    }

    [TestMethod]
    [DataRow("""{"shots":"1"}""", "shots has a value of the wrong kind (line 1); expected a whole number.")]
    [DataRow("{\"clipFolder\":\"m\",\n\"shotz\":1}", "there is no member 'shotz' (line 2).")]
    [DataRow("{\"Shots\":1}", "there is no member 'Shots' (line 1); names begin with a small letter.")]
    [DataRow("{\"shots\":1,\"shots\":2}", "'shots' is there twice.")]
    [DataRow("{\n\"shots\":1,}", "line 2 is not valid JSON: The JSON object contains a trailing comma")]
    [DataRow("", "line 1 is not valid JSON")]
    [DataRow("[]", "the whole has a value of the wrong kind (line 1); expected an object.")]
    [DataRow("{\n\"temperature\":[1]}", "temperature has a value of the wrong kind (line 2); expected a number.")]
    public void Json_WithAValueOfAnotherKind_IsRefusedInWords(string json, string expected) =>
        Assert.Contains(expected, Assert.ThrowsExactly<FormatException>(() => OptionsJson.Read<PrototypeClassifierOptions>(json)).Message);

    [TestMethod]
    [DataRow("{\"classNames\":[\"a\",\"b\"],\n\"clipFolder\":null}", "clipFolder is null (line 2); give it a value, or leave it out")]
    [DataRow("""{"clipFolder":"m","classNames":"cat"}""", "classNames has a value of the wrong kind (line 1); expected a list of texts.")]
    [DataRow(
        """{"clipFolder":"m","classNames":["a","b"],"strategy":"grap"}""",
        "strategy has a value of the wrong kind (line 1); expected"
    )]
    public void Json_WithAnotherKindOfList_IsRefusedInWords(string json, string expected) =>
        Assert.Contains(expected, Assert.ThrowsExactly<FormatException>(() => OptionsJson.Read<PromptAdapterOptions>(json)).Message);

    [TestMethod]
    public void ClassNames_AreCopied()
    {
        string[] names = ["a", "b"];
        var options = new PseudoLabelOptions { ClipFolder = "m", ClassNames = names };
        names[0] = "changed";
        Assert.AreEqual("a", options.ClassNames[0]);
    }

    private static void Refused(Func<object> build, string expected)
    {
        var e = Assert.Throws<ArgumentException>(() => build());
        Assert.Contains(expected, e.Message);
    }
}
