using System.Text;
using System.Text.Json;
using AirMLNet.Files;

namespace AirMLNet.Hub;

/// <summary>What a server says that a repository holds, as far as it is downloaded.</summary>
/// <param name="Commit">Where everything is taken from, even if the branch moves meanwhile.</param>
/// <param name="Files">The files.</param>
internal sealed record HubListing(string Commit, IReadOnlyList<HubFile> Files)
{
    private const int HashDigits = 64;
    private static readonly string[] Taken = [".safetensors", ".json", ".txt"];

    /// <summary>Reads a list.</summary>
    /// <param name="content">What the server answered.</param>
    /// <param name="repository">For messages.</param>
    /// <param name="options">The server and the revision.</param>
    /// <exception cref="HubException">It is none, or names files that cannot be written as they are called.</exception>
    public static HubListing Parse(ReadOnlyMemory<byte> content, string repository, HubOptions options)
    {
        try
        {
            var mark = content.Span.StartsWith(Encoding.UTF8.Preamble) ? Encoding.UTF8.Preamble.Length : 0;
            using var json = JsonDocument.Parse(content[mark..]);
            var root = json.RootElement;
            if (root.ValueKind == JsonValueKind.Object && Text(root, "error") is { } error)
            {
                throw new HubException($"{repository}: {options.Endpoint} answers: {HubConnection.Line(error)}");
            }

            var files = root.GetProperty("siblings")
                .EnumerateArray()
                .Select(sibling => (sibling, path: sibling.GetProperty("rfilename").GetString() ?? ""))
                .Where(s => Taken.Contains(Path.GetExtension(s.path), StringComparer.Ordinal))
                .Select(s => Entry(s.sibling, s.path))
                .ToList();
            CheckNames(repository, files);
            return files.Exists(f => f.Path.EndsWith(".safetensors", StringComparison.Ordinal))
                ? new(Text(root, "sha") is { Length: > 0 } commit && commit.All(char.IsAsciiHexDigit) ? commit : options.Revision, files)
                : throw new HubException($"{repository} has no safetensors file; other kinds of weights are not downloaded.");
        }
        catch (JsonException e)
        {
            throw new HubException($"{repository}: {options.Endpoint} answered with something other than JSON; is it a model server?", e);
        }
        catch (Exception e) when (e is KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new HubException($"{repository}: {options.Endpoint} lists its files in an unknown form: {e.Message}", e);
        }
    }

    private static HubFile Entry(JsonElement sibling, string path)
    {
        var large = sibling.TryGetProperty("lfs", out var lfs) && lfs.ValueKind == JsonValueKind.Object;
        var size = Number(large && lfs.TryGetProperty("size", out _) ? lfs : sibling, "size");
        var hash = large ? (Text(lfs, "sha256") ?? Text(lfs, "oid"))?.Split(':')[^1] : null;
        return size < 0 ? throw new FormatException($"'{HubConnection.Line(path)}' has a size of {size}.")
            : hash is not null && (hash.Length != HashDigits || !hash.All(char.IsAsciiHexDigit))
                ? throw new FormatException($"'{HubConnection.Line(path)}' has a SHA-256 that is none.")
            : new(path, size, hash, large ? null : Text(sibling, "blobId"));
    }

    private static void CheckNames(string repository, List<HubFile> files)
    {
        HashSet<string> paths = new(StringComparer.OrdinalIgnoreCase);
        foreach (var path in files.Select(f => f.Path))
        {
            var fault =
                PortablePath.Fault(path) ?? (paths.Add(path) ? null : "which is there twice, or differs in upper and lower case alone");
            if (fault is not null)
            {
                throw new HubException($"{repository}: the server lists a file '{HubConnection.Line(path)}', {fault}.");
            }
        }

        // A part lies beside its file.
        foreach (var path in files.Select(f => f.Path).Where(p => p.Contains('/')))
        {
            for (var end = path.IndexOf('/'); end > 0; end = path.IndexOf('/', end + 1))
            {
                if (paths.Contains(path[..end]) || path[..end].EndsWith(FileDownload.Ending, StringComparison.OrdinalIgnoreCase))
                {
                    throw new HubException($"{repository}: the server lists a file '{path}', but '{path[..end]}' is the name of a file.");
                }
            }
        }
    }

    private static string? Text(JsonElement parent, string name) =>
        parent.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static long? Number(JsonElement parent, string name) =>
        parent.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number ? value.GetInt64() : null;
}
