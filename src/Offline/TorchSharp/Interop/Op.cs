using System.Runtime.InteropServices;
using System.Text;

namespace TorchSharp.Interop;

/// <summary>One argument of an operator call: at most one object reference and 64 bits.</summary>
internal readonly struct Arg
{
    public readonly object Object;
    public readonly long Bits;
    public readonly Tag Tag;

    private Arg(Tag tag, object value, long bits = 0)
    {
        Tag = tag;
        Object = value;
        Bits = bits;
    }

    public static Arg None => default;

    public static implicit operator Arg(torch.Tensor value) => value is null ? default : new(Tag.Tensor, value);
    public static implicit operator Arg(long value) => new(Tag.Int, null, value);
    public static implicit operator Arg(int value) => new(Tag.Int, null, value);
    public static implicit operator Arg(double value) => new(Tag.Double, null, BitConverter.DoubleToInt64Bits(value));
    public static implicit operator Arg(bool value) => new(Tag.Bool, null, value ? 1 : 0);
    public static implicit operator Arg(long? value) => value is { } v ? v : default(Arg);
    public static implicit operator Arg(int? value) => value is { } v ? v : default(Arg);
    public static implicit operator Arg(double? value) => value is { } v ? v : default(Arg);
    public static implicit operator Arg(bool? value) => value is { } v ? v : default(Arg);
    public static implicit operator Arg(torch.ScalarType value) => new(Tag.Int, null, (long)value);
    public static implicit operator Arg(torch.ScalarType? value) => value is { } v ? v : default(Arg);
    public static implicit operator Arg(long[] value) => value is null ? default : new(Tag.Ints, value);
    public static implicit operator Arg(ReadOnlySpan<long> value) => new(Tag.Ints, value.ToArray());
    public static implicit operator Arg(double[] value) => value is null ? default : new(Tag.Doubles, value);
    public static implicit operator Arg(bool[] value) => value is null ? default : new(Tag.Bools, value);
    public static implicit operator Arg(torch.Tensor[] value) => value is null ? default : new(Tag.Tensors, value);
    public static implicit operator Arg(string value) => value is null ? default : new(Tag.String, value);
    public static implicit operator Arg(torch.Generator value) => value is null ? default : new(Tag.Generator, value);
    public static implicit operator Arg(torch.Device value) => value is null ? default : new(Tag.Device, value, value.Packed);
    public static implicit operator Arg(Scalar value) => value is null ? default : value.ToArg();

    internal static Arg Complex(System.Numerics.Complex value) => new(Tag.Complex, new[] { value.Real, value.Imaginary });
}

/// <summary>
/// A LibTorch operator, opened by its schema name at the first call. The managed side allocates nothing but the result.
/// </summary>
internal sealed unsafe class Op(string name, string overload = "")
{
    private nint handle;

    internal string Name => overload.Length == 0 ? name : name + "." + overload;

    internal bool Exists => handle != 0 || TryOpen();

    internal torch.Tensor Call(params ReadOnlySpan<Arg> args)
    {
        NativeValue result;
        Invoke(args, &result, 1);
        return torch.Tensor.Wrap((nint)result.Bits);
    }

    /// <summary>For operators that write to their first argument: the native result, the same tensor again, is dropped.</summary>
    internal void Run(params ReadOnlySpan<Arg> args) => Invoke(args, null, 0);

    /// <summary>As <see cref="Run"/>, and gives back the first argument.</summary>
    internal torch.Tensor InPlace(params ReadOnlySpan<Arg> args)
    {
        Invoke(args, null, 0);
        return ((torch.Tensor)args[0].Object).Touched();
    }

    internal (torch.Tensor, torch.Tensor) Call2(params ReadOnlySpan<Arg> args)
    {
        var results = stackalloc NativeValue[2];
        Invoke(args, results, 2);
        return (torch.Tensor.Wrap((nint)results[0].Bits), torch.Tensor.Wrap((nint)results[1].Bits));
    }

    internal (torch.Tensor, torch.Tensor, torch.Tensor) Call3(params ReadOnlySpan<Arg> args)
    {
        var results = stackalloc NativeValue[3];
        Invoke(args, results, 3);
        return (torch.Tensor.Wrap((nint)results[0].Bits), torch.Tensor.Wrap((nint)results[1].Bits), torch.Tensor.Wrap((nint)results[2].Bits));
    }

    internal (torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor) Call4(params ReadOnlySpan<Arg> args)
    {
        var results = stackalloc NativeValue[4];
        Invoke(args, results, 4);
        return (torch.Tensor.Wrap((nint)results[0].Bits), torch.Tensor.Wrap((nint)results[1].Bits), torch.Tensor.Wrap((nint)results[2].Bits), torch.Tensor.Wrap((nint)results[3].Bits));
    }

    internal torch.Tensor[] CallList(params ReadOnlySpan<Arg> args)
    {
        NativeValue result;
        Invoke(args, &result, 1);
        var handles = (nint*)result.Bits;
        var tensors = new torch.Tensor[result.Count];
        for (var k = 0; k < tensors.Length; k++) tensors[k] = torch.Tensor.Wrap(handles[k]);
        NativeMethods.ts_free_array((nint)handles);
        return tensors;
    }

    internal long CallInt(params ReadOnlySpan<Arg> args)
    {
        NativeValue result;
        Invoke(args, &result, 1);
        return result.Bits;
    }

    internal bool CallBool(params ReadOnlySpan<Arg> args) => CallInt(args) != 0;

    internal double CallDouble(params ReadOnlySpan<Arg> args)
    {
        NativeValue result;
        Invoke(args, &result, 1);
        return result.Double;
    }

    private void Invoke(ReadOnlySpan<Arg> args, NativeValue* results, int count)
    {
        if (handle == 0 && !TryOpen()) throw new NotSupportedException($"LibTorch {torch.__version__} has no operator {Name}.");
        var extra = 0;
        foreach (ref readonly var arg in args)
            if (arg.Tag >= Tag.Ints) extra += Length(arg);
        var values = stackalloc NativeValue[args.Length];
        if (extra <= 64)
        {
            var scratch = stackalloc long[extra];
            Invoke(args, values, scratch, results, count);
        }
        else
        {
            var scratch = (long*)NativeMemory.Alloc((nuint)extra, sizeof(long));
            try
            {
                Invoke(args, values, scratch, results, count);
            }
            finally
            {
                NativeMemory.Free(scratch);
            }
        }
    }

    private void Invoke(ReadOnlySpan<Arg> args, NativeValue* values, long* scratch, NativeValue* results, int count)
    {
        for (var k = 0; k < args.Length; k++)
        {
            ref readonly var arg = ref args[k];
            values[k].Tag = (int)arg.Tag;
            if (arg.Tag == Tag.Tensor) values[k].Bits = ((torch.Tensor)arg.Object).Handle;
            else if (arg.Tag < Tag.Ints) values[k].Bits = arg.Bits;
            else scratch += Marshal(arg, ref values[k], scratch);
        }
        var error = NativeMethods.ts_call(handle, values, args.Length, results, count);
        KeepAlive(args);
        if (error != 0) throw new ExternalException($"{name}: {NativeMethods.LastError()}{Describe(args)}");
    }

    private static int Length(in Arg arg) => arg.Tag switch
    {
        Tag.String => (Encoding.UTF8.GetMaxByteCount(((string)arg.Object).Length) + 7) / 8,
        Tag.Generator or Tag.Device => 0,
        _ => ((Array)arg.Object).Length,
    };

    private static int Marshal(in Arg arg, ref NativeValue value, long* scratch)
    {
        value.Bits = (long)scratch;
        switch (arg.Tag)
        {
            case Tag.Ints:
                return value.Count = Copy((long[])arg.Object, scratch);
            case Tag.Doubles or Tag.Complex:
                return value.Count = Copy((double[])arg.Object, (double*)scratch);
            case Tag.Bools:
                var flags = (bool[])arg.Object;
                for (var k = 0; k < flags.Length; k++) scratch[k] = flags[k] ? 1 : 0;
                return value.Count = flags.Length;
            case Tag.Tensors:
                var tensors = (torch.Tensor[])arg.Object;
                for (var k = 0; k < tensors.Length; k++) scratch[k] = tensors[k] is { } t ? t.Handle : 0;
                return value.Count = tensors.Length;
            case Tag.String:
                var text = (string)arg.Object;
                var room = Length(arg);
                value.Count = Encoding.UTF8.GetBytes(text, new Span<byte>(scratch, room * 8));
                return room;
            case Tag.Generator:
                value.Bits = ((torch.Generator)arg.Object).Handle;
                return 0;
            default:
                value.Bits = arg.Bits;
                return 0;
        }
    }

    private static int Copy<T>(T[] from, T* to) where T : unmanaged
    {
        from.AsSpan().CopyTo(new Span<T>(to, from.Length));
        return from.Length;
    }

    // The arguments must not be finalised while native code uses their handles.
    private static void KeepAlive(ReadOnlySpan<Arg> args)
    {
        foreach (ref readonly var arg in args) GC.KeepAlive(arg.Object);
    }

    private bool TryOpen()
    {
        handle = NativeMethods.ts_open("aten::" + name, overload);
        return handle != 0;
    }

    private static string Describe(ReadOnlySpan<Arg> args)
    {
        var text = new StringBuilder();
        foreach (ref readonly var arg in args)
        {
            if (arg.Object is torch.Tensor { IsInvalid: false } tensor) Append(text, tensor);
            else if (arg.Object is torch.Tensor[] list)
                foreach (var item in list.Take(8))
                    if (item is { IsInvalid: false }) Append(text, item);
        }
        return text.Length == 0 ? "" : $" [arguments: {text}]";
    }

    private static void Append(StringBuilder text, torch.Tensor tensor) =>
        text.Append(text.Length == 0 ? "" : ", ").Append(tensor.dtype).Append('(').AppendJoin('x', tensor.shape).Append(')');
}
