using System.Collections.Concurrent;
using Microsoft.ML.Data;

namespace AirMLNet.Features;

/// <summary>The features of the rows of one view, by row identity, which ML.NET keeps the same from pass to pass in any order.</summary>
internal sealed class FeatureMemory
{
    private readonly ConcurrentDictionary<DataViewRowId, float[]> _features = new();

    public bool TryGet(DataViewRowId row, Span<float> feature)
    {
        if (!_features.TryGetValue(row, out var known))
        {
            return false;
        }

        known.CopyTo(feature);
        return true;
    }

    public void Keep(DataViewRowId row, ReadOnlySpan<float> feature) => _features[row] = feature.ToArray();
}
