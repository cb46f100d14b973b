namespace AirMLNet.Cluster;

/// <summary>How far a job is.</summary>
[GenerateSerializer]
[Immutable]
public sealed record JobStatus
{
    /// <summary>The job's name; see <see cref="ClusterJob.Id"/>.</summary>
    [Id(0)]
    public required string Id { get; init; }

    /// <summary>Pieces, with the one that joins the others.</summary>
    [Id(1)]
    public required int Pieces { get; init; }

    /// <summary>Pieces that are done.</summary>
    [Id(2)]
    public required int Done { get; init; }

    /// <summary>Pieces that each silo did, by its address.</summary>
    [Id(3)]
    public required IReadOnlyDictionary<string, int> DoneBy { get; init; }

    /// <summary>Pieces that silos are at, by the silo's address.</summary>
    [Id(4)]
    public required IReadOnlyDictionary<string, int> Held { get; init; }

    /// <summary>How often a piece was handed out again because its silo had died or was stopped.</summary>
    [Id(5)]
    public required int Returned { get; init; }

    /// <summary>Why the job was given up; null where it was not.</summary>
    [Id(6)]
    public string? Failure { get; init; }

    /// <summary>The silo that keeps count of this job.</summary>
    [Id(7)]
    public required string Keeper { get; init; }

    /// <summary>Whether everything is written.</summary>
    public bool IsComplete => Done == Pieces;
}
