using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Pipeline;

/// <summary>What a fit needs of its data, read in exactly one pass; only the columns that are named are asked for.</summary>
internal sealed class TrainingRows
{
    private float[] _features = [],
        _vector = [],
        _second = [];
    private readonly List<int> _labels = [],
        _knownLabels = [];
    private readonly List<float> _confidence = [];
    private readonly List<bool> _synthetic = [];

    public int Count { get; private set; }
    public int Dimension { get; private init; }

    /// <summary>[N, D].</summary>
    public ReadOnlyMemory<float> Features => _features.AsMemory(0, Count * Dimension);

    /// <summary>Class of each row, −1 where missing; empty when no label column was named.</summary>
    public IReadOnlyList<int> Labels => _labels;

    /// <summary>The same for the second label column.</summary>
    public IReadOnlyList<int> KnownLabels => _knownLabels;

    public IReadOnlyList<float> Confidence => _confidence;

    /// <summary>[N, V]; empty when no vector column was named.</summary>
    public ReadOnlyMemory<float> Vector { get; private set; }

    /// <summary>The same for the second vector column.</summary>
    public ReadOnlyMemory<float> Second { get; private set; }

    /// <summary>Whether the row's origin is <c>synthetic</c>.</summary>
    public IReadOnlyList<bool> Synthetic => _synthetic;

    public ReadOnlySpan<float> Feature(int row) => _features.AsSpan(row * Dimension, Dimension);

    /// <exception cref="InvalidDataException">There are no rows, or a feature is not a finite number.</exception>
    public static TrainingRows Read(
        IDataView data,
        string stage,
        DataViewSchema.Column features,
        CancellationToken cancellation,
        DataViewSchema.Column? label = null,
        DataViewSchema.Column? knownLabel = null,
        DataViewSchema.Column? confidence = null,
        DataViewSchema.Column? vector = null,
        DataViewSchema.Column? origin = null,
        DataViewSchema.Column? second = null,
        DataViewSchema.Column? image = null,
        DataViewSchema.Column? secondImage = null,
        Action<object>? takeImage = null
    )
    {
        var rows = new TrainingRows { Dimension = ((VectorDataViewType)features.Type).Size };
        var width = vector is { } v ? ((VectorDataViewType)v.Type).Size : 0;
        DataViewSchema.Column?[] wanted = [features, label, knownLabel, confidence, vector, origin, second, image, secondImage];
        using var cursor = data.GetRowCursor(wanted.Where(c => c is not null).Select(c => c!.Value));
        var getFeatures = cursor.GetGetter<VBuffer<float>>(features);
        ValueGetter<VBuffer<float>>? getVector = Getter<VBuffer<float>>(vector),
            getSecond = Getter<VBuffer<float>>(second);
        var images = image is { } i ? new ImageSource(cursor, i, stage, secondImage) : null;
        var secondWidth = second is { } s ? ((VectorDataViewType)s.Type).Size : 0;
        ValueGetter<uint>? getLabel = Getter<uint>(label),
            getKnown = Getter<uint>(knownLabel);
        var getConfidence = Getter<float>(confidence);
        var getOrigin = Getter<ReadOnlyMemory<char>>(origin);
        VBuffer<float> buffer = default;
        uint key = 0;
        float number = 0;
        ReadOnlyMemory<char> text = default;
        while (cursor.MoveNext())
        {
            cancellation.ThrowIfCancellationRequested();
            var row = rows.Count++;
            getFeatures(ref buffer);
            Copy(buffer, ref rows._features, row, rows.Dimension, stage, features.Name);
            if (getVector is not null)
            {
                getVector(ref buffer);
                Copy(buffer, ref rows._vector, row, width, stage, vector!.Value.Name);
            }
            if (getSecond is not null)
            {
                getSecond(ref buffer);
                Copy(buffer, ref rows._second, row, secondWidth, stage, second!.Value.Name);
            }
            if (images is not null)
            {
                takeImage!(images.Read());
            }

            if (getLabel is not null)
            {
                getLabel(ref key);
                rows._labels.Add((int)key - 1); // key 0 is "missing"
            }
            if (getKnown is not null)
            {
                getKnown(ref key);
                rows._knownLabels.Add((int)key - 1);
            }
            if (getConfidence is not null)
            {
                getConfidence(ref number);
                rows._confidence.Add(number);
            }
            if (getOrigin is not null)
            {
                getOrigin(ref text);
                rows._synthetic.Add(text.Span.SequenceEqual("synthetic"));
            }
        }
        if (rows.Count == 0)
        {
            throw new InvalidDataException($"{stage}: there are no rows to fit on.");
        }

        rows.Vector = rows._vector.AsMemory(0, rows.Count * width);
        rows.Second = rows._second.AsMemory(0, rows.Count * secondWidth);
        return rows;

        ValueGetter<T>? Getter<T>(DataViewSchema.Column? column) => column is { } c ? cursor.GetGetter<T>(c) : null;
    }

    private static void Copy(in VBuffer<float> from, ref float[] to, int row, int width, string stage, string column)
    {
        if (from.Length != width)
        {
            throw new InvalidDataException($"{stage}: column '{column}' has {from.Length} values in row {row}; expected {width}.");
        }

        if (to.Length < (row + 1) * width)
        {
            Array.Resize(ref to, Math.Max(256 * width, to.Length * 2));
        }

        var target = to.AsSpan(row * width, width);
        from.CopyTo(target);
        foreach (var value in target)
        {
            if (!float.IsFinite(value))
            {
                throw new InvalidDataException($"{stage}: column '{column}' holds {value} in row {row}; expected finite numbers.");
            }
        }
    }
}
