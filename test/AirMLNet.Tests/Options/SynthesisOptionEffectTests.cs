using System.Security.Cryptography;
using AirMLNet.Clip;
using AirMLNet.Diffusion;
using AirMLNet.Options;
using AirMLNet.Synthesis;
using AirMLNet.Testing;
using Microsoft.ML;

namespace AirMLNet.Tests.Options;

/// <summary>Every option of the synthesis stage, and of the fine-tuning and the generation inside it, changes something.</summary>
[TestClass]
public sealed class SynthesisOptionEffectTests
{
    private const string Elsewhere = "Elsewhere";
    private static TemporaryFolder s_folder = null!;
    private static SynthesisFixture s_f = null!;
    private static IDataView s_data = null!;
    private static string s_otherClip = "";
    private static int s_reports,
        s_runs;

    private static CancellationToken Cancelled => new(canceled: true);

    private static DiffusionSynthesisOptions Basis =>
        s_f.Options("unused") with
        {
            ImagesPerClass = 1,
            Shots = 2,
            Training = new()
            {
                Lora = new() { Rank = 2 },
                Steps = 2,
                BatchSize = 2,
                LearningRate = 1e-2,
            },
            Generation = new() { Steps = 2, BatchSize = 2 },
        };

    [ClassInitialize]
    public static void Create(TestContext _)
    {
        s_folder = new();
        s_f = new(s_folder.Path);
        s_otherClip = TinyClip.Create(s_folder["other-clip"], seed: 2);
        s_data = s_f.Context.Data.Cache(s_f.Labelled());
    }

    [ClassCleanup]
    public static void Delete() => s_folder.Dispose();

    [TestMethod]
    public void EveryOptionOfDiffusionSynthesis() =>
        new OptionEffects<DiffusionSynthesisOptions>(Basis with { FineTune = false })
            .Changes(nameof(DiffusionSynthesisOptions.DiffusionFolder), o => o with { DiffusionFolder = s_folder[Elsewhere] })
            .Changes(nameof(DiffusionSynthesisOptions.ClipFolder), o => o with { ClipFolder = s_otherClip })
            .Changes(nameof(DiffusionSynthesisOptions.Activation), o => o with { Activation = ClipActivation.Gelu })
            .Changes(nameof(DiffusionSynthesisOptions.ClassNames), o => o with { ClassNames = ["red", "green", "violet"] })
            .Changes(nameof(DiffusionSynthesisOptions.WorkFolder), o => o with { WorkFolder = AFile() })
            .Changes(nameof(DiffusionSynthesisOptions.Domain), o => o with { Domain = "Colours:" })
            .Changes(nameof(DiffusionSynthesisOptions.ImagesPerClass), o => o with { ImagesPerClass = 2 })
            .Changes(nameof(DiffusionSynthesisOptions.Shots), o => o with { Shots = 1 }, o => o with { FineTune = true })
            .Changes(nameof(DiffusionSynthesisOptions.FineTune), o => o with { FineTune = true })
            .Changes(
                nameof(DiffusionSynthesisOptions.Training),
                o => o with { Training = o.Training with { Steps = 3 } },
                o => o with { FineTune = true }
            )
            .Changes(nameof(DiffusionSynthesisOptions.Generation), o => o with { Generation = o.Generation with { Steps = 3 } })
            .Changes(nameof(DiffusionSynthesisOptions.NegativePrompt), o => o with { NegativePrompt = "the blue" })
            .Changes(nameof(DiffusionSynthesisOptions.Precision), o => o with { Precision = TorchSharp.torch.ScalarType.BFloat16 })
            .Changes(nameof(DiffusionSynthesisOptions.Templates), o => o with { Templates = ["a photo of {}, at night."] })
            .Changes(nameof(DiffusionSynthesisOptions.ImageColumn), o => o with { ImageColumn = Elsewhere })
            .Changes(
                nameof(DiffusionSynthesisOptions.PseudoLabelColumn),
                o => o with { PseudoLabelColumn = Elsewhere },
                o => o with { FineTune = true }
            )
            .Changes(nameof(DiffusionSynthesisOptions.ConfidenceColumn), o => o with { ConfidenceColumn = null })
            .Changes(nameof(DiffusionSynthesisOptions.LabelColumn), o => o with { LabelColumn = Elsewhere })
            .Changes(nameof(DiffusionSynthesisOptions.FeatureColumn), o => o with { FeatureColumn = Elsewhere })
            .Changes(nameof(DiffusionSynthesisOptions.OriginColumn), o => o with { OriginColumn = Elsewhere })
            .Changes(nameof(DiffusionSynthesisOptions.CaptionColumn), o => o with { CaptionColumn = Elsewhere })
            .SeenIn(nameof(DiffusionSynthesisOptions.ImagesPerCaption), "DiffusionSynthesisTests.CaptionsTakeThePlaceOfClassPrompts")
            .SeenIn(nameof(DiffusionSynthesisOptions.Generator), "DiffusionSynthesisTests.AGeneratorOfOnesOwnTakesTheModelsPlace")
            .SeenIn(nameof(DiffusionSynthesisOptions.GeneratorOptions), "DiffusionSynthesisTests.AGeneratorOfOnesOwnTakesTheModelsPlace")
            .Changes(nameof(DiffusionSynthesisOptions.Progress), o => o with { Progress = new DirectProgress(_ => s_reports++) })
            .Changes(nameof(DiffusionSynthesisOptions.CancellationToken), o => o with { CancellationToken = Cancelled })
            .Check(Outcome);

    [TestMethod]
    public void EveryOptionOfTheGeneration() =>
        new OptionEffects<StableDiffusionOptions>(Basis.Generation)
            .Changes(nameof(StableDiffusionOptions.Steps), o => o with { Steps = 3 })
            .Changes(nameof(StableDiffusionOptions.Guidance), o => o with { Guidance = 2 })
            .Changes(nameof(StableDiffusionOptions.GuidanceRescale), o => o with { GuidanceRescale = 0.7 })
            .Changes(nameof(StableDiffusionOptions.Scheduler), o => o with { Scheduler = SchedulerKind.EulerDiscrete })
            .Changes(nameof(StableDiffusionOptions.Eta), o => o with { Eta = 1 })
            .Changes(nameof(StableDiffusionOptions.Height), o => o with { Height = 32 })
            .Changes(nameof(StableDiffusionOptions.Width), o => o with { Width = 32 })
            .SeenIn(nameof(StableDiffusionOptions.BatchSize), "StableDiffusionTests.AnImageOfABatchIsTheImageAlone")
            .SeenIn(nameof(StableDiffusionOptions.Progress), "StableDiffusionTests.ProgressIsReportedAndCancellationEndsWithinAStep")
            .Check(o => Outcome(Basis with { FineTune = false, Generation = o }));

    [TestMethod]
    public void EveryOptionOfTheFineTuning() =>
        new OptionEffects<LoraTrainingOptions>(Basis.Training)
            .Changes(nameof(LoraTrainingOptions.Lora), o => o with { Lora = o.Lora with { Rank = 3 } })
            .Changes(nameof(LoraTrainingOptions.Steps), o => o with { Steps = 3 })
            .Changes(nameof(LoraTrainingOptions.BatchSize), o => o with { BatchSize = 3 })
            .SeenIn(nameof(LoraTrainingOptions.LearningRate), "LoraTrainerTests.EveryOptionMatters")
            .SeenIn(nameof(LoraTrainingOptions.WarmUpSteps), "LoraTrainerTests.EveryOptionMatters")
            .SeenIn(nameof(LoraTrainingOptions.Decay), "LoraTrainerTests.EveryOptionMatters")
            .SeenIn(nameof(LoraTrainingOptions.Beta1), "LoraTrainerTests.EveryOptionMatters")
            .SeenIn(nameof(LoraTrainingOptions.Beta2), "LoraTrainerTests.EveryOptionMatters")
            .SeenIn(nameof(LoraTrainingOptions.WeightDecay), "LoraTrainerTests.EveryOptionMatters")
            .SeenIn(nameof(LoraTrainingOptions.GradientClip), "LoraTrainerTests.EveryOptionMatters")
            .SeenIn(nameof(LoraTrainingOptions.HorizontalFlip), "LoraTrainerTests.EveryOptionMatters")
            .SeenIn(nameof(LoraTrainingOptions.Crops), "LoraTrainerTests.EveryOptionMatters")
            .SeenIn(nameof(LoraTrainingOptions.PromptDropout), "LoraTrainerTests.EveryOptionMatters")
            .SeenIn(nameof(LoraTrainingOptions.AccumulationSteps), "LoraTrainerTests.PartsOfAStepGiveTheSameToRounding")
            .SeenIn(nameof(LoraTrainingOptions.CheckpointEvery), "LoraTrainerTests.AnInterruptedTrainingEndsWithTheSameFile")
            .SeenIn(nameof(LoraTrainingOptions.Progress), "LoraTrainerTests.TheLossFalls_AndOnlyTheAdaptersAreTrained")
            .SeenIn(nameof(LoraTrainingOptions.CancellationToken), "LoraTrainerTests.AnInterruptedTrainingEndsWithTheSameFile")
            .Check(o => Outcome(Basis with { Training = o }));

    [TestMethod]
    public void EveryOptionOfTheAdapters() =>
        new OptionEffects<LoraOptions>(Basis.Training.Lora)
            .Changes(nameof(LoraOptions.Rank), o => o with { Rank = 3 })
            .Changes(nameof(LoraOptions.Alpha), o => o with { Alpha = 7 })
            .Changes(nameof(LoraOptions.Initialization), o => o with { Initialization = LoraInitialization.KaimingUniform })
            .Changes(nameof(LoraOptions.UNetTargets), o => o with { UNetTargets = ["to_q"] })
            .Changes(nameof(LoraOptions.TextEncoderTargets), o => o with { TextEncoderTargets = ["q_proj"] })
            .Check(o => Outcome(Basis with { Training = Basis.Training with { Lora = o } }));

    /// <summary>The path of a file, where no folder can be.</summary>
    private static string AFile()
    {
        File.WriteAllText(s_folder["file"], "");
        return s_folder["file"];
    }

    /// <summary>The rows, the images and the number of reports of a fit in a folder of its own, whose name is left out.</summary>
    private static string Outcome(DiffusionSynthesisOptions options)
    {
        s_reports = 0;
        var work = File.Exists(options.WorkFolder) ? options.WorkFolder : s_folder[$"work{s_runs++:000}"];
        var fitted = new MLContext(5).Transforms.DiffusionSynthesis(options with { WorkFolder = work }).Fit(s_data);
        var output = fitted.Transform(s_data);
        var images = fitted.Images.Select(image => Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(image.Path))));
        var text = $"{StagePrint.Describe(output.Schema)}\n{StagePrint.Values(output)}{string.Join('\n', images)}{s_reports}";
        return text.Replace(work, "", StringComparison.Ordinal);
    }
}
