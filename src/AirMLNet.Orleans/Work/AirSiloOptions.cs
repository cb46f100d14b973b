using System.Net;
using AirMLNet.Options;

namespace AirMLNet.Cluster;

/// <summary>Where a cluster meets. Values are checked when they are set.</summary>
public record AirClusterOptions
{
    /// <summary>
    /// The Redis that all silos and clients share, as StackExchange.Redis writes it: <c>redis:6379</c>, or
    /// <c>redis:6380,ssl=true,password=…</c>. Whoever can write to it can make the silos read and write files.
    /// </summary>
    public required string Redis
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    }

    /// <summary>The cluster's name; several can share a Redis.</summary>
    public string Cluster
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    } = "airmlnet";
}

/// <summary>One silo: one process for one GPU, or for the processor. Values are checked when they are set.</summary>
public sealed record AirSiloOptions : AirClusterOptions
{
    /// <summary>Number of the GPU, 0..63; null for the processor.</summary>
    public int? Gpu
    {
        get;
        init => field = value is { } v ? OptionCheck.Range(v, 0, 63) : null;
    }

    /// <summary>Threads of LibTorch, 0..1024; 0 leaves them as they are.</summary>
    public int Threads
    {
        get;
        init => field = OptionCheck.Range(value, 0, 1024);
    }

    /// <summary>The address that the other machines reach this silo at; null for the machine's own first one.</summary>
    public IPAddress? Address { get; init; }

    /// <summary>Port for silos, 1..65,535; by default 11111 and the number of the GPU, so that those of one machine differ.</summary>
    public int? SiloPort
    {
        get;
        init => field = value is { } v ? OptionCheck.Range(v, 1, 65_535) : null;
    }

    /// <summary>Port for clients, 1..65,535; by default 30000 and the number of the GPU.</summary>
    public int? GatewayPort
    {
        get;
        init => field = value is { } v ? OptionCheck.Range(v, 1, 65_535) : null;
    }
}
