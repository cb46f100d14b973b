using AirMLNet.Captions;
using AirMLNet.Clip;
using AirMLNet.Heads;
using AirMLNet.MultiLabel;
using AirMLNet.Options;
using AirMLNet.Testing;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Tests.Options;

/// <summary>Every option of the multi-label stages changes something.</summary>
[TestClass]
public sealed class MultiLabelOptionEffectTests
{
    private const string Elsewhere = "Elsewhere";
    private static TemporaryFolder s_folder = null!;
    private static string s_otherClip = "";
    private static Row[] s_rows = [];
    private static int s_reports;

    [ClassInitialize]
    public static void Create(TestContext _)
    {
        s_folder = new();
        s_otherClip = TinyClip.Create(s_folder["other-clip"], seed: 2);
        s_rows =
        [
            .. TinyClip
                .WriteImages(s_folder["images"], 9)
                .Select(
                    (image, i) =>
                        new Row
                        {
                            ImagePath = image.Path,
                            Caption = $"{i % 5} {StageFixture.Names[image.Class]}",
                            Labels = [.. StageFixture.Names.Select((_, c) => c == image.Class ? 1f : 0)],
                        }
                ),
        ];
    }

    [ClassCleanup]
    public static void Delete() => s_folder.Dispose();

    private static MultiLabelPromptAdapterOptions Basis =>
        new()
        {
            ClipFolder = TinyModels.Clip,
            ClassNames = StageFixture.Names,
            PromptLength = 2,
            Epochs = 3,
            BatchSize = 4,
            LearningRate = 0.02,
            AdapterLearningRate = 0.05,
            WarmUpEpochs = 1,
            WarmUpLearningRate = 0.01,
            TemplateTexts = false,
        };

    [TestMethod]
    public void EveryOptionOfTheMultiLabelTrainer() =>
        new OptionEffects<MultiLabelPromptAdapterOptions>(Basis)
            .Changes(nameof(MultiLabelPromptAdapterOptions.ClipFolder), o => o with { ClipFolder = s_otherClip })
            .Changes(nameof(MultiLabelPromptAdapterOptions.Activation), o => o with { Activation = ClipActivation.Gelu })
            .Changes(nameof(MultiLabelPromptAdapterOptions.ClassNames), o => o with { ClassNames = ["red", "green", "violet"] })
            .Changes(nameof(MultiLabelPromptAdapterOptions.Prompt), o => o with { Prompt = MultiLabelPrompt.Global })
            .Changes(nameof(MultiLabelPromptAdapterOptions.Templates), o => o with { Templates = ["a photo of {}, at night."] })
            .Changes(nameof(MultiLabelPromptAdapterOptions.PromptLength), o => o with { PromptLength = 3 })
            .Changes(nameof(MultiLabelPromptAdapterOptions.ImageSize), o => o with { ImageSize = 2 * TinyClip.ImageSize })
            .Changes(nameof(MultiLabelPromptAdapterOptions.ClassSpecific), o => o with { ClassSpecific = true })
            .Changes(nameof(MultiLabelPromptAdapterOptions.ImageWeight), o => o with { ImageWeight = 0.4 })
            .Changes(nameof(MultiLabelPromptAdapterOptions.Adapter), o => o with { Adapter = AdapterPlacement.Both })
            .Changes(nameof(MultiLabelPromptAdapterOptions.AdapterForm), o => o with { AdapterForm = FusionForm.Convex })
            .Changes(nameof(MultiLabelPromptAdapterOptions.AdapterWeight), o => o with { AdapterWeight = 0.9 })
            .Changes(nameof(MultiLabelPromptAdapterOptions.AdapterSharpness), o => o with { AdapterSharpness = 2 })
            .Changes(nameof(MultiLabelPromptAdapterOptions.AdapterStart), o => o with { AdapterStart = AdapterStart.Noise })
            .Changes(nameof(MultiLabelPromptAdapterOptions.LearnAdapterWeight), o => o with { LearnAdapterWeight = true })
            .Changes(nameof(MultiLabelPromptAdapterOptions.LearnAttention), o => o with { LearnAttention = true })
            .Changes(nameof(MultiLabelPromptAdapterOptions.Aggregation), o => o with { Aggregation = LocalAggregation.Max })
            .Changes(nameof(MultiLabelPromptAdapterOptions.Kappa), o => o with { Kappa = 10 })
            .Changes(nameof(MultiLabelPromptAdapterOptions.TestKappa), o => o with { TestKappa = 4 })
            .Changes(nameof(MultiLabelPromptAdapterOptions.LogitScale), o => o with { LogitScale = 8 })
            .Changes(nameof(MultiLabelPromptAdapterOptions.Margin), o => o with { Margin = 5 })
            .Changes(nameof(MultiLabelPromptAdapterOptions.TemplateTexts), o => o with { TemplateTexts = true })
            .Changes(nameof(MultiLabelPromptAdapterOptions.Epochs), o => o with { Epochs = 4 })
            .Changes(nameof(MultiLabelPromptAdapterOptions.BatchSize), o => o with { BatchSize = 3 })
            .Changes(nameof(MultiLabelPromptAdapterOptions.LearningRate), o => o with { LearningRate = 0.04 })
            .Changes(nameof(MultiLabelPromptAdapterOptions.AdapterLearningRate), o => o with { AdapterLearningRate = 0.5 })
            .Changes(nameof(MultiLabelPromptAdapterOptions.WarmUpEpochs), o => o with { WarmUpEpochs = 2 })
            .Changes(nameof(MultiLabelPromptAdapterOptions.WarmUpLearningRate), o => o with { WarmUpLearningRate = 0.1 })
            .Changes(nameof(MultiLabelPromptAdapterOptions.Momentum), o => o with { Momentum = 0 })
            .Changes(nameof(MultiLabelPromptAdapterOptions.WeightDecay), o => o with { WeightDecay = 0.5 })
            .Changes(nameof(MultiLabelPromptAdapterOptions.Thresholds), o => o with { Thresholds = [0, 0, 0] })
            .Changes(nameof(MultiLabelPromptAdapterOptions.LabelColumn), o => o with { LabelColumn = Elsewhere })
            .Changes(nameof(MultiLabelPromptAdapterOptions.CaptionColumn), o => o with { CaptionColumn = Elsewhere })
            .Changes(nameof(MultiLabelPromptAdapterOptions.ImageColumn), o => o with { ImageColumn = Elsewhere })
            .Changes(nameof(MultiLabelPromptAdapterOptions.ScoreColumn), o => o with { ScoreColumn = Elsewhere })
            .Changes(nameof(MultiLabelPromptAdapterOptions.PredictedLabelsColumn), o => o with { PredictedLabelsColumn = Elsewhere })
            .SeenIn(
                nameof(MultiLabelPromptAdapterOptions.FeatureCacheFolder),
                "MultiLabelPromptAdapterTests.AFeatureCache_GivesTheSameModel_AndIsRefusedForOtherImages"
            )
            .Changes(nameof(MultiLabelPromptAdapterOptions.EmbedBackbone), o => o with { EmbedBackbone = true })
            .Changes(nameof(MultiLabelPromptAdapterOptions.Progress), o => o with { Progress = new DirectProgress(_ => s_reports++) })
            .Changes(nameof(MultiLabelPromptAdapterOptions.CancellationToken), o => o with { CancellationToken = new(canceled: true) })
            .Check(o =>
            {
                s_reports = 0;
                var ml = new MLContext(seed: 4);
                var data = ml.Data.LoadFromEnumerable(s_rows);
                using var model = ml.MultiLabelClassification().Trainers.PromptAdapter(o).Fit(data);
                var size = 0L;
                if (o.EmbedBackbone)
                {
                    ml.Model.Save(model, data.Schema, s_folder["embedded.zip"]);
                    size = new FileInfo(s_folder["embedded.zip"]).Length;
                }
                return $"{s_reports} {size} {StagePrint.Values(model.Transform(data))}";
            });

    [TestMethod]
    public void EveryOptionOfTheNounFilter()
    {
        File.WriteAllText(s_folder["nouns.txt"], "colour: red, green\nother: blue\n");
        new OptionEffects<NounFilterOptions>(new() { ClassNames = StageFixture.Names })
            .Changes(nameof(NounFilterOptions.ClassNames), o => o with { ClassNames = ["red", "violet"] })
            .Changes(nameof(NounFilterOptions.Nouns), o => o with { ClassNames = null, Nouns = NounSet.Voc2007 })
            .Changes(nameof(NounFilterOptions.NounFile), o => o with { ClassNames = null, NounFile = s_folder["nouns.txt"] })
            .Changes(nameof(NounFilterOptions.MaxWords), o => o with { MaxWords = 1 })
            .Changes(nameof(NounFilterOptions.DropUnlabelled), o => o with { DropUnlabelled = false }, o => o with { MaxWords = 1 })
            .Changes(nameof(NounFilterOptions.MaxPerClass), o => o with { MaxPerClass = 1 })
            .Changes(
                nameof(NounFilterOptions.CancellationToken),
                o => o with { CancellationToken = new(canceled: true) },
                o => o with { MaxPerClass = 2 }
            )
            .Check(o =>
            {
                var ml = new MLContext(seed: 4);
                var data = ml.Data.LoadFromEnumerable(s_rows);
                return StagePrint.Values(ml.Transforms.NounFilter("Found", "Caption", o).Fit(data).Transform(data));
            });
    }

    [TestMethod]
    public void EveryOptionOfTheEvaluation() =>
        new OptionEffects<AirMLNet.Evaluation.MultiLabelEvaluationOptions>(new())
            .SeenIn(
                nameof(AirMLNet.Evaluation.MultiLabelEvaluationOptions.Rule),
                "MultiLabelEvaluatorTests.UnknownLabels_AreLeftOut_OrNegative"
            )
            .SeenIn(
                nameof(AirMLNet.Evaluation.MultiLabelEvaluationOptions.UnknownIsNegative),
                "MultiLabelEvaluatorTests.UnknownLabels_AreLeftOut_OrNegative"
            )
            .Check(_ => "");

    private sealed class Row
    {
        public string ImagePath { get; set; } = "";
        public string Caption { get; set; } = "";

        [VectorType(3)]
        public float[] Labels { get; set; } = [];
    }
}
