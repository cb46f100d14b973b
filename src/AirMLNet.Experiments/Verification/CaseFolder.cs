using System.Text.Json;
using System.Text.Json.Nodes;
using AirMLNet.Files;
using AirMLNet.Weights;
using static TorchSharp.torch;

namespace AirMLNet.Verification;

/// <summary>The files of a reference case, opened as they are asked for.</summary>
internal sealed class CaseFolder(string path, Device device) : IDisposable
{
    private SafetensorsFile? _io;
    private JsonObject? _case;
    private JsonObject? _config;

    public string Path { get; } = path;

    /// <summary>Where the case is run.</summary>
    public Device Device { get; } = device;

    /// <summary>The name in case.json, else the folder's.</summary>
    public string Name =>
        Case["case"] is JsonValue v && v.TryGetValue<string>(out var name)
            ? name
            : System.IO.Path.GetFileName(System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(Path)));

    /// <summary>case.json; empty when there is none.</summary>
    public JsonObject Case => _case ??= Json("case.json") ?? [];

    /// <summary>config.json; empty when there is none.</summary>
    public JsonObject Config => _config ??= Json("config.json") ?? [];

    public string? ModelType => Config["model_type"] is JsonValue v && v.TryGetValue<string>(out var type) ? type : null;

    /// <summary>The class a diffusers configuration names; null where there is none.</summary>
    public string? ClassName => Config["_class_name"] is JsonValue v && v.TryGetValue<string>(out var name) ? name : null;

    public bool HasIo => Has("io.safetensors");

    /// <summary>io.safetensors.</summary>
    public SafetensorsFile Io => _io ??= SafetensorsFile.Open(File("io.safetensors"));

    /// <summary>The weights files, in ordinal order.</summary>
    public IReadOnlyList<string> Weights =>
        [
            .. Directory
                .GetFiles(Path, "*.safetensors")
                .Where(f =>
                    System.IO.Path.GetFileName(f) is var n
                    && (n.StartsWith("weights", StringComparison.Ordinal) || n is "model.safetensors" or "open_clip_model.safetensors")
                )
                .Order(StringComparer.Ordinal),
        ];

    /// <summary>The weights files with what reports add to an output's name to tell them apart.</summary>
    public IEnumerable<(string Path, string Label)> LabelledWeights =>
        Weights is [var only] ? [(only, "")] : Weights.Select(w => (w, $" [{System.IO.Path.GetFileNameWithoutExtension(w)}]"));

    /// <summary>The tolerance case.json states, else 1e-4 absolute plus 1e-4 of the expected value.</summary>
    public (double Abs, double Rel) Tolerance =>
        Case["tolerance"] is JsonObject t
            ? (Number(t["abs"]) ?? Comparison.DefaultTolerance, Number(t["rel"]) ?? Comparison.DefaultTolerance)
            : (Comparison.DefaultTolerance, Comparison.DefaultTolerance);

    /// <summary>Names in io.safetensors under a prefix such as "out.", in ordinal order, prefix cut off.</summary>
    public IEnumerable<string> Expected(string prefix) =>
        Io
            .Entries.Keys.Where(k => k.StartsWith(prefix, StringComparison.Ordinal))
            .Select(k => k[prefix.Length..])
            .Order(StringComparer.Ordinal);

    /// <summary>A tensor of io.safetensors, as a new one on <see cref="Device"/>.</summary>
    /// <exception cref="InvalidDataException">There is none of that name.</exception>
    public Tensor Tensor(string name, ScalarType type) =>
        Io.Entries.ContainsKey(name)
            ? Io.GetTensor(name, type).to(Device)
            : throw new InvalidDataException($"io.safetensors has no {name}");

    public bool Has(string file) => System.IO.File.Exists(File(file));

    public string File(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>What there is, for a message.</summary>
    public string Describe()
    {
        var files = Directory.GetFiles(Path).Select(f => System.IO.Path.GetFileName(f)).Order(StringComparer.Ordinal).ToList();
        return (ModelType is { } type ? $"config.json has model_type \"{type}\", " : "")
            + (files.Count == 0 ? "it holds no files" : $"it holds {string.Join(", ", files.Take(8))}{(files.Count > 8 ? ", …" : "")}");
    }

    public JsonObject? Json(string name)
    {
        if (!Has(name))
        {
            return null;
        }
        try
        {
            return ConfigFile.Parse(System.IO.File.ReadAllText(File(name))) as JsonObject
                ?? throw new InvalidDataException($"{File(name)}: a JSON object was expected.");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{File(name)} is not valid JSON: {e.Message}", e);
        }
    }

    public void Dispose() => _io?.Dispose();

    private static double? Number(JsonNode? node) => node is JsonValue v && v.TryGetValue<double>(out var d) ? d : null;
}
