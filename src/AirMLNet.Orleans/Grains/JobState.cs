namespace AirMLNet.Cluster;

/// <summary>What is kept of a job: progress, never images or features.</summary>
internal sealed class JobState
{
    /// <summary>The job as JSON; null where there is none.</summary>
    public string? Job { get; set; }

    /// <summary>A bit for each piece.</summary>
    public byte[] Done { get; set; } = [];

    /// <summary>The piece that a silo is at.</summary>
    public Dictionary<string, int> Held { get; set; } = [];

    /// <summary>What went wrong with a piece so far.</summary>
    public Dictionary<int, Trouble> Troubles { get; set; } = [];

    /// <summary>Pieces done by each silo.</summary>
    public Dictionary<string, int> DoneBy { get; set; } = [];

    public int Returned { get; set; }

    public string? Failure { get; set; }
}

/// <summary>Attempts that did not finish.</summary>
/// <param name="Attempts">How many.</param>
/// <param name="NotBefore">When the next may begin.</param>
internal sealed record Trouble(int Attempts, DateTimeOffset NotBefore);
