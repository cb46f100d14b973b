using System.Numerics;
using TorchSharp.Interop;

namespace TorchSharp;

/// <summary>
/// A number with a type. It is plain managed data: nothing native stands behind it, so it cannot be freed during a call.
/// </summary>
public sealed class Scalar : IDisposable
{
    private readonly Complex value;
    private readonly long integer;

    private Scalar(torch.ScalarType type, long integer)
    {
        Type = type;
        this.integer = integer;
        value = integer;
    }

    private Scalar(torch.ScalarType type, Complex value)
    {
        Type = type;
        this.value = value;
        integer = double.IsFinite(value.Real) ? (long)value.Real : 0;
    }

    public torch.ScalarType Type { get; }

    internal double Real => value.Real;
    internal Complex Complex => value;
    internal long Integer => integer;

    public static implicit operator Scalar(byte value) => new(torch.ScalarType.Byte, (long)value);
    public static implicit operator Scalar(sbyte value) => new(torch.ScalarType.Int8, (long)value);
    public static implicit operator Scalar(short value) => new(torch.ScalarType.Int16, (long)value);
    public static implicit operator Scalar(int value) => new(torch.ScalarType.Int32, (long)value);
    public static implicit operator Scalar(long value) => new(torch.ScalarType.Int64, value);
    public static implicit operator Scalar(bool value) => new(torch.ScalarType.Bool, value ? 1L : 0L);
    public static implicit operator Scalar(Half value) => new(torch.ScalarType.Float16, (Complex)(double)value);
    public static implicit operator Scalar(BFloat16 value) => new(torch.ScalarType.BFloat16, (Complex)(double)value);
    public static implicit operator Scalar(float value) => new(torch.ScalarType.Float32, (Complex)value);
    public static implicit operator Scalar(double value) => new(torch.ScalarType.Float64, (Complex)value);
    public static implicit operator Scalar((float, float) value) => new(torch.ScalarType.ComplexFloat32, new Complex(value.Item1, value.Item2));
    public static implicit operator Scalar(Complex value) => new(torch.ScalarType.ComplexFloat64, value);

    public void Dispose()
    {
    }

    internal Arg ToArg() => Type switch
    {
        torch.ScalarType.Bool => integer != 0,
        torch.ScalarType.Float16 or torch.ScalarType.BFloat16 or torch.ScalarType.Float32 or torch.ScalarType.Float64 => value.Real,
        torch.ScalarType.ComplexFloat32 or torch.ScalarType.ComplexFloat64 => Arg.Complex(value),
        _ => integer,
    };
}

public static class ScalarExtensionMethods
{
    public static Scalar ToScalar(this byte value) => value;
    public static Scalar ToScalar(this sbyte value) => value;
    public static Scalar ToScalar(this short value) => value;
    public static Scalar ToScalar(this int value) => value;
    public static Scalar ToScalar(this long value) => value;
    public static Scalar ToScalar(this float value) => value;
    public static Scalar ToScalar(this double value) => value;
    public static Scalar ToScalar(this bool value) => value;
    public static Scalar ToScalar(this Half value) => value;
    public static Scalar ToScalar(this BFloat16 value) => value;
    public static Scalar ToBFloat16Scalar(this float value) => (BFloat16)value;
    public static Scalar ToScalar(this (float, float) value) => value;
    public static Scalar ToScalar(this Complex value) => value;

    public static float ToSingle(this Scalar value) => (float)value.Real;
    public static double ToDouble(this Scalar value) => value.Real;
    public static Half ToHalf(this Scalar value) => (Half)value.Real;
    public static BFloat16 ToBFloat16(this Scalar value) => (BFloat16)value.Real;
    public static byte ToByte(this Scalar value) => (byte)value.Integer;
    public static sbyte ToSByte(this Scalar value) => (sbyte)value.Integer;
    public static short ToInt16(this Scalar value) => (short)value.Integer;
    public static int ToInt32(this Scalar value) => (int)value.Integer;
    public static long ToInt64(this Scalar value) => value.Integer;
    public static bool ToBoolean(this Scalar value) => value.Complex != Complex.Zero;
    public static (float Real, float Imaginary) ToComplexFloat32(this Scalar value) => ((float)value.Complex.Real, (float)value.Complex.Imaginary);
    public static Complex ToComplexFloat64(this Scalar value) => value.Complex;
}
