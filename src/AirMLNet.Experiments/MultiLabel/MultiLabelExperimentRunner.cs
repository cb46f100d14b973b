using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using AirMLNet.Data;
using AirMLNet.Evaluation;
using AirMLNet.Files;
using AirMLNet.MultiLabel;
using AirMLNet.Options;
using AirMLNet.Pipeline;
using AirMLNet.Recipes;
using AirMLNet.Synthesis;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Experiments;

/// <summary>What one run of a multi-label experiment found.</summary>
/// <param name="Title">Data set, method and seed.</param>
/// <param name="DataSet">The data set.</param>
/// <param name="Method">The method's title.</param>
/// <param name="Seed">The seed.</param>
/// <param name="Map">mAP, 0..1.</param>
/// <param name="ClassF1">CF1.</param>
/// <param name="OverallF1">OF1.</param>
/// <param name="PerClass">Average precision of each class.</param>
/// <param name="Seconds">Time of the fit.</param>
internal sealed record MultiLabelResult(
    string Title,
    string DataSet,
    string Method,
    int Seed,
    double Map,
    double ClassF1,
    double OverallF1,
    IReadOnlyList<double> PerClass,
    double Seconds
);

/// <summary>
/// Runs a multi-label experiment. A run's result, and its scores for ensembles, are files in <c>runs</c> of the output that appear when
/// they
/// are whole; what is there is not run again.
/// </summary>
/// <param name="file">The experiment.</param>
/// <param name="options">How.</param>
internal sealed class MultiLabelExperimentRunner(MultiLabelExperimentFile file, ExperimentOptions options)
{
    private static readonly JsonSerializerOptions Line = new(OptionsJson.Settings) { WriteIndented = false };

    /// <summary>Walks all runs, or only says what they would do.</summary>
    /// <param name="say">Told each run: what it would do in a dry run, or what it found.</param>
    /// <exception cref="DirectoryNotFoundException">A data set is not there, and may not be left out.</exception>
    public IReadOnlyList<MultiLabelResult> Run(Action<string> say)
    {
        List<MultiLabelResult> results = [];
        var (number, total) = (0, file.DataSets.Count * file.Methods.Count * file.Seeds.Count);
        foreach (var set in file.DataSets)
        {
            var there = set.IsThere;
            if (!there && !options.DryRun && !options.SkipMissing)
            {
                throw new DirectoryNotFoundException(
                    $"{set.Name} is not there (in {set.Csv ?? set.Folder}). --skip-missing leaves it out."
                );
            }
            foreach (var method in file.Methods.OrderBy(m => m.EnsembleWith is not null))
            {
                foreach (var seed in file.Seeds)
                {
                    options.CancellationToken.ThrowIfCancellationRequested();
                    // Ensembles need the scores of other runs, which other shards may make.
                    if (!options.Shard.Owns(number++) || (method.EnsembleWith is not null && !options.Shard.IsWhole))
                    {
                        continue;
                    }
                    var title = $"[{number}/{total}] {set.Name}, {method.Title}, seed {seed}";
                    if (options.DryRun)
                    {
                        say($"{title}: {Plan(method, set, there)}");
                    }
                    else if (there)
                    {
                        var result = Known(set, method, seed) ?? Execute(set, method, seed);
                        results.Add(result);
                        say(
                            string.Create(CultureInfo.InvariantCulture, $"{title}: mAP {100 * result.Map:0.00} % in {result.Seconds:0.0} s")
                        );
                    }
                }
            }
        }
        if (!options.DryRun && options.Shard.IsWhole)
        {
            AtomicFile.WriteText(Path.Combine(file.Output, "results.md"), Table(results));
        }
        return results;
    }

    private string Plan(MultiLabelExperimentMethod method, MultiLabelExperimentSet set, bool there)
    {
        var recipe = file.RecipeOf(method, set);
        var missing = there ? "" : $" (not there: {set.Csv ?? set.Folder})";
        if (method.EnsembleWith is { } other)
        {
            return $"fuses its own scores with those of {other}, share {method.EnsembleShare}{missing}";
        }
        var s = recipe.Settings;
        var reads = recipe.Images == RecipeImages.Real ? "the training images and their labels" : set.Captions;
        var makes =
            recipe.Images == RecipeImages.Synthetic ? $", generates {PerCaption(method)} images of each caption with {file.Diffusion}" : "";
        return s.Prompt == MultiLabelPrompt.ZeroShot
            ? $"trains nothing, scores the test images{missing}"
            : $"reads {reads}{makes}, trains {s.Epochs} epochs of batches of {s.BatchSize}, λ = {s.ImageWeight}{missing}";
    }

    private int PerCaption(MultiLabelExperimentMethod method) => method.ImagesPerCaption ?? file.ImagesPerCaption;

    private MultiLabelResult Execute(MultiLabelExperimentSet set, MultiLabelExperimentMethod method, int seed)
    {
        var recipe = file.RecipeOf(method, set);
        var ml = options.Device.Context(seed);
        var nouns = set.NounOptions();
        var data = set.Open();
        if (method.KnownLabels is { } share)
        {
            data = data.WithPartialLabels(share, seed);
        }
        if (method.Shots is { } shots)
        {
            data = data.WithShots(shots, seed);
        }
        var train =
            recipe.Images == RecipeImages.Real ? Rows(ml, data.Train, data.ClassNames.Count)
            : recipe.Settings.Prompt == MultiLabelPrompt.ZeroShot ? Rows(ml, data.Test.Take(1), data.ClassNames.Count)
            : ml.Data.LoadCaptions(set.Captions, onePerImage: true);
        var task = new MultiLabelTask
        {
            ClipFolder = file.Clip,
            Nouns = nouns,
            Synthesis = recipe.Images == RecipeImages.Synthetic ? SynthesisOf(set, method, seed) : null,
            FeatureCacheFolder =
                recipe.Settings.ImageWeight > 0 && recipe.Images != RecipeImages.None ? Place(set, method, seed) + "-features" : null,
            Progress = options.Progress,
            CancellationToken = options.CancellationToken,
        };
        var clock = System.Diagnostics.Stopwatch.StartNew();
        var model = recipe.Stages(ml, task).Fit(train);
        var seconds = clock.Elapsed.TotalSeconds;
        using var last = model.LastTransformer;
        var (scores, labels, chosen) = Score(last.Transform(Rows(ml, data.Test, data.ClassNames.Count)));
        if (method.EnsembleWith is { } other)
        {
            var fellow = file.Methods.First(m => m.Title == other);
            scores = ScoreEnsemble.Fuse(scores, ReadScores(Place(set, fellow, seed) + ".scores"), method.EnsembleShare);
        }
        AtomicFile.Write(
            Place(set, method, seed) + ".scores",
            stream => stream.Write(System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(scores))
        );
        var metrics = MultiLabelEvaluator.Of((scores, labels, chosen), data.ClassNames, AveragePrecisionRule.AllPoints);
        var result = new MultiLabelResult(
            $"{set.Name}, {method.Title}, seed {seed}",
            set.Name,
            method.Title,
            seed,
            metrics.MeanAveragePrecision,
            metrics.ClassF1,
            metrics.OverallF1,
            metrics.PerClassAveragePrecision,
            seconds
        );
        AtomicFile.WriteText(Place(set, method, seed) + ".json", JsonSerializer.Serialize(result, Line));
        return result;
    }

    private DiffusionSynthesisOptions SynthesisOf(MultiLabelExperimentSet set, MultiLabelExperimentMethod method, int seed)
    {
        var synthesis = new DiffusionSynthesisOptions
        {
            DiffusionFolder =
                file.Diffusion ?? throw new InvalidDataException($"'{method.Title}' generates images, but the file names no diffusion."),
            ClipFolder = file.Clip,
            ClassNames = set.NounOptions().Table().ClassNames,
            // Methods that generate alike share the images.
            WorkFolder = Path.Combine(
                file.Output,
                "images",
                set.Name,
                Hash($"{PerCaption(method)} {file.Synthesis?.ToJsonString()} {method.Synthesis?.ToJsonString()} {file.Diffusion}"),
                seed.ToString(CultureInfo.InvariantCulture)
            ),
            ImagesPerCaption = PerCaption(method),
        };
        synthesis = file.Synthesis is { } all ? OptionMembers.With(synthesis, all) : synthesis;
        return method.Synthesis is { } own ? OptionMembers.With(synthesis, own) : synthesis;
    }

    private MultiLabelResult? Known(MultiLabelExperimentSet set, MultiLabelExperimentMethod method, int seed)
    {
        var path = Place(set, method, seed) + ".json";
        try
        {
            return File.Exists(path) ? JsonSerializer.Deserialize<MultiLabelResult>(File.ReadAllText(path), Line) : null;
        }
        catch (JsonException)
        {
            return null; // damaged by other hands: run again
        }
    }

    private string Place(MultiLabelExperimentSet set, MultiLabelExperimentMethod method, int seed) =>
        Path.Combine(
            file.Output,
            "runs",
            Hash(
                string.Join(
                    '\n',
                    JsonSerializer.Serialize(file.RecipeOf(method, set).Settings, Line),
                    JsonSerializer.Serialize(set, Line),
                    JsonSerializer.Serialize(method, Line),
                    PerCaption(method),
                    file.Synthesis?.ToJsonString(),
                    file.Clip,
                    file.Diffusion,
                    seed
                )
            )
        );

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..16];

    private static float[] ReadScores(string path) =>
        System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(path)).ToArray();

    private static IDataView Rows(MLContext ml, IEnumerable<MultiLabelImage> images, int classes)
    {
        var schema = SchemaDefinition.Create(typeof(Row));
        schema[nameof(Row.Labels)].ColumnType = new VectorDataViewType(NumberDataViewType.Single, classes);
        return ml.Data.LoadFromEnumerable(images.Select(i => new Row { ImagePath = i.Path, Labels = i.Labels }), schema);
    }

    private static (float[] Scores, float[] Labels, bool[] Chosen) Score(IDataView view)
    {
        List<float> scores = [],
            labels = [];
        List<bool> chosen = [];
        var rows = new TrainingRows(view, "experiment");
        rows.Values<VBuffer<float>, bool>(view.Schema["Score"], v => Add(scores, v.DenseValues()));
        rows.Values<VBuffer<float>, bool>(view.Schema["Labels"], v => Add(labels, v.DenseValues()));
        rows.Values<VBuffer<bool>, bool>(view.Schema["PredictedLabels"], v => Add(chosen, v.DenseValues()));
        rows.Read(CancellationToken.None);
        return ([.. scores], [.. labels], [.. chosen]);

        static bool Add<T>(List<T> list, IEnumerable<T> values)
        {
            list.AddRange(values);
            return true;
        }
    }

    private string Table(List<MultiLabelResult> results)
    {
        var text = new StringBuilder(
            $"# {file.Name}\n\n{file.Description}\n\nmAP in per cent, mean and spread over the seeds; in brackets what is published.\n\n"
        );
        text.Append("| |")
            .AppendJoin('|', file.DataSets.Select(s => $" {s.Name} "))
            .Append("|\n|---|")
            .AppendJoin('|', file.DataSets.Select(_ => "---|"));
        text.Replace("||", "|").Append('\n');
        foreach (var method in file.Methods)
        {
            text.Append(CultureInfo.InvariantCulture, $"| {method.Title} |");
            foreach (var set in file.DataSets)
            {
                double[] own = [.. results.Where(r => r.Method == method.Title && r.DataSet == set.Name).Select(r => 100 * r.Map)];
                var (mean, spread) = own.Length == 0 ? (double.NaN, 0) : ExperimentTable.Of(own);
                var published = set.Published.TryGetValue(method.Title, out var p)
                    ? $" ({p.ToString("0.0", CultureInfo.InvariantCulture)})"
                    : "";
                text.Append(CultureInfo.InvariantCulture, $" {(double.IsNaN(mean) ? "–" : $"{mean:0.00} ± {spread:0.00}")}{published} |");
            }
            text.Append('\n');
        }
        return text.ToString();
    }

    private sealed class Row
    {
        public string ImagePath { get; set; } = "";
        public float[] Labels { get; set; } = [];
    }
}
