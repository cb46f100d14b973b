namespace AirMLNet.Cluster;

/// <summary>The jobs that are not done.</summary>
[Alias("AirMLNet.Queue")]
internal interface IQueueGrain : IGrainWithIntegerKey
{
    [Alias("Add")]
    Task Add(string job);

    [Alias("Remove")]
    Task Remove(string job);

    [Alias("Jobs")]
    Task<string[]> Jobs();
}

/// <summary>Progress of a job, and nothing else. All calls can be repeated: an answer may be lost on its way.</summary>
[Alias("AirMLNet.Job")]
internal interface IJobGrain : IGrainWithStringKey
{
    /// <summary>Begins the job; one that was given up goes on, one that is done is begun again where <paramref name="anew"/>.</summary>
    [Alias("Submit")]
    Task<JobStatus> Submit(string json, bool anew);

    /// <summary>A piece for a silo; the one that it has already where it has one, null where there is none.</summary>
    [Alias("Take")]
    Task<Piece?> Take(string silo);

    [Alias("Finish")]
    Task Finish(string silo, int piece);

    /// <summary>The piece was not done: an error, or null where the silo stops.</summary>
    [Alias("GiveBack")]
    Task GiveBack(string silo, int piece, string? error);

    [Alias("Status")]
    Task<JobStatus> Status();
}

/// <summary>A piece of work.</summary>
/// <param name="Job">The job as JSON.</param>
/// <param name="Number">From 1; one more than the job's pieces is to join them.</param>
[GenerateSerializer]
[Immutable]
internal sealed record Piece([property: Id(0)] string Job, [property: Id(1)] int Number);
