using System.Text.Json;
using Orleans.Storage;

namespace AirMLNet.Cluster;

/// <summary>
/// Writes grains' states as plain JSON. Orleans' own choice names .NET types in what it writes and makes them when it reads: whoever can
/// write to Redis could then choose which.
/// </summary>
internal sealed class StateJson : IGrainStorageSerializer
{
    /// <summary>The name of the storage.</summary>
    public const string Storage = "airmlnet";

    public BinaryData Serialize<T>(T? input) => new(JsonSerializer.SerializeToUtf8Bytes(input));

    public T Deserialize<T>(BinaryData input) => JsonSerializer.Deserialize<T>(input.ToMemory().Span)!;
}
