using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Benchmarks;

/// <summary>Reads the column <c>Features</c> of a view, the only one asked for.</summary>
internal static class Features
{
    public static List<float[]> Read(IDataView view)
    {
        var features = new List<float[]>();
        var column = view.Schema["Features"];
        using var cursor = view.GetRowCursor([column]);
        var getter = cursor.GetGetter<VBuffer<float>>(column);
        VBuffer<float> value = default;
        while (cursor.MoveNext())
        {
            getter(ref value);
            features.Add(value.DenseValues().ToArray());
        }

        return features;
    }
}
