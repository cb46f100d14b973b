using static TorchSharp.torch;

namespace AirMLNet.Weights;

/// <summary>The element types of the format and their names in it.</summary>
internal static class SafetensorsTypes
{
    private static readonly (string Name, ScalarType Type, int Size)[] All =
    [
        ("F64", ScalarType.Float64, 8),
        ("F32", ScalarType.Float32, 4),
        ("F16", ScalarType.Float16, 2),
        ("BF16", ScalarType.BFloat16, 2),
        ("I64", ScalarType.Int64, 8),
        ("I32", ScalarType.Int32, 4),
        ("I16", ScalarType.Int16, 2),
        ("I8", ScalarType.Int8, 1),
        ("U8", ScalarType.Byte, 1),
        ("BOOL", ScalarType.Bool, 1),
    ];

    public static string Known => string.Join(", ", All.Select(t => t.Name));

    public static ScalarType? Parse(string name) => Array.Find(All, t => t.Name == name) is { Name: not null } found ? found.Type : null;

    public static int Size(ScalarType type) => Find(type).Size;

    public static string Name(ScalarType type) => Find(type).Name;

    private static (string Name, ScalarType Type, int Size) Find(ScalarType type) =>
        Array.Find(All, t => t.Type == type) is { Name: not null } found
            ? found
            : throw new NotSupportedException($"safetensors has no type for {type}.");
}
