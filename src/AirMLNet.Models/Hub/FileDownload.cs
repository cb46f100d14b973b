using System.Net;
using System.Net.Http.Headers;
using AirMLNet.Files;
using AirMLNet.Weights;

namespace AirMLNet.Hub;

/// <summary>
/// One file on its way: it grows under <c>.part</c>, and has its name only when it is whole and its hash is right.
/// </summary>
/// <param name="connection">The server.</param>
/// <param name="options">Progress and cancellation.</param>
/// <param name="what">The file, for messages.</param>
/// <param name="address">Its path on the server.</param>
/// <param name="file">What the server says of it.</param>
/// <param name="target">Where it goes.</param>
internal sealed class FileDownload(HubConnection connection, HubOptions options, string what, string address, HubFile file, string target)
{
    /// <summary>Ending of the name of a file that is not whole yet.</summary>
    public const string Ending = ".part";

    // Of configurations and tokenizers; a server that states no size may send without end.
    private const long LargestText = 64 << 20;

    private readonly string _part = target + Ending;
    private long? _size = file.Size;

    // Which content the part is of, where no hash would tell.
    private EntityTagHeaderValue? _tag;

    /// <exception cref="HubException">The server does not give the file, or it cannot be written.</exception>
    public async Task RunAsync()
    {
        Disk(
            target,
            () =>
            {
                Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(target))!);
                if (Directory.Exists(target) || Directory.Exists(_part))
                {
                    throw new IOException("a folder has that name.");
                }

                // What an earlier run left may be of another content, and nothing would tell.
                if (!file.HasHash)
                {
                    File.Delete(_part);
                }

                return true;
            }
        );
        var wrong = false;
        var most = 0L;
        await connection
            .RetryAsync(
                what,
                async () =>
                {
                    await ContinueAsync().ConfigureAwait(false);
                    if (_size is { } size && new FileInfo(_part).Length is var length && length < size)
                    {
                        CheckKind();
                        // What is fetched anew is no gain: a file that is shorter than its stated size would be fetched for ever.
                        if (length <= most)
                        {
                            throw new RetryException($"the connection ended early, after {length} of {size} bytes", null);
                        }

                        most = length;
                        return true;
                    }

                    if (file.Matches(_part))
                    {
                        CheckContent();
                        return Disk(
                            target,
                            () =>
                            {
                                File.Move(_part, target, overwrite: true);
                                return false;
                            }
                        );
                    }

                    // A part of an older version, or a damaged one, has one chance to be fetched anew.
                    CheckKind();
                    File.Delete(_part);
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
    private async Task ContinueAsync()
    {
        var have = File.Exists(_part) ? new FileInfo(_part).Length : 0;
        if (have > 0 && _size is { } whole && have >= whole)
        {
            return; // nothing is missing; the hash decides
        }

        using var response = await connection.OpenAsync(address, what, have, _tag).ConfigureAwait(false);
        if (response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
        {
            File.Delete(_part);
            throw new RetryException("the server cannot go on where the download stopped", TimeSpan.Zero);
        }

        connection.Check(response, what);
        var range = response.Content.Headers.ContentRange;
        var partial = response.StatusCode == HttpStatusCode.PartialContent;
        if (
            partial
            && (
                range?.From != have
                || (range.Length is { } all && _size is { } stated && all != stated)
                || (_tag is not null && Tag(response) is { } tag && !tag.Equals(_tag))
            )
        )
        {
            File.Delete(_part);
            throw new RetryException("the server sent another part than it was asked for", TimeSpan.Zero);
        }

        _size = file.Size ?? (partial ? range!.Length : response.Content.Headers.ContentLength);
        _tag = file.HasHash ? null : Tag(response);
        if (_size is null && target.EndsWith(".safetensors", StringComparison.Ordinal))
        {
            throw new HubException($"{what}: the server states neither size nor hash, so that nothing tells when the file is whole.");
        }

        await using var output = Disk(
            _part,
            () => new FileStream(_part, partial ? FileMode.Append : FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0)
        );
        await using var stream = await response.Content.ReadAsStreamAsync(options.CancellationToken).ConfigureAwait(false);
        var buffer = new byte[1 << 16];
        var gained = 0L;
        try
        {
            for (int read; (read = await connection.ReadAsync(stream, buffer).ConfigureAwait(false)) > 0; )
            {
                var size = _size ?? LargestText;
                if (output.Length + read > size)
                {
                    throw TooMuch(buffer.AsSpan(0, gained == 0 ? read : 0), size);
                }

                await WriteAsync(output, buffer.AsMemory(0, read)).ConfigureAwait(false);
                gained += read;
                options.Progress?.Report(new("ModelDownload", file.Path, output.Length, _size));
            }
        }
        catch (Exception e) when (gained > 0 && _size is not null && e is (HttpRequestException or IOException) and not HubException)
        {
            // What came is kept; the size says that more is missing.
        }
    }

    private static EntityTagHeaderValue? Tag(HttpResponseMessage response) => response.Headers.ETag is { IsWeak: false } tag ? tag : null;

    private HubException TooMuch(ReadOnlySpan<byte> beginning, long size)
    {
        // Nothing of it is what the file is to be.
        File.Delete(_part);
        return new HubException(
            KindOf(beginning) is { } kind ? $"{what}: the server sends {kind} in the place of the file."
            : file.Size is null ? $"{what}: the server sends more than {size} bytes, which no such file has."
            : $"{what}: the server sends more than the {size} bytes that it states."
        );
    }

    /// <summary>Refuses what servers send in the place of a file: a page to log in, or Git's note of where the file is.</summary>
    private void CheckKind()
    {
        var beginning = new byte[512];
        int count;
        using (var stream = File.OpenRead(_part))
        {
            count = stream.ReadAtLeast(beginning, beginning.Length, throwOnEndOfStream: false);
        }

        if (KindOf(beginning.AsSpan(0, count)) is { } kind)
        {
            File.Delete(_part);
            throw new HubException($"{what}: the server sends {kind} in the place of the file.");
        }
    }

    /// <summary>Where no hash says whether it is the file, its own content must.</summary>
    private void CheckContent()
    {
        if (file.HasHash)
        {
            return;
        }

        CheckKind();
        try
        {
            if (target.EndsWith(".safetensors", StringComparison.Ordinal))
            {
                SafetensorsFile.Open(_part).Dispose();
            }
        }
        catch (SafetensorsException e)
        {
            File.Delete(_part);
            throw new HubException($"{what}: the server states no hash, and sends no whole safetensors file; it was thrown away.", e);
        }
    }

    private static string? KindOf(ReadOnlySpan<byte> bytes)
    {
        var text = System.Text.Encoding.Latin1.GetString(bytes).TrimStart('\u00ef', '\u00bb', '\u00bf', ' ', '\t', '\r', '\n');
        return GitLfs.Begins(text) ? "a pointer of Git LFS"
            : text.StartsWith("<!doctype", StringComparison.OrdinalIgnoreCase)
            || text.StartsWith("<html", StringComparison.OrdinalIgnoreCase)
            || text.StartsWith("<?xml", StringComparison.OrdinalIgnoreCase)
                ? "a web page"
            : null;
    }

    private async Task WriteAsync(FileStream output, ReadOnlyMemory<byte> bytes)
    {
        try
        {
            await output.WriteAsync(bytes, options.CancellationToken).ConfigureAwait(false);
        }
        catch (IOException e)
        {
            throw Unwritable(_part, e);
        }
    }

    // What fails on the disk is no fault of the connection, and is not tried again.
    private T Disk<T>(string path, Func<T> work)
    {
        try
        {
            return work();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unwritable(path, e);
        }
    }

    private HubException Unwritable(string path, Exception e) => new($"{what}: {path} cannot be written: {e.Message}", e);
}
