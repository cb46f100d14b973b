using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using AirMLNet.Clip;
using AirMLNet.Files;

namespace AirMLNet.Caching;

/// <summary>Where features are kept.</summary>
/// <param name="Folder">A folder for all models; null for memory.</param>
/// <param name="Megabytes">The most of it: of the folder, or in memory of each model.</param>
internal sealed record FeatureCachePlace(string? Folder, int Megabytes);

/// <summary>
/// Features of images by the images' content, for one model, preprocessing and precision; in memory, or in files that any number of
/// processes read and add to. What is full loses its oldest. Safe for concurrent use; one instance per place and model in a process.
/// </summary>
internal sealed class FeatureCache
{
    /// <summary>The size of a folder where none is given.</summary>
    public const int StandardMegabytes = 1024;

    // Raised when the same image, model and settings give other features.
    private const int Behaviour = 1;
    private const int ShardRows = 256,
        MergedRows = 4096,
        SmallShards = 64;
    private static readonly Lock Gate = new();
    private static readonly Dictionary<string, FeatureCache> Shared = new(StringComparer.Ordinal);

    private readonly Lock _gate = new();
    private readonly FeatureCachePlace _place;
    private readonly string? _folder;
    private readonly int _dimension;
    private readonly Dictionary<UInt128, Entry> _entries = [];
    private readonly HashSet<string> _known = new(StringComparer.Ordinal);
    private readonly Queue<UInt128> _order = new(); // in memory: the oldest first
    private List<(UInt128 Key, float[] Feature)> _pending = []; // in a folder: not written yet
    private long _pass;
    private string? _trouble;
    private bool _told;

    internal FeatureCache(FeatureCachePlace place, string model, int dimension)
    {
        (_place, _dimension) = (place, dimension);
        _folder = place.Folder is null ? null : Path.Combine(Path.GetFullPath(place.Folder), model);
    }

    /// <summary>What stages use that name no cache of their own; null for none. The command sets it once.</summary>
    public static FeatureCachePlace? Standard { get; set; }

    /// <summary>Where it is, for messages.</summary>
    public string Name => _folder ?? "memory";

    /// <summary>Why nothing more is written, to the first who asks; null while all is well.</summary>
    public string? TakeTrouble()
    {
        lock (_gate)
        {
            var trouble = _told ? null : _trouble;
            _told |= trouble is not null;
            return trouble;
        }
    }

    /// <summary>The cache of a model.</summary>
    /// <param name="place">Where.</param>
    /// <param name="backbone">The model.</param>
    /// <param name="maxPixels">The largest image that is decoded: a larger one must be refused, whoever encoded it before.</param>
    public static FeatureCache Of(FeatureCachePlace place, ClipBackbone backbone, long maxPixels)
    {
        var model = KeyOf(backbone, maxPixels);
        var folder = place.Folder is null ? "" : Path.GetFullPath(place.Folder);
        lock (Gate)
        {
            var key = string.Create(CultureInfo.InvariantCulture, $"{folder}\n{model}\n{place.Megabytes}");
            if (!Shared.TryGetValue(key, out var cache))
            {
                Shared.Add(key, cache = new FeatureCache(place, model, backbone.FeatureDimension));
            }
            return cache;
        }
    }

    /// <summary>A name for all that decides a feature, apart from the image.</summary>
    internal static string KeyOf(ClipBackbone backbone, long maxPixels)
    {
        var text = string.Join(
            '\n',
            Behaviour.ToString(CultureInfo.InvariantCulture),
            backbone.WeightsSha256,
            backbone.Model.Config.Vision.ToString(),
            backbone.Preprocessor.Description,
            backbone.Execution.Precision.ToString(),
            backbone.Device.type.ToString(),
            backbone.FeatureDimension.ToString(CultureInfo.InvariantCulture),
            maxPixels.ToString(CultureInfo.InvariantCulture)
        );
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..32];
    }

    /// <summary>Begins a pass: finds what other processes have written since, and what the pass may take.</summary>
    public FeatureCachePass Begin()
    {
        lock (_gate)
        {
            Look();
            return new(this, ++_pass);
        }
    }

    /// <summary>A feature that was there before a pass began.</summary>
    internal bool TryGet(UInt128 key, long pass, Span<float> feature)
    {
        Entry entry;
        lock (_gate)
        {
            if (!_entries.TryGetValue(key, out entry) || entry.Pass >= pass)
            {
                return false;
            }
        }
        if (entry.Feature is { } known)
        {
            known.CopyTo(feature);
            return true;
        }
        if (entry.Shard!.TryRead(entry.Row, feature))
        {
            return true;
        }
        lock (_gate)
        {
            _entries.Remove(key); // thrown out by another process, or damaged
        }
        return false;
    }

    internal void Add(UInt128 key, long pass, ReadOnlySpan<float> feature)
    {
        lock (_gate)
        {
            if (_trouble is not null || _entries.ContainsKey(key))
            {
                return;
            }
            var copy = feature.ToArray();
            _entries.Add(key, new(pass, null, 0, copy));
            if (_folder is null)
            {
                _order.Enqueue(key);
                // What the dictionary and the queue need for an entry is counted as 128 bytes.
                while (_order.Count * ((sizeof(float) * (long)_dimension) + 128) > (long)_place.Megabytes << 20)
                {
                    _entries.Remove(_order.Dequeue());
                }
                return;
            }
            _pending.Add((key, copy));
            if (_pending.Count >= ShardRows)
            {
                Write();
            }
        }
    }

    /// <summary>Writes what is not written yet, and makes one file of many small ones.</summary>
    internal void Flush()
    {
        lock (_gate)
        {
            if (_folder is not null)
            {
                Write();
                Merge();
            }
        }
    }

    private void Look()
    {
        if (_folder is null || !Directory.Exists(_folder))
        {
            return;
        }
        try
        {
            foreach (var path in Directory.EnumerateFiles(_folder, "*" + FeatureShard.Ending).Order(StringComparer.Ordinal))
            {
                if (_known.Add(path) && FeatureShard.TryOpen(path, _dimension) is { } shard)
                {
                    Take(shard, onlyNew: true);
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // What cannot be listed is encoded again.
        }
    }

    private void Take(FeatureShard shard, bool onlyNew)
    {
        _known.Add(shard.Path);
        for (var i = 0; i < shard.Keys.Length; i++)
        {
            var there = _entries.TryGetValue(shard.Keys[i], out var before);
            if (!there || !onlyNew)
            {
                _entries[shard.Keys[i]] = new(there ? before.Pass : _pass, shard, i, null);
            }
        }
    }

    private void Write()
    {
        if (_pending.Count == 0)
        {
            return;
        }
        var rows = _pending;
        _pending = [];
        Try(() =>
        {
            Take(FeatureShard.Write(NewPath(), _dimension, rows), onlyNew: false);
            MakeRoom();
        });
    }

    private void Merge()
    {
        var small = _entries.Values.Select(e => e.Shard).OfType<FeatureShard>().Distinct().Where(s => s.Keys.Length < ShardRows).ToList();
        if (small.Count < SmallShards)
        {
            return;
        }
        List<(UInt128, float[])> rows = [];
        foreach (var shard in small)
        {
            for (var i = 0; i < shard.Keys.Length; i++)
            {
                var feature = new float[_dimension];
                if (shard.TryRead(i, feature))
                {
                    rows.Add((shard.Keys[i], feature));
                }
            }
        }
        Try(() =>
        {
            foreach (var part in rows.Chunk(MergedRows))
            {
                Take(FeatureShard.Write(NewPath(), _dimension, part), onlyNew: false);
            }
            // Only now: who is killed before this has a few features twice.
            small.ForEach(shard => File.Delete(shard.Path));
        });
    }

    /// <summary>Deletes the oldest files of all models until the folder is within its limit.</summary>
    private void MakeRoom()
    {
        var all = new DirectoryInfo(Path.GetDirectoryName(_folder)!);
        // Writing does this in the own folder alone, and another model's may never be written to again.
        foreach (var model in all.GetDirectories())
        {
            AtomicFile.Sweep(model.FullName);
        }
        var shards = all.GetFiles("*" + FeatureShard.Ending, SearchOption.AllDirectories).OrderBy(f => f.LastWriteTimeUtc).ToList();
        var size = shards.Sum(f => f.Length);
        foreach (var oldest in shards)
        {
            if (size <= (long)_place.Megabytes << 20)
            {
                break;
            }
            oldest.Delete();
            size -= oldest.Length;
        }
    }

    /// <summary>A cache that cannot be written to must stop nobody's work.</summary>
    private void Try(Action write)
    {
        try
        {
            write();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _trouble = e.Message;
        }
    }

    // Names sort by time, so that of two files with the same image the older one counts.
    private string NewPath() =>
        Path.Combine(_folder!, string.Create(CultureInfo.InvariantCulture, $"{Guid.CreateVersion7():N}{FeatureShard.Ending}"));

    private readonly record struct Entry(long Pass, FeatureShard? Shard, int Row, float[]? Feature);
}
