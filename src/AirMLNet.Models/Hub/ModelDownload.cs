using System.Net;
using System.Text.Json;

namespace AirMLNet.Hub;

/// <summary>
/// Downloads a model folder from a server that speaks Hugging Face's protocol. Only safetensors, json and txt files are
/// taken. A file has its name only when it is whole and its hash is right; what an interruption leaves under
/// <c>.part</c> is gone on from by the next run.
/// </summary>
public static class ModelDownload
{
    private const string Part = ".part";
    private static readonly string[] Taken = [".safetensors", ".json", ".txt"];

    /// <summary>Downloads what is not there yet.</summary>
    /// <param name="repository">Owner and name, such as <c>openai/clip-vit-base-patch32</c>.</param>
    /// <param name="folder">Where to; created when missing.</param>
    /// <param name="options">Server, revision, token and more; null for the defaults.</param>
    /// <returns>The files of the model, relative to the folder.</returns>
    /// <exception cref="ArgumentException">The repository's name has another form.</exception>
    /// <exception cref="HubException">The server refuses, gives the wrong content, or cannot be reached; or the disk is too
    /// small.</exception>
    /// <exception cref="OperationCanceledException">The options' token was cancelled.</exception>
    public static async Task<IReadOnlyList<string>> RunAsync(string repository, string folder, HubOptions? options = null)
    {
        CheckName(repository);
        ArgumentException.ThrowIfNullOrWhiteSpace(folder);
        options ??= new HubOptions();
        using var connection = new HubConnection(options);
        var (commit, files) = await ListAsync(connection, repository, options).ConfigureAwait(false);
        Directory.CreateDirectory(folder);
        var missing = files.Where(f => !f.Matches(Target(folder, f))).ToList();
        CheckSpace(repository, folder, missing, options);
        foreach (var file in missing)
        {
            await FetchAsync(connection, repository, commit, file, Target(folder, file), options).ConfigureAwait(false);
        }

        return [.. files.Select(f => f.Path)];
    }

    private static async Task<(string Commit, List<HubFile> Files)> ListAsync(
        HubConnection connection,
        string repository,
        HubOptions options
    )
    {
        using var json = await connection
            .JsonAsync($"api/models/{repository}/revision/{Uri.EscapeDataString(options.Revision)}?blobs=true", repository)
            .ConfigureAwait(false);
        try
        {
            var root = json.RootElement;
            var files = root.GetProperty("siblings")
                .EnumerateArray()
                .Select(Entry)
                .Where(f => Taken.Contains(Path.GetExtension(f.Path), StringComparer.Ordinal))
                .ToList();
            if (!files.Exists(f => f.Path.EndsWith(".safetensors", StringComparison.Ordinal)))
            {
                throw new HubException($"{repository} has no safetensors file; other kinds of weights are not downloaded.");
            }

            // Everything is taken from one commit, even if the branch moves meanwhile.
            return (
                root.TryGetProperty("sha", out var sha) && sha.GetString() is { Length: > 0 } commit ? commit : options.Revision,
                files
            );
        }
        catch (Exception e) when (e is KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new HubException($"{repository}: {options.Endpoint} lists its files in an unknown form: {e.Message}", e);
        }

        HubFile Entry(JsonElement sibling)
        {
            var path = sibling.GetProperty("rfilename").GetString() ?? "";
            if (path.Length == 0 || path.Contains('\\') || path.Contains(':') || path.Split('/').Any(p => p is "" or "." or ".."))
            {
                throw new HubException($"{repository}: the server lists a file '{path}', which would lie outside the folder.");
            }

            var large = sibling.TryGetProperty("lfs", out var lfs) && lfs.ValueKind == JsonValueKind.Object;
            return new(
                path,
                Number(large && lfs.TryGetProperty("size", out _) ? lfs : sibling, "size"),
                large ? Text(lfs, "sha256") ?? Text(lfs, "oid") : null,
                large ? null : Text(sibling, "blobId")
            );
        }
    }

    private static async Task FetchAsync(
        HubConnection connection,
        string repository,
        string commit,
        HubFile file,
        string target,
        HubOptions options
    )
    {
        var what = $"{repository}/{file.Path}";
        var part = target + Part;
        var address =
            $"{repository}/resolve/{Uri.EscapeDataString(commit)}/{string.Join('/', file.Path.Split('/').Select(Uri.EscapeDataString))}";
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(target))!);
        var wrong = false;
        var most = 0L;
        await connection
            .RetryAsync(
                what,
                async () =>
                {
                    await ContinueAsync(connection, address, what, file, part, options).ConfigureAwait(false);
                    if (file.Size is { } size && new FileInfo(part).Length is var length && length < size)
                    {
                        // What is fetched anew is no gain: a file that is shorter than its stated size would be fetched for ever.
                        if (length <= most)
                        {
                            throw new RetryException("the connection ended early", null);
                        }

                        most = length;
                        return true;
                    }

                    if (file.Matches(part))
                    {
                        File.Move(part, target, overwrite: true);
                        return false;
                    }

                    // A part of an older version, or a damaged one, has one chance to be fetched anew.
                    File.Delete(part);
                    if (wrong)
                    {
                        throw new HubException(
                            $"{what}: what the server sends has not the hash or size that it states; the file was thrown away."
                        );
                    }

                    (wrong, most) = (true, 0);
                    return true;
                }
            )
            .ConfigureAwait(false);
    }

    /// <summary>Adds to the part what the server gives. A cut connection is no error where bytes were gained.</summary>
    private static async Task ContinueAsync(
        HubConnection connection,
        string address,
        string what,
        HubFile file,
        string part,
        HubOptions options
    )
    {
        var have = File.Exists(part) ? new FileInfo(part).Length : 0;
        if (have > 0 && file.Size is { } whole && have >= whole)
        {
            return; // nothing is missing; the hash decides
        }

        using var response = await connection.OpenAsync(address, have, options.CancellationToken).ConfigureAwait(false);
        if (response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
        {
            File.Delete(part);
            throw new RetryException("the server cannot go on where the download stopped", TimeSpan.Zero);
        }

        connection.Check(response, what);
        var resumed = response.StatusCode == HttpStatusCode.PartialContent && response.Content.Headers.ContentRange?.From == have;
        if (response.StatusCode == HttpStatusCode.PartialContent && !resumed)
        {
            File.Delete(part);
            throw new RetryException("the server sent another part than it was asked for", TimeSpan.Zero);
        }

        await using var output = new FileStream(part, resumed ? FileMode.Append : FileMode.Create, FileAccess.Write, FileShare.None);
        await using var stream = await response.Content.ReadAsStreamAsync(options.CancellationToken).ConfigureAwait(false);
        var buffer = new byte[1 << 16];
        var gained = 0L;
        try
        {
            for (int read; (read = await connection.ReadAsync(stream, buffer, options.CancellationToken).ConfigureAwait(false)) > 0; )
            {
                if (file.Size is { } size && output.Length + read > size)
                {
                    throw new HubException($"{what}: the server sends more than the {size} bytes that it states.");
                }

                await output.WriteAsync(buffer.AsMemory(0, read), options.CancellationToken).ConfigureAwait(false);
                gained += read;
                options.Progress?.Report(new("ModelDownload", file.Path, output.Length, file.Size));
            }
        }
        catch (Exception e) when (gained > 0 && file.Size is not null && e is (HttpRequestException or IOException) and not HubException)
        {
            // What came is kept; the size says that more is missing.
        }
    }

    private static void CheckSpace(string repository, string folder, List<HubFile> missing, HubOptions options)
    {
        // In floating point: sizes are what a server says, and their sum need not fit into 64 bits.
        var needed = missing.Sum(f =>
            (double)Math.Max(0, (f.Size ?? 0) - (File.Exists(Target(folder, f) + Part) ? new FileInfo(Target(folder, f) + Part).Length : 0))
        );
        var free = options.FreeSpace(Path.GetFullPath(folder));
        if (needed > free)
        {
            throw new HubException(
                $"{repository} needs {needed / 1e6:0.0} MB more in {folder}, but the disk has {free / 1e6:0.0} MB left."
            );
        }
    }

    private static void CheckName(string repository)
    {
        ArgumentNullException.ThrowIfNull(repository);
        var parts = repository.Split('/');
        if (
            parts.Length != 2
            || parts.Any(p => p is "" or "." or ".." || !p.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.'))
        )
        {
            throw new ArgumentException(
                $"'{repository}' is no repository; expected owner/name, such as openai/clip-vit-base-patch32.",
                nameof(repository)
            );
        }
    }

    private static string Target(string folder, HubFile file) => Path.Combine([folder, .. file.Path.Split('/')]);

    private static string? Text(JsonElement parent, string name) =>
        parent.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static long? Number(JsonElement parent, string name) =>
        parent.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number ? value.GetInt64() : null;
}
