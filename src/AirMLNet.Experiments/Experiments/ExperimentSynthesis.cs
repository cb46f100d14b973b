using System.Security.Cryptography;
using System.Text;
using AirMLNet.Evaluation;
using AirMLNet.Files;
using AirMLNet.Options;
using AirMLNet.Recipes;
using AirMLNet.Synthesis;
using Microsoft.ML;

namespace AirMLNet.Experiments;

/// <summary>
/// The synthetic images of a data set under a paradigm (AiR's steps A to C): a diffusion model is fine-tuned on the pool's surest images
/// and on those whose labels are given, never on test images, and makes images of every class. They are kept in a folder of
/// <c>AIRMLNET_HOME</c> that is named by all that decides them, so that every method, seed and experiment that needs the same images
/// finds them; what was interrupted goes on there.
/// </summary>
internal sealed class ExperimentSynthesis
{
    /// <summary>Raised when the same options make other images.</summary>
    private const int Behaviour = 1;

    private const int Seed = 1;
    private readonly ExperimentContext _context;
    private readonly ExperimentData _data;
    private readonly AdaptationTask _task;
    private readonly int[] _given;

    /// <param name="context">The experiment.</param>
    /// <param name="data">The data set.</param>
    /// <param name="variant">Whose settings hold.</param>
    /// <param name="task">Classes, templates and, under TRZSL, the unseen classes.</param>
    /// <param name="paradigm">For the folder's name.</param>
    /// <param name="given">Rows of the pool whose labels may be used.</param>
    public ExperimentSynthesis(
        ExperimentContext context,
        ExperimentData data,
        ExperimentVariant variant,
        AdaptationTask task,
        string paradigm,
        IEnumerable<int> given
    )
    {
        (_context, _data, _given) = (context, data, [.. given.Where(i => !data.IsTested(data.Train.Images[i]))]);
        var diffusion = context.File.DiffusionOf(variant)!;
        var options = variant.SynthesisFor(context.File, Standard with { Domain = data.Domain }) with
        {
            ClipFolder = "-",
            ClassNames = task.ClassNames,
            Templates = task.Templates,
        };
        // More images of the same kind may be asked for later: their number is no part of the key.
        string[] parts =
        [
            $"{Behaviour}",
            context.HashOf(diffusion),
            context.ClipKey,
            OptionsJson.Write(options with { ImagesPerClass = 1 }),
            string.Join('|', task.UnseenClasses ?? []),
            data.Train.Fingerprint,
            string.Join(',', Enumerable.Range(0, data.Train.Images.Count).Where(i => data.IsTested(data.Train.Images[i]))),
            string.Join(',', _given),
            context.Device.Gpu is null ? "cpu" : "cuda",
        ];
        Key = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', parts))));
        Folder = Path.Combine(AirHome.Folder, "synthetic", $"{data.Entry.Name.ToLowerInvariant()}-{paradigm}-{Key[..16]}");
        Options = options with { DiffusionFolder = diffusion, ClipFolder = context.File.Clip, WorkFolder = Folder };
        _task = task with { Synthesis = Options };
    }

    /// <summary>The defaults (docs/methods.md §4.2), without folders and classes.</summary>
    public static DiffusionSynthesisOptions Standard { get; } =
        new()
        {
            DiffusionFolder = "-",
            ClipFolder = "-",
            ClassNames = ["-", "--"],
            WorkFolder = "-",
        };

    /// <summary>SHA-256 of all that decides the images, but not how many there are.</summary>
    public string Key { get; }

    /// <summary>Where they are.</summary>
    public string Folder { get; }

    public DiffusionSynthesisOptions Options { get; }

    /// <summary>Images in all.</summary>
    public int Images => Options.ImagesPerClass * _data.ClassNames.Count;

    /// <summary>Images that the diffusion model is fine-tuned on, at most.</summary>
    public int Examples => Options.FineTune ? Math.Min(_data.Train.Images.Count, Options.Shots * _data.ClassNames.Count) : 0;

    /// <summary>How many images are there.</summary>
    public int Made =>
        Path.Combine(Folder, "images") is var images && Directory.Exists(images)
            ? Directory.EnumerateFiles(images, "*.png", SearchOption.AllDirectories).Count()
            : 0;

    /// <summary>The images, at most so many of each class; made where they are not there.</summary>
    /// <param name="most">Null for all.</param>
    public EncodedImages Make(int? most)
    {
        if (Made < Images)
        {
            // Another shard of the same experiment may be making them.
            using var alone = FolderLock.Wait(Folder, _context.Options.Note ?? (_ => { }), _context.CancellationToken);
            if (Made < Images)
            {
                _context.Options.Note?.Invoke($"{_data.Entry.Name}: {Images} synthetic images for {Folder}, {Made} of them there");
                Fit();
            }
        }

        return _data.Synthetic(Folder, Math.Min(most ?? int.MaxValue, Options.ImagesPerClass));
    }

    private void Fit()
    {
        var ml = _context.Device.Context(Seed);
        var labels = new PoolLabels([.. _data.Train.Images.Select(i => i.Class)], _given);
        var rows = ExperimentRows.Real(_data, _data.Train, labels).Where((_, i) => !_data.IsTested(_data.Train.Images[i]));
        // A context of their own for the rows: the stages are the first to draw seeds from theirs.
        var pool = ExperimentRows.Keyed(new MLContext(), rows, _data, _task.ClassNames);
        var task = _task with { Progress = _context.Options.Progress, CancellationToken = _context.CancellationToken };
        using var fit = labels.BeginFit();
        Recipe.AirOnGrip.SynthesisStages(ml, task).Fit(pool);
    }
}
