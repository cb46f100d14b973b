using AirMLNet.Captions;
using AirMLNet.Clip;
using AirMLNet.FineTuning;
using AirMLNet.Options;
using AirMLNet.Prototypes;
using AirMLNet.PseudoLabels;
using AirMLNet.Testing;
using Microsoft.ML;

namespace AirMLNet.Tests.Options;

/// <summary>Every option of LatteCLIP's stages changes something.</summary>
[TestClass]
public sealed class LatteOptionEffectTests
{
    private const string Elsewhere = "Elsewhere";
    private static readonly string[] OtherNames = ["red", "green", "violet"];
    private static readonly string[] OtherTemplates = ["a photo of {}, at night."];
    private static StageFixture s_f = null!;
    private static TemporaryFolder s_folder = null!;
    private static string s_otherClip = "";
    private static IDataView s_labelled = null!,
        s_captioned = null!;
    private static int s_reports,
        s_runs;

    private static IProgress<ProgressReport> Counter => new DirectProgress(_ => s_reports++);

    private static CancellationToken Cancelled => new(canceled: true);

    private static CaptionSynthesisOptions Captions =>
        new()
        {
            Captioner = new ColourCaptioner(),
            WorkFolder = s_folder["captions"],
            ParallelCalls = 1,
        };

    [ClassInitialize]
    public static void Create(TestContext _)
    {
        s_f = new(14);
        s_folder = new();
        s_otherClip = TinyClip.Create(s_folder["other-clip"], seed: 2);
        var ml = s_f.Context;
        var all = s_f.PseudoLabels() with { Strategy = PseudoLabelStrategy.All };
        s_labelled = ml.Data.Cache(
            s_f.Features().Append(ml.Transforms.PseudoLabel("ZeroShotLabel", "Features", all)).Fit(s_f.Data).Transform(s_f.Data)
        );
        // The truth, or what is said to be it: the classes in turn.
        var names = StageFixture.Names.Select((n, i) => KeyValuePair.Create(i, n));
        var keys = ml.Data.LoadFromEnumerable(StageFixture.Names.Select(n => new Named { Name = n }));
        s_labelled = ml.Data.Cache(
            ml.Transforms.Conversion.MapValue("OtherName", names, "Number")
                .Append(ml.Transforms.Conversion.MapValueToKey("OtherLabel", "OtherName", keyData: keys))
                .Fit(s_labelled)
                .Transform(s_labelled)
        );
        s_captioned = ml.Data.Cache(
            ml.Transforms.CaptionSynthesis("ImageText", "GroupText", "ImagePath", Captions).Fit(s_labelled).Transform(s_labelled)
        );
    }

    [ClassCleanup]
    public static void Delete()
    {
        s_f.Dispose();
        s_folder.Dispose();
    }

    [TestMethod]
    public void EveryOptionOfCaptionSynthesis() =>
        new OptionEffects<CaptionSynthesisOptions>(Captions)
            .Changes(nameof(CaptionSynthesisOptions.Captioner), o => o with { Captioner = null })
            .Changes(nameof(CaptionSynthesisOptions.WorkFolder), o => o with { WorkFolder = s_f.Rows[0].ImagePath })
            .Changes(nameof(CaptionSynthesisOptions.LabelColumn), o => o with { LabelColumn = Elsewhere })
            .Changes(nameof(CaptionSynthesisOptions.Domain), o => o with { Domain = "texture" })
            .Changes(nameof(CaptionSynthesisOptions.Wording), o => o with { Wording = CaptionWording.Paper })
            .Changes(nameof(CaptionSynthesisOptions.NameClass), o => o with { NameClass = false }, o => o with { Domain = "flower" })
            .Changes(nameof(CaptionSynthesisOptions.ImagePrompt), o => o with { ImagePrompt = "What {} is it?" })
            .Changes(nameof(CaptionSynthesisOptions.GroupPrompt), o => o with { GroupPrompt = "What have they in common?" })
            .Changes(nameof(CaptionSynthesisOptions.ImageTexts), o => o with { ImageTexts = false })
            .Changes(nameof(CaptionSynthesisOptions.GroupTexts), o => o with { GroupTexts = false })
            .Changes(nameof(CaptionSynthesisOptions.GroupSize), o => o with { GroupSize = 9 })
            .Changes(nameof(CaptionSynthesisOptions.GroupsPerClass), o => o with { GroupsPerClass = 1 }, o => o with { GroupSize = 1 })
            .Changes(
                nameof(CaptionSynthesisOptions.CorrectInGroup),
                o => o with { CorrectInGroup = 4 },
                o => o with { TrueLabelColumn = "OtherLabel" }
            )
            .Changes(
                nameof(CaptionSynthesisOptions.TrueLabelColumn),
                o => o with { TrueLabelColumn = "OtherLabel" },
                o => o with { CorrectInGroup = 4, TrueLabelColumn = "ZeroShotLabel" }
            )
            .Changes(nameof(CaptionSynthesisOptions.Shuffled), o => o with { Shuffled = true })
            .SeenIn(nameof(CaptionSynthesisOptions.ParallelCalls), "LatteOptionEffectTests.CallsAreMadeAsTheOptionsSay")
            .SeenIn(nameof(CaptionSynthesisOptions.Retries), "LatteOptionEffectTests.CallsAreMadeAsTheOptionsSay")
            .SeenIn(nameof(CaptionSynthesisOptions.TimeoutSeconds), "LatteOptionEffectTests.CallsAreMadeAsTheOptionsSay")
            .Changes(nameof(CaptionSynthesisOptions.Progress), o => o with { Progress = Counter })
            .Changes(nameof(CaptionSynthesisOptions.CancellationToken), o => o with { CancellationToken = Cancelled })
            .Check(o =>
            {
                s_reports = 0;
                var stage = new MLContext(5).Transforms.CaptionSynthesis("ImageText", "GroupText", "ImagePath", o);
                var output = stage.Fit(s_labelled).Transform(s_labelled);
                return StagePrint.Values(output) + s_reports;
            });

    [TestMethod]
    public void CallsAreMadeAsTheOptionsSay()
    {
        var watched = new WatchedCaptioner(TimeSpan.Zero);
        Fit(Captions with { Captioner = watched, ParallelCalls = 1 });
        Assert.AreEqual(1, watched.Most);

        var late = new WatchedCaptioner(Timeout.InfiniteTimeSpan);
        var time = new InstantTime(_ => true);
        var e = Assert.ThrowsExactly<CaptionException>(() =>
            Fit(Captions with { Captioner = late, ParallelCalls = 1, Retries = 1, TimeoutSeconds = 17, Time = time })
        );
        Assert.Contains("in 2 attempts: no answer within 17 s", e.Message);

        static void Fit(CaptionSynthesisOptions options) =>
            s_f.Context.Transforms.CaptionSynthesis("ImageText", "GroupText", "ImagePath", options).Fit(s_labelled);
    }

    [TestMethod]
    public void EveryOptionOfLatteClip() =>
        new OptionEffects<LatteClipOptions>(
            new()
            {
                ClipFolder = s_f.ClipFolder,
                ClassNames = StageFixture.Names,
                WorkFolder = s_folder["latte"],
                Epochs = 3,
                BatchSize = 6,
                LearningRate = 1e-3,
                WarmUpSteps = 1,
                Alpha = 0.7,
            }
        )
            .Changes(nameof(LatteClipOptions.ClipFolder), o => o with { ClipFolder = s_otherClip })
            .Changes(nameof(LatteClipOptions.Activation), o => o with { Activation = ClipActivation.Gelu })
            .Changes(nameof(LatteClipOptions.ClassNames), o => o with { ClassNames = OtherNames })
            .Changes(nameof(LatteClipOptions.Templates), o => o with { Templates = OtherTemplates })
            .Changes(nameof(LatteClipOptions.WorkFolder), o => o with { WorkFolder = s_f.Rows[0].ImagePath })
            .Changes(nameof(LatteClipOptions.ImageColumn), o => o with { ImageColumn = Elsewhere })
            .Changes(nameof(LatteClipOptions.LabelColumn), o => o with { LabelColumn = Elsewhere })
            .Changes(nameof(LatteClipOptions.ImageTextColumn), o => o with { ImageTextColumn = null })
            .Changes(nameof(LatteClipOptions.GroupTextColumn), o => o with { GroupTextColumn = null })
            .Changes(nameof(LatteClipOptions.ScoreColumn), o => o with { ScoreColumn = Elsewhere })
            .Changes(nameof(LatteClipOptions.PredictedLabelColumn), o => o with { PredictedLabelColumn = Elsewhere })
            .Changes(nameof(LatteClipOptions.Method), o => o with { Method = FineTuneMethod.FlypCurrentLabels })
            .Changes(nameof(LatteClipOptions.Update), o => o with { Update = PrototypeUpdate.Paper })
            .Changes(nameof(LatteClipOptions.Alpha), o => o with { Alpha = 0 })
            .Changes(nameof(LatteClipOptions.Momentum), o => o with { Momentum = 0 }, o => o with { Update = PrototypeUpdate.Paper })
            .Changes(nameof(LatteClipOptions.ClassText), o => o with { ClassText = false })
            .Changes(nameof(LatteClipOptions.Mixer), o => o with { Mixer = false })
            .Changes(nameof(LatteClipOptions.ClassWeight), o => o with { ClassWeight = ClassTextWeight.FeatureColumns })
            .Changes(nameof(LatteClipOptions.ZeroShotLoss), o => o with { ZeroShotLoss = false })
            .Changes(nameof(LatteClipOptions.CurrentLoss), o => o with { CurrentLoss = false })
            .Changes(nameof(LatteClipOptions.GroupTexts), o => o with { GroupTexts = GroupTextSource.Own })
            .Changes(nameof(LatteClipOptions.Epochs), o => o with { Epochs = 2 })
            .Changes(nameof(LatteClipOptions.MostSteps), o => o with { MostSteps = 3 })
            .Changes(nameof(LatteClipOptions.BatchSize), o => o with { BatchSize = 7 })
            .SeenIn(nameof(LatteClipOptions.Chunk), "FineTuneTrainerTests.ABatchInChunksHasTheWholeBatchsGradient")
            .Changes(nameof(LatteClipOptions.LearningRate), o => o with { LearningRate = 2e-3 })
            .Changes(nameof(LatteClipOptions.WarmUpSteps), o => o with { WarmUpSteps = 4 })
            .Changes(nameof(LatteClipOptions.WeightDecay), o => o with { WeightDecay = 90 })
            .Changes(nameof(LatteClipOptions.MinCropArea), o => o with { MinCropArea = 0.3 })
            .SeenIn(nameof(LatteClipOptions.CheckpointSteps), "FineTuneTrainerTests.AnInterruptedRunEndsAsOneThatWasNot")
            .Changes(nameof(LatteClipOptions.Precision), o => o with { Precision = ClipPrecision.BFloat16 })
            .Changes(nameof(LatteClipOptions.TrainingPrecision), o => o with { TrainingPrecision = ClipPrecision.BFloat16 })
            .Changes(nameof(LatteClipOptions.Progress), o => o with { Progress = Counter })
            .Changes(nameof(LatteClipOptions.CancellationToken), o => o with { CancellationToken = Cancelled })
            .Check(o =>
            {
                s_reports = 0;
                var work = File.Exists(o.WorkFolder) ? o.WorkFolder : s_folder[$"latte{s_runs++:000}"];
                var trainer = new MLContext(5).MulticlassClassification.Trainers.LatteClip(o with { WorkFolder = work });
                using var fitted = trainer.Fit(s_captioned);
                var output = fitted.Transform(s_captioned);
                return StagePrint.Describe(output.Schema) + StagePrint.Values(output) + s_reports;
            });

    [TestMethod]
    public void EveryOptionOfReClip() =>
        new OptionEffects<ReClipOptions>(
            new()
            {
                ClipFolder = s_f.ClipFolder,
                ClassNames = StageFixture.Names,
                WorkFolder = s_folder["reclip"],
                Epochs = 3,
                BatchSize = 6,
                Neighbours = 4,
            }
        )
            .Changes(nameof(ReClipOptions.ClipFolder), o => o with { ClipFolder = s_otherClip })
            .Changes(nameof(ReClipOptions.Activation), o => o with { Activation = ClipActivation.Gelu })
            .Changes(nameof(ReClipOptions.ClassNames), o => o with { ClassNames = OtherNames })
            .Changes(nameof(ReClipOptions.Templates), o => o with { Templates = OtherTemplates })
            .Changes(nameof(ReClipOptions.WorkFolder), o => o with { WorkFolder = s_f.Rows[0].ImagePath })
            .Changes(nameof(ReClipOptions.ImageColumn), o => o with { ImageColumn = Elsewhere })
            .Changes(nameof(ReClipOptions.ScoreColumn), o => o with { ScoreColumn = Elsewhere })
            .Changes(nameof(ReClipOptions.PredictedLabelColumn), o => o with { PredictedLabelColumn = Elsewhere })
            .Changes(nameof(ReClipOptions.Neighbours), o => o with { Neighbours = 8 })
            .Changes(nameof(ReClipOptions.Spread), o => o with { Spread = 0.1 })
            .Changes(nameof(ReClipOptions.CutDimension), o => o with { CutDimension = 2 })
            .SeenIn(nameof(ReClipOptions.Exact), "LabelPropagationTests.TheExactOptionEqualsADenseSolve_AndTheCapDoesNot")
            .Changes(nameof(ReClipOptions.Epochs), o => o with { Epochs = 2 })
            .Changes(nameof(ReClipOptions.BatchSize), o => o with { BatchSize = 5 })
            .Changes(nameof(ReClipOptions.LearningRate), o => o with { LearningRate = 0.01 })
            .Changes(nameof(ReClipOptions.Progress), o => o with { Progress = Counter })
            .Changes(nameof(ReClipOptions.CancellationToken), o => o with { CancellationToken = Cancelled })
            .Check(o =>
            {
                s_reports = 0;
                var work = File.Exists(o.WorkFolder) ? o.WorkFolder : s_folder[$"reclip{s_runs++:000}"];
                var trainer = new MLContext(5).MulticlassClassification.Trainers.ReClip(o with { WorkFolder = work });
                using var fitted = trainer.Fit(s_f.Data);
                var output = fitted.Transform(s_f.Data);
                return StagePrint.Describe(output.Schema) + StagePrint.Values(output) + s_reports;
            });

    private sealed class Named
    {
        public string Name { get; set; } = "";
    }

    /// <summary>Counts how many calls there are at a time; each takes as long as it is told.</summary>
    private sealed class WatchedCaptioner(TimeSpan takes) : ICaptioner
    {
        private int _now;

        public int Most { get; private set; }

        public string Identity => "watched " + takes;

        public async Task<string> DescribeAsync(CaptionRequest request, CancellationToken cancellation = default)
        {
            Most = Math.Max(Most, Interlocked.Increment(ref _now));
            await Task.Yield();
            await Task.Delay(takes, cancellation);
            Interlocked.Decrement(ref _now);
            return "a text";
        }
    }
}
