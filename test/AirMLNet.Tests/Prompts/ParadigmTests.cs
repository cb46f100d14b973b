using AirMLNet.Clip;
using AirMLNet.Heads;
using AirMLNet.Images;
using AirMLNet.Prompts;
using AirMLNet.Prototypes;
using AirMLNet.PseudoLabels;
using AirMLNet.Testing;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace AirMLNet.Tests.Prompts;

/// <summary>Unsupervised, semi-supervised and transductive fits over rows that are labelled, unlabelled or synthetic.</summary>
[TestClass]
public sealed class ParadigmTests
{
    private const int Classes = 3;

    [TestMethod]
    [DataRow(PromptKind.Text)]
    [DataRow(PromptKind.Visual)]
    public void NoLabelOfAnUnlabelledImage_IsEverRead(PromptKind kind)
    {
        using var t = new Bench(24);
        for (var i = 0; i < 24; i += 6)
        {
            t.Rows[i].Label = (uint)t.Truth(i) + 1;
        }

        IDataView guarded = new ForbiddenColumn(t.View(), "Truth");
        Assert.ThrowsExactly<InvalidOperationException>(() => StageFixture.Column<uint>(guarded, "Truth"));
        var chain = t.AirChain(t.Options(2) with { Prompt = kind, TrueLabelColumn = "Label" });
        var prompt = chain.Fit(guarded).LastTransformer.Prompt.ToArray();

        // And what cannot be read cannot matter: other truths, the same model.
        foreach (var row in t.Rows)
        {
            row.Truth = 1 + (row.Truth % Classes);
        }

        CollectionAssert.AreEqual(
            prompt,
            t.AirChain(t.Options(2) with { Prompt = kind, TrueLabelColumn = "Label" }, new MLContext(5))
                .Fit(t.View())
                .LastTransformer.Prompt.ToArray()
        );
    }

    [TestMethod]
    public void TransductiveLabels_AreOfTheUnseenClassesOnly()
    {
        using var t = new Bench(24);
        for (var i = 0; i < 24; i++)
        {
            t.Rows[i].Label = t.Truth(i) == 0 ? 1u : 0;
        }

        foreach (var rule in new[] { SelectionRule.Exact, SelectionRule.Candidates })
        {
            var options = t.Fixture.PseudoLabels() with
            {
                LabelColumn = "Label",
                LabelClasses = ["green", "blue"],
                Selection = rule,
                PerClass = 3,
                IntraQuantile = 0.5,
                InterQuantile = 0.3,
            };
            var labelled = t.Context.Transforms.PseudoLabel("PseudoLabel", "Features", options).Fit(t.View()).Transform(t.View());
            Assert.IsTrue(StageFixture.Column<uint>(labelled, "PseudoLabel").All(l => l != 1), $"{rule}");
            foreach (var p in StageFixture.Vectors(labelled, "PseudoLabelScore"))
            {
                Assert.AreEqual(0f, p[0]);
                Assert.AreEqual(1f, p.Sum(), 1e-5f);
            }
        }

        // The rounds after the first keep to it: each of them tells what it has no image of.
        var lines = new List<string>();
        t.Context.Log += (_, e) => lines.Add(e.Message);
        var first = t
            .Context.Transforms.PseudoLabel(
                "PseudoLabel",
                "Features",
                t.Fixture.PseudoLabels() with
                {
                    LabelColumn = "Label",
                    LabelClasses = ["green", "blue"],
                }
            )
            .Fit(t.View())
            .Transform(t.View());
        t.Context.MulticlassClassification.Trainers.PromptAdapter(t.Options(3) with { LabelClasses = ["green", "blue"] }).Fit(first);
        for (var round = 1; round <= 3; round++)
        {
            Assert.IsTrue(
                lines.Any(l => l.Contains($"round {round} has no image for red.", StringComparison.Ordinal)),
                string.Join('\n', lines)
            );
        }
    }

    [TestMethod]
    public void EachTermOfTheLoss_ChangesTheModel()
    {
        using var t = new Bench(24);
        for (var i = 0; i < 8; i++)
        {
            (t.Rows[i].Label, t.Rows[i].Origin) = ((uint)t.Truth(i) + 1, i < 4 ? "real" : "synthetic");
        }

        var plain = t.Options(2) with { TrueLabelColumn = "Label" };
        var expected = t.Train(plain);
        CollectionAssert.AreEqual(expected, t.Train(plain));
        foreach (
            (var name, var changed) in new (string, PromptAdapterOptions)[]
            {
                ("TrueLabelColumn", plain with { TrueLabelColumn = null }),
                ("SyntheticWeight", plain with { SyntheticWeight = 0.5 }),
                ("no synthetic", plain with { SyntheticWeight = 0 }),
                ("SyntheticBatchSize", plain with { SyntheticBatchSize = 1 }),
                ("LabelledBalance", plain with { LabelledBalance = LabelledBalance.ScalePseudo }),
                ("LabelledBatches", plain with { LabelledBatches = LabelledBatches.Parallel }),
                ("PseudoLabelWeight", plain with { PseudoLabelWeight = 0.2 }),
                ("no real pseudo-labels", plain with { PseudoLabelWeight = 0 }),
                ("OriginColumn", plain with { OriginColumn = "Nowhere" }),
                ("CandidateColumn", plain with { Loss = PromptLoss.Candidates, CandidateColumn = "Uniform" }),
            }
        )
        {
            CollectionAssert.AreNotEqual(expected, t.Train(changed), name);
        }
    }

    [TestMethod]
    public void SyntheticRows_AreNoPool_AndCanBeAllThereIs()
    {
        using var t = new Bench(12);
        foreach (var row in t.Rows.Skip(6))
        {
            (row.Label, row.Origin) = (row.Truth, "synthetic");
        }

        var lines = new List<string>();
        t.Logged = lines.Add;
        t.Train(t.Options(2) with { TrueLabelColumn = "Label", PseudoLabelWeight = 0, LabelColumn = "NotThere" });
        Assert.IsTrue(lines.Any(l => l.Contains("round 1 of 2: 6 labelled images.", StringComparison.Ordinal)), string.Join('\n', lines));
        lines.Clear();
        t.Train(t.Options(2) with { TrueLabelColumn = "Label" });
        Assert.IsTrue(lines.Any(l => l.Contains("and 6 synthetic images", StringComparison.Ordinal)), string.Join('\n', lines));
        foreach (var row in t.Rows)
        {
            row.Label = 0;
        }

        Assert.ThrowsExactly<InvalidDataException>(() => t.Train(t.Options(2) with { TrueLabelColumn = "Label", PseudoLabelWeight = 0 }));
    }

    [TestMethod]
    public void SyntheticRowsAlone_TeachAsLabelledOnesDo()
    {
        using var t = new Bench(12);
        foreach (var row in t.Rows)
        {
            (row.Label, row.Origin) = (row.Truth, "synthetic");
        }

        var alone = t.Options(1) with { TrueLabelColumn = "Label", PseudoLabelWeight = 0 };
        float[] synthetic = t.Train(alone with { SyntheticWeight = 1 }),
            light = t.Train(alone with { SyntheticWeight = 0.1 });
        foreach (var row in t.Rows)
        {
            row.Origin = "real";
        }

        CollectionAssert.AreEqual(t.Train(alone), synthetic);
        CollectionAssert.AreNotEqual(light, synthetic);
    }

    [TestMethod]
    public void PrototypesForLabelsOnly_AreNotNeededToScore()
    {
        using var t = new Bench(15);
        var with = t
            .Context.Transforms.PrototypeClassifier(
                "P",
                "Features",
                new PrototypeClassifierOptions { LabelColumn = "PseudoLabel", ConfidenceColumn = null }
            )
            .Fit(t.View())
            .Transform(t.View());
        var options = t.Options(2) with { PrototypeColumn = "P", PrototypeAtTest = false };
        var without = t.Context.MulticlassClassification.Trainers.PromptAdapter(options).Fit(with).Transform(t.View());
        Assert.HasCount(15, StageFixture.Vectors(without, "Score"));
        var fused = new MLContext(5).MulticlassClassification.Trainers.PromptAdapter(options with { PrototypeAtTest = true }).Fit(with);
        Assert.Throws<ArgumentException>(() => fused.Transform(t.View()));
    }

    [TestMethod]
    public void AConvexWeightAboveOne_IsRefusedBeforeTheFit()
    {
        using var t = new Bench(3);
        var e = Assert.Throws<ArgumentException>(() =>
            t.Context.MulticlassClassification.Trainers.PromptAdapter(
                t.Options(1) with
                {
                    Fusion = FusionForm.Convex,
                    PrototypeWeight = 1.5,
                }
            )
        );
        Assert.Contains("PrototypeWeight = 1.5; expected 0..1 in convex form", e.Message);
        e = Assert.Throws<ArgumentException>(() =>
            t.Context.MulticlassClassification.Trainers.PromptAdapter(t.Options(1) with { LabelClasses = ["pink"] })
        );
        Assert.Contains("LabelClasses: 'pink' is not one of the class names", e.Message);
    }

    [TestMethod]
    [DataRow(SelectionRule.Exact)]
    [DataRow(SelectionRule.Candidates)]
    [DataRow(SelectionRule.Leaderboard)]
    public void AClassWithoutAnyPseudoLabel_IsNamedAndTheOthersAreLearned(SelectionRule rule)
    {
        using var t = new Bench(12);
        foreach (var row in t.Rows)
        {
            row.PseudoLabel = row.PseudoLabel == 2 ? 0 : row.PseudoLabel; // nothing is green
        }

        var lines = new List<string>();
        t.Context.Log += (_, e) => lines.Add(e.Message);
        var options = t.Options(2) with
        {
            Selection = rule,
            Loss = rule == SelectionRule.Candidates ? PromptLoss.Candidates : PromptLoss.CrossEntropy,
            CandidateColumn = null,
        };
        var scored = t.Context.MulticlassClassification.Trainers.PromptAdapter(options).Fit(t.View()).Transform(t.View());
        Assert.IsTrue(lines.Any(l => l.Contains("round 1 has no image for green", StringComparison.Ordinal)), string.Join('\n', lines));
        Assert.IsTrue(StageFixture.Vectors(scored, "Score").All(s => s.All(float.IsFinite)));
    }

    [TestMethod]
    public void TwoClassesWithTheSameName_AreRefusedByNameAndPlace()
    {
        using var t = new Bench(3);
        var e = Assert.Throws<ArgumentException>(() => t.Options(1) with { ClassNames = ["red", "green", "Red"] });
        Assert.Contains("ClassNames[2] = 'Red' repeats ClassNames[0]", e.Message);
        e = Assert.Throws<ArgumentException>(() => t.Fixture.PseudoLabels() with { ClassNames = ["red", "red"] });
        Assert.Contains("repeats ClassNames[0]", e.Message);
    }

    [TestMethod]
    [DataRow(SelectionRule.Exact)]
    [DataRow(SelectionRule.Candidates)]
    public void OneClassWithNearlyAllImages_LeavesTheOthersTheirShare(SelectionRule rule)
    {
        // 57 of 60 images look alike. Balanced selection gives every class the same number of places nevertheless.
        using var t = new Bench(60, i => i % 20 == 0 ? 1 + (i / 20 % 2) : 0);
        var options = t.Fixture.PseudoLabels(perClass: 4) with { Selection = rule, IntraQuantile = 1, InterQuantile = 0 };
        var labelled = t.Context.Transforms.PseudoLabel("PseudoLabel", "Features", options).Fit(t.View()).Transform(t.View());
        var labels = StageFixture.Column<uint>(labelled, "PseudoLabel");
        float[] p = [.. StageFixture.Vectors(labelled, "PseudoLabelScore").SelectMany(v => v)];
        Assert.IsLessThanOrEqualTo(4 * Classes, labels.Count(l => l > 0));
        if (rule == SelectionRule.Exact)
        {
            for (uint c = 1; c <= Classes; c++)
            {
                Assert.IsLessThanOrEqualTo(4, labels.Count(l => l == c), $"class {c}");
            }
        }
        else
        {
            var choice = new PseudoLabelSelector(SelectionRule.Candidates, Classes, 1, 0).Select(p, 4);
            Assert.IsGreaterThan(4, choice.Images.Length); // an image that a full class refuses goes on to its next candidate
            Assert.IsLessThanOrEqualTo(4 * Classes, choice.Images.Length);
        }
        var scored = t
            .Context.MulticlassClassification.Trainers.PromptAdapter(t.Options(3) with { Selection = rule, PerClass = 4 })
            .Fit(labelled)
            .Transform(labelled);
        Assert.IsTrue(StageFixture.Vectors(scored, "Score").All(s => s.All(float.IsFinite)));
    }

    [TestMethod]
    public void VisualPrompts_ScoreAlikeAlone_InBatches_AndAfterReloading()
    {
        using var t = new Bench(20);
        foreach (var kind in new[] { PromptKind.Visual, PromptKind.VisualDeep })
        {
            var fitted = new MLContext(5)
                .MulticlassClassification.Trainers.PromptAdapter(t.Options(2) with { Prompt = kind })
                .Fit(t.View());
            var batched = StageFixture.Vectors(fitted.Transform(t.View()), "Score");
            var path = Path.Combine(t.Fixture.Root, $"{kind}.zip");
            t.Context.Model.Save(fitted, t.View().Schema, path);
            fitted.Dispose();
            var loaded = new MLContext(8).Model.Load(path, out _);
            using var engine = t.Context.Model.CreatePredictionEngine<RowOfAll, PictureScore>(loaded);
            for (var i = 0; i < 20; i++)
            {
                var one = engine.Predict(t.Rows[i]);
                for (var c = 0; c < Classes; c++)
                {
                    Assert.AreEqual(batched[i][c], one.Score[c], 1e-5f);
                }
            }
        }
    }

    [TestMethod]
    public void AVisualPrompt_LeavesNoTensorsBehind()
    {
        using var t = new Bench(10);
        var held = ClipBackbone.Acquire(t.Fixture.ClipFolder); // the model itself stays
        void Fit() =>
            t
                .Context.MulticlassClassification.Trainers.PromptAdapter(t.Options(2) with { Prompt = PromptKind.Visual })
                .Fit(t.View())
                .Dispose();
        Fit(); // what is made once per process exists now
        var before = LiveTensors.Count;
        Fit();
        Assert.AreEqual(before, LiveTensors.Count);
        held.Release();
    }

    [TestMethod]
    public void AVisualPrompt_CanCarryItsModel()
    {
        using var t = new Bench(10, ownModel: true);
        string home = Path.Combine(t.Fixture.Root, "home"),
            path = Path.Combine(t.Fixture.Root, "model.zip");
        var old = Environment.GetEnvironmentVariable("AIRMLNET_HOME");
        float[][] expected;
        using (
            var fitted = t
                .Context.MulticlassClassification.Trainers.PromptAdapter(
                    t.Options(1) with
                    {
                        Prompt = PromptKind.Visual,
                        EmbedBackbone = true,
                    }
                )
                .Fit(t.View())
        )
        {
            expected = StageFixture.Vectors(fitted.Transform(t.View()), "Score");
            t.Context.Model.Save(fitted, t.View().Schema, path);
        }
        Directory.Move(t.Fixture.ClipFolder, t.Fixture.ClipFolder + "-moved");
        Environment.SetEnvironmentVariable("AIRMLNET_HOME", home);
        try
        {
            var found = StageFixture.Vectors(new MLContext().Model.Load(path, out _).Transform(t.View()), "Score");
            for (var i = 0; i < 10; i++)
            {
                CollectionAssert.AreEqual(expected[i], found[i]);
            }
        }
        finally
        {
            Environment.SetEnvironmentVariable("AIRMLNET_HOME", old);
        }
    }

    [TestMethod]
    public void SyntheticRows_MayHoldTheirImageInsteadOfAPath()
    {
        using var t = new Bench(12);
        foreach (var row in t.Rows.Skip(6))
        {
            (row.Label, row.Origin) = (row.Truth, "synthetic");
        }

        var options = t.Options(1) with { Prompt = PromptKind.Visual, TrueLabelColumn = "Label" };
        var expected = t.Train(options);
        var view = t.View(
            t.Rows.Select(
                    (r, i) =>
                        new RowWithImage
                        {
                            Features = r.Features,
                            PseudoLabel = r.PseudoLabel,
                            Label = r.Label,
                            Truth = r.Truth,
                            Origin = r.Origin,
                            ImagePath = i < 6 ? r.ImagePath : "",
                            Image = i < 6 ? null : MLImages.FromRgb(ImageFile.Load(r.ImagePath)),
                        }
                )
                .ToArray()
        );
        CollectionAssert.AreEqual(
            expected,
            new MLContext(5).MulticlassClassification.Trainers.PromptAdapter(options).Fit(view).Prompt.ToArray()
        );
        var elsewhere = options with { SyntheticImageColumn = "Elsewhere" };
        Assert.Contains(
            "in column 'ImagePath', is blank",
            Assert
                .ThrowsExactly<InvalidDataException>(() => t.Context.MulticlassClassification.Trainers.PromptAdapter(elsewhere).Fit(view))
                .Message
        );
    }

    [TestMethod]
    public void VisualPrompts_NeedImages_AndNameTheUnreadableOne()
    {
        using var t = new Bench(6);
        var options = t.Options(1) with { Prompt = PromptKind.Visual, ImageColumn = "Nowhere" };
        Assert.Contains(
            "there is no column 'Nowhere'",
            Assert.Throws<ArgumentException>(() => t.Context.MulticlassClassification.Trainers.PromptAdapter(options).Fit(t.View())).Message
        );
        t.Rows[4].ImagePath = Path.Combine(t.Fixture.Root, "gone.png");
        var e = Assert.Throws<IOException>(() =>
            t.Context.MulticlassClassification.Trainers.PromptAdapter(options with { ImageColumn = "ImagePath" }).Fit(t.View())
        );
        Assert.Contains("gone.png", e.Message);
    }

    [TestMethod]
    public void VisualPrompts_LearnTheLabels()
    {
        using var t = new Bench(18);
        foreach (var row in t.Rows)
        {
            row.PseudoLabel = row.Truth;
        }

        var fitted = t
            .Context.MulticlassClassification.Trainers.PromptAdapter(
                t.Options(1) with
                {
                    Prompt = PromptKind.Visual,
                    Epochs = 40,
                    LearningRate = 0.5,
                }
            )
            .Fit(t.View());
        var predicted = StageFixture.Column<uint>(fitted.Transform(t.View()), "PredictedLabel");
        Assert.IsGreaterThanOrEqualTo(15, t.Rows.Where((r, i) => r.Truth == predicted[i]).Count());
    }

    private sealed class Bench : IDisposable
    {
        public Bench(int images, Func<int, int>? truth = null, bool ownModel = false)
        {
            Fixture = new StageFixture(images, ownModel: ownModel);
            var features = StageFixture.Vectors(Fixture.Features().Fit(Fixture.Data).Transform(Fixture.Data), "Features");
            Rows =
            [
                .. Fixture.Rows.Select(
                    (r, i) =>
                        new RowOfAll
                        {
                            ImagePath = Fixture
                                .Rows[truth is null ? i : Array.FindIndex(Fixture.Rows, x => x.Number == truth(i))]
                                .ImagePath,
                            Features = truth is null
                                ? features[i]
                                : Near(features[Array.FindIndex(Fixture.Rows, x => x.Number == truth(i))], i),
                            Truth = (uint)(truth?.Invoke(i) ?? r.Number) + 1,
                            PseudoLabel = (uint)(i % Classes) + 1,
                        }
                ),
            ];
        }

        public StageFixture Fixture { get; }
        public RowOfAll[] Rows { get; }
        public MLContext Context => Fixture.Context;
        public Action<string>? Logged { get; set; }

        public int Truth(int i) => (int)Rows[i].Truth - 1;

        public IDataView View() => View(Rows);

        public IDataView View<T>(T[] rows)
            where T : RowOfAll
        {
            IDataView view = Context.Data.LoadFromEnumerable(rows),
                names = Context.Data.LoadFromEnumerable(StageFixture.Names.Select(n => new ClassRow { Name = n }));
            foreach (var column in new[] { "Label", "PseudoLabel", "Truth" })
            {
                view = Context.Transforms.Conversion.MapValueToKey(column, column + "Name", keyData: names).Fit(view).Transform(view);
            }

            return view;
        }

        public PromptAdapterOptions Options(int rounds) => Fixture.Prompts(rounds) with { PerClass = 3 };

        public float[] Train(PromptAdapterOptions options)
        {
            var context = new MLContext(5);
            context.Log += (_, e) => Logged?.Invoke(e.Message);
            return context.MulticlassClassification.Trainers.PromptAdapter(options).Fit(View()).Prompt.ToArray();
        }

        public EstimatorChain<PromptAdapterTransformer> AirChain(PromptAdapterOptions options, MLContext? context = null)
        {
            var ml = context ?? new MLContext(5);
            return ml
                .Transforms.PrototypeClassifier(
                    "P",
                    "Features",
                    new PrototypeClassifierOptions
                    {
                        LabelColumn = "Label",
                        Ranking = PrototypeRanking.Probability,
                        ClipFolder = Fixture.ClipFolder,
                        ConfidenceColumn = null,
                    }
                )
                .Append(
                    ml.Transforms.PseudoLabel(
                        "PseudoLabel",
                        "Features",
                        Fixture.PseudoLabels(3) with
                        {
                            LabelColumn = "Label",
                            PrototypeColumn = "P",
                        }
                    )
                )
                .Append(ml.MulticlassClassification.Trainers.PromptAdapter(options with { PrototypeColumn = "P" }));
        }

        public void Dispose() => Fixture.Dispose();

        /// <summary>A feature so much like another that only ties are broken.</summary>
        private static float[] Near(float[] feature, int seed)
        {
            var random = new Random(seed);
            float[] moved = [.. feature.Select(v => v + 0.001f * random.NextSingle())];
            var length = MathF.Sqrt(moved.Sum(v => v * v));
            return [.. moved.Select(v => v / length)];
        }
    }

    public class RowOfAll
    {
        public string ImagePath { get; set; } = "";

        [VectorType(TinyClip.FeatureDimension)]
        public float[] Features { get; set; } = [];

        public uint PseudoLabel { get; set; }

        public uint Label { get; set; }

        public uint Truth { get; set; }

        public string PseudoLabelName => Name(PseudoLabel);

        public string LabelName => Name(Label);

        public string TruthName => Name(Truth);

        public string Origin { get; set; } = "real";

        [VectorType(Classes)]
        public float[] Uniform { get; set; } = [1, 1, 1];

        private static string Name(uint key) => key == 0 ? "" : StageFixture.Names[key - 1];
    }

    public sealed class RowWithImage : RowOfAll
    {
        [ImageType(32, 32)] // ML.NET refuses the attribute without a size, and takes images of any
        public MLImage? Image { get; set; }
    }

    public sealed class ClassRow
    {
        public string Name { get; set; } = "";
    }
}
