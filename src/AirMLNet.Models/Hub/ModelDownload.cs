using AirMLNet.Files;

namespace AirMLNet.Hub;

/// <summary>
/// Downloads a model folder from a server that speaks Hugging Face's protocol. Only safetensors, json and txt files are
/// taken. A file has its name only when it is whole and its hash is right; what an interruption leaves under
/// <c>.part</c> is gone on from by the next run.
/// </summary>
public static class ModelDownload
{
    private const string Lock = "download";
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromSeconds(1);

    /// <summary>Downloads what is not there yet. Where another process downloads into the same folder, waits until it has ended.</summary>
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
        var list = await connection
            .DocumentAsync($"api/models/{repository}/revision/{Uri.EscapeDataString(options.Revision)}?blobs=true", repository)
            .ConfigureAwait(false);
        var (commit, files) = HubListing.Parse(list, repository, options);
        MakeFolder(repository, folder);
        var missing = Missing();
        if (missing.Count > 0)
        {
            using var alone = await AloneAsync(repository, folder, options).ConfigureAwait(false);
            missing = Missing();
            CheckSpace(repository, folder, missing, options);
            foreach (var file in missing)
            {
                var address = string.Join('/', file.Path.Split('/').Prepend(commit).Select(Uri.EscapeDataString));
                await new FileDownload(
                    connection,
                    options,
                    $"{repository}/{file.Path}",
                    $"{repository}/resolve/{address}",
                    file,
                    Target(folder, file)
                )
                    .RunAsync()
                    .ConfigureAwait(false);
            }
        }

        return [.. files.Select(f => f.Path)];

        List<HubFile> Missing() => [.. files.Where(f => !f.Matches(Target(folder, f)))];
    }

    private static void MakeFolder(string repository, string folder)
    {
        try
        {
            Directory.CreateDirectory(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new HubException($"{repository}: the folder {folder} cannot be made: {e.Message}", e);
        }
    }

    /// <summary>Two at once would write into the same parts; the second finds what the first has brought.</summary>
    private static async Task<FolderLock> AloneAsync(string repository, string folder, HubOptions options)
    {
        for (var told = false; ; told = true)
        {
            try
            {
                return FolderLock.Take(Path.Combine(folder, Lock));
            }
            catch (IOException e) when (e.InnerException is IOException)
            {
                if (!told)
                {
                    options.Progress?.Report(new("ModelDownload", $"waiting for another process that downloads into {folder}", 0, null));
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new HubException($"{repository}: {folder} cannot be written into: {e.Message}", e);
            }

            await options.Wait(BetweenLooks, options.CancellationToken).ConfigureAwait(false);
        }
    }

    private static void CheckSpace(string repository, string folder, List<HubFile> missing, HubOptions options)
    {
        // In floating point: sizes are what a server says, and their sum need not fit into 64 bits.
        var needed = missing.Sum(f =>
            new FileInfo(Target(folder, f) + FileDownload.Ending) is { Exists: true } part
                ? Math.Max(0, (double)(f.Size ?? 0) - part.Length)
                : (double)(f.Size ?? 0)
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
}
