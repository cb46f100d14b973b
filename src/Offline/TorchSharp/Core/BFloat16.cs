using System.Globalization;
using System.Runtime.CompilerServices;

namespace TorchSharp;

/// <summary>A number of 16 bits with the exponent of a float and 7 bits of mantissa; arithmetic is done in float and rounded to even.</summary>
public readonly struct BFloat16(float f) : IComparable, IComparable<BFloat16>, IEquatable<BFloat16>, IFormattable
{
    private readonly ushort raw = Round(f);

    public static readonly BFloat16 Zero = FromRawValue(0);
    public static readonly BFloat16 One = FromRawValue(0x3F80);
    public static readonly BFloat16 NaN = FromRawValue(0x7FC0);
    public static readonly BFloat16 PositiveInfinity = FromRawValue(0x7F80);
    public static readonly BFloat16 NegativeInfinity = FromRawValue(0xFF80);
    public static readonly BFloat16 MaxValue = FromRawValue(0x7F7F);
    public static readonly BFloat16 MinValue = FromRawValue(0xFF7F);
    public static readonly BFloat16 MinNormal = FromRawValue(0x0080);
    public static readonly BFloat16 SmallestSubnormal = FromRawValue(0x0001);

    /// <summary>The distance from 1 to the next larger number, 2⁻⁷.</summary>
    public static readonly BFloat16 Epsilon = FromRawValue(0x3C00);

    public static BFloat16 FromRawValue(ushort rawValue) => Unsafe.BitCast<ushort, BFloat16>(rawValue);

    public float ToSingle() => BitConverter.UInt32BitsToSingle((uint)raw << 16);

    private static ushort Round(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        if (float.IsNaN(value)) return (ushort)((bits >> 16) | 0x40);
        return (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }

    public static explicit operator BFloat16(float f) => new(f);
    public static explicit operator BFloat16(double d) => new((float)d);
    public static explicit operator float(BFloat16 bf) => bf.ToSingle();
    public static explicit operator double(BFloat16 bf) => bf.ToSingle();

    public static BFloat16 operator +(BFloat16 a, BFloat16 b) => new(a.ToSingle() + b.ToSingle());
    public static BFloat16 operator -(BFloat16 a, BFloat16 b) => new(a.ToSingle() - b.ToSingle());
    public static BFloat16 operator *(BFloat16 a, BFloat16 b) => new(a.ToSingle() * b.ToSingle());
    public static BFloat16 operator /(BFloat16 a, BFloat16 b) => new(a.ToSingle() / b.ToSingle());
    public static BFloat16 operator %(BFloat16 a, BFloat16 b) => new(a.ToSingle() % b.ToSingle());
    public static BFloat16 operator -(BFloat16 a) => FromRawValue((ushort)(a.raw ^ 0x8000));

    public static bool operator ==(BFloat16 a, BFloat16 b) => a.ToSingle() == b.ToSingle();
    public static bool operator !=(BFloat16 a, BFloat16 b) => a.ToSingle() != b.ToSingle();
    public static bool operator <(BFloat16 a, BFloat16 b) => a.ToSingle() < b.ToSingle();
    public static bool operator >(BFloat16 a, BFloat16 b) => a.ToSingle() > b.ToSingle();
    public static bool operator <=(BFloat16 a, BFloat16 b) => a.ToSingle() <= b.ToSingle();
    public static bool operator >=(BFloat16 a, BFloat16 b) => a.ToSingle() >= b.ToSingle();

    public static bool IsNaN(BFloat16 bf) => float.IsNaN(bf.ToSingle());
    public static bool IsFinite(BFloat16 bf) => float.IsFinite(bf.ToSingle());
    public static bool IsInfinity(BFloat16 bf) => float.IsInfinity(bf.ToSingle());
    public static bool IsPositiveInfinity(BFloat16 bf) => bf.raw == 0x7F80;
    public static bool IsNegativeInfinity(BFloat16 bf) => bf.raw == 0xFF80;

    public bool Equals(BFloat16 other) => ToSingle().Equals(other.ToSingle());
    public override bool Equals(object obj) => obj is BFloat16 other && Equals(other);
    public override int GetHashCode() => ToSingle().GetHashCode();
    public int CompareTo(BFloat16 other) => ToSingle().CompareTo(other.ToSingle());
    public int CompareTo(object obj) => obj is null ? 1 : obj is BFloat16 other ? CompareTo(other) : throw new ArgumentException("Only another BFloat16 compares with a BFloat16.", nameof(obj));
    public override string ToString() => ToSingle().ToString(CultureInfo.CurrentCulture);
    public string ToString(string format, IFormatProvider formatProvider) => ToSingle().ToString(format, formatProvider);
}
