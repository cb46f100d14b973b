using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using AirMLNet.Data;
using AirMLNet.Diffusion;
using AirMLNet.Evaluation;
using AirMLNet.Files;
using AirMLNet.MultiLabel;
using AirMLNet.Options;
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
/// <param name="Top1">Share of images whose highest score is of a class that they show, 0..1.</param>
/// <param name="Gap">Cosines of class vectors; null where they were not asked for.</param>
internal sealed record MultiLabelResult(
    string Title,
    string DataSet,
    string Method,
    int Seed,
    double Map,
    double ClassF1,
    double OverallF1,
    IReadOnlyList<double> PerClass,
    double Seconds,
    double Top1 = 0,
    ModalityGap? Gap = null
)
{
    /// <summary>What an experiment is judged by, 0..1.</summary>
    public double Measured(MultiLabelMeasure measure) => measure == MultiLabelMeasure.Map ? Map : Top1;
}

/// <summary>
/// Runs a multi-label experiment. A run's result, and its scores for ensembles, are files in <c>runs</c> of the cache that appear when
/// they are whole; what is there is not run again. Their names hold a hash of settings, lists and the models' weights.
/// </summary>
/// <param name="file">The experiment.</param>
/// <param name="options">How.</param>
internal sealed class MultiLabelExperimentRunner(MultiLabelExperimentFile file, ExperimentOptions options)
{
    private const int ScoreBatch = 256;
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
                            string.Create(
                                CultureInfo.InvariantCulture,
                                $"{title}: {(file.Measure == MultiLabelMeasure.Map ? "mAP" : "top-1")} "
                                    + $"{100 * result.Measured(file.Measure):0.00} % in {result.Seconds:0.0} s"
                            )
                        );
                    }
                }
            }
        }
        if (!options.DryRun && options.Shard.IsWhole)
        {
            AtomicFile.WriteText(Path.Combine(file.Output, "results.md"), MultiLabelTable.Of(file, results));
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
            method.WrongImages is { } wrong
                ? string.Create(CultureInfo.InvariantCulture, $", takes the captions' own images, {100 * wrong:0} % of them another's")
            : recipe.Images == RecipeImages.Synthetic ? $", generates {PerCaption(method)} images of each caption with {file.Diffusion}"
            : "";
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
        if (set.NovelClasses is { } novel)
        {
            data = data.WithUnknown(novel);
        }
        if (method.Shots is { } shots)
        {
            data = data.WithShots(shots, seed);
        }
        var train =
            recipe.Images == RecipeImages.Real ? Rows(ml, data.Train, data.ClassNames.Count)
            : recipe.Settings.Prompt == MultiLabelPrompt.ZeroShot ? Rows(ml, data.Test.Take(1), data.ClassNames.Count)
            : method.WrongImages is { } wrong ? ml.Data.LoadFromEnumerable(CaptionedImage.Of(set.Captions, wrong, seed))
            : ml.Data.LoadCaptions(set.Captions, onePerImage: true);
        var task = new MultiLabelTask
        {
            ClipFolder = file.Clip,
            Nouns = nouns,
            Synthesis = recipe.Images == RecipeImages.Synthetic ? SynthesisOf(set, method, seed) : null,
            FeatureCacheFolder =
                recipe.Settings.ImageWeight > 0 && (recipe.Images != RecipeImages.None || method.WrongImages is not null)
                    ? TrainFeatures(set, method, recipe, seed)
                    : null,
            Progress = options.Progress,
            CancellationToken = options.CancellationToken,
        };
        var clock = System.Diagnostics.Stopwatch.StartNew();
        var model = recipe.Stages(ml, task).Fit(train);
        var seconds = clock.Elapsed.TotalSeconds;
        using var last = model.LastTransformer;
        var (scores, labels, chosen) = Score(last, set, data.Test);
        if (method.EnsembleWith is { } other)
        {
            var fellow = file.Methods.First(m => m.Title == other);
            scores = ScoreEnsemble.Fuse(scores, ReadScores(Place(set, fellow, seed) + ".scores"), method.EnsembleShare);
        }
        AtomicFile.Write(
            Place(set, method, seed) + ".scores",
            stream => stream.Write(System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(scores))
        );
        var slots = data.Slots(set.NovelClasses ?? data.ClassNames);
        T[] Scored<T>(T[] rows) => [.. rows.Chunk(data.ClassNames.Count).SelectMany(row => slots.Select(c => row[c]))];
        (scores, labels, chosen) = (Scored(scores), Scored(labels), Scored(chosen));
        var metrics = MultiLabelEvaluator.Of(
            (scores, labels, chosen),
            [.. slots.Select(c => data.ClassNames[c])],
            AveragePrecisionRule.AllPoints
        );
        var result = new MultiLabelResult(
            $"{set.Name}, {method.Title}, seed {seed}",
            set.Name,
            method.Title,
            seed,
            metrics.MeanAveragePrecision,
            metrics.ClassF1,
            metrics.OverallF1,
            metrics.PerClassAveragePrecision,
            seconds,
            Top1(scores, labels, slots.Count),
            file.ModalityGap && recipe.Settings.Prompt != MultiLabelPrompt.Dual ? Gap(last, set, data, ml) : null
        );
        AtomicFile.WriteText(Place(set, method, seed) + ".json", JsonSerializer.Serialize(result, Line));
        return result;
    }

    /// <summary>The share of rows whose highest score is of a class that is there.</summary>
    internal static double Top1(float[] scores, float[] labels, int classes) =>
        scores
            .Chunk(classes)
            .Zip(labels.Chunk(classes), (score, own) => own[System.Numerics.Tensors.TensorPrimitives.IndexOfMax(score)] == 1 ? 1.0 : 0)
            .DefaultIfEmpty()
            .Average();

    private ModalityGap Gap(MultiLabelPromptAdapterTransformer model, MultiLabelExperimentSet set, MultiLabelDataSet data, MLContext ml)
    {
        var captions = ml.Data.LoadCaptions(set.Captions, onePerImage: true);
        var filter = ml.Transforms.NounFilter("Labels", "Caption", set.NounOptions());
        var told = ml
            .Data.CreateEnumerable<ToldRow>(filter.Fit(captions).Transform(captions), reuseRowObject: false)
            .Take(ModalityGap.MostRows)
            .ToList();
        var cache = TestFeatures(model.Encoder, data.Test);
        using var kept = cache.Read();
        return ModalityGap.Of(
            model,
            ([.. told.Select(row => row.Caption)], [.. told.Select(row => row.Labels)]),
            (kept, [.. data.Test.Take(ModalityGap.MostRows).Select(image => image.Labels)]),
            options.CancellationToken
        );
    }

    // Known by the images alone: what else a set says, as how many captions it takes, changes nothing here.
    private DenseFeatureCache TestFeatures(DenseEncoder encoder, IReadOnlyList<MultiLabelImage> images)
    {
        var source = new DenseImages(encoder, [.. images.Select(i => i.Path)]);
        var cache = DenseFeatureCache.Open(Features($"test {encoder.Settings}", DenseFeatureCache.HashOf(source)), source);
        cache.Make(
            Shard.Whole,
            options.CancellationToken,
            (done, total) => options.Progress?.Report(new(nameof(MultiLabelExperimentRunner), "encoding test images", done, total))
        );
        return cache;
    }

    private string ClipKey => field ??= Clip.ClipFacts.Key(file.Clip);

    private string DiffusionHash =>
        field ??= file.Diffusion is { } folder && Directory.Exists(folder) ? DiffusionFingerprint.Of(folder) : "-";

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
                file.Cache!,
                "images",
                set.Name,
                Hash($"{PerCaption(method)} {file.Synthesis?.ToJsonString()} {method.Synthesis?.ToJsonString()} {DiffusionHash}"),
                seed.ToString(CultureInfo.InvariantCulture)
            ),
            ImagesPerCaption = PerCaption(method),
        };
        return file.SynthesisOf(method, synthesis);
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
            file.Cache!,
            "runs",
            Hash(
                string.Join(
                    '\n',
                    JsonSerializer.Serialize(file.RecipeOf(method, set).Settings, Line),
                    JsonSerializer.Serialize(set, Line),
                    JsonSerializer.Serialize(method, Line),
                    PerCaption(method),
                    file.Synthesis?.ToJsonString(),
                    ClipKey,
                    file.RecipeOf(method, set).Images == RecipeImages.Synthetic ? DiffusionHash : "-",
                    file.ModalityGap,
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

    /// <summary>
    /// Scores of the test images. Their features are the same for every method and seed that reads them alike, so they are kept, as
    /// those of training images are.
    /// </summary>
    private (float[] Scores, float[] Labels, bool[] Chosen) Score(
        MultiLabelPromptAdapterTransformer model,
        MultiLabelExperimentSet set,
        IReadOnlyList<MultiLabelImage> images
    )
    {
        var encoder = model.Encoder;
        var cache = TestFeatures(encoder, images);
        using var kept = cache.Read();
        var (classes, length) = (model.ClassNames.Count, encoder.RowLength);
        var scores = new float[images.Count * classes];
        var half = new Half[length];
        for (var from = 0; from < images.Count; from += ScoreBatch)
        {
            options.CancellationToken.ThrowIfCancellationRequested();
            var count = Math.Min(ScoreBatch, images.Count - from);
            var rows = new float[count * length];
            for (var i = 0; i < count; i++)
            {
                kept.Copy(from + i, half);
                System.Numerics.Tensors.TensorPrimitives.ConvertToSingle(half, rows.AsSpan(i * length, length));
            }
            model.ScoreRows(rows, count, scores.AsSpan(from * classes, count * classes));
        }
        return (
            scores,
            [.. images.SelectMany(i => i.Labels)],
            [.. scores.Select((score, i) => score > model.ThresholdValues[i % classes])]
        );
    }

    // Methods and seeds that train on the same images share their features.
    private string TrainFeatures(MultiLabelExperimentSet set, MultiLabelExperimentMethod method, MultiLabelRecipe recipe, int seed) =>
        Features(
            recipe.Images == RecipeImages.Synthetic
                    ? $"{recipe.Settings.Prompt} {recipe.Settings.ImageSize} {SynthesisOf(set, method, seed).WorkFolder}"
                : method.WrongImages is { } wrong
                    ? string.Create(
                        CultureInfo.InvariantCulture,
                        $"{recipe.Settings.Prompt} {recipe.Settings.ImageSize} own {wrong} {(wrong > 0 ? seed : 0)}"
                    )
                : method.KnownLabels is null && method.Shots is null ? $"{recipe.Settings.Prompt} {recipe.Settings.ImageSize} real"
                : string.Create(
                    CultureInfo.InvariantCulture,
                    $"{recipe.Settings.Prompt} {recipe.Settings.ImageSize} real {method.KnownLabels} {method.Shots} {seed}"
                ),
            JsonSerializer.Serialize(set, Line)
        );

    private string Features(string what, string rows) => Path.Combine(file.Cache!, "features", Hash($"{what}\n{ClipKey}\n{rows}"));

    private sealed class ToldRow
    {
        public string Caption { get; set; } = "";
        public float[] Labels { get; set; } = [];
    }

    private sealed class Row
    {
        public string ImagePath { get; set; } = "";
        public float[] Labels { get; set; } = [];
    }
}
