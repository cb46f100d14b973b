using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using AirMLNet.Files;
using AirMLNet.Native;
using static TorchSharp.torch;

namespace AirMLNet.Weights;

/// <summary>The tensors of a model on disk, in one safetensors file or in several shards.</summary>
internal sealed partial class WeightFiles : IDisposable
{
    private static readonly string[] Variants = ["fp32", "fp16", "bf16", "ema"];

    private readonly List<SafetensorsFile> _files = [];
    private readonly Dictionary<string, (SafetensorsFile File, string Name)> _owner = new(StringComparer.Ordinal);

    private WeightFiles(IEnumerable<string> paths, string description)
    {
        LibTorch.Require();
        Description = description;
        try
        {
            foreach (var path in paths)
            {
                var file = SafetensorsFile.Open(path);
                _files.Add(file);
                foreach (var name in file.Entries.Keys)
                {
                    if (!_owner.TryAdd(name, (file, name)))
                    {
                        throw new InvalidDataException($"{description}: tensor \"{name}\" is in more than one shard.");
                    }
                }
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The file, or the index of the shards: what messages name.</summary>
    public string Description { get; }

    /// <summary>The names of the file and of its folder, which may tell how the weights were trained.</summary>
    public string Place =>
        Path.Combine(Path.GetFileName(Path.GetDirectoryName(Path.GetFullPath(Description))) ?? "", Path.GetFileName(Description));

    public IReadOnlyCollection<string> Names => _owner.Keys;

    /// <summary>The texts in the headers; those of the first shard that has one of a name.</summary>
    public IReadOnlyDictionary<string, string> Metadata =>
        _files
            .SelectMany(f => f.Metadata)
            .GroupBy(p => p.Key, StringComparer.Ordinal)
            .ToDictionary(g => g.Key, g => g.First().Value, StringComparer.Ordinal);

    public bool Contains(string name) => _owner.ContainsKey(name);

    public long[] Shape(string name) => Entry(name).Shape;

    /// <summary>
    /// Takes off what all names begin with, up to a point, as wrappers of models (<c>module.</c>, <c>_orig_mod.</c>, <c>model.</c>) give
    /// it to them when they are saved.
    /// </summary>
    /// <param name="own">First parts of the model's own names; where none comes to light, all stays.</param>
    public void TakeOffWrapper(params string[] own)
    {
        string[] parts = [.. _owner.Keys.FirstOrDefault()?.Split('.') ?? []];
        var wrapper = "";
        for (var i = 0; i < parts.Length - 1 && !own.Contains(parts[i]); i++)
        {
            var longer = $"{wrapper}{parts[i]}.";
            if (!_owner.Keys.All(n => n.StartsWith(longer, StringComparison.Ordinal)))
            {
                break;
            }
            wrapper = longer;
        }
        if (wrapper.Length > 0 && _owner.Keys.Any(n => own.Contains(n[wrapper.Length..].Split('.')[0])))
        {
            var tensors = _owner.ToList();
            _owner.Clear();
            tensors.ForEach(t => _owner.Add(t.Key[wrapper.Length..], t.Value));
        }
    }

    /// <summary>A new float32 tensor.</summary>
    /// <exception cref="InvalidDataException">It holds what is no number: everything that is computed with it would be none.</exception>
    public Tensor Get(string name)
    {
        var (file, inFile) = _owner[name];
        var tensor = file.GetTensor(inFile, ScalarType.Float32);
        using var scope = NewDisposeScope();
        // One pass over the values; a sum too large for float32 alone is looked at more closely.
        if (!float.IsFinite(tensor.sum().item<float>()) && !tensor.isfinite().all().item<bool>())
        {
            tensor.Dispose();
            throw new InvalidDataException($"{Description}: \"{name}\" holds values that are not numbers; the file is damaged.");
        }
        return tensor;
    }

    /// <summary>Whether a tensor's values are whole numbers, as those of quantised weights are.</summary>
    public bool IsOfIntegers(string name) => !is_floating_point(Entry(name).DType);

    private SafetensorsEntry Entry(string name) => _owner[name].File.Entries[_owner[name].Name];

    public static WeightFiles Open(string path) => new([path], path);

    /// <summary>Opens the weights of a model folder; arguments as in <see cref="Locate"/>.</summary>
    public static WeightFiles Find(string folder, WeightFileNames names)
    {
        var (paths, description) = Locate(folder, names);
        return new(paths, description);
    }

    /// <summary>The weights files of a model folder, without opening them.</summary>
    /// <param name="folder">The model folder.</param>
    /// <param name="names">How they may be called; a single safetensors file of any name is taken too.</param>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="FileNotFoundException">It holds no weights that can be read; the message says what it holds.</exception>
    public static (IReadOnlyList<string> Paths, string Description) Locate(string folder, WeightFileNames names)
    {
        var (paths, description) = Search(folder, names);
        foreach (var path in paths)
        {
            switch (RealFile.Length(path))
            {
                case -1:
                    throw new FileNotFoundException(RealFile.Missing(path), path);
                case 0: // also what is no plain file, such as a pipe, in which reading would wait
                    throw new InvalidDataException($"{path}: the file is empty; it must hold the model's weights.");
                default:
                    continue;
            }
        }
        return (paths, description);
    }

    private static (IReadOnlyList<string> Paths, string Description) Search(string folder, WeightFileNames names)
    {
        if (!Directory.Exists(folder))
        {
            throw NoFolder(folder);
        }
        foreach (var name in names.Names)
        {
            var path = Path.Combine(folder, name);
            if (File.Exists(path))
            {
                return ([path], path);
            }
            var index = path + ".index.json";
            if (File.Exists(index))
            {
                return Shards(folder, index);
            }
        }
        if (Variant(folder, names) is { } variant)
        {
            return variant.EndsWith(".json", StringComparison.Ordinal) ? Shards(folder, variant) : ([variant], variant);
        }
        if (WithoutIndex(folder, names) is { } shards)
        {
            return shards;
        }
        var others = Directory.GetFiles(folder, "*.safetensors");
        return others.Length == 1 ? ([others[0]], others[0]) : throw NotAModel(folder, others, names);
    }

    /// <summary>
    /// The file or index of a variant such as fp16: <c>model.fp16.safetensors</c>, <c>model.fp16.safetensors.index.json</c> or
    /// <c>model.safetensors.index.fp16.json</c>. Of several the one with the most exact numbers.
    /// </summary>
    private static string? Variant(string folder, WeightFileNames names)
    {
        foreach (var stem in names.Names.Select(n => n[..^".safetensors".Length]))
        {
            var pattern = new Regex(
                $@"\A{Regex.Escape(stem)}(\.(?<variant>\w+)\.safetensors(\.index\.json)?|\.safetensors\.index\.(?<variant>\w+)\.json)\z",
                RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant
            );
            var found = Directory
                .GetFiles(folder)
                .Select(f => (Path: f, Match: pattern.Match(Path.GetFileName(f))))
                .Where(f => f.Match.Success)
                .Select(f => (f.Path, Variant: f.Match.Groups["variant"].Value))
                .OrderBy(f => Array.IndexOf(Variants, f.Variant) is var place && place < 0 ? Variants.Length : place)
                .ThenBy(f => f.Path, StringComparer.Ordinal)
                .ToList();
            if (found.Count > 0)
            {
                return found[0].Path;
            }
        }
        return null;
    }

    // All shards are there, and only the list of what is in them is not.
    private static (IReadOnlyList<string>, string)? WithoutIndex(string folder, WeightFileNames names)
    {
        foreach (var stem in names.Names.Select(n => n[..^".safetensors".Length]))
        {
            var shards = Directory.GetFiles(folder, stem + "-*-of-*.safetensors").Order(StringComparer.Ordinal).ToArray();
            var match = shards.Length == 0 ? null : ShardPattern().Match(Path.GetFileName(shards[0]));
            if (match is { Success: true } && int.TryParse(match.Groups["count"].Value, CultureInfo.InvariantCulture, out var count))
            {
                return shards.Length == count
                    ? (shards, Path.Combine(folder, $"{stem}-*-of-{match.Groups["count"].Value}.safetensors"))
                    : throw new FileNotFoundException($"{folder} holds {shards.Length} of the {count} shards {stem}-*.safetensors.");
            }
        }
        return null;
    }

    [GeneratedRegex(@"-\d+-of-(?<count>\d+)\.safetensors\z", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant)]
    private static partial Regex ShardPattern();

    /// <summary>SHA-256 of the weights: of the file, or for shards of the list of their hashes in order.</summary>
    public static string Sha256(IReadOnlyList<string> paths)
    {
        if (paths.Count == 1)
        {
            return FileHash.Sha256(paths[0]);
        }
        var list = string.Concat(paths.Select(p => FileHash.Sha256(p) + "  " + Path.GetFileName(p) + "\n"));
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(list)));
    }

    public void Dispose()
    {
        foreach (var file in _files)
        {
            file.Dispose();
        }
    }

    private static (IReadOnlyList<string>, string) Shards(string folder, string index)
    {
        try
        {
            if (ConfigFile.Parse(TextFile.ReadAll(index))?["weight_map"] is not JsonObject map || map.Count == 0)
            {
                throw new InvalidDataException($"{index}: weight_map was expected.");
            }
            var names = map.Select(p => (string?)p.Value).Distinct().Order(StringComparer.Ordinal).ToList();
            foreach (var name in names)
            {
                // A shard is a plain file name: an index must not reach outside its folder.
                if (string.IsNullOrEmpty(name) || name != Path.GetFileName(name))
                {
                    throw new InvalidDataException($"{index}: \"{name}\" is not a file name.");
                }
                if (!File.Exists(Path.Combine(folder, name)))
                {
                    throw new FileNotFoundException($"{index} names {name}, which is not in the folder.", name);
                }
            }
            return ([.. names.Select(n => Path.Combine(folder, n!))], index);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new InvalidDataException($"{index} is not a valid index: {e.Message}", e);
        }
    }

    /// <summary>What is thrown where there is no model folder.</summary>
    public static DirectoryNotFoundException NoFolder(string folder) =>
        new(
            File.Exists(folder)
                ? $"{folder} is a file; name the model folder that it lies in."
                : $"There is no model folder {folder}; 'airml pull OWNER/NAME' downloads one."
        );

    private static FileNotFoundException NotAModel(string folder, string[] safetensors, WeightFileNames names)
    {
        if (safetensors.Length > 1)
        {
            return new(
                $"{folder} holds {safetensors.Length} safetensors files and none is called {names.Names[0]}: {Listed(safetensors)}."
            );
        }
        var pickles = Directory
            .GetFiles(folder)
            .Where(f => Path.GetExtension(f) is ".bin" or ".pt" or ".pth" or ".ckpt" && Pickle.Begins(f))
            .Order(StringComparer.Ordinal)
            .ToArray();
        if (pickles.Length > 0)
        {
            // Shards stay shards.
            var (first, single) = (Path.GetFileNameWithoutExtension(pickles[0]), pickles.Length == 1);
            var shard = first.IndexOf('-', StringComparison.Ordinal) is var at and > 0 ? first[at..] : "-" + first;
            return new(
                $"{folder} holds its weights only as {Listed(pickles)}. "
                    + Pickle.Advice(
                        Path.GetFileName(pickles[0]),
                        single ? names.Names[0] : names.Names[0].Replace(".safetensors", shard + ".safetensors", StringComparison.Ordinal)
                    )
                    + (single ? "" : " So each of them.")
            );
        }
        var entries = Directory.GetFileSystemEntries(folder);
        // As sentence-transformers and the cache of huggingface_hub have it.
        string[] places = [folder, Path.Combine(folder, "snapshots")];
        var inner = places
            .Where(Directory.Exists)
            .SelectMany(Directory.GetDirectories)
            .Order(StringComparer.Ordinal)
            .FirstOrDefault(f => names.Names.Any(n => File.Exists(Path.Combine(f, n))));
        return new(
            $"{folder} is not a {names.Kind} model: it has no {names.Names[0]} or {names.Names[1]} "
                + (entries.Length == 0 ? "(it is empty)." : $"(it holds {Listed(entries)}); weights are read as safetensors only.")
                + (inner is null ? "" : $" Its folder {Path.GetRelativePath(folder, inner)} has such a file: name that folder.")
        );
    }

    private static string Listed(string[] paths)
    {
        var names = paths.Select(p => Path.GetFileName(p)).Order(StringComparer.Ordinal).ToArray();
        return string.Join(", ", names.Take(5)) + (names.Length > 5 ? $" and {names.Length - 5} more" : "");
    }
}

/// <summary>How the weights of a kind of model are called.</summary>
/// <param name="Kind">The kind, for messages.</param>
/// <param name="Names">File names, the preferred one first; two or more.</param>
internal sealed record WeightFileNames(string Kind, params string[] Names);
