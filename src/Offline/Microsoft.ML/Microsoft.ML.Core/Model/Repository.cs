using System.IO.Compression;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

/// <summary>A model file: a zip of named streams.</summary>
internal abstract class Repository : IDisposable
{
    public const string DirTrainingInfo = "TrainingInfo";

    /// <summary>Larger entries lie on disk while they are read.</summary>
    private protected const int LargestInMemory = 1 << 26;

    private protected Repository(IExceptionContext ectx)
    {
        ExceptionContext = ectx;
    }

    public IExceptionContext ExceptionContext { get; }

    public abstract void Dispose();

    /// <summary>The name of a stream in a folder, with forward slashes.</summary>
    internal static string Combine(string dir, string name)
    {
        string path = string.IsNullOrEmpty(dir) ? name : $"{dir}/{name}";
        return path.Replace('\\', '/').Trim('/');
    }

    /// <summary>A stream of its own for one entry: what is large lies on disk, and goes with the stream.</summary>
    private protected static Stream CreateScratch() =>
        new FileStream(
            Path.Combine(Path.GetTempPath(), Path.GetRandomFileName()),
            FileMode.CreateNew,
            FileAccess.ReadWrite,
            FileShare.None,
            1 << 16,
            FileOptions.DeleteOnClose);

    /// <summary>One stream of the file.</summary>
    public sealed class Entry : IDisposable
    {
        private readonly Action<Entry> _close;

        internal Entry(string path, Stream stream, Action<Entry> close = null)
        {
            Path = path;
            Stream = stream;
            _close = close;
        }

        public string Path { get; }

        /// <summary>Can seek.</summary>
        public Stream Stream { get; }

        public void Dispose()
        {
            if (!Stream.CanRead && !Stream.CanWrite)
                return;
            _close?.Invoke(this);
            Stream.Dispose();
        }
    }
}

/// <summary>Writes a model file. Nothing is complete before <see cref="Commit"/>.</summary>
internal sealed class RepositoryWriter : Repository
{
    /// <summary>Entries carry no wall-clock time, so that the same model gives the same bytes.</summary>
    private static readonly DateTimeOffset _timestamp = new(1980, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly ZipArchive _archive;
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);

    private RepositoryWriter(Stream stream, IExceptionContext ectx)
        : base(ectx)
    {
        _archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true);
    }

    public static RepositoryWriter CreateNew(Stream stream, IExceptionContext ectx = null)
    {
        ectx.CheckValue(stream, nameof(stream));
        var repository = new RepositoryWriter(stream, ectx);
        using (Entry entry = repository.CreateEntry(DirTrainingInfo, "Version.txt"))
        using (var writer = new StreamWriter(entry.Stream, leaveOpen: true))
            writer.WriteLine(typeof(RepositoryWriter).Assembly.GetName().Version);
        return repository;
    }

    public Entry CreateEntry(string name) => CreateEntry(null, name);

    public Entry CreateEntry(string dir, string name)
    {
        ExceptionContext.CheckNonEmpty(name, nameof(name));
        string path = Combine(dir, name);
        if (!_names.Add(path))
            throw ExceptionContext.Except($"The model file already has an entry '{path}'");
        // An archive has one open entry at a time, but models write theirs while their parent's is open.
        return new Entry(path, CreateScratch(), Finish);
    }

    public void Commit() => _archive.Dispose();

    public override void Dispose() => _archive.Dispose();

    private void Finish(Entry entry)
    {
        // Weights hardly shrink; stored as they are, they never look like an entry that explodes.
        CompressionLevel level = entry.Stream.Length > LargestInMemory ? CompressionLevel.NoCompression : CompressionLevel.Fastest;
        ZipArchiveEntry target = _archive.CreateEntry(entry.Path, level);
        target.LastWriteTime = _timestamp;
        entry.Stream.Position = 0;
        using Stream stream = target.Open();
        entry.Stream.CopyTo(stream);
    }
}

/// <summary>Reads a model file.</summary>
internal sealed class RepositoryReader : Repository
{
    /// <summary>A large entry that grows by more than this is refused: it was made to fill the disk.</summary>
    private const int LargestExpansion = 200;

    private readonly ZipArchive _archive;
    private readonly Dictionary<string, ZipArchiveEntry> _entries = new(StringComparer.OrdinalIgnoreCase);

    private RepositoryReader(Stream stream, IExceptionContext ectx)
        : base(ectx)
    {
        try
        {
            _archive = new ZipArchive(stream, ZipArchiveMode.Read, leaveOpen: true);
            foreach (ZipArchiveEntry entry in _archive.Entries)
                _entries[Combine(null, entry.FullName)] = entry;
        }
        catch (InvalidDataException e)
        {
            _archive?.Dispose();
            throw ectx.ExceptDecode("The model file is not a whole zip archive: it is truncated or corrupt", e);
        }
    }

    /// <exception cref="FormatException">The stream is not a zip archive.</exception>
    public static RepositoryReader Open(Stream stream, IExceptionContext ectx = null)
    {
        ectx.CheckValue(stream, nameof(stream));
        return new RepositoryReader(stream, ectx);
    }

    public Entry OpenEntry(string name) => OpenEntry(null, name);

    public Entry OpenEntry(string dir, string name) =>
        OpenEntryOrNull(dir, name) ?? throw ExceptionContext.ExceptDecode($"The model file has no entry '{Combine(dir, name)}'");

    public Entry OpenEntryOrNull(string name) => OpenEntryOrNull(null, name);

    public Entry OpenEntryOrNull(string dir, string name)
    {
        string path = Combine(dir, name);
        if (!_entries.TryGetValue(path, out ZipArchiveEntry entry))
            return null;
        if (entry.Length > LargestInMemory && entry.Length / LargestExpansion > entry.CompressedLength)
            throw ExceptionContext.ExceptDecode($"Entry '{path}' of the model file would grow from {entry.CompressedLength} to {entry.Length} bytes; no model does that");
        Stream copy = null;
        try
        {
            using Stream stream = entry.Open();
            copy = entry.Length <= LargestInMemory ? new MemoryStream() : CreateScratch();
            CopyExactly(stream, copy, entry.Length, path);
            copy.Position = 0;
            return new Entry(path, copy);
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException)
        {
            copy?.Dispose();
            throw ExceptionContext.ExceptDecode($"Entry '{path}' of the model file is truncated or corrupt", e);
        }
    }

    public override void Dispose() => _archive.Dispose();

    /// <summary>Copies what the directory of the archive declares, and refuses more or less than that.</summary>
    private static void CopyExactly(Stream source, Stream target, long length, string path)
    {
        var buffer = new byte[1 << 16];
        long total = 0;
        int read;
        while ((read = source.Read(buffer, 0, buffer.Length)) > 0)
        {
            total += read;
            if (total > length)
                break;
            target.Write(buffer, 0, read);
        }
        if (total != length)
            throw new InvalidDataException($"'{path}' should have {length} bytes");
    }
}
