using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Heads;

/// <summary>
/// The class probabilities of the current row, computed when first asked for and kept until the row moves on, for
/// stages with several columns made from the same probabilities.
/// </summary>
internal sealed class RowProbabilities
{
    private readonly DataViewRow _row;
    private readonly CosineHead _head;
    private readonly ValueGetter<VBuffer<float>> _features;
    private readonly ValueGetter<VBuffer<float>>? _prototype;
    private readonly Fusion _fusion;
    private readonly ClassSubset? _subset;
    private readonly float[] _feature; // [D]
    private readonly float[] _text; // [C], p, or p̃ once it is fused
    private readonly float[] _image; // [C], p̂; empty without prototypes
    private readonly float[] _textOfSubset; // [C_u]; empty without a subset
    private readonly float[] _imageOfSubset;
    private VBuffer<float> _buffer;
    private long _position = long.MinValue;

    /// <param name="row">The row, which may be a cursor that moves on.</param>
    /// <param name="input">The classifier, and what it is fused with.</param>
    /// <param name="features">Reads the feature of the current row.</param>
    public RowProbabilities(DataViewRow row, HeadInput input, ValueGetter<VBuffer<float>> features)
    {
        (_row, _head, _features, _fusion) = (row, input.Head, features, input.Fusion);
        _prototype = input.Prototype is { } column ? row.GetGetter<VBuffer<float>>(column) : null;
        _subset = input.Subset is { IsAll: false } subset ? subset : null;
        _feature = new float[_head.Dimension];
        _text = new float[_head.Classes];
        _image = new float[_prototype is null ? 0 : _head.Classes];
        _textOfSubset = new float[_subset?.Count ?? 0];
        _imageOfSubset = new float[_prototype is null ? 0 : _textOfSubset.Length];
    }

    /// <summary>p̃ or p of the current row, [C]; with a subset, 0 for the classes outside it.</summary>
    public ReadOnlySpan<float> Probabilities()
    {
        if (_position == _row.Position && _position >= 0)
        {
            return _text;
        }

        _features(ref _buffer);
        _buffer.CopyTo(_feature);
        _head.Probabilities(_feature, _text);
        if (_prototype is not null)
        {
            _prototype(ref _buffer);
            _buffer.CopyTo(_image);
            if (_subset is null)
            {
                _fusion.Into(_text, _image);
            }
        }
        if (_subset is not null)
        {
            Restrict(_subset);
        }

        _position = _row.Position;
        return _text;
    }

    /// <summary>p̃ over the classes of the subset, [C_u]; all classes where there is none.</summary>
    public ReadOnlySpan<float> Restricted()
    {
        var all = Probabilities();
        return _subset is null ? all : _textOfSubset;
    }

    /// <summary>Both sides become distributions over the subset before they are fused.</summary>
    private void Restrict(ClassSubset subset)
    {
        subset.Restrict(_text, _textOfSubset);
        if (_prototype is not null)
        {
            subset.Restrict(_image, _imageOfSubset);
            _fusion.Into(_textOfSubset, _imageOfSubset);
        }
        Array.Clear(_text);
        for (var k = 0; k < _textOfSubset.Length; k++)
        {
            _text[subset.ClassOf(k)] = _textOfSubset[k];
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
