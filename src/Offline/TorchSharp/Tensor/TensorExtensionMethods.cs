namespace TorchSharp;

public static class TensorExtensionMethods
{
    public static bool ToBoolean(this torch.Tensor value) => value.ToScalar().ToBoolean();
    public static byte ToByte(this torch.Tensor value) => value.ToScalar().ToByte();
    public static sbyte ToSByte(this torch.Tensor value) => value.ToScalar().ToSByte();
    public static short ToInt16(this torch.Tensor value) => value.ToScalar().ToInt16();
    public static int ToInt32(this torch.Tensor value) => value.ToScalar().ToInt32();
    public static long ToInt64(this torch.Tensor value) => value.ToScalar().ToInt64();
    public static float ToSingle(this torch.Tensor value) => value.ToScalar().ToSingle();
    public static double ToDouble(this torch.Tensor value) => value.ToScalar().ToDouble();
    public static BFloat16 ToBFloat16(this torch.Tensor value) => value.ToScalar().ToBFloat16();
    public static Half ToHalf(this torch.Tensor value) => value.ToScalar().ToHalf();

    /// <summary>Type, shape and bytes. The stream stays open.</summary>
    public static void Save(this torch.Tensor tensor, Stream stream)
    {
        using var writer = new BinaryWriter(stream, System.Text.Encoding.UTF8, leaveOpen: true);
        tensor.Save(writer);
    }

    public static void Save(this torch.Tensor tensor, string location)
    {
        var whole = location + ".tmp";
        using (var stream = File.Create(whole)) tensor.Save(stream);
        File.Move(whole, location, true);
    }

    public static void Save(this torch.Tensor tensor, BinaryWriter writer)
    {
        writer.Write7BitEncodedInt((int)tensor.dtype);
        writer.Write7BitEncodedInt(tensor.shape.Length);
        foreach (var length in tensor.shape) writer.Write7BitEncodedInt64(length);
        writer.Flush();
        tensor.WriteBytesToStream(writer.BaseStream);
    }

    /// <summary>Reads what <see cref="Save(torch.Tensor, BinaryWriter)"/> wrote; null when told to skip it.</summary>
    /// <exception cref="InvalidDataException">The header is not one of a tensor.</exception>
    public static torch.Tensor Load(BinaryReader reader, bool skip = false)
    {
        var type = (torch.ScalarType)reader.Read7BitEncodedInt();
        var rank = reader.Read7BitEncodedInt();
        if (!Enum.IsDefined(type) || rank is < 0 or > 64) throw new InvalidDataException("The data are not a saved tensor.");
        var shape = new long[rank];
        for (var k = 0; k < rank; k++) shape[k] = reader.Read7BitEncodedInt64();
        if (shape.Any(s => s < 0)) throw new InvalidDataException("The data are not a saved tensor.");
        var stream = reader.BaseStream;
        if (stream.CanSeek && shape.Aggregate((System.Int128)type.ElementSize(), (a, b) => a * b) > stream.Length - stream.Position) throw new EndOfStreamException("The saved tensor is cut short.");
        var tensor = torch.empty(shape, type);
        tensor.ReadBytesFromStream(stream);
        if (!skip) return tensor;
        tensor.Dispose();
        return null;
    }

    public static Modules.Parameter AsParameter(this torch.Tensor tensor) => tensor as Modules.Parameter ?? new Modules.Parameter(tensor);

    public static long TotalSize(this IEnumerable<long> shape) => shape.Aggregate(1L, (a, b) => a * b);

    public static int ElementSize(this torch.ScalarType type) => type switch
    {
        torch.ScalarType.Byte or torch.ScalarType.Int8 or torch.ScalarType.Bool or torch.ScalarType.QInt8 or torch.ScalarType.QUInt8 => 1,
        torch.ScalarType.Int16 or torch.ScalarType.Float16 or torch.ScalarType.BFloat16 => 2,
        torch.ScalarType.Int32 or torch.ScalarType.Float32 or torch.ScalarType.QInt32 => 4,
        torch.ScalarType.Int64 or torch.ScalarType.Float64 or torch.ScalarType.ComplexFloat32 => 8,
        torch.ScalarType.ComplexFloat64 => 16,
        _ => throw new NotSupportedException($"{type} is not a known element type."),
    };

    public static string str(this torch.Tensor tensor, string fltFormat = null, int? width = null, string newLine = null, System.Globalization.CultureInfo cultureInfo = null, TensorStringStyle style = TensorStringStyle.Default) =>
        tensor.ToString(style, fltFormat, width, cultureInfo, newLine);

    public static string metastr(this torch.Tensor tensor) => tensor.ToString(TensorStringStyle.Metadata);

    public static torch.Tensor ToTensor<T>(this T[] rawArray, long[] dimensions, bool doCopy = false, bool requires_grad = false)
    {
        var tensor = torch.from_array(rawArray, null, null, false).reshape(dimensions);
        return requires_grad ? tensor.requires_grad_() : tensor;
    }

    public static torch.Tensor ToTensor<T>(this T scalar, torch.Device device = null, bool requires_grad = false) where T : struct
    {
        var tensor = torch.from_array(new[] { scalar }, null, device, false).reshape();
        return requires_grad ? tensor.requires_grad_() : tensor;
    }
}
