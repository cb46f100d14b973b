using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using AirMLNet.Clip;
using AirMLNet.Data;
using AirMLNet.Evaluation;
using AirMLNet.Options;
using AirMLNet.Recipes;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Experiments;

/// <summary>One cell of the grid and one seed.</summary>
internal sealed class ExperimentRun
{
    /// <summary>Raised when what a run does changes, so that old results are not taken for new ones.</summary>
    private const int Version = 3;

    private readonly ExperimentFile _file;
    private readonly ExperimentData _data;
    private readonly ExperimentVariant _variant;
    private readonly string _paradigm,
        _prompt;
    private readonly int _seed;
    private readonly EncodedImages? _synthetic;

    public ExperimentRun(
        ExperimentFile file,
        ExperimentData data,
        ExperimentVariant variant,
        string paradigm,
        string prompt,
        int seed,
        string clipHash
    )
    {
        (_file, _data, _variant, _paradigm, _prompt, _seed) = (file, data, variant, paradigm, prompt, seed);
        Recipe = MakeRecipe();
        AdaptationTask = MakeTask();
        _synthetic =
            !Recipe.NeedsSynthetic ? null
            : file.SyntheticOf(variant, data.Entry) is { } folder ? data.Synthetic(folder)
            : data.Entry.SyntheticFrom is { } photos ? data.StandIn(photos, seed)
            : throw new InvalidDataException(
                $"'{variant.Title}' needs synthetic images of '{data.Entry.Name}': its entry in dataSets names no folder 'synthetic'."
            );
        Hash = MakeHash(clipHash);
    }

    public Recipe Recipe { get; }
    private AdaptationTask AdaptationTask { get; }
    private Paradigm Paradigm => ExperimentFile.ParadigmOf(_paradigm);
    private bool IsPublished => Data.DataSets.Names.Contains(_data.Entry.Name, StringComparer.OrdinalIgnoreCase);
    public string Hash { get; }
    public string Title => $"{_data.Entry.Name}, {_variant.Title}, {_paradigm}, {_prompt}, seed {_seed}";

    /// <summary>A result by this run's names: equal settings have equal results, whatever they are called.</summary>
    public RunResult Name(RunResult result) =>
        result with
        {
            DataSet = _data.Entry.Name,
            Method = _variant.Title,
            Paradigm = _paradigm,
            Prompt = _prompt,
            Seed = _seed,
            Epochs = [Recipe.Rounds, Recipe.Rounds == 0 ? 0 : Recipe.Epochs],
        };

    public RunResult Execute(IProgress<ProgressReport>? progress, CancellationToken cancellation)
    {
        IReadOnlyList<LabelledImage> train = _data.Train.Images,
            test = _data.Test.Images;
        var labels = new PoolLabels([.. train.Select(i => i.Class)], Given());
        // The rows are of a context of their own: the stages are the first to draw seeds from theirs, as everywhere else.
        var ml = new MLContext();
        IDataView pool = Keyed(ml, PoolRows(labels, _synthetic)),
            scored = View(ml, test.Select((image, i) => new ExperimentRow { ImagePath = image.Path, Features = _data.Test.Features[i] }));
        _ = _data.Train.Features;
        var busy = Environment.CpuUsage.TotalTime;
        var clock = Stopwatch.StartNew();
        ITransformer model;
        using (labels.BeginFit())
        {
            model = Fit(new MLContext(_seed), Recipe, AdaptationTask with { Progress = progress, CancellationToken = cancellation }, pool);
        }

        var fit = clock.Elapsed.TotalSeconds;
        clock.Restart();
        var predicted = Predicted(model.Transform(scored));
        double score = clock.Elapsed.TotalSeconds,
            processor = (Environment.CpuUsage.TotalTime - busy).TotalSeconds;
        (var text, var fused) = LabelAccuracy(ml, model, pool, labels, cancellation);
        (model as IDisposable)?.Dispose();
        var result = new RunResult
        {
            Hash = Hash,
            DataSet = _data.Entry.Name,
            Method = _variant.Title,
            Paradigm = _paradigm,
            Prompt = _prompt,
            Seed = _seed,
            Scores = ClassificationScores.Of(
                predicted,
                [.. test.Select(i => i.Class)],
                Paradigm == Paradigm.Transductive ? [.. _data.Split.Unseen] : null
            ),
            TextLabels = text,
            FusedLabels = fused,
            Images = [train.Count, _synthetic?.Images.Count ?? 0, test.Count],
            Seconds = [Math.Round(fit, 3), Math.Round(score, 3)],
            ProcessorSeconds = Math.Round(processor, 3),
        };
        return Name(result);
    }

    /// <summary>Fits a recipe to features; the same model as from the images.</summary>
    internal static ITransformer Fit(MLContext ml, Recipe recipe, AdaptationTask task, IDataView pool) =>
        recipe.Stages(ml, task with { HasFeatures = true }).Fit(pool);

    /// <summary>The published settings, then the file's, the prompt kind's and the variant's.</summary>
    private Recipe MakeRecipe()
    {
        // Other sets have no published quantiles; their names are not part of the recipe, so that equal runs of two entries are one.
        var published = Recipe
            .Named(_variant.Method)
            .WithPrompt(ExperimentFile.PromptOf(_prompt))
            .WithDataSet(IsPublished ? _data.Entry.Name : null);
        var recipe = published;
        var forPrompt = _file.PromptSettings?.GetValueOrDefault(_prompt);
        foreach (var settings in new[] { _file.Settings, forPrompt, _variant.Settings })
        {
            if (settings is null)
            {
                continue;
            }

            var json = JsonNode.Parse(OptionsJson.Write(recipe))!.AsObject();
            foreach ((var name, var value) in settings)
            {
                json[name] = value?.DeepClone();
            }

            try
            {
                recipe = OptionsJson.Read<Recipe>(json.ToJsonString());
            }
            catch (FormatException e)
            {
                throw new InvalidDataException($"settings of '{_variant.Title}': {e.Message}", e);
            }
        }
        // A method that has one round, or none, keeps them whatever the settings for the others are.
        return published.Rounds > 1 ? recipe : recipe with { Rounds = published.Rounds };
    }

    private AdaptationTask MakeTask()
    {
        return new()
        {
            ClipFolder = _file.Clip,
            ClassNames = _data.ClassNames,
            Templates =
                _data.Entry.Templates
                ?? (IsPublished ? PromptTemplates.For(_data.Entry.Name, TemplateSource.Grip) : PromptTemplates.Single),
            LabelColumn = "Label",
            UnseenClasses = Paradigm == Paradigm.Transductive ? [.. _data.Split.Unseen.Select(c => _data.ClassNames[c])] : null,
            HasFeatures = true,
        };
    }

    private string MakeHash(string clipHash)
    {
        string[] parts =
        [
            Version.ToString(CultureInfo.InvariantCulture),
            clipHash,
            OptionsJson.Write(Recipe),
            string.Join('|', [.. AdaptationTask.ClassNames, "-", .. AdaptationTask.Templates, "-", .. AdaptationTask.UnseenClasses ?? []]),
            _data.Train.Fingerprint,
            _data.Test.Fingerprint,
            _synthetic?.Fingerprint ?? "-",
            Paradigm == Paradigm.SemiSupervised ? _file.Shots.ToString(CultureInfo.InvariantCulture) : "-",
            // Zero-shot has nothing random in it; its runs are nevertheless told apart, to be counted.
            _seed.ToString(CultureInfo.InvariantCulture),
        ];
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', parts))));
    }

    /// <summary>Rows of the pool whose labels the paradigm gives.</summary>
    private IEnumerable<int> Given()
    {
        int[] classes = [.. _data.Train.Images.Select(i => i.Class)];
        if (Paradigm != Paradigm.Unsupervised && Array.IndexOf(classes, -1) >= 0)
        {
            throw new InvalidDataException(
                $"'{_data.Entry.Name}': {_paradigm} needs the class of every training image; {classes.Count(c => c < 0)} have none."
            );
        }

        return Paradigm switch
        {
            Paradigm.SemiSupervised => LabelledShots.Choose(classes, _data.ClassNames.Count, _file.Shots),
            Paradigm.Transductive => Enumerable.Range(0, classes.Length).Where(i => _data.Split.Seen.Contains(classes[i])),
            _ => [],
        };
    }

    private IEnumerable<ExperimentRow> PoolRows(PoolLabels labels, EncodedImages? synthetic)
    {
        for (var i = 0; i < labels.Count; i++)
        {
            yield return new ExperimentRow
            {
                ImagePath = _data.Train.Images[i].Path,
                Features = _data.Train.Features[i],
                LabelName = labels.IsGiven(i) ? _data.ClassNames[labels[i]] : "",
                Origin = "real",
            };
        }
        for (var i = 0; i < (synthetic?.Images.Count ?? 0); i++)
        {
            var image = synthetic!.Images[i];
            yield return new ExperimentRow
            {
                ImagePath = image.Path,
                Features = synthetic.Features[i],
                LabelName = _data.ClassNames[image.Class],
                Origin = "synthetic",
            };
        }
    }

    private IDataView Keyed(MLContext ml, IEnumerable<ExperimentRow> rows)
    {
        IDataView view = View(ml, rows),
            names = ml.Data.LoadFromEnumerable(_data.ClassNames.Select(n => new ClassName { Name = n }));
        return ml.Transforms.Conversion.MapValueToKey("Label", nameof(ExperimentRow.LabelName), keyData: names).Fit(view).Transform(view);
    }

    private IDataView View(MLContext ml, IEnumerable<ExperimentRow> rows)
    {
        var schema = SchemaDefinition.Create(typeof(ExperimentRow));
        schema[nameof(ExperimentRow.Features)].ColumnType = new VectorDataViewType(
            NumberDataViewType.Single,
            _data.Test.Features[0].Length
        );
        return ml.Data.LoadFromEnumerable(rows, schema);
    }

    private static int[] Predicted(IDataView scored) => [.. scored.GetColumn<uint>("PredictedLabel").Select(key => (int)key - 1)];

    /// <summary>How right the surest labels of the unlabelled images are, by text alone and, where there are prototypes, fused.</summary>
    private (PseudoLabelAccuracy? Text, PseudoLabelAccuracy? Fused) LabelAccuracy(
        MLContext ml,
        ITransformer model,
        IDataView pool,
        PoolLabels labels,
        CancellationToken cancellation
    )
    {
        if (!Recipe.UsesPrototypes && Recipe.Rounds > 0)
        {
            return (null, null);
        }

        int[] rows = [.. Enumerable.Range(0, labels.Count).Where(i => !labels.IsGiven(i))];
        if (rows.Length == 0 || rows.Any(i => labels[i] < 0))
        {
            return (null, null);
        }

        return (Of(pool, fused: false), Recipe.UsesPrototypes ? Of(model.Transform(pool), fused: true) : null);

        PseudoLabelAccuracy Of(IDataView view, bool fused)
        {
            var options = Recipe.PseudoLabels(AdaptationTask, fused) with { CancellationToken = cancellation };
            var labelled = ml.Transforms.PseudoLabel("Plain", "Features", options).Fit(view).Transform(view);
            float[][] all = [.. labelled.GetColumn<VBuffer<float>>("PlainScore").Take(labels.Count).Select(v => v.DenseValues().ToArray())];
            return PseudoLabelAccuracy.Of(rows.SelectMany(i => all[i]).ToArray(), [.. rows.Select(i => labels[i])], _data.ClassNames.Count);
        }
    }

    private sealed class ExperimentRow
    {
        public string ImagePath { get; set; } = "";
        public float[] Features { get; set; } = [];
        public string LabelName { get; set; } = "";
        public string Origin { get; set; } = "real";
    }

    private sealed class ClassName
    {
        public string Name { get; set; } = "";
    }
}
