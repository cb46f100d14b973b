using AirMLNet.Captions;
using AirMLNet.Heads;
using AirMLNet.Images;
using AirMLNet.MultiLabel;
using AirMLNet.Synthesis;
using AirMLNet.Testing;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Tests.MultiLabel;

[TestClass]
public sealed class MultiLabelPromptAdapterTests
{
    private readonly TemporaryFolder _folder = new();
    private MLContext _ml = new(seed: 3);
    private Row[] _rows = [];

    [TestInitialize]
    public void Create() =>
        _rows = [
            .. TinyClip
                .WriteImages(_folder["images"], 18)
                .Select(image => new Row
                {
                    ImagePath = image.Path,
                    Caption = $"{image.Class} {StageFixture.Names[image.Class]}",
                    Labels = [.. StageFixture.Names.Select((_, c) => c == image.Class ? 1f : 0)],
                }),
        ];

    [TestCleanup]
    public void Delete() => _folder.Dispose();

    private MultiLabelPromptAdapterOptions Options =>
        new()
        {
            ClipFolder = TinyModels.Clip,
            ClassNames = StageFixture.Names,
            PromptLength = 3,
            Epochs = 3,
            BatchSize = 8,
            LearningRate = 0.05,
            AdapterLearningRate = 0.1,
            WarmUpEpochs = 0,
        };

    private MultiLabelPromptAdapterTransformer Fit(MultiLabelPromptAdapterOptions options, IEnumerable<Row>? rows = null)
    {
        _ml = new MLContext(seed: 3);
        return _ml.MultiLabelClassification().Trainers.PromptAdapter(options).Fit(_ml.Data.LoadFromEnumerable(rows ?? _rows));
    }

    private string Learned(MultiLabelPromptAdapterOptions options, IEnumerable<Row>? rows = null)
    {
        using var model = Fit(options, rows);
        return string.Join(' ', [.. model.Prompt.ToArray(), .. model.Adapter.ToArray(), model.State.Alpha, .. model.State.Attention]);
    }

    [TestMethod]
    public void SameSeed_SameModel() => Assert.AreEqual(Learned(Options), Learned(Options));

    [TestMethod]
    [DataRow(MultiLabelPrompt.GlobalLocal)]
    [DataRow(MultiLabelPrompt.Dual)]
    public void ALargerImage_HasMorePlaces_AndIsScoredAtThatSize(MultiLabelPrompt prompt)
    {
        using var usual = Fit(Options with { Prompt = prompt });
        using var large = Fit(Options with { Prompt = prompt, ImageSize = 2 * usual.Encoder.Preprocessor.Size });
        Assert.AreEqual(2 * usual.Encoder.Side, large.Encoder.Side);
        var (_, height, width) = large.Places(ImageFile.Load(_rows[0].ImagePath));
        Assert.AreEqual((large.Encoder.Side, large.Encoder.Side), (height, width));
        var e = Assert.ThrowsExactly<ArgumentException>(() => Fit(Options with { ImageSize = usual.Encoder.Preprocessor.Size + 1 }));
        Assert.Contains("expected a multiple of", e.Message);
    }

    [TestMethod]
    public void WithoutWeightOfImages_ImagesChangeNothing() =>
        Assert.AreEqual(
            Learned(Options with { ImageWeight = 0 }),
            Learned(Options with { ImageWeight = 0 }, _rows.Select(r => new Row { Caption = r.Caption, Labels = r.Labels }))
        );

    [TestMethod]
    public void WithAllWeightOnImages_CaptionsChangeNothing()
    {
        // Captions tell which images belong together, so that each row has one of its own.
        Row[] own =
        [
            .. _rows.Select(
                (r, i) =>
                    new Row
                    {
                        ImagePath = r.ImagePath,
                        Caption = $"{i}",
                        Labels = r.Labels,
                    }
            ),
        ];
        Assert.AreEqual(
            Learned(Options with { ImageWeight = 1 }, own),
            Learned(Options with { ImageWeight = 1 }, own.Select(r => new Row { ImagePath = r.ImagePath, Labels = r.Labels }))
        );
    }

    [TestMethod]
    public void WithoutWeightOfTheAdapter_ItIsAsWithoutAdapter()
    {
        using var none = Fit(Options with { Adapter = AdapterPlacement.None });
        using var zero = Fit(Options with { AdapterWeight = 0 });
        CollectionAssert.AreEqual(none.Prompt.ToArray(), zero.Prompt.ToArray());
        Assert.IsTrue(zero.Adapter.IsEmpty);
    }

    [TestMethod]
    public void FactorsMoveOnlyWhereTheyAreLearned()
    {
        using var fixedFactors = Fit(Options);
        Assert.AreEqual(0.5f, fixedFactors.State.Alpha);
        Assert.IsTrue(fixedFactors.State.Attention.All(w => w == 1));
        Assert.HasCount(StageFixture.Names.Length * TinyClip.FeatureDimension, fixedFactors.Adapter.ToArray());
        using var learned = Fit(Options with { LearnAdapterWeight = true, LearnAttention = true });
        Assert.AreNotEqual(0.5f, learned.State.Alpha);
        Assert.IsTrue(learned.State.Attention.Any(w => w != 1));
    }

    [TestMethod]
    public void Training_LowersTheLoss()
    {
        List<double> losses = [];
        using var model = Fit(
            Options with
            {
                Epochs = 30,
                Progress = new AirMLNet.Options.DirectProgress(p =>
                {
                    if (p.Activity == "training")
                    {
                        losses.Add(p.Loss ?? double.NaN);
                    }
                }),
            }
        );
        Assert.IsLessThan(losses[0] * 0.9, losses[^1]);
    }

    [TestMethod]
    public void AFeatureCache_GivesTheSameModel_AndIsRefusedForOtherImages()
    {
        var cached = Options with { FeatureCacheFolder = _folder["cache"] };
        var expected = Learned(Options);
        Assert.AreEqual(expected, Learned(cached));
        Assert.AreEqual(expected, Learned(cached)); // read again
        var e = Assert.ThrowsExactly<InvalidDataException>(() => Learned(cached, _rows[3..]));
        Assert.Contains("another 'rows'", e.Message);
        e = Assert.ThrowsExactly<InvalidDataException>(() => Learned(cached with { Prompt = MultiLabelPrompt.Dual }));
        Assert.Contains("another 'features'", e.Message);
    }

    [TestMethod]
    public void GivenThresholdsDecide_AndOthersAreCalibrated()
    {
        using var model = Fit(Options with { Thresholds = [0, 1, 0.5] });
        var view = model.Transform(_ml.Data.LoadFromEnumerable(_rows));
        foreach (
            var (score, labels) in StageFixture.Vectors(view, "Score").Zip(StageFixture.Column<VBuffer<bool>>(view, "PredictedLabels"))
        )
        {
            CollectionAssert.AreEqual(new[] { true, false, score[2] > 0.5 }, labels.DenseValues().ToArray());
        }
        CollectionAssert.AreEqual(
            new[] { 0.5f, 1f },
            MultiLabelThresholds.Best([0.8f, 0.9f, 0.7f, 0.1f, 0.3f, 0.2f], [1, 0, 1, 0, 0, 0], 2)
        );
    }

    [TestMethod]
    public void WhatIsMissing_IsNamed()
    {
        var captions = _rows.Select(r => new Row { Caption = r.Caption, Labels = r.Labels });
        Assert.Contains(
            "no row has an image in 'ImagePath'",
            Assert.ThrowsExactly<InvalidDataException>(() => Fit(Options, captions)).Message
        );
        var images = _rows.Select(r => new Row { ImagePath = r.ImagePath, Labels = r.Labels });
        Assert.Contains("no row has a caption", Assert.ThrowsExactly<InvalidDataException>(() => Fit(Options, images)).Message);
        var wrong = _rows.Select(r => new Row
        {
            ImagePath = r.ImagePath,
            Caption = r.Caption,
            Labels = [2, 0, 0],
        });
        Assert.Contains("holds 2 in row 0", Assert.ThrowsExactly<InvalidDataException>(() => Fit(Options, wrong)).Message);
        Assert.Contains(
            "2 numbers for 3 classes",
            Assert.ThrowsExactly<ArgumentException>(() => Fit(Options with { Thresholds = [0.1, 0.2] })).Message
        );
        Assert.Contains(
            "AdapterWeight",
            Assert.ThrowsExactly<ArgumentException>(() => Fit(Options with { AdapterForm = FusionForm.Convex, AdapterWeight = 2 })).Message
        );
        Assert.Contains("WarmUpEpochs", Assert.ThrowsExactly<ArgumentException>(() => Fit(Options with { WarmUpEpochs = 9 })).Message);
    }

    [TestMethod]
    public void PredictionEngine_AgreesWithTransform_AndAfterReloading()
    {
        using var model = Fit(Options);
        var data = _ml.Data.LoadFromEnumerable(_rows);
        var path = _folder["model.zip"];
        _ml.Model.Save(model, data.Schema, path);
        using var engine = new MLContext().Model.CreatePredictionEngine<Row, Scored>(new MLContext().Model.Load(path, out _));
        var scores = StageFixture.Vectors(model.Transform(data), "Score");
        for (var i = 0; i < _rows.Length; i++)
        {
            var one = engine.Predict(_rows[i]);
            for (var c = 0; c < scores[i].Length; c++)
            {
                Assert.AreEqual(scores[i][c], one.Score[c], 1e-5f);
                Assert.AreEqual(one.Score[c] > model.Thresholds[c], one.PredictedLabels[c]);
            }
        }
    }

    [TestMethod]
    public void FromCaptionsToAModel_InOneChain_ThatScoresImages()
    {
        var file = _folder["captions.txt"];
        File.WriteAllLines(file, ["a red thing", "two greens and a blue one", "nothing here", "the blue"]);
        var ml = new MLContext(seed: 2);
        var captions = ml.Data.LoadCaptions(file);
        var chain = new EstimatorChain<ITransformer>()
            .Append(
                ml.Transforms.NounFilter("Labels", "Caption", new NounFilterOptions { ClassNames = StageFixture.Names }),
                TransformerScope.TrainTest
            )
            .Append(
                ml.Transforms.DiffusionSynthesis(
                    new()
                    {
                        DiffusionFolder = TinyModels.Diffusion,
                        ClipFolder = TinyModels.Clip,
                        ClassNames = StageFixture.Names,
                        WorkFolder = _folder["work"],
                        CaptionColumn = "Caption",
                        LabelColumn = "Labels",
                        PseudoLabelColumn = null,
                        FineTune = false,
                        ImagesPerCaption = 2,
                        Generation = new() { Steps = 2 },
                    }
                ),
                TransformerScope.TrainTest
            )
            .Append(ml.MultiLabelClassification().Trainers.PromptAdapter(Options with { Epochs = 1 }));
        var model = chain.Fit(captions);
        var synthesis = (DiffusionSynthesisTransformer)model.ElementAt(1);
        CollectionAssert.AreEqual(
            new[] { "a red thing", "a red thing", "two greens and a blue one", "two greens and a blue one", "the blue", "the blue" },
            synthesis.Images.Select(image => image.Caption).ToArray()
        );
        var rows = synthesis.Transform(model.First().Transform(captions));
        CollectionAssert.AreEqual(
            synthesis.Images.Select(image => image.Caption!).ToArray(),
            StageFixture.Column<ReadOnlyMemory<char>>(rows, "Caption").Skip(3).Select(c => c.ToString()).ToArray()
        );
        CollectionAssert.AreEqual(new float[] { 0, 1, 1 }, StageFixture.Vectors(rows, "Labels")[5]);

        // The model needs images only, and scores and evaluates them.
        var images = ml.Data.LoadFromEnumerable(_rows.Select(r => new Test { ImagePath = r.ImagePath, Labels = r.Labels }));
        var scored = model.Transform(images);
        var metrics = ml.MultiLabelClassification().Evaluate(scored);
        Assert.HasCount(3, metrics.PerClassAveragePrecision);
        Assert.AreEqual(metrics.PerClassAveragePrecision.Average(), metrics.MeanAveragePrecision, 1e-12);
        CollectionAssert.AreEqual(StageFixture.Names, metrics.ClassNames.ToArray());
        ml.Model.Save(model, images.Schema, _folder["chain.zip"]);
        using var engine = new MLContext().Model.CreatePredictionEngine<Test, Scored>(
            new MLContext().Model.Load(_folder["chain.zip"], out _)
        );
        Assert.AreEqual(
            StageFixture.Vectors(scored, "Score")[0][1],
            engine.Predict(new() { ImagePath = _rows[0].ImagePath }).Score[1],
            1e-5f
        );
    }

    private sealed class Test
    {
        public string ImagePath { get; set; } = "";

        [VectorType(3)]
        public float[] Labels { get; set; } = new float[3];
    }

    private sealed class Row
    {
        public string ImagePath { get; set; } = "";
        public string Caption { get; set; } = "";

        [VectorType(3)]
        public float[] Labels { get; set; } = [];
    }

    private sealed class Scored
    {
        public float[] Score { get; set; } = [];
        public bool[] PredictedLabels { get; set; } = [];
    }
}
