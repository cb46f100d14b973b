using AirMLNet.Captions;
using AirMLNet.Features;
using AirMLNet.Heads;
using AirMLNet.MultiLabel;
using AirMLNet.Prompts;
using AirMLNet.Prototypes;
using AirMLNet.PseudoLabels;
using AirMLNet.Synthesis;
using AirMLNet.Testing;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Tests.Pipeline;

/// <summary>
/// What every stage promises: the same schema before and after the fit, columns passed through, the same values after reloading
/// and in PredictionEngine, and errors that name the column. Every public estimator has a row here.
/// </summary>
[TestClass]
public sealed class EstimatorContractTests
{
    public static IEnumerable<object[]> Stages =>
        [
            ["ClipFeature"],
            ["PseudoLabel"],
            ["PrototypeClassifier"],
            ["PromptAdapter"],
            ["PromptAdapterFused"],
            ["PromptAdapterVisual"],
            ["PromptAdapterDeep"],
            ["PseudoLabelCandidates"],
            ["PseudoLabelFused"],
            ["ZeroShot"],
            ["ZeroShotStage"],
            ["ZeroShotImages"],
            ["ClipTextFeature"],
            ["DiffusionSynthesis"],
            ["CaptionSynthesis"],
            ["LatteClip"],
            ["ReClip"],
            ["NounFilter"],
            ["MultiLabelPromptAdapter"],
            ["MultiLabelZeroShot"],
            ["MultiLabelDual"],
        ];

    [TestMethod]
    [DynamicData(nameof(Stages))]
    public void TheSchemaPredictedBeforeTheFit_IsTheSchemaAfterIt(string stage)
    {
        using var f = new StageFixture(12);
        (var input, var estimator) = Make(f, stage);
        var before = StagePrint.Describe(estimator.GetOutputSchema(StagePrint.Shape(input.Schema)));
        var transformer = estimator.Fit(input);
        Assert.AreEqual(before, StagePrint.Describe(transformer.GetOutputSchema(input.Schema)));
        Assert.AreEqual(before, StagePrint.Describe(transformer.Transform(input).Schema));
    }

    [TestMethod]
    [DynamicData(nameof(Stages))]
    public void UnknownColumns_PassThrough(string stage)
    {
        using var f = new StageFixture(12);
        (var input, var estimator) = Make(f, stage);
        var output = estimator.Fit(input).Transform(input);
        // Synthesis appends rows of its own, which have no name.
        CollectionAssert.AreEqual(
            f.Rows.Select(r => r.Name).ToArray(),
            StageFixture.Column<ReadOnlyMemory<char>>(output, "Name").Select(n => n.ToString()).Where(n => n.Length > 0).ToArray()
        );
    }

    [TestMethod]
    public void AReloadedModel_GivesTheSameBits_InAProcessOfItsOwn()
    {
        using var f = new StageFixture(12);
        var expected = new List<(string Stage, string Output, string Values)>();
        var arguments = new List<string> { "--transform" };
        foreach (var stage in Stages.Select(row => (string)row[0]))
        {
            (var input, var estimator) = Make(f, stage);
            var fitted = estimator.Fit(input);
            var (model, data, output) = (Place("zip"), Place("idv"), Place("txt"));
            f.Context.Model.Save(fitted, input.Schema, model);
            using (var file = File.Create(data))
            {
                f.Context.Data.SaveAsBinary(input, file);
            }

            var view = fitted.Transform(input);
            expected.Add((stage, output, StagePrint.Describe(view.Schema) + "\n" + StagePrint.Values(view)));
            arguments.AddRange([model, data, output]);
            string Place(string extension) => Path.Combine(f.Root, $"{stage}.{extension}");
        }

        (var code, _, var error) = ChildProcess.Run([.. arguments]);
        Assert.AreEqual(0, code, error);
        foreach (var (stage, output, values) in expected)
        {
            Assert.AreEqual(values, File.ReadAllText(output), stage);
        }
    }

    [TestMethod]
    public void EveryPublicEstimator_HasARow()
    {
        using var f = new StageFixture(6);
        var tested = Stages.Select(row => Make(f, (string)row[0]).Estimator.GetType()).ToHashSet();
        var all = typeof(ClipFeatureEstimator)
            .Assembly.GetExportedTypes()
            .Where(type => type.GetInterfaces().Any(i => i.IsGenericType && i.GetGenericTypeDefinition() == typeof(IEstimator<>)))
            .Where(type => !type.IsAbstract)
            .ToArray();
        Assert.IsNotEmpty(all);
        Assert.AreEqual("", string.Join(", ", all.Where(type => !tested.Contains(type)).Select(type => type.Name)));
    }

    [TestMethod]
    public void PredictionEngine_AgreesWithTransform_AfterReloading()
    {
        using var f = new StageFixture();
        var model = f.Chain().Fit(f.Data);
        var path = Path.Combine(f.Root, "model.zip");
        f.Context.Model.Save(model, f.Data.Schema, path);
        var loaded = new MLContext().Model.Load(path, out _);
        var output = model.Transform(f.Data);
        float[][] features = StageFixture.Vectors(output, "Features"),
            scores = StageFixture.Vectors(output, "Score");
        var labels = StageFixture.Column<uint>(output, "PredictedLabel");
        using var first = f.Context.Model.CreatePredictionEngine<PictureRow, PictureScore>(model);
        using var second = new MLContext().Model.CreatePredictionEngine<PictureRow, PictureScore>(loaded);
        for (var i = 0; i < f.Rows.Length; i++)
        {
            PictureScore a = first.Predict(f.Rows[i]),
                b = second.Predict(f.Rows[i]);
            CollectionAssert.AreEqual(a.Score, b.Score);
            Assert.AreEqual(a.PredictedLabel, b.PredictedLabel);
            Assert.AreEqual(f.Rows[i].Name, a.Name);
            for (var d = 0; d < features[i].Length; d++)
            {
                Assert.AreEqual(features[i][d], a.Features[d], 1e-5f);
            }

            for (var c = 0; c < scores[i].Length; c++)
            {
                Assert.AreEqual(scores[i][c], a.Score[c], 1e-4f);
            }

            Assert.AreEqual(labels[i], a.PredictedLabel);
        }
    }

    [TestMethod]
    public void Score_IsAMulticlassScore_ThatTheEvaluatorTakes()
    {
        using var f = new StageFixture();
        var scored = f.Chain().Fit(f.Data).Transform(f.Data);
        VBuffer<ReadOnlyMemory<char>> names = default;
        scored.Schema["Score"].GetSlotNames(ref names);
        CollectionAssert.AreEqual(StageFixture.Names, names.DenseValues().Select(n => n.ToString()).ToArray());
        scored.Schema["PredictedLabel"].GetKeyValues(ref names);
        CollectionAssert.AreEqual(StageFixture.Names, names.DenseValues().Select(n => n.ToString()).ToArray());
        foreach (var row in StageFixture.Vectors(scored, "Score"))
        {
            Assert.AreEqual(1f, row.Sum(), 1e-4f);
        }

        Assert.IsTrue(scored.Schema["Score"].Annotations.Schema.GetColumnOrNull("ScoreColumnKind").HasValue);
    }

    [TestMethod]
    public void Evaluate_AgreesWithCountingByHand()
    {
        using var f = new StageFixture();
        var model = f.Chain().Fit(f.Data);
        var truth = f.Context.Data.LoadFromEnumerable(
            f.Rows.Select(r => new NamedRow { ImagePath = r.ImagePath, Label = StageFixture.Names[r.Number] }).ToArray()
        );
        var names = f.Context.Data.LoadFromEnumerable(StageFixture.Names.Select(n => new NameRow { Label = n }).ToArray());
        var keyed = f.Context.Transforms.Conversion.MapValueToKey("Label", "Label", keyData: names).Fit(truth).Transform(truth);
        var scored = model.Transform(keyed);
        var predicted = StageFixture.Column<uint>(scored, "PredictedLabel");
        var expected = f.Rows.Select((r, i) => predicted[i] == (uint)r.Number + 1 ? 1.0 : 0).Average();
        Assert.AreEqual(expected, f.Context.MulticlassClassification.Evaluate(scored).MicroAccuracy, 1e-9);
    }

    [TestMethod]
    [DataRow("ClipFeature", "ImagePath", "Text")]
    [DataRow("PseudoLabel", "Features", "vector of Single")]
    [DataRow("PrototypeClassifier", "Features", "vector of Single")]
    [DataRow("PromptAdapter", "Features", "a vector of ")]
    [DataRow("ZeroShotStage", "Features", "a vector of ")]
    [DataRow("ClipTextFeature", "Name", "Text")]
    [DataRow("DiffusionSynthesis", "ImagePath", "Text")]
    [DataRow("CaptionSynthesis", "ImagePath", "Text")]
    [DataRow("LatteClip", "ImagePath", "Text")]
    [DataRow("ReClip", "ImagePath", "Text")]
    [DataRow("NounFilter", "Name", "Text")]
    [DataRow("MultiLabelPromptAdapter", "Labels", "a vector of ")]
    public void AMissingOrWrongColumn_IsNamedWithWhatWasExpected(string stage, string column, string expected)
    {
        using var f = new StageFixture(6);
        (_, var estimator) = Make(f, stage);
        var missing = f.Context.Data.LoadFromEnumerable(new[] { new OnlyNumber() });
        var wrong = f.Context.Data.LoadFromEnumerable(new[] { new WrongTypes() });
        foreach (
            var bad in new Action[]
            {
                () => estimator.Fit(missing),
                () => estimator.Fit(wrong),
                () => estimator.GetOutputSchema(StagePrint.Shape(missing.Schema)),
                () => estimator.GetOutputSchema(StagePrint.Shape(wrong.Schema)),
            }
        )
        {
            var e = Assert.Throws<ArgumentException>(bad);
            Assert.Contains(column, e.Message);
            Assert.Contains(expected, e.Message);
        }
    }

    [TestMethod]
    public void NoRows_IsAnErrorOfTheStageThatNeedsThem()
    {
        using var f = new StageFixture(6);
        (var input, var estimator) = Make(f, "PseudoLabel");
        var empty = f.Context.Data.FilterRowsByColumn(input, "Weight", 5, 6);
        var e = Assert.ThrowsExactly<InvalidDataException>(() => estimator.Fit(empty));
        Assert.Contains("PseudoLabel: there are no rows", e.Message);
    }

    [TestMethod]
    public void FeaturesOfAnotherModel_AreRefusedByTheirLength()
    {
        using var f = new StageFixture(6);
        var wrong = f.Context.Data.LoadFromEnumerable(new[] { new OtherFeatures() });
        var e = Assert.Throws<ArgumentException>(() => f.Context.Transforms.PseudoLabel("L", "Features", f.PseudoLabels()).Fit(wrong));
        Assert.Contains($"a vector of {TinyClip.FeatureDimension} Single", e.Message);
    }

    /// <summary>The data a stage is fitted on, and the stage.</summary>
    private static (IDataView Input, IEstimator<ITransformer> Estimator) Make(StageFixture f, string stage)
    {
        var data = f.Context.Data.LoadFromEnumerable(
            f.Rows.Select(r => new WeightedRow
                {
                    ImagePath = r.ImagePath,
                    Name = r.Name,
                    Weight = 1,
                })
                .ToArray()
        );
        if (stage == "ClipFeature")
        {
            return (data, f.Features());
        }

        if (stage == "NounFilter")
        {
            return (
                data,
                f.Context.Transforms.NounFilter(
                    "Labels",
                    "Name",
                    new NounFilterOptions { ClassNames = ["image", "picture"], DropUnlabelled = false }
                )
            );
        }

        if (stage.StartsWith("MultiLabel", StringComparison.Ordinal))
        {
            data = f.Context.Data.LoadFromEnumerable(
                f.Rows.Select(r => new ManyLabelsRow
                    {
                        ImagePath = r.ImagePath,
                        Name = r.Name,
                        Caption = $"a {StageFixture.Names[r.Number]} thing",
                        Labels = [.. StageFixture.Names.Select((_, c) => c == r.Number ? 1f : 0)],
                    })
                    .ToArray()
            );
            return (data, f.Context.MultiLabelClassification().Trainers.PromptAdapter(ManyLabels(f, stage)));
        }

        if (stage == "ClipTextFeature")
        {
            return (data, f.Context.Transforms.ClipTextFeature("TextFeatures", "Name", f.ClipFolder));
        }

        if (stage == "ZeroShotImages")
        {
            return (data, f.Context.Transforms.ZeroShot("ImagePath", f.ClipFolder, StageFixture.Names));
        }

        data = f.Features().Fit(data).Transform(data);
        if (stage == "PseudoLabel")
        {
            return (data, f.Context.Transforms.PseudoLabel("PseudoLabel", "Features", f.PseudoLabels()));
        }

        data = f.Context.Transforms.PseudoLabel("PseudoLabel", "Features", f.PseudoLabels()).Fit(data).Transform(data);
        var prototype = f.Context.Transforms.PrototypeClassifier(
            "PrototypeScore",
            "Features",
            new PrototypeClassifierOptions { Shots = 2, ClipFolder = f.ClipFolder }
        );
        var trainers = f.Context.MulticlassClassification.Trainers;
        switch (stage)
        {
            case "DiffusionSynthesis":
                return (data, f.Context.Transforms.DiffusionSynthesis(Synthesis(f)));
            case "CaptionSynthesis":
                return (data, Captions(f));
            case "LatteClip":
                data = Captions(f).Fit(data).Transform(data);
                return (data, trainers.LatteClip(Latte(f)));
            case "ReClip":
                return (data, trainers.ReClip(ReClip(f)));
            case "PrototypeClassifier":
                return (data, prototype);
            case "PseudoLabelCandidates":
                return (
                    data,
                    f.Context.Transforms.PseudoLabel(
                        "Second",
                        "Features",
                        f.PseudoLabels() with
                        {
                            Selection = SelectionRule.Candidates,
                            Strategy = PseudoLabelStrategy.Grip,
                            Rounds = 2,
                        }
                    )
                );
            case "PseudoLabelFused":
                data = prototype.Fit(data).Transform(data);
                return (
                    data,
                    f.Context.Transforms.PseudoLabel(
                        "Second",
                        "Features",
                        f.PseudoLabels() with
                        {
                            PrototypeColumn = "PrototypeScore",
                            LabelClasses = ["red", "blue"],
                            PrototypeWeight = 0.3,
                            Fusion = FusionForm.Convex,
                        }
                    )
                );
            case "PromptAdapterVisual":
                return (data, trainers.PromptAdapter(f.Prompts() with { Prompt = PromptKind.Visual }));
            case "PromptAdapterDeep":
                data = prototype.Fit(data).Transform(data);
                return (
                    data,
                    trainers.PromptAdapter(f.Prompts(rounds: 2) with { Prompt = PromptKind.VisualDeep, PrototypeColumn = "PrototypeScore" })
                );
            case "ZeroShotStage":
                return (data, trainers.ZeroShot(new() { ClipFolder = f.ClipFolder, ClassNames = StageFixture.Names }));
            case "PromptAdapter":
                return (data, trainers.PromptAdapter(f.Prompts()));
            case "ZeroShot":
                return (data, trainers.PromptAdapter(f.Prompts(rounds: 0)));
            default:
                data = prototype.Fit(data).Transform(data);
                return (data, trainers.PromptAdapter(f.Prompts(rounds: 2) with { PrototypeColumn = "PrototypeScore" }));
        }
    }

    private static MultiLabelPromptAdapterOptions ManyLabels(StageFixture f, string stage) =>
        new()
        {
            ClipFolder = f.ClipFolder,
            ClassNames = StageFixture.Names,
            Prompt = stage switch
            {
                "MultiLabelZeroShot" => MultiLabelPrompt.ZeroShot,
                "MultiLabelDual" => MultiLabelPrompt.Dual,
                _ => MultiLabelPrompt.GlobalLocal,
            },
            PromptLength = 3,
            Epochs = 2,
            BatchSize = 8,
            TemplateTexts = false,
        };

    private static CaptionSynthesisEstimator Captions(StageFixture f) =>
        f.Context.Transforms.CaptionSynthesis(
            "ImageText",
            "GroupText",
            "ImagePath",
            new()
            {
                Captioner = new ColourCaptioner(),
                WorkFolder = Path.Combine(f.Root, "captions"),
                LabelColumn = "PseudoLabel",
            }
        );

    private static LatteClipOptions Latte(StageFixture f) =>
        new()
        {
            ClipFolder = f.ClipFolder,
            ClassNames = StageFixture.Names,
            WorkFolder = Path.Combine(f.Root, "latte"),
            LabelColumn = "PseudoLabel",
            Epochs = 2,
            BatchSize = 4,
            LearningRate = 1e-4,
        };

    private static ReClipOptions ReClip(StageFixture f) =>
        new()
        {
            ClipFolder = f.ClipFolder,
            ClassNames = StageFixture.Names,
            WorkFolder = Path.Combine(f.Root, "reclip"),
            Epochs = 2,
            BatchSize = 4,
            Neighbours = 3,
        };

    private static DiffusionSynthesisOptions Synthesis(StageFixture f) =>
        new()
        {
            DiffusionFolder = TinyModels.Diffusion,
            ClipFolder = f.ClipFolder,
            ClassNames = StageFixture.Names,
            WorkFolder = Path.Combine(f.Root, "synthesis"),
            FineTune = false,
            ImagesPerClass = 1,
            Generation = new() { Steps = 2 },
        };

    private sealed class WeightedRow
    {
        public string ImagePath { get; set; } = "";
        public string Name { get; set; } = "";
        public float Weight { get; set; }
    }

    private sealed class ManyLabelsRow
    {
        public string ImagePath { get; set; } = "";
        public string Name { get; set; } = "";
        public string Caption { get; set; } = "";

        [VectorType(3)]
        public float[] Labels { get; set; } = [];
    }

    private sealed class NamedRow
    {
        public string ImagePath { get; set; } = "";
        public string Label { get; set; } = "";
    }

    private sealed class NameRow
    {
        public string Label { get; set; } = "";
    }

    private sealed class OnlyNumber
    {
        public float Number { get; set; }
    }

    private sealed class WrongTypes
    {
        public float ImagePath { get; set; }
        public float Name { get; set; }
        public float Features { get; set; }
    }

    private sealed class OtherFeatures
    {
        [VectorType(3)]
        public float[] Features { get; set; } = new float[3];
    }
}
