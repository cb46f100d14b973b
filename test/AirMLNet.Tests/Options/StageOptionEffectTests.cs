using AirMLNet.Clip;
using AirMLNet.Features;
using AirMLNet.Heads;
using AirMLNet.Optimisation;
using AirMLNet.Options;
using AirMLNet.Prompts;
using AirMLNet.Prototypes;
using AirMLNet.PseudoLabels;
using AirMLNet.Testing;
using AirMLNet.ZeroShot;
using Microsoft.ML;

namespace AirMLNet.Tests.Options;

/// <summary>Every option of every stage that reads images, texts or features changes something.</summary>
[TestClass]
public sealed class StageOptionEffectTests
{
    private const string Elsewhere = "Elsewhere";
    private static readonly string[] OtherNames = ["red", "green", "violet"];
    private static readonly string[] OtherTemplates = ["a photo of {}, at night."];
    private static StageFixture s_f = null!;
    private static TemporaryFolder s_folder = null!;
    private static string s_otherClip = "";
    private static IDataView s_features = null!,
        s_labelled = null!;
    private static int s_reports;

    private static IProgress<ProgressReport> Counter => new DirectProgress(_ => s_reports++);

    private static CancellationToken Cancelled => new(canceled: true);

    [ClassInitialize]
    public static void Create(TestContext _)
    {
        s_f = new(18);
        s_folder = new();
        s_otherClip = TinyClip.Create(s_folder["other-clip"], seed: 2);
        var ml = s_f.Context;
        var rows = ml.Data.LoadFromEnumerable(
            s_f.Rows.Select(
                (row, i) =>
                    new Row
                    {
                        ImagePath = row.ImagePath,
                        MirrorPath = s_f.Rows[^(i + 1)].ImagePath,
                        TruthName = i % 4 == 0 ? StageFixture.Names[row.Number] : "",
                        Origin = i % 6 == 1 || i % 16 == 0 ? "synthetic" : "real",
                        Rank = i * 7 % 18,
                    }
            )
        );
        // A name that is none of the classes becomes the missing key.
        var names = ml.Data.LoadFromEnumerable(StageFixture.Names.Select(name => new NameRow { Name = name }).ToArray());
        rows = ml.Transforms.Conversion.MapValueToKey("Truth", "TruthName", keyData: names).Fit(rows).Transform(rows);
        s_features = ml.Data.Cache(s_f.Features().Fit(rows).Transform(rows));
        var labelled = ml.Transforms.PseudoLabel("PseudoLabel", "Features", s_f.PseudoLabels()).Fit(s_features).Transform(s_features);
        var prototypes = new PrototypeClassifierOptions { Temperature = 0.5, PreferSynthetic = false };
        s_labelled = ml.Data.Cache(
            ml.Transforms.PrototypeClassifier("PrototypeScore", "Features", prototypes).Fit(labelled).Transform(labelled)
        );
    }

    [ClassCleanup]
    public static void Delete()
    {
        s_f.Dispose();
        s_folder.Dispose();
    }

    [TestMethod]
    public void EveryOptionOfClipFeature() =>
        new OptionEffects<ClipFeatureOptions>(new() { ClipFolder = s_f.ClipFolder })
            .Changes(nameof(ClipFeatureOptions.ClipFolder), o => o with { ClipFolder = s_otherClip })
            .Changes(nameof(ClipFeatureOptions.Precision), o => o with { Precision = ClipPrecision.BFloat16 })
            .Changes(nameof(ClipFeatureOptions.Activation), o => o with { Activation = ClipActivation.Gelu })
            .Changes(nameof(ClipFeatureOptions.BatchSize), o => o with { BatchSize = 5 }, o => o with { BatchSize = 2, Progress = Counter })
            .Changes(nameof(ClipFeatureOptions.Progress), o => o with { Progress = Counter })
            .Changes(nameof(ClipFeatureOptions.CancellationToken), o => o with { CancellationToken = Cancelled })
            .SeenIn(nameof(ClipFeatureOptions.Threads), "ClipFeatureTests.ThreadsOfAStage_AreNotLeftToOthers")
            .SeenIn(nameof(ClipFeatureOptions.Workers), "BatchedRowCursorTests.AtMostSoManyWorkers_PrepareAtOnce")
            .SeenIn(nameof(ClipFeatureOptions.MaxMegapixels), "ClipFeatureTests.The_stage_s_limit_can_be_set")
            .SeenIn(
                nameof(ClipFeatureOptions.KeepTrainingFeatures),
                "ClipFeatureTests.AChainFit_EncodesEachImageOnce_AndScoringOtherDataKeepsNothing"
            )
            .SeenIn(nameof(ClipFeatureOptions.EmbedBackbone), "SavedModelTests.AnEmbeddedBackbone_NeedsNoFolder")
            .Check(o => Outcome(s_f.Data, s_f.Context.Transforms.ClipFeature("F", "ImagePath", o)));

    [TestMethod]
    public void EveryOptionOfClipTextFeature() =>
        new OptionEffects<ClipTextFeatureOptions>(new() { ClipFolder = s_f.ClipFolder })
            .Changes(nameof(ClipTextFeatureOptions.ClipFolder), o => o with { ClipFolder = s_otherClip })
            .Changes(nameof(ClipTextFeatureOptions.Precision), o => o with { Precision = ClipPrecision.BFloat16 })
            .Changes(nameof(ClipTextFeatureOptions.Activation), o => o with { Activation = ClipActivation.Gelu })
            .Changes(
                nameof(ClipTextFeatureOptions.BatchSize),
                o => o with { BatchSize = 5 },
                o => o with { BatchSize = 2, Progress = Counter }
            )
            .Changes(nameof(ClipTextFeatureOptions.Progress), o => o with { Progress = Counter })
            .Changes(nameof(ClipTextFeatureOptions.CancellationToken), o => o with { CancellationToken = Cancelled })
            .SeenIn(
                nameof(ClipTextFeatureOptions.Truncate),
                "ClipTextFeatureTests.A_text_that_is_too_long_is_an_error_of_its_row_where_cutting_is_off"
            )
            .SeenIn(nameof(ClipTextFeatureOptions.EmbedBackbone), "SavedModelTests.AnEmbeddedBackbone_NeedsNoFolder")
            .Check(o => Outcome(s_f.Data, s_f.Context.Transforms.ClipTextFeature("F", "Name", o)));

    [TestMethod]
    public void EveryOptionOfZeroShot() =>
        new OptionEffects<ZeroShotOptions>(new() { ClipFolder = s_f.ClipFolder, ClassNames = StageFixture.Names })
            .Changes(nameof(ZeroShotOptions.ClipFolder), o => o with { ClipFolder = s_otherClip })
            .Changes(nameof(ZeroShotOptions.ClassNames), o => o with { ClassNames = OtherNames })
            .Changes(nameof(ZeroShotOptions.Templates), o => o with { Templates = OtherTemplates })
            .Changes(nameof(ZeroShotOptions.Activation), o => o with { Activation = ClipActivation.Gelu })
            .Changes(nameof(ZeroShotOptions.FeatureColumn), o => o with { FeatureColumn = Elsewhere })
            .Changes(nameof(ZeroShotOptions.ScoreColumn), o => o with { ScoreColumn = Elsewhere })
            .Changes(nameof(ZeroShotOptions.PredictedLabelColumn), o => o with { PredictedLabelColumn = Elsewhere })
            .Changes(nameof(ZeroShotOptions.CancellationToken), o => o with { CancellationToken = Cancelled })
            .Check(o => Outcome(s_features, s_f.Context.MulticlassClassification.Trainers.ZeroShot(o)));

    [TestMethod]
    public void EveryOptionOfPseudoLabel() =>
        new OptionEffects<PseudoLabelOptions>(s_f.PseudoLabels())
            .Changes(nameof(PseudoLabelOptions.ClipFolder), o => o with { ClipFolder = s_otherClip })
            .Changes(nameof(PseudoLabelOptions.Activation), o => o with { Activation = ClipActivation.Gelu })
            .Changes(nameof(PseudoLabelOptions.ClassNames), o => o with { ClassNames = OtherNames })
            .Changes(nameof(PseudoLabelOptions.Templates), o => o with { Templates = OtherTemplates })
            .Changes(nameof(PseudoLabelOptions.Strategy), o => o with { Strategy = PseudoLabelStrategy.Grip })
            .Changes(nameof(PseudoLabelOptions.PerClass), o => o with { PerClass = 2 })
            .Changes(nameof(PseudoLabelOptions.Rounds), o => o with { Rounds = 2 }, o => o with { Strategy = PseudoLabelStrategy.Grip })
            .Changes(nameof(PseudoLabelOptions.Selection), o => o with { Selection = SelectionRule.Candidates })
            .Changes(nameof(PseudoLabelOptions.IntraQuantile), o => o with { IntraQuantile = 0.1 }, Candidates)
            .Changes(nameof(PseudoLabelOptions.InterQuantile), o => o with { InterQuantile = 0.9 }, Candidates)
            .Changes(nameof(PseudoLabelOptions.LabelClasses), o => o with { LabelClasses = ["red", "blue"] })
            .Changes(nameof(PseudoLabelOptions.PrototypeColumn), o => o with { PrototypeColumn = "PrototypeScore" })
            .Changes(
                nameof(PseudoLabelOptions.PrototypeWeight),
                o => o with { PrototypeWeight = 5 },
                o => o with { PrototypeColumn = "PrototypeScore" }
            )
            .Changes(
                nameof(PseudoLabelOptions.Fusion),
                o => o with { Fusion = FusionForm.Convex },
                o => o with { PrototypeColumn = "PrototypeScore" }
            )
            .Changes(nameof(PseudoLabelOptions.LabelColumn), o => o with { LabelColumn = "Truth" })
            .Changes(nameof(PseudoLabelOptions.Progress), o => o with { Progress = Counter })
            .Changes(nameof(PseudoLabelOptions.CancellationToken), o => o with { CancellationToken = Cancelled })
            .Check(o => Outcome(s_labelled, s_f.Context.Transforms.PseudoLabel("Second", "Features", o)));

    [TestMethod]
    public void EveryOptionOfPrototypeClassifier() =>
        new OptionEffects<PrototypeClassifierOptions>(new() { Shots = 2 })
            .Changes(nameof(PrototypeClassifierOptions.Adaptation), o => o with { Adaptation = PrototypeAdaptation.FineTune })
            .SeenIn(nameof(PrototypeClassifierOptions.FineTuning), "FineTunedRecipeTests.APrototypeClassifierThatFineTunes_IsLatteClip")
            .Changes(nameof(PrototypeClassifierOptions.LabelColumn), o => o with { LabelColumn = "Truth" })
            .Changes(nameof(PrototypeClassifierOptions.ConfidenceColumn), o => o with { ConfidenceColumn = "Rank" })
            .Changes(nameof(PrototypeClassifierOptions.Ranking), Ranked, o => o with { ConfidenceColumn = "Rank" })
            .Changes(nameof(PrototypeClassifierOptions.Templates), o => o with { Templates = OtherTemplates }, Ranked)
            .Changes(nameof(PrototypeClassifierOptions.OriginColumn), o => o with { OriginColumn = Elsewhere }, Labelled)
            .Changes(nameof(PrototypeClassifierOptions.PreferSynthetic), o => o with { PreferSynthetic = false }, Labelled)
            .Changes(nameof(PrototypeClassifierOptions.Centre), o => o with { Centre = true })
            .Changes(nameof(PrototypeClassifierOptions.Shots), o => o with { Shots = 1 })
            .Changes(nameof(PrototypeClassifierOptions.Temperature), o => o with { Temperature = 0.5 })
            .Changes(nameof(PrototypeClassifierOptions.ClipFolder), o => o with { ClipFolder = s_otherClip }, Ranked)
            .SeenIn(
                nameof(PrototypeClassifierOptions.Activation),
                "ClipExecutionTests.Every_stage_that_reads_texts_takes_the_activation_that_the_features_had"
            )
            .Changes(nameof(PrototypeClassifierOptions.CancellationToken), o => o with { CancellationToken = Cancelled })
            .Check(o => Outcome(s_labelled, s_f.Context.Transforms.PrototypeClassifier("Second", "Features", o)));

    [TestMethod]
    public void EveryOptionOfPromptAdapter() =>
        new OptionEffects<PromptAdapterOptions>(s_f.Prompts(rounds: 2, epochs: 2) with { PerClass = 3, PromptLength = 2, WarmUpEpochs = 1 })
            .Changes(nameof(PromptAdapterOptions.ClipFolder), o => o with { ClipFolder = s_otherClip })
            .Changes(nameof(PromptAdapterOptions.Activation), o => o with { Activation = ClipActivation.Gelu })
            .Changes(nameof(PromptAdapterOptions.ClassNames), o => o with { ClassNames = OtherNames })
            .Changes(nameof(PromptAdapterOptions.Prompt), o => o with { Prompt = PromptKind.Visual })
            .Changes(nameof(PromptAdapterOptions.Templates), o => o with { Templates = OtherTemplates }, o => o with { Rounds = 0 })
            .Changes(nameof(PromptAdapterOptions.FeatureColumn), o => o with { FeatureColumn = Elsewhere })
            .Changes(
                nameof(PromptAdapterOptions.ImageColumn),
                o => o with { ImageColumn = "MirrorPath" },
                o => o with { Prompt = PromptKind.Visual }
            )
            .SeenIn(nameof(PromptAdapterOptions.SyntheticImageColumn), "ParadigmTests.SyntheticRows_MayHoldTheirImageInsteadOfAPath")
            .Changes(nameof(PromptAdapterOptions.LabelColumn), o => o with { LabelColumn = "Truth" })
            .Changes(nameof(PromptAdapterOptions.CandidateColumn), o => o with { CandidateColumn = "PrototypeScore" }, WithCandidates)
            .Changes(
                nameof(PromptAdapterOptions.FirstRoundScoreColumn),
                o => o with { FirstRoundScoreColumn = "PrototypeScore" },
                WithCandidates
            )
            .Changes(nameof(PromptAdapterOptions.TrueLabelColumn), o => o with { TrueLabelColumn = "Truth" })
            .Changes(nameof(PromptAdapterOptions.OriginColumn), o => o with { OriginColumn = Elsewhere }, WithTruth)
            .Changes(nameof(PromptAdapterOptions.PrototypeColumn), WithPrototypes)
            .Changes(nameof(PromptAdapterOptions.PrototypeWeight), o => o with { PrototypeWeight = 5 }, WithPrototypes)
            .Changes(nameof(PromptAdapterOptions.Fusion), o => o with { Fusion = FusionForm.Convex }, WithPrototypes)
            .Changes(nameof(PromptAdapterOptions.PrototypeAtTest), o => o with { PrototypeAtTest = false }, WithPrototypes)
            .Changes(nameof(PromptAdapterOptions.ScoreColumn), o => o with { ScoreColumn = Elsewhere })
            .Changes(nameof(PromptAdapterOptions.PredictedLabelColumn), o => o with { PredictedLabelColumn = Elsewhere })
            .Changes(nameof(PromptAdapterOptions.Rounds), o => o with { Rounds = 1 })
            .Changes(nameof(PromptAdapterOptions.Strategy), o => o with { Strategy = PseudoLabelStrategy.Grip })
            .Changes(nameof(PromptAdapterOptions.PerClass), o => o with { PerClass = 1 })
            .Changes(nameof(PromptAdapterOptions.Selection), o => o with { Selection = SelectionRule.Candidates })
            .Changes(nameof(PromptAdapterOptions.IntraQuantile), o => o with { IntraQuantile = 0.1 }, WithCandidates)
            .Changes(nameof(PromptAdapterOptions.InterQuantile), o => o with { InterQuantile = 0.9 }, WithCandidates)
            .Changes(nameof(PromptAdapterOptions.LabelClasses), o => o with { LabelClasses = ["red", "blue"] })
            .Changes(nameof(PromptAdapterOptions.Loss), o => o with { Loss = PromptLoss.CrossEntropy }, WithCandidates)
            .Changes(nameof(PromptAdapterOptions.PseudoLabelWeight), o => o with { PseudoLabelWeight = 0.1 }, WithTruth)
            .Changes(
                nameof(PromptAdapterOptions.LabelledBalance),
                Another(o => o.LabelledBalance, (o, v) => o with { LabelledBalance = v }),
                WithTruth
            )
            .Changes(
                nameof(PromptAdapterOptions.LabelledBatches),
                Another(o => o.LabelledBatches, (o, v) => o with { LabelledBatches = v }),
                WithTruth
            )
            .Changes(nameof(PromptAdapterOptions.SyntheticWeight), o => o with { SyntheticWeight = 3 }, WithTruth)
            .Changes(nameof(PromptAdapterOptions.SyntheticBatchSize), o => o with { SyntheticBatchSize = 1 }, WithTruth)
            .Changes(nameof(PromptAdapterOptions.PromptLength), o => o with { PromptLength = 3 })
            .Changes(nameof(PromptAdapterOptions.InitialStandardDeviation), o => o with { InitialStandardDeviation = 0.5 })
            .Changes(nameof(PromptAdapterOptions.Epochs), o => o with { Epochs = 3 })
            .Changes(nameof(PromptAdapterOptions.BatchSize), o => o with { BatchSize = 4 })
            .Changes(nameof(PromptAdapterOptions.DropLast), o => o with { DropLast = true })
            .Changes(nameof(PromptAdapterOptions.LearningRate), o => o with { LearningRate = 0.5 })
            .Changes(nameof(PromptAdapterOptions.Momentum), o => o with { Momentum = 0.1 })
            .Changes(nameof(PromptAdapterOptions.WeightDecay), o => o with { WeightDecay = 0.5 })
            .Changes(nameof(PromptAdapterOptions.WarmUpEpochs), o => o with { WarmUpEpochs = 0 })
            .Changes(nameof(PromptAdapterOptions.WarmUpLearningRate), o => o with { WarmUpLearningRate = 0.5 })
            .Changes(nameof(PromptAdapterOptions.WarmUp), o => o with { WarmUp = WarmUp.Linear })
            .Changes(nameof(PromptAdapterOptions.GradientClip), o => o with { GradientClip = 1e-4 })
            .Changes(nameof(PromptAdapterOptions.WarmStart), o => o with { WarmStart = true })
            .SeenIn(nameof(PromptAdapterOptions.EmbedBackbone), "ParadigmTests.AVisualPrompt_CanCarryItsModel")
            .Changes(nameof(PromptAdapterOptions.Progress), o => o with { Progress = Counter })
            .Changes(nameof(PromptAdapterOptions.CancellationToken), o => o with { CancellationToken = Cancelled })
            .Check(o => Outcome(s_labelled, new MLContext(5).MulticlassClassification.Trainers.PromptAdapter(o)));

    private static PromptAdapterOptions WithCandidates(PromptAdapterOptions o) =>
        o with
        {
            Selection = SelectionRule.Candidates,
            Loss = PromptLoss.Candidates,
            IntraQuantile = 0.9,
            InterQuantile = 0.1,
        };

    private static PromptAdapterOptions WithPrototypes(PromptAdapterOptions o) =>
        o with
        {
            PrototypeColumn = "PrototypeScore",
            PrototypeAtTest = true,
        };

    private static PromptAdapterOptions WithTruth(PromptAdapterOptions o) => o with { TrueLabelColumn = "Truth" };

    /// <summary>Sets another value of an enumeration.</summary>
    private static Func<PromptAdapterOptions, PromptAdapterOptions> Another<TValue>(
        Func<PromptAdapterOptions, TValue> get,
        Func<PromptAdapterOptions, TValue, PromptAdapterOptions> set
    )
        where TValue : struct, Enum => o => set(o, Enum.GetValues<TValue>().First(v => !v.Equals(get(o))));

    private static PseudoLabelOptions Candidates(PseudoLabelOptions o) =>
        o with
        {
            Selection = SelectionRule.Candidates,
            IntraQuantile = 0.9,
            InterQuantile = 0.1,
        };

    private static PrototypeClassifierOptions Labelled(PrototypeClassifierOptions o) =>
        o with
        {
            LabelColumn = "Truth",
            ConfidenceColumn = "Rank",
            Shots = 1,
        };

    private static PrototypeClassifierOptions Ranked(PrototypeClassifierOptions o) =>
        o with
        {
            Ranking = PrototypeRanking.Probability,
            ClipFolder = s_f.ClipFolder,
            Shots = 1,
        };

    /// <summary>The schema and values that the fitted stage adds, and how often it reported.</summary>
    internal static string Outcome(IDataView data, IEstimator<ITransformer> estimator)
    {
        s_reports = 0;
        var output = estimator.Fit(data).Transform(data);
        return $"{StagePrint.Describe(output.Schema)}\n{StagePrint.Values(output, data.Schema.Count)}{s_reports}";
    }

    private sealed class NameRow
    {
        public string Name { get; set; } = "";
    }

    private sealed class Row
    {
        public string ImagePath { get; set; } = "";
        public string MirrorPath { get; set; } = "";

        /// <summary>Empty where the class is not known.</summary>
        public string TruthName { get; set; } = "";

        public string Origin { get; set; } = "";
        public float Rank { get; set; }
    }
}
