using AirMLNet.Options;
using AirMLNet.PseudoLabels;
using AirMLNet.Synthesis;
using Microsoft.ML;

namespace AirMLNet.Testing;

/// <summary>Pictures, a tiny CLIP and a tiny diffusion model in a folder, and the synthesis stage on them.</summary>
public sealed class SynthesisFixture
{
    public static readonly string[] Names = StageFixture.Names;

    public SynthesisFixture(string root, int images = 12, int seed = 5)
    {
        Root = root;
        Rows =
        [
            .. TinyClip
                .WriteImages(Path.Combine(root, "images"), images)
                .Select(i => new PictureRow
                {
                    ImagePath = i.Path,
                    Name = Path.GetFileName(i.Path),
                    Number = i.Class,
                }),
        ];
        Context = new MLContext(seed);
    }

    public string Root { get; }

    public string ClipFolder => TinyModels.Clip;

    public string DiffusionFolder => TinyModels.Diffusion;

    public PictureRow[] Rows { get; }

    public MLContext Context { get; }

    /// <summary>The pictures with features and pseudo-labels.</summary>
    public IDataView Labelled(IReadOnlyList<string>? labelClasses = null)
    {
        var data = Context.Data.LoadFromEnumerable(Rows);
        return Context
            .Transforms.ClipFeature("Features", "ImagePath", ClipFolder)
            .Append(
                Context.Transforms.PseudoLabel(
                    "PseudoLabel",
                    "Features",
                    new PseudoLabelOptions
                    {
                        ClipFolder = ClipFolder,
                        ClassNames = Names,
                        PerClass = 3,
                        LabelClasses = labelClasses,
                    }
                )
            )
            .Fit(data)
            .Transform(data);
    }

    public DiffusionSynthesisOptions Options(string work) =>
        new()
        {
            DiffusionFolder = DiffusionFolder,
            ClipFolder = ClipFolder,
            ClassNames = Names,
            WorkFolder = Path.Combine(Root, work),
            ImagesPerClass = 4,
            Shots = 2,
            Training = new()
            {
                Lora = new() { Rank = 2 },
                Steps = 6,
                BatchSize = 2,
                LearningRate = 1e-2,
                CheckpointEvery = 2,
            },
            Generation = new() { Steps = 3, BatchSize = 5 },
        };

    /// <summary>
    /// Fits in a folder that exists, in a process that is killed when the stage first reports this; what a test starts as a process of its
    /// own.
    /// </summary>
    public static void FitUntil(string root, string work, string activity, int done)
    {
        var fixture = new SynthesisFixture(root);
        fixture
            .Context.Transforms.DiffusionSynthesis(
                fixture.Options(work) with
                {
                    Progress = new DirectProgress(p =>
                    {
                        if (p.Activity == activity && p.Done == done)
                        {
                            Environment.FailFast(null);
                        }
                    }),
                }
            )
            .Fit(fixture.Labelled());
    }
}
