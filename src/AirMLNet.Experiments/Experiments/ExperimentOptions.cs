using AirMLNet.Files;
using AirMLNet.Options;
using AirMLNet.Pipeline;

namespace AirMLNet.Experiments;

/// <summary>How an experiment is run.</summary>
internal sealed record ExperimentOptions
{
    /// <summary>Computes nothing: tells of each run what it would read, make and train, and how long that may take.</summary>
    public bool DryRun { get; init; }

    /// <summary>Leaves data sets out that are not there, instead of stopping before the first run.</summary>
    public bool SkipMissing { get; init; }

    /// <summary>Which of the runs are made; the tables are written by a run of all, which finds those of the shards.</summary>
    public Shard Shard { get; init; } = Shard.Whole;

    /// <summary>What is computed on: the number of a GPU and whether the processor may take its place.</summary>
    public DeviceChoice Device { get; init; } = new();

    /// <summary>Told each run before it begins and when its result is known.</summary>
    public Action<ExperimentStep>? Step { get; init; }

    /// <summary>Told what a user should know: data sets that are left out, images that are made.</summary>
    public Action<string>? Note { get; init; }

    /// <summary>Receives the reports of the stages.</summary>
    public IProgress<ProgressReport>? Progress { get; init; }

    /// <summary>Stops between two steps; finished runs stay.</summary>
    public CancellationToken CancellationToken { get; init; }
}

/// <summary>One run of an experiment, before or after it.</summary>
/// <param name="Title">Data set, method, paradigm, prompt and seed.</param>
/// <param name="Number">From 1.</param>
/// <param name="Total">Runs in all.</param>
/// <param name="Result">What it found; null before it runs.</param>
/// <param name="Known">Whether the result was there already.</param>
internal sealed record ExperimentStep(string Title, int Number, int Total, RunResult? Result, bool Known)
{
    /// <summary>What the run would do; only in a dry run, of runs that are not there already.</summary>
    public RunPlan? Plan { get; init; }
}
