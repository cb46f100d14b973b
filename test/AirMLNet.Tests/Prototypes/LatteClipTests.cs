using AirMLNet.Clip;
using AirMLNet.Prototypes;
using AirMLNet.PseudoLabels;
using AirMLNet.Testing;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Tests.Prototypes;

[TestClass]
[DoNotParallelize] // a test sets AIRMLNET_HOME for the whole process
public sealed class LatteClipTests
{
    [TestMethod]
    public void TheWholeChainFits_AndItsSavedModelNeedsNoFolder()
    {
        using var f = new StageFixture(18);
        var model = Chain(f).Fit(f.Data);
        var expected = StageFixture.Vectors(model.Transform(f.Data), "Score");
        Assert.IsTrue(expected.All(row => Math.Abs(row.Sum() - 1) < 1e-4));
        var path = Path.Combine(f.Root, "model.zip");
        // The stages before it refer to the original CLIP, which is not what is tested: only the last one is saved.
        var last = model.LastTransformer;
        f.Context.Model.Save(last, f.Data.Schema, path);
        last.Dispose();
        Directory.Delete(Path.Combine(f.Root, "latte"), recursive: true);

        var before = Environment.GetEnvironmentVariable("AIRMLNET_HOME");
        Environment.SetEnvironmentVariable("AIRMLNET_HOME", Path.Combine(f.Root, "home"));
        try
        {
            using var loaded = (LatteClipTransformer)new MLContext().Model.Load(path, out _);
            var found = StageFixture.Vectors(loaded.Transform(f.Data), "Score");
            for (var i = 0; i < expected.Length; i++)
            {
                CollectionAssert.AreEqual(expected[i], found[i]);
            }
        }
        finally
        {
            Environment.SetEnvironmentVariable("AIRMLNET_HOME", before);
        }
    }

    [TestMethod]
    public void TheTunedClipIsAModelFolder_FromWhichOtherStagesStart()
    {
        using var f = new StageFixture(18);
        using var last = Chain(f).Fit(f.Data).LastTransformer;
        var folder = Path.Combine(f.Root, "tuned");
        last.ExportClip(folder);
        using var tuned = ClipModel.Load(folder);
        using var original = ClipModel.Load(f.ClipFolder);
        Assert.IsFalse(
            tuned.Vision.Encoder.Blocks[0].Mlp.Inner.weight.equal(original.Vision.Encoder.Blocks[0].Mlp.Inner.weight).all().item<bool>()
        );
        Assert.IsFalse(
            tuned.Text.Encoder.Blocks[0].Mlp.Inner.weight.equal(original.Text.Encoder.Blocks[0].Mlp.Inner.weight).all().item<bool>()
        );
        var named = f.Context.Transforms.ZeroShot("ImagePath", folder, StageFixture.Names).Fit(f.Data).Transform(f.Data);
        Assert.HasCount(18, StageFixture.Column<uint>(named, "PredictedLabel"));
    }

    [TestMethod]
    public void PredictionEngineAgreesWithTransform_AlsoInBFloat16()
    {
        using var f = new StageFixture(12);
        foreach (var precision in new[] { ClipPrecision.Float32, ClipPrecision.BFloat16 })
        {
            using var last = Trainer(f, o => o with { Precision = precision, WorkFolder = Path.Combine(f.Root, precision.ToString()) })
                .Fit(Captioned(f));
            var scores = StageFixture.Vectors(last.Transform(f.Data), "Score");
            using var engine = f.Context.Model.CreatePredictionEngine<PictureRow, ScoreOnly>(last);
            for (var i = 0; i < f.Rows.Length; i++)
            {
                var alone = engine.Predict(f.Rows[i]).Score;
                for (var c = 0; c < 3; c++)
                {
                    Assert.AreEqual(scores[i][c], alone[c], precision == ClipPrecision.Float32 ? 1e-4f : 2e-2f);
                }
            }
        }
    }

    [TestMethod]
    public void WithTheTruthForLabels_TheOracleLearnsIt()
    {
        using var f = new StageFixture(24);
        var truth = f.Context.Data.LoadFromEnumerable(
            f.Rows.Select(r => new Known { ImagePath = r.ImagePath, Truth = StageFixture.Names[r.Number] }).ToArray()
        );
        var names = f.Context.Data.LoadFromEnumerable(StageFixture.Names.Select(n => new NameRow { Truth = n }).ToArray());
        var keyed = f.Context.Transforms.Conversion.MapValueToKey("ZeroShotLabel", "Truth", keyData: names).Fit(truth).Transform(truth);
        var trainer = Trainer(
            f,
            o => o with { Method = FineTuneMethod.FlypGivenLabels, Epochs = 30, BatchSize = 24, LearningRate = 2e-3, MinCropArea = 1 }
        );
        using var fitted = trainer.Fit(keyed);
        var predicted = StageFixture.Column<uint>(fitted.Transform(f.Data), "PredictedLabel");
        Assert.IsGreaterThan(22, f.Rows.Where((r, i) => predicted[i] == r.Number + 1).Count());
    }

    [TestMethod]
    public void FitsThatAreRepeatedGiveTheSameBits_AndACheckpointOfOthersIsRefused()
    {
        using var f = new StageFixture(12);
        var data = Captioned(f);
        float[] Fit(string folder, double rate)
        {
            var ml = new MLContext(7);
            using var fitted = ml
                .MulticlassClassification.Trainers.LatteClip(
                    Options(f) with
                    {
                        WorkFolder = Path.Combine(f.Root, folder),
                        LearningRate = rate,
                    }
                )
                .Fit(data);
            return [.. StageFixture.Vectors(fitted.Transform(f.Data), "Score").SelectMany(v => v)];
        }

        var one = Fit("one", 1e-4);
        CollectionAssert.AreEqual(one, Fit("two", 1e-4));
        CollectionAssert.AreEqual(one, Fit("one", 1e-4)); // from its last checkpoint
        var e = Assert.ThrowsExactly<InvalidOperationException>(() => Fit("one", 2e-4));
        Assert.Contains("other settings", e.Message);
    }

    [TestMethod]
    public void WhatCannotBeLearnedFromIsRefusedOrNamed()
    {
        using var f = new StageFixture(6);
        Assert.Contains(
            "both off",
            Assert.ThrowsExactly<ArgumentException>(() => Trainer(f, o => o with { ZeroShotLoss = false, CurrentLoss = false })).Message
        );
        Assert.Contains(
            "one kind of text",
            Assert
                .ThrowsExactly<ArgumentException>(() =>
                    Trainer(f, o => o with { ClassText = false, ImageTextColumn = null, GroupTextColumn = null })
                )
                .Message
        );

        List<string> log = [];
        f.Context.Log += (_, e) =>
        {
            lock (log)
            {
                log.Add(e.Message);
            }
        };
        var captioned = Captioned(f, ["red", "green", "blue", "no such colour at all, zzzz"]);
        using var fitted = Trainer(f, o => o with { ClassNames = ["red", "green", "blue", "no such colour at all, zzzz"] }).Fit(captioned);
        Assert.HasCount(4, fitted.ClassNames);
        Assert.IsTrue(log.Exists(m => m.Contains("no image has the label", StringComparison.Ordinal)), string.Join('\n', log));
    }

    private static LatteClipOptions Options(StageFixture f) =>
        new()
        {
            ClipFolder = f.ClipFolder,
            ClassNames = StageFixture.Names,
            WorkFolder = Path.Combine(f.Root, "latte"),
            Epochs = 2,
            BatchSize = 6,
            LearningRate = 1e-4,
            WarmUpSteps = 1,
        };

    private static LatteClipEstimator Trainer(StageFixture f, Func<LatteClipOptions, LatteClipOptions>? change = null) =>
        f.Context.MulticlassClassification.Trainers.LatteClip(change is null ? Options(f) : change(Options(f)));

    private static IEstimator<ITransformer> Labels(StageFixture f, string[]? names = null) =>
        f.Context.Transforms.PseudoLabel(
            "ZeroShotLabel",
            "Features",
            f.PseudoLabels() with
            {
                Strategy = PseudoLabelStrategy.All,
                ClassNames = names ?? StageFixture.Names,
            }
        );

    private static IEstimator<ITransformer> Captions(StageFixture f) =>
        f.Context.Transforms.CaptionSynthesis(
            "ImageText",
            "GroupText",
            "ImagePath",
            new() { Captioner = new ColourCaptioner(), WorkFolder = Path.Combine(f.Root, "captions") }
        );

    private static EstimatorChain<LatteClipTransformer> Chain(StageFixture f) =>
        f.Features().Append(Labels(f), TransformerScope.TrainTest).Append(Captions(f), TransformerScope.TrainTest).Append(Trainer(f));

    private static IDataView Captioned(StageFixture f, string[]? names = null) =>
        f.Context.Data.Cache(f.Features().Append(Labels(f, names)).Append(Captions(f)).Fit(f.Data).Transform(f.Data));

    private sealed class Known
    {
        public string ImagePath { get; set; } = "";
        public string Truth { get; set; } = "";
    }

    private sealed class NameRow
    {
        public string Truth { get; set; } = "";
    }

    private sealed class ScoreOnly
    {
        public float[] Score { get; set; } = [];
    }
}
