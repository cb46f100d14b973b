using AirMLNet.Pipeline;
using AirMLNet.Prototypes;
using AirMLNet.Testing;
using AirMLNet.ZeroShot;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Tests.Pipeline;

[TestClass]
public sealed class InputColumnTests
{
    private const string Stage = "Stage";
    private static readonly IDataView Data = Make();

    [TestMethod]
    public void WhatFits_IsFoundInBothSchemas()
    {
        InputColumn[] columns =
        [
            InputColumn.Vector("Values"),
            InputColumn.Vector("Values", 3),
            InputColumn.Single("Number"),
            InputColumn.Text("Text"),
            InputColumn.Image("Text"),
            InputColumn.Label("Key"),
            InputColumn.Label("Key", ["a", "b"]),
            InputColumn.Vector("Nothing") with
            {
                Optional = true,
            },
        ];
        foreach (var column in columns)
        {
            column.Check(FriendMembers.ShapeOf(Data.Schema), Stage);
            Assert.AreEqual(column.Optional ? null : Data.Schema[column.Name].Index, column.FindOrNull(Data.Schema, Stage)?.Index);
        }
    }

    [TestMethod]
    public void WhatDoesNotFit_IsRefusedByBothSchemas_InOneSentence()
    {
        (InputColumn Column, string Expected)[] cases =
        [
            (InputColumn.Vector("Number"), "column 'Number' is Single; expected a vector of Single of known size."),
            (InputColumn.Single("Text") with { Optional = true }, "column 'Text' is String; expected Single."),
            (InputColumn.Text("Number"), "column 'Number' is Single; expected Text."),
            (InputColumn.Image("Number"), "column 'Number' is Single; expected Text (image paths) or MLImage."),
            (InputColumn.Label("Number"), "column 'Number' is Single; expected Key<UInt32> with KeyValues."),
            (InputColumn.Vector("Nothing", 2), "there is no column 'Nothing'; expected a vector of 2 Single. The input has: Values, "),
        ];
        foreach ((var column, var expected) in cases)
        {
            var real = Assert.ThrowsExactly<ArgumentException>(() => column.FindOrNull(Data.Schema, Stage));
            var predicted = Assert.ThrowsExactly<ArgumentException>(() => column.Check(FriendMembers.ShapeOf(Data.Schema), Stage));
            Assert.StartsWith($"{Stage}: {expected}", real.Message);
            Assert.StartsWith($"{Stage}: {expected}", predicted.Message);
        }
    }

    [TestMethod]
    public void ARealSchema_KnowsLengthsAndNames()
    {
        var length = InputColumn.Vector("Values", 4);
        length.Check(FriendMembers.ShapeOf(Data.Schema), Stage);
        Assert.Contains(
            "expected a vector of 4 Single",
            Assert.ThrowsExactly<ArgumentException>(() => length.Find(Data.Schema, Stage)).Message
        );
        var names = InputColumn.Label("Key", ["b", "a"]);
        names.Check(FriendMembers.ShapeOf(Data.Schema), Stage);
        Assert.Contains("are [a, b]; expected", Assert.ThrowsExactly<ArgumentException>(() => names.Find(Data.Schema, Stage)).Message);
    }

    /// <summary>CLIP models have features of the same length and other spaces: the results were nonsense, and nothing said so.</summary>
    [TestMethod]
    public void FeaturesOfAnotherClip_AreRefused_AlsoWhereTheirLengthFits()
    {
        using var f = new StageFixture(images: 6);
        var other = TinyClip.Create(Path.Combine(f.Root, "other-clip"), seed: 2);
        var copy = TinyModels.Copy(f.ClipFolder, Path.Combine(f.Root, "copy"));
        var ml = f.Context;
        using var features = f.Features().Fit(f.Data);
        var data = features.Transform(f.Data);
        var labels = f.PseudoLabels();
        var ranked = new PrototypeClassifierOptions { LabelColumn = "PseudoLabel", Ranking = PrototypeRanking.Probability };
        (string Stage, Func<string, IEstimator<ITransformer>> Make)[] stages =
        [
            (
                "ZeroShot",
                clip =>
                    ml.MulticlassClassification.Trainers.ZeroShot(
                        new ZeroShotOptions { ClipFolder = clip, ClassNames = StageFixture.Names }
                    )
            ),
            ("PseudoLabel", clip => ml.Transforms.PseudoLabel("PseudoLabel", "Features", labels with { ClipFolder = clip })),
            ("PromptAdapter", clip => ml.MulticlassClassification.Trainers.PromptAdapter(f.Prompts(epochs: 1) with { ClipFolder = clip })),
            ("PrototypeClassifier", clip => ml.Transforms.PrototypeClassifier("Score", "Features", ranked with { ClipFolder = clip })),
        ];
        var labelled = ml.Transforms.PseudoLabel("PseudoLabel", "Features", labels).Fit(data).Transform(data);
        foreach ((var stage, var make) in stages)
        {
            var e = Assert.ThrowsExactly<ArgumentException>(() => make(other).Fit(labelled));
            Assert.AreEqual(
                $"{stage}: column 'Features' has features of the CLIP 'tiny-clip', whose weights are others than those of 'other-clip'; "
                    + "expected features of the stage's own CLIP.",
                e.Message
            );
            var fitted = make(copy).Fit(labelled);
            Assert.IsNotNull(fitted, "The same weights in another folder will do.");
            (fitted as IDisposable)?.Dispose();
        }
    }

    [TestMethod]
    public void FeaturesThatNoClipIsKnownOf_AreTaken_AndSavedOnesAreKnown()
    {
        using var f = new StageFixture(images: 6);
        var ml = f.Context;
        using var features = f.Features().Fit(f.Data);
        var data = features.Transform(f.Data);
        var options = new ZeroShotOptions
        {
            ClipFolder = TinyClip.Create(Path.Combine(f.Root, "other"), seed: 2),
            ClassNames = StageFixture.Names,
        };
        var trainer = ml.MulticlassClassification.Trainers.ZeroShot(options);
        var file = Path.Combine(f.Root, "features.idv");
        using (var stream = File.Create(file))
        {
            ml.Data.SaveAsBinary(data, stream);
        }
        Assert.ThrowsExactly<ArgumentException>(() => trainer.Fit(ml.Data.LoadFromBinary(file)));

        var bare = ml.Transforms.NormalizeLpNorm("Features").Fit(data).Transform(data);
        Assert.IsNotNull(trainer.Fit(bare));
    }

    private static IDataView Make()
    {
        var ml = new MLContext(1);
        var data = ml.Data.LoadFromEnumerable(
            new[]
            {
                new Row { Text = "a" },
                new Row { Text = "b" },
            }
        );
        return ml.Transforms.Conversion.MapValueToKey("Key", "Text").Fit(data).Transform(data);
    }

    private sealed class Row
    {
        [VectorType(3)]
        public float[] Values { get; set; } = new float[3];

        public float Number { get; set; }

        public string Text { get; set; } = "";
    }
}
