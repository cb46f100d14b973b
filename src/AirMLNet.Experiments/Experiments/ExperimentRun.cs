using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using AirMLNet.Captions;
using AirMLNet.Data;
using AirMLNet.Evaluation;
using AirMLNet.Options;
using AirMLNet.Prompts;
using AirMLNet.Recipes;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Experiments;

/// <summary>One cell of the grid and one seed, on a data set.</summary>
internal sealed class ExperimentRun
{
    /// <summary>
    /// Raised whenever the same options give other results, so that what older code found is not taken for what this code would find.
    /// <c>ExperimentBehaviourTests</c> fails where that was forgotten.
    /// </summary>
    internal const int Behaviour = 4;

    private readonly ExperimentContext _context;
    private readonly ExperimentData _data;
    private readonly ExperimentCell _cell;
    private readonly EncodedImages _pool;
    private readonly EncodedImages? _found;
    private readonly ExperimentCaptions? _captions;

    /// <exception cref="InvalidDataException">
    /// The settings are not accepted, the method needs synthetic images and there are none, or the paradigm needs labels.
    /// </exception>
    public ExperimentRun(ExperimentContext context, ExperimentData data, ExperimentCell cell)
    {
        (_context, _data, _cell) = (context, data, cell);
        Recipe = cell.Variant.RecipeFor(context.File, data.Entry, cell.Paradigm, cell.Prompt);
        _pool = cell.Variant.Share is { } share ? data.Share(share, cell.Seed) : data.Train;
        _captions = cell.Variant.CaptionsFor(context.File);
        Task = MakeTask();
        if (Recipe.NeedsSynthetic)
        {
            _found = Found();
            Synthesis =
                _found is not null ? null
                : context.File.DiffusionOf(cell.Variant) is not null ? new(context, data, cell.Variant, Task, cell.Paradigm, Given())
                : throw context.File.Bad(
                    $"'{cell.Variant.Title}' needs synthetic images of '{data.Entry.Name}': its entry in dataSets names no folder "
                        + "'synthetic', and the file no model 'diffusion' to make them."
                );
        }

        Hash = MakeHash();
    }

    public Recipe Recipe { get; }

    /// <summary>How the synthetic images are made; null where they are not.</summary>
    public ExperimentSynthesis? Synthesis { get; }

    public string Hash { get; }

    public string Title => $"{_data.Entry.Name}, {_cell.Variant.Title}, {_cell.Paradigm}, {_cell.Prompt}, seed {_cell.Seed}";

    /// <summary>Most synthetic images of a class; null for all.</summary>
    public int? MostSynthetic => _cell.Variant.MostSynthetic ?? _data.Entry.MostSynthetic;

    /// <summary>Images of the pool that the method sees.</summary>
    public int PoolImages => _pool.Images.Count;

    /// <summary>Synthetic images that take part.</summary>
    public int SyntheticImages =>
        _found?.Images.Count
        ?? (Synthesis is null ? 0 : _data.ClassNames.Count * Math.Min(MostSynthetic ?? int.MaxValue, Synthesis.Options.ImagesPerClass));

    private AdaptationTask Task { get; }

    private Paradigm Paradigm => ExperimentFile.ParadigmOf(_cell.Paradigm);

    /// <summary>A result by this run's names: equal settings have equal results, whatever they are called.</summary>
    public RunResult Name(RunResult result) =>
        result with
        {
            DataSet = _data.Entry.Name,
            Method = _cell.Variant.Title,
            Paradigm = _cell.Paradigm,
            Prompt = _cell.Prompt,
            Seed = _cell.Seed,
            Epochs = [Recipe.Rounds, Recipe.Rounds == 0 ? 0 : Recipe.Epochs],
        };

    /// <summary>What the run would do.</summary>
    /// <param name="costs">Knows what other runs of the same experiment do before it.</param>
    public RunPlan Plan(ExperimentCosts costs) => costs.Plan(_data, this, Given().Count());

    public RunResult Execute()
    {
        IReadOnlyList<LabelledImage> train = _pool.Images,
            test = _data.Test.Images;
        var synthetic = _found ?? Synthesis?.Make(MostSynthetic);
        var labels = new PoolLabels([.. train.Select(i => i.Class)], Given());
        // The rows are of a context of their own: the stages are the first to draw seeds from theirs, as everywhere else.
        var ml = _context.Device.Context();
        var rows = ExperimentRows.Real(_data, _pool, labels).Concat(synthetic is null ? [] : ExperimentRows.Synthetic(_data, synthetic));
        IDataView pool = ExperimentRows.Keyed(ml, rows, _data, Task.ClassNames),
            scored = ExperimentRows.Scored(ml, _data.Test);
        var rounds = new List<RoundLabels>();
        var captions = _captions?.For(_context.File, _data, _pool, _cell.Seed);
        var task = Task with
        {
            Captions = captions,
            WorkFolder = WorkFolder,
            Progress = _context.Options.Progress,
            CancellationToken = _context.CancellationToken,
            Labelled = rounds.Add,
        };
        var busy = Environment.CpuUsage.TotalTime;
        var clock = Stopwatch.StartNew();
        ITransformer model;
        using (labels.BeginFit())
        {
            model = Fit(_context.Device.Context(_cell.Seed), Recipe, task, pool);
        }

        var fit = clock.Elapsed.TotalSeconds;
        clock.Restart();
        // What was learned on the seen classes names all of them.
        var last = ((TransformerChain<ITransformer>)model).LastTransformer;
        var prompt = last as PromptAdapterTransformer;
        using var wider = Task.ClassNames.Count < _data.ClassNames.Count ? prompt?.ForClasses(_data.ClassNames, _data.Templates) : null;
        var predicted = Predicted((wider ?? model).Transform(scored));
        double score = clock.Elapsed.TotalSeconds,
            processor = (Environment.CpuUsage.TotalTime - busy).TotalSeconds;
        var quality = new LabelQuality(Recipe, Task, labels, _context.CancellationToken);
        (var text, var fused) = quality.Surest(ml, model, pool);
        var result = new RunResult
        {
            Hash = Hash,
            DataSet = _data.Entry.Name,
            Method = _cell.Variant.Title,
            Paradigm = _cell.Paradigm,
            Prompt = _cell.Prompt,
            Seed = _cell.Seed,
            Scores = ClassificationScores.Of(
                predicted,
                [.. test.Select(i => i.Class)],
                Paradigm == Paradigm.Transductive ? [.. _data.Split.Unseen] : null
            ),
            TextLabels = text,
            FusedLabels = fused,
            Rounds = quality.Rounds(rounds, model, pool),
            ClassNames = Recipe.Supervised || Recipe.Rounds == 0 ? [] : _data.ClassNames,
            Transfer = _context.File.Transfer && prompt is not null ? Transfer(ml, prompt) : null,
            Unmatched = (last as LmmZeroShotTransformer)?.Unmatched,
            Probe = _context.File.Probe ? _data.Probe : null,
            Images = [train.Count, synthetic?.Images.Count ?? 0, test.Count],
            Seconds = [Math.Round(fit, 3), Math.Round(score, 3)],
            ProcessorSeconds = Math.Round(processor, 3),
            Device = _context.Device.Gpu is { } gpu ? $"cuda:{gpu}" : "cpu",
        };
        (last as IDisposable)?.Dispose();
        (model as IDisposable)?.Dispose();
        (captions?.Captioner as IDisposable)?.Dispose();
        if (Directory.Exists(WorkFolder))
        {
            Directory.Delete(WorkFolder, recursive: true); // a checkpoint and the tuned model; the result is what stays
        }
        return Name(result);
    }

    private string WorkFolder => Path.Combine(_context.File.Cache!, "tuned", Hash[..24]);

    /// <summary>Fits a recipe to features; the same model as from the images.</summary>
    internal static ITransformer Fit(MLContext ml, Recipe recipe, AdaptationTask task, IDataView pool) =>
        recipe.Stages(ml, task with { HasFeatures = true }).Fit(pool);

    private AdaptationTask MakeTask()
    {
        string[] Names(IReadOnlyList<int> classes) => [.. classes.Select(c => _data.ClassNames[c])];
        var transductive = Paradigm == Paradigm.Transductive;
        if (transductive && Recipe.Supervised && _data.Split.Seen.Count < 2)
        {
            throw _context.File.Bad(
                $"'{_cell.Variant.Title}' learns from the seen classes alone, and the split of '{_data.Entry.Name}' has "
                    + $"{_data.Split.Seen.Count}; expected 2 or more."
            );
        }

        return new()
        {
            ClipFolder = _context.File.Clip,
            // What learns from labels alone is trained on the classes that have some (GRIP's code).
            ClassNames = transductive && Recipe.Supervised ? Names(_data.Split.Seen) : _data.ClassNames,
            Templates = _data.Templates,
            LabelColumn = "Label",
            UnseenClasses = transductive && !Recipe.Supervised ? Names(_data.Split.Unseen) : null,
            HasFeatures = true,
        };
    }

    /// <summary>Synthetic images that are there: a folder of them, or photos in their place.</summary>
    private EncodedImages? Found() =>
        _context.File.SyntheticOf(_cell.Variant, _data.Entry) is { } folder ? _data.Synthetic(folder, MostSynthetic)
        : _data.Entry.SyntheticFrom is { } photos ? _data.StandIn(photos, _cell.Seed)
        : null;

    private string MakeHash()
    {
        string[] parts =
        [
            Behaviour.ToString(CultureInfo.InvariantCulture),
            _context.ClipKey,
            Recipe.Resolved(Task),
            string.Join('|', _data.ClassNames),
            _pool.Fingerprint,
            _data.Test.Fingerprint,
            _found?.Fingerprint ?? (Synthesis is null ? "-" : $"{Synthesis.Key} {SyntheticImages}"),
            string.Join(',', Given()),
            Paradigm == Paradigm.Transductive ? string.Join(',', _data.Split.Unseen) : "-",
            _context.File.Transfer ? string.Join('|', Others().Select(o => $"{o.Entry.Name} {o.Test.Fingerprint}")) : "-",
            .. _context.File.Probe ? ["probe"] : Array.Empty<string>(),
            // Zero-shot has nothing random in it; its runs are nevertheless told apart, to be counted.
            _cell.Seed.ToString(CultureInfo.InvariantCulture),
        ];
        // Only where there are texts, so that the keys of all other methods stay what they were.
        IEnumerable<string> texts = _captions is null ? [] : [OptionsJson.Write(_captions with { ParallelCalls = 1 })];
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', parts.Concat(texts)))));
    }

    /// <summary>Rows of the pool whose labels the paradigm gives.</summary>
    private IEnumerable<int> Given()
    {
        int[] classes = [.. _pool.Images.Select(i => i.Class)];
        if ((Paradigm != Paradigm.Unsupervised || IsOracle) && Array.IndexOf(classes, -1) >= 0)
        {
            throw _context.File.Bad(
                $"'{_data.Entry.Name}': {(IsOracle ? _cell.Variant.Title : _cell.Paradigm)} needs the class of every training "
                    + $"image; {classes.Count(c => c < 0)} have none."
            );
        }

        return Paradigm switch
        {
            Paradigm.SemiSupervised => LabelledShots.Choose(classes, _data.ClassNames.Count, _context.File.Shots),
            Paradigm.Transductive => Enumerable.Range(0, classes.Length).Where(i => _data.Split.Seen.Contains(classes[i])),
            _ => IsOracle ? Enumerable.Range(0, classes.Length) : [],
        };
    }

    /// <summary>Whether it is given the truth: the oracle, and groups made by it.</summary>
    private bool IsOracle => Recipe is { FineTune: not null, Supervised: true } or { FineTune.CorrectInGroup: not null };

    private IEnumerable<ExperimentData> Others() => _context.Sets.Where(s => s.Name != _data.Entry.Name).Select(_context.Open);

    /// <summary>Accuracy of the prompt on the other data sets, with their class names.</summary>
    private Dictionary<string, double> Transfer(MLContext ml, PromptAdapterTransformer prompt)
    {
        var scores = new Dictionary<string, double>();
        foreach (var other in Others())
        {
            using var moved = prompt.ForClasses(other.ClassNames, other.Templates);
            var predicted = Predicted(moved.Transform(ExperimentRows.Scored(ml, other.Test)));
            scores[other.Entry.Name] = ClassificationScores.Of(predicted, [.. other.Test.Images.Select(i => i.Class)]).Accuracy;
        }
        return scores;
    }

    private static int[] Predicted(IDataView scored) => [.. scored.GetColumn<uint>("PredictedLabel").Select(key => (int)key - 1)];
}
