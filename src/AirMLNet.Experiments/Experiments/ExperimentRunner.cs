using System.Text;
using System.Text.Json;
using AirMLNet.Clip;
using AirMLNet.Files;
using AirMLNet.Options;
using AirMLNet.Pipeline;

namespace AirMLNet.Experiments;

/// <summary>
/// Runs an experiment file. Each run's result is a file <c>HASH.json</c> in the cache that appears when it is whole, so that an
/// interrupted experiment goes on where it was; <c>runs.jsonl</c> and <c>results.md</c> are written anew from them after each run.
/// Data sets are opened one at a time, when their turn comes; which are there is known at the start.
/// </summary>
internal static class ExperimentRunner
{
    private static readonly JsonSerializerOptions Line = new(OptionsJson.Settings) { WriteIndented = false };

    /// <summary>Runs what is not there yet.</summary>
    /// <param name="file">The experiment.</param>
    /// <param name="options">How; null for the defaults.</param>
    /// <returns>The results in the order of the file, of a shard its own; of a dry run those that are there.</returns>
    /// <exception cref="InvalidDataException">A data set's lists are wrong, or what the file asks of it, when its turn comes.</exception>
    /// <exception cref="DirectoryNotFoundException">Data sets are not there; before any run begins.</exception>
    /// <exception cref="InvalidOperationException">The GPU is not there, and the processor may not take its place.</exception>
    public static IReadOnlyList<RunResult> Run(ExperimentFile file, ExperimentOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(file);
        options ??= new();
        var context = new ExperimentContext(file, options) { Sets = SetsOf(file, options) };
        CheckModels(context);
        if (options.DryRun)
        {
            return Walk(context, new ExperimentCosts(context));
        }

        // Held, so that the stages of all runs share it; not where all results are there.
        var clip = new Lazy<BackboneLease>(() =>
            BackboneLease.Take(file.Clip, options.Device.Resolve(options.Note ?? (_ => { })), new ClipExecution())
        );
        try
        {
            return Walk(context, null, clip);
        }
        finally
        {
            if (clip.IsValueCreated)
            {
                clip.Value.Dispose();
            }
        }
    }

    /// <summary>The data sets that are there. What is missing is named before anything is done.</summary>
    private static IReadOnlyList<ExperimentDataSet> SetsOf(ExperimentFile file, ExperimentOptions options)
    {
        ExperimentDataSet[] missing = [.. file.DataSets.Where(s => !s.IsThere)];
        if (missing.Length == 0)
        {
            return file.DataSets;
        }

        var names = string.Join(", ", missing.Select(s => $"{s.Name} (in {s.Csv ?? s.Folder})"));
        if (!options.SkipMissing && !options.DryRun)
        {
            throw new DirectoryNotFoundException(
                $"{missing.Length} of {file.DataSets.Count} data sets are not there: {names}. SkipMissing (--skip-missing) leaves them out."
            );
        }

        options.Note?.Invoke(
            options.SkipMissing ? $"left out, not there: {names}" : $"not there: {names}; a run without --skip-missing would stop here"
        );
        ExperimentDataSet[] there = [.. file.DataSets.Except(missing)];
        return there.Length > 0 || options.DryRun
            ? there
            : throw new DirectoryNotFoundException($"None of the data sets is there: {names}.");
    }

    /// <summary>The models that some run needs.</summary>
    private static void CheckModels(ExperimentContext context)
    {
        var file = context.File;
        var made =
            from set in context.Sets
            from cell in file.Cells
            where file.SyntheticOf(cell.Variant, set) is null && set.SyntheticFrom is null
            where cell.Variant.RecipeFor(file, set, cell.Paradigm, cell.Prompt).NeedsSynthetic
            select file.DiffusionOf(cell.Variant);
        string[] missing = [.. made.OfType<string>().Prepend(file.Clip).Distinct().Where(m => !Directory.Exists(m))];
        if (missing.Length > 0 && !context.Options.DryRun)
        {
            throw new DirectoryNotFoundException($"Models are not there: {string.Join(", ", missing)}.");
        }

        foreach (var model in missing)
        {
            context.Options.Note?.Invoke($"not there: {model}; a run would stop here");
        }
    }

    private static List<RunResult> Walk(ExperimentContext context, ExperimentCosts? costs, Lazy<BackboneLease>? clip = null)
    {
        var file = context.File;
        ExperimentCell[] cells = [.. file.Cells];
        var (number, total) = (0, cells.Length * context.Sets.Count);
        var results = new List<RunResult>();
        foreach (var set in context.Sets)
        {
            foreach (var cell in cells)
            {
                context.CancellationToken.ThrowIfCancellationRequested();
                if (!context.Options.Shard.Owns(number++))
                {
                    continue;
                }

                var run = new ExperimentRun(context, context.Open(set), cell);
                var path = Path.Combine(file.Cache ?? Path.Combine(file.Output, "runs"), run.Hash + ".json");
                var result = Read(path, run.Hash) is { } found ? run.Name(found) : null;
                var step = new ExperimentStep(run.Title, number, total, result, result is not null);
                if (costs is not null)
                {
                    context.Options.Step?.Invoke(step with { Plan = step.Known ? null : run.Plan(costs) });
                    results.AddRange(result is null ? [] : [result]);
                    continue;
                }

                if (result is null)
                {
                    context.Options.Step?.Invoke(step);
                    _ = clip?.Value;
                    result = Execute(context, run);
                    Write(path, JsonSerializer.Serialize(result, Line) + "\n");
                }
                results.Add(result);
                context.Options.Step?.Invoke(step with { Result = result });
                if (!step.Known && context.Options.Shard.IsWhole)
                {
                    Summarise(file, results);
                }
            }
        }
        if (costs is null && context.Options.Shard.IsWhole)
        {
            Summarise(file, results);
        }

        return results;
    }

    private static RunResult Execute(ExperimentContext context, ExperimentRun run)
    {
        try
        {
            return run.Execute();
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            context.Options.Note?.Invoke($"stopped in {run.Title}"); // the message itself does not know of runs
            throw;
        }
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
