using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Pipeline;

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
    private readonly float _prototypeWeight;
    private readonly float[] _feature, _probabilities;
    private readonly float[] _second;
    private VBuffer<float> _buffer;
    private long _position = long.MinValue;

    public HeadRow(DataViewRow row, CosineHead head, DataViewSchema.Column features, DataViewSchema.Column? prototype = null, double prototypeWeight = 0)
    {
        _row = row;
        _head = head;
        _features = row.GetGetter<VBuffer<float>>(features);
        _prototype = prototype is { } column ? row.GetGetter<VBuffer<float>>(column) : null;
        _prototypeWeight = (float)prototypeWeight;
        _feature = new float[head.Dimension];
        _probabilities = new float[head.Classes];
        _second = new float[_prototype is null ? 0 : head.Classes];
    }

    /// <summary>p̃ or p of the current row, [C].</summary>
    public ReadOnlySpan<float> Probabilities()
    {
        if (_position == _row.Position && _position >= 0) return _probabilities;
        _features(ref _buffer);
        _buffer.CopyTo(_feature);
        _head.Probabilities(_feature, _probabilities);
        if (_prototype is not null)
        {
            _prototype(ref _buffer);
            _buffer.CopyTo(_second);
            CosineHead.Fuse(_probabilities, _second, _prototypeWeight);
        }
        _position = _row.Position;
        return _probabilities;
    }

    /// <summary>A getter of all probabilities.</summary>
    public ValueGetter<VBuffer<float>> VectorGetter() => (ref VBuffer<float> value) =>
    {
        ReadOnlySpan<float> probabilities = Probabilities();
        VBufferEditor<float> editor = VBufferEditor.Create(ref value, probabilities.Length);
        probabilities.CopyTo(editor.Values);
        value = editor.Commit();
    };
}
