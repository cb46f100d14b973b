using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace AirMLNet.SmallModels;

/// <summary>A node of an ONNX graph.</summary>
/// <param name="Operator">What it computes.</param>
/// <param name="Inputs">Names of its inputs.</param>
internal sealed record OnnxNode(string Operator, IReadOnlyList<string> Inputs);

/// <summary>A constant of an ONNX graph.</summary>
/// <param name="Shape">Its dimensions.</param>
/// <param name="Values">Its values, row-major.</param>
internal sealed record OnnxTensor(long[] Shape, float[] Values);

/// <summary>
/// The nodes and the float32 constants of an ONNX file: as much of its protocol-buffer form (onnx.proto) as it takes to bring the weights
/// of a published network into another form.
/// </summary>
internal sealed class OnnxModel
{
    private const int FloatType = 1;

    private readonly string _path;

    private OnnxModel(string path) => _path = path;

    /// <summary>The nodes in the order of the file, which is one of computation.</summary>
    public List<OnnxNode> Nodes { get; } = [];

    /// <summary>The constants by name.</summary>
    public Dictionary<string, OnnxTensor> Constants { get; } = new(StringComparer.Ordinal);

    /// <summary>Reads a file.</summary>
    /// <exception cref="InvalidDataException">It is no ONNX file, or has constants of another type than float32.</exception>
    public static OnnxModel Load(string path)
    {
        var model = new OnnxModel(path);
        try
        {
            Fields(
                File.ReadAllBytes(path),
                (number, _, content) =>
                {
                    if (number == 7) // ModelProto.graph
                    {
                        model.ReadGraph(content);
                    }
                }
            );
        }
        catch (Exception e) when (e is ArgumentOutOfRangeException or IndexOutOfRangeException)
        {
            throw new InvalidDataException($"{path}: no ONNX file: it ends in the middle of a field.", e);
        }

        return model.Nodes.Count > 0 ? model : throw new InvalidDataException($"{path}: no ONNX file: it has no graph.");
    }

    /// <summary>A constant.</summary>
    /// <exception cref="InvalidDataException">The file lacks it.</exception>
    public OnnxTensor Constant(string name) =>
        Constants.TryGetValue(name, out var found) ? found : throw new InvalidDataException($"{_path}: there is no constant \"{name}\".");

    private void ReadGraph(ReadOnlyMemory<byte> graph) =>
        Fields(
            graph,
            (number, _, content) =>
            {
                switch (number)
                {
                    case 1: // GraphProto.node
                        ReadNode(content);
                        break;
                    case 5: // GraphProto.initializer
                        ReadConstant(content);
                        break;
                }
            }
        );

    private void ReadNode(ReadOnlyMemory<byte> node)
    {
        var name = "";
        List<string> inputs = [];
        Fields(
            node,
            (number, _, content) =>
            {
                switch (number)
                {
                    case 1:
                        inputs.Add(Encoding.UTF8.GetString(content.Span));
                        break;
                    case 4:
                        name = Encoding.UTF8.GetString(content.Span);
                        break;
                }
            }
        );
        Nodes.Add(new(name, inputs));
    }

    private void ReadConstant(ReadOnlyMemory<byte> tensor)
    {
        var name = "";
        var type = FloatType;
        List<long> shape = [];
        List<byte[]> parts = [];
        Fields(
            tensor,
            (number, value, content) =>
            {
                switch (number)
                {
                    case 1 when content.IsEmpty:
                        shape.Add((long)value);
                        break;
                    case 1: // packed
                        for (var at = 0; at < content.Length; )
                        {
                            shape.Add((long)Number(content.Span, ref at));
                        }
                        break;
                    case 2:
                        type = (int)value;
                        break;
                    case 4 or 9: // float_data and raw_data are both little-endian
                        parts.Add(content.ToArray());
                        break;
                    case 8:
                        name = Encoding.UTF8.GetString(content.Span);
                        break;
                }
            }
        );
        if (type != FloatType)
        {
            return; // sizes and axes
        }

        var values = MemoryMarshal.Cast<byte, float>(parts.SelectMany(p => p).ToArray()).ToArray();
        if (values.Length != shape.Aggregate(1L, (a, b) => a * b))
        {
            throw new InvalidDataException(
                $"{_path}: constant \"{name}\" has {values.Length} values; its shape is [{string.Join(", ", shape)}]."
            );
        }

        Constants[name] = new([.. shape], values);
    }

    // Calls for each field with its number and its value or content.
    private static void Fields(ReadOnlyMemory<byte> message, Action<int, ulong, ReadOnlyMemory<byte>> field)
    {
        var bytes = message.Span;
        for (var at = 0; at < bytes.Length; )
        {
            var key = Number(bytes, ref at);
            ulong value = 0;
            var content = ReadOnlyMemory<byte>.Empty;
            switch (key & 7)
            {
                case 0:
                    value = Number(bytes, ref at);
                    break;
                case 1:
                    value = BinaryPrimitives.ReadUInt64LittleEndian(bytes[at..]);
                    at += 8;
                    break;
                case 2:
                    var length = checked((int)Number(bytes, ref at));
                    content = message.Slice(at, length);
                    at += length;
                    break;
                case 5:
                    content = message.Slice(at, 4);
                    at += 4;
                    break;
                default:
                    throw new InvalidDataException($"no ONNX file: a field of kind {key & 7}.");
            }

            field((int)(key >> 3), value, content);
        }
    }

    private static ulong Number(ReadOnlySpan<byte> bytes, ref int at)
    {
        ulong value = 0;
        for (var shift = 0; shift < 64; shift += 7)
        {
            var next = bytes[at++];
            value |= (ulong)(next & 0x7f) << shift;
            if (next < 0x80)
            {
                break;
            }
        }

        return value;
    }
}
