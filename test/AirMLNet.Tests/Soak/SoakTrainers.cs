using AirMLNet.Diffusion;
using AirMLNet.MultiLabel;
using AirMLNet.Options;
using AirMLNet.Prompts;
using AirMLNet.Prototypes;
using AirMLNet.PseudoLabels;
using AirMLNet.Testing;
using Microsoft.ML;

namespace AirMLNet.Tests.Soak;

/// <summary>Every trainer on tiny models, with a report after each step.</summary>
internal sealed class SoakTrainers : IDisposable
{
    private readonly StageFixture _f = new();
    private readonly IDataView _labelled;
    private readonly IDataView _captioned;
    private int _runs;

    public SoakTrainers()
    {
        var labels = _f.Features()
            .Append(
                _f.Context.Transforms.PseudoLabel("PseudoLabel", "Features", _f.PseudoLabels() with { Strategy = PseudoLabelStrategy.All })
            );
        _labelled = _f.Context.Data.Cache(labels.Fit(_f.Data).Transform(_f.Data));
        _captioned = _f.Context.Data.Cache(
            _f.Context.Transforms.CaptionSynthesis(
                    "ImageText",
                    "GroupText",
                    "ImagePath",
                    new()
                    {
                        Captioner = new ColourCaptioner(),
                        WorkFolder = Path.Combine(_f.Root, "captions"),
                        LabelColumn = "PseudoLabel",
                    }
                )
                .Fit(_labelled)
                .Transform(_labelled)
        );
    }

    public static string[] Names =>
        ["prompt", "visual prompt", "deep visual prompt", "multi-label prompt", "LatteCLIP", "FLYP", "ReCLIP", "LoRA"];

    /// <summary>Trains; <paramref name="step"/> is called once a step, on the thread that trains.</summary>
    public void Run(string name, int steps, Action step, CancellationToken cancellation)
    {
        var work = Path.Combine(_f.Root, $"work-{_runs++}");
        var progress = new DirectProgress(_ => step());
        var ml = new MLContext(1);
        var trainers = ml.MulticlassClassification.Trainers;
        switch (name)
        {
            case "prompt" or "visual prompt" or "deep visual prompt":
                var kind =
                    name == "prompt" ? PromptKind.Text
                    : name == "visual prompt" ? PromptKind.Visual
                    : PromptKind.VisualDeep;
                var prompts = _f.Prompts(epochs: steps) with
                {
                    Prompt = kind,
                    BatchSize = 64, // all of them: a step an epoch
                    WarmUpEpochs = 0,
                    Progress = progress,
                    CancellationToken = cancellation,
                };
                trainers.PromptAdapter(prompts).Fit(_labelled).Dispose();
                break;
            case "multi-label prompt":
                MultiLabel(ml, steps, progress, cancellation);
                break;
            case "LatteCLIP" or "FLYP":
                var latte = new LatteClipOptions
                {
                    ClipFolder = _f.ClipFolder,
                    ClassNames = StageFixture.Names,
                    WorkFolder = work,
                    LabelColumn = "PseudoLabel",
                    Method = name == "FLYP" ? FineTuneMethod.FlypGivenLabels : FineTuneMethod.LatteClip,
                    Epochs = 100_000,
                    MostSteps = steps,
                    CheckpointSteps = 1_000_000,
                    BatchSize = 4,
                    LearningRate = 1e-6,
                    Progress = progress,
                    CancellationToken = cancellation,
                };
                trainers.LatteClip(latte).Fit(_captioned).Dispose();
                break;
            case "ReCLIP":
                var reclip = new ReClipOptions
                {
                    ClipFolder = _f.ClipFolder,
                    ClassNames = StageFixture.Names,
                    WorkFolder = work,
                    Epochs = steps + 1, // in the first one labels are made, and nothing is learned
                    BatchSize = 24,
                    Neighbours = 3,
                    LearningRate = 1e-6,
                    Progress = progress,
                    CancellationToken = cancellation,
                };
                trainers.ReClip(reclip).Fit(_labelled).Dispose();
                break;
            default:
                Lora(work, steps, progress, cancellation);
                break;
        }
    }

    public void Dispose() => _f.Dispose();

    private void MultiLabel(MLContext ml, int steps, IProgress<ProgressReport> progress, CancellationToken cancellation)
    {
        var rows = _f
            .Rows.Select(r => new MultiLabelRow
            {
                ImagePath = r.ImagePath,
                Caption = $"{r.Name} {StageFixture.Names[r.Number]}",
                Labels = [.. StageFixture.Names.Select((_, c) => c == r.Number ? 1f : 0)],
            })
            .ToArray();
        var options = new MultiLabelPromptAdapterOptions
        {
            ClipFolder = _f.ClipFolder,
            ClassNames = StageFixture.Names,
            PromptLength = 3,
            Epochs = steps,
            BatchSize = 64,
            WarmUpEpochs = 0,
            Progress = new DirectProgress(r =>
            {
                if (r.Activity == "training")
                {
                    progress.Report(r);
                }
            }),
            CancellationToken = cancellation,
        };
        ml.MultiLabelClassification().Trainers.PromptAdapter(options).Fit(ml.Data.LoadFromEnumerable(rows)).Dispose();
    }

    private static void Lora(string work, int steps, IProgress<ProgressReport> progress, CancellationToken cancellation)
    {
        using var model = StableDiffusionPipeline.Load(TinyModels.Diffusion);
        LoraExample[] examples =
        [
            .. Enumerable.Range(0, 6).Select(i => new LoraExample($"{i}", () => TinyClip.Picture(i % 3, new Random(i)), $"photo {i % 3}")),
        ];
        var options = new LoraTrainingOptions
        {
            Lora = new() { Rank = 2 },
            Steps = steps,
            BatchSize = 2,
            CheckpointEvery = 10_000_000,
            Progress = progress,
            CancellationToken = cancellation,
        };
        new LoraTrainer(model, options).Train(examples, work, 1);
    }

    internal sealed class MultiLabelRow
    {
        public string ImagePath { get; set; } = "";

        public string Caption { get; set; } = "";

        [Microsoft.ML.Data.VectorType(3)]
        public float[] Labels { get; set; } = [];
    }
}
