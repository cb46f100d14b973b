using System.Text;
using System.Text.Json;
using AirMLNet.Clip;
using AirMLNet.Files;
using AirMLNet.Options;

namespace AirMLNet.Experiments;

/// <summary>One run of an experiment, before or after it.</summary>
/// <param name="Title">Data set, method, paradigm, prompt and seed.</param>
/// <param name="Number">From 1.</param>
/// <param name="Total">Runs in all.</param>
/// <param name="Result">What it found; null before it runs.</param>
/// <param name="Known">Whether the result was there already.</param>
internal sealed record ExperimentStep(string Title, int Number, int Total, RunResult? Result, bool Known);

/// <summary>
/// Runs an experiment file. Each run's result is a file <c>HASH.json</c> in the cache that appears when it is whole, so that an
/// interrupted experiment goes on where it was; <c>runs.jsonl</c> and <c>results.md</c> are written anew from them after each run.
/// </summary>
internal static class ExperimentRunner
{
    private static readonly JsonSerializerOptions Line = new(OptionsJson.Settings) { WriteIndented = false };

    /// <summary>Runs what is not there yet.</summary>
    /// <param name="file">The experiment.</param>
    /// <param name="plan">Runs nothing: only tells what there is to do, with the results that are there.</param>
    /// <param name="step">Told each run before it begins and when its result is known.</param>
    /// <param name="progress">Receives the reports of the stages.</param>
    /// <param name="cancellation">Stops between two steps; finished runs stay.</param>
    /// <returns>The results in the order of the file; with <paramref name="plan"/> those that are there.</returns>
    /// <exception cref="InvalidDataException">A data set, a split or settings are wrong; before any run begins.</exception>
    public static IReadOnlyList<RunResult> Run(
        ExperimentFile file,
        bool plan = false,
        Action<ExperimentStep>? step = null,
        IProgress<ProgressReport>? progress = null,
        CancellationToken cancellation = default
    )
    {
        ArgumentNullException.ThrowIfNull(file);
        var backbone = ClipBackbone.Acquire(file.Clip); // held, so that the stages of all runs share it
        try
        {
            var runs = Expand(file, backbone.WeightsSha256, cancellation);
            var results = new List<RunResult>();
            for (var i = 0; i < runs.Count; i++)
            {
                cancellation.ThrowIfCancellationRequested();
                var run = runs[i];
                var path = Path.Combine(file.Cache ?? Path.Combine(file.Output, "runs"), run.Hash + ".json");
                var result = Read(path, run.Hash) is { } found ? run.Name(found) : null;
                var known = result is not null;
                if (!known)
                {
                    step?.Invoke(new(run.Title, i + 1, runs.Count, null, false));
                    if (plan)
                    {
                        continue;
                    }

                    result = run.Execute(progress, cancellation);
                    Write(path, JsonSerializer.Serialize(result, Line) + "\n");
                }
                results.Add(result!);
                step?.Invoke(new(run.Title, i + 1, runs.Count, result, known));
                if (!known)
                {
                    Summarise(file, results);
                }
            }
            if (!plan)
            {
                Summarise(file, results);
            }

            return results;
        }
        finally
        {
            backbone.Release();
        }
    }

    /// <summary>Every run, checked, before the first begins.</summary>
    private static List<ExperimentRun> Expand(ExperimentFile file, string clipHash, CancellationToken cancellation)
    {
        var runs = new List<ExperimentRun>();
        foreach (var entry in file.DataSets)
        {
            var data = new ExperimentData(entry, file.Clip, cancellation);
            foreach (var prompt in file.Prompts)
            {
                foreach (var variant in file.Variants)
                {
                    foreach (var paradigm in file.Paradigms)
                    {
                        foreach (var seed in file.Seeds)
                        {
                            runs.Add(new(file, data, variant, paradigm, prompt, seed, clipHash));
                        }
                    }
                }
            }
        }
        return runs;
    }

    private static RunResult? Read(string path, string hash)
    {
        if (!File.Exists(path))
        {
            return null;
        }

        try
        {
            var result = JsonSerializer.Deserialize<RunResult>(File.ReadAllText(path), Line);
            return result?.Hash == hash ? result : null;
        }
        catch (JsonException)
        {
            return null; // damaged by other hands: run again
        }
    }

    private static void Summarise(ExperimentFile file, IReadOnlyList<RunResult> results)
    {
        Write(Path.Combine(file.Output, "runs.jsonl"), string.Concat(results.Select(r => JsonSerializer.Serialize(r, Line) + "\n")));
        Write(Path.Combine(file.Output, "results.md"), ExperimentTable.Write(file, results));
    }

    private static void Write(string path, string text) => AtomicFile.Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(text)));
}
