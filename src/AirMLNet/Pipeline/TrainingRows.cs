using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Pipeline;

/// <summary>
/// Reads what a fit needs of its data in exactly one pass. First each column is asked for by what it holds, then
/// <see cref="Read"/> fills all that was asked for; a column that is null stays empty, and no other column is read.
/// </summary>
/// <param name="data">The data of the fit.</param>
/// <param name="stage">The stage, for messages.</param>
internal sealed class TrainingRows(IDataView data, string stage)
{
    private readonly List<DataViewSchema.Column> _columns = [];
    private readonly List<Func<DataViewRow, Action>> _readers = []; // given the cursor, what is to be done at each row

    /// <summary>N, the number of rows that were read.</summary>
    public int Count { get; private set; }

    /// <summary>Vectors of finite numbers.</summary>
    public TrainingVectors Vectors(DataViewSchema.Column? column)
    {
        var vectors = new TrainingVectors(column, stage);
        Request<VBuffer<float>>(column, value => vectors.Add(value, Count));
        return vectors;
    }

    /// <summary>The class of each row, −1 where the key is missing.</summary>
    public IReadOnlyList<int> Classes(DataViewSchema.Column? column) => Values<uint, int>(column, key => (int)key - 1);

    public IReadOnlyList<float> Numbers(DataViewSchema.Column? column) => Values<float, float>(column, number => number);

    /// <summary>Whether the origin of each row is synthetic.</summary>
    public IReadOnlyList<bool> Synthetic(DataViewSchema.Column? origin) =>
        Values<ReadOnlyMemory<char>, bool>(origin, text => text.Span.SequenceEqual(RowOrigin.Synthetic));

    /// <summary>What is to be kept of each value. The value itself is overwritten by the next row's.</summary>
    public IReadOnlyList<TKept> Values<T, TKept>(DataViewSchema.Column? column, Func<T, TKept> keep)
    {
        var kept = new List<TKept>();
        Request<T>(column, value => kept.Add(keep(value)));
        return kept;
    }

    /// <summary>Hands over the image of each row, as <see cref="ImageSource"/> reads it.</summary>
    public void Images(DataViewSchema.Column column, DataViewSchema.Column? whereBlank, Action<object> take)
    {
        _columns.AddRange(whereBlank is { } other ? [column, other] : [column]);
        _readers.Add(row =>
        {
            var images = new ImageSource(row, column, stage, whereBlank);
            return () => take(images.Read());
        });
    }

    /// <summary>Reads all rows.</summary>
    /// <exception cref="InvalidDataException">There are no rows, or a number of a vector is not finite.</exception>
    public void Read(CancellationToken cancellation)
    {
        using var cursor = data.GetRowCursor(_columns);
        Action[] readers = [.. _readers.Select(make => make(cursor))];
        while (cursor.MoveNext())
        {
            cancellation.ThrowIfCancellationRequested();
            foreach (var read in readers)
            {
                read();
            }

            Count++;
        }
        if (Count == 0)
        {
            throw new InvalidDataException($"{stage}: there are no rows to fit on.");
        }
    }

    private void Request<T>(DataViewSchema.Column? column, Action<T> add)
    {
        if (column is not { } wanted)
        {
            return;
        }

        _columns.Add(wanted);
        _readers.Add(row =>
        {
            var getter = row.GetGetter<T>(wanted);
            T value = default!;
            return () =>
            {
                getter(ref value);
                add(value);
            };
        });
    }
}

/// <summary>The vectors of one column, row after row.</summary>
internal sealed class TrainingVectors(DataViewSchema.Column? column, string stage)
{
    private float[] _values = [];
    private int _count;

    /// <summary>D, the length of a vector; 0 where no column was named.</summary>
    public int Dimension { get; } = (column?.Type as VectorDataViewType)?.Size ?? 0;

    /// <summary>[N, D]; empty where no column was named.</summary>
    public ReadOnlyMemory<float> Values => _values.AsMemory(0, _count * Dimension);

    public void Add(in VBuffer<float> vector, int row)
    {
        if (vector.Length != Dimension)
        {
            throw new InvalidDataException(
                $"{stage}: column '{column!.Value.Name}' has {vector.Length} values in row {row}; expected {Dimension}."
            );
        }

        if (_values.Length < (_count + 1) * Dimension)
        {
            Array.Resize(ref _values, Math.Max(256 * Dimension, _values.Length * 2));
        }

        var target = _values.AsSpan(_count++ * Dimension, Dimension);
        vector.CopyTo(target);
        foreach (var value in target)
        {
            if (!float.IsFinite(value))
            {
                throw new InvalidDataException(
                    $"{stage}: column '{column!.Value.Name}' holds {value} in row {row}; expected finite numbers."
                );
            }
        }
    }
}
