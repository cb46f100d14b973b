using System.Globalization;

namespace AirMLNet.Caching;

/// <summary>
/// One pass over images with a cache. It takes what was there when it began and adds what it encodes, so that the batches in which the
/// rest is encoded do not depend on how fast they are; the last bits of a feature may depend on its batch.
/// </summary>
internal sealed class FeatureCachePass
{
    private readonly FeatureCache _cache;
    private readonly long _number;
    private long _found,
        _asked;

    internal FeatureCachePass(FeatureCache cache, long number) => (_cache, _number) = (cache, number);

    public bool TryGet(UInt128 key, Span<float> feature)
    {
        Interlocked.Increment(ref _asked);
        if (!_cache.TryGet(key, _number, feature))
        {
            return false;
        }
        Interlocked.Increment(ref _found);
        return true;
    }

    public void Add(UInt128 key, ReadOnlySpan<float> feature) => _cache.Add(key, _number, feature);

    /// <summary>Ends the pass.</summary>
    /// <returns>What to say of it, null where no image was asked for; and a warning, once.</returns>
    public (string? Said, string? Warning) Complete()
    {
        _cache.Flush();
        var warning = _cache.TakeTrouble();
        return (
            _asked == 0
                ? null
                : string.Create(CultureInfo.InvariantCulture, $"{_found} of {_asked} images were in the cache ({_cache.Name})."),
            warning is null ? null : $"the cache of features cannot be written to, so nothing more is kept: {warning}"
        );
    }
}
