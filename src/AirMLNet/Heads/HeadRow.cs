using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Heads;

/// <summary>
/// The class probabilities of the current row, computed when first asked for and kept until the row moves on, for
/// stages with several columns made from the same probabilities.
/// </summary>
internal sealed class HeadRow
{
    private readonly DataViewRow _row;
    private readonly CosineHead _head;
    private readonly ValueGetter<VBuffer<float>> _features;
    private readonly ValueGetter<VBuffer<float>>? _prototype;
    private readonly Fusion _fusion;
    private readonly ClassSubset? _subset;
    private readonly float[] _feature,
        _probabilities;
    private readonly float[] _second,
        _some,
        _someSecond;
    private VBuffer<float> _buffer;
    private long _position = long.MinValue;

    public HeadRow(
        DataViewRow row,
        CosineHead head,
        DataViewSchema.Column features,
        DataViewSchema.Column? prototype = null,
        Fusion fusion = default,
        ClassSubset? subset = null
    )
        : this(row, head, row.GetGetter<VBuffer<float>>(features), prototype, fusion, subset) { }

    public HeadRow(
        DataViewRow row,
        CosineHead head,
        ValueGetter<VBuffer<float>> features,
        DataViewSchema.Column? prototype = null,
        Fusion fusion = default,
        ClassSubset? subset = null
    )
    {
        _row = row;
        _head = head;
        _features = features;
        _prototype = prototype is { } column ? row.GetGetter<VBuffer<float>>(column) : null;
        _fusion = fusion;
        _subset = subset is { IsAll: false } ? subset : null;
        _feature = new float[head.Dimension];
        _probabilities = new float[head.Classes];
        _second = new float[_prototype is null ? 0 : head.Classes];
        _some = new float[_subset?.Count ?? 0];
        _someSecond = new float[_prototype is null ? 0 : _some.Length];
    }

    /// <summary>p̃ or p of the current row, [C]; with a subset, 0 for the classes outside it.</summary>
    public ReadOnlySpan<float> Probabilities()
    {
        if (_position == _row.Position && _position >= 0)
        {
            return _probabilities;
        }

        _features(ref _buffer);
        _buffer.CopyTo(_feature);
        _head.Probabilities(_feature, _probabilities);
        if (_prototype is not null)
        {
            _prototype(ref _buffer);
            _buffer.CopyTo(_second);
            if (_subset is null)
            {
                _fusion.Into(_probabilities, _second);
            }
        }
        if (_subset is not null)
        {
            Restrict(_subset);
        }

        _position = _row.Position;
        return _probabilities;
    }

    /// <summary>p̃ over the classes of the subset, [C_u]; all classes where there is none.</summary>
    public ReadOnlySpan<float> Restricted()
    {
        var all = Probabilities();
        return _subset is null ? all : _some;
    }

    /// <summary>Both sides become distributions over the subset before they are fused.</summary>
    private void Restrict(ClassSubset subset)
    {
        subset.Restrict(_probabilities, _some);
        if (_prototype is not null)
        {
            subset.Restrict(_second, _someSecond);
            _fusion.Into(_some, _someSecond);
        }
        Array.Clear(_probabilities);
        for (var k = 0; k < _some.Length; k++)
        {
            _probabilities[subset.ClassOf(k)] = _some[k];
        }
    }

    /// <summary>A getter of all probabilities.</summary>
    public ValueGetter<VBuffer<float>> VectorGetter() =>
        (ref VBuffer<float> value) =>
        {
            var probabilities = Probabilities();
            var editor = VBufferEditor.Create(ref value, probabilities.Length);
            probabilities.CopyTo(editor.Values);
            value = editor.Commit();
        };
}
