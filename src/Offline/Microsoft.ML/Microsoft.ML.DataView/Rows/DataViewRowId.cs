namespace Microsoft.ML.Data;

/// <summary>A 128-bit identity of a row that survives shuffling and filtering.</summary>
public readonly struct DataViewRowId : IComparable<DataViewRowId>, IEquatable<DataViewRowId>
{
    public readonly ulong Low;

    public readonly ulong High;

    public DataViewRowId(ulong low, ulong high)
    {
        Low = low;
        High = high;
    }

    public bool Equals(DataViewRowId other) => Low == other.Low && High == other.High;

    public override bool Equals(object obj) => obj is DataViewRowId other && Equals(other);

    public override int GetHashCode() => HashCode.Combine(Low, High);

    public int CompareTo(DataViewRowId other)
    {
        int order = High.CompareTo(other.High);
        return order != 0 ? order : Low.CompareTo(other.Low);
    }

    /// <summary>The identity after this one, for a row made from the same source row.</summary>
    public DataViewRowId Next() => Mix(Low ^ 0x9E3779B97F4A7C15UL, High + 1);

    /// <summary>An identity for a second row made from the same source row.</summary>
    public DataViewRowId Fork() => Mix(Low + 0xD1B54A32D192ED03UL, ~High);

    /// <summary>An identity that depends on both, in this order.</summary>
    public DataViewRowId Combine(DataViewRowId other)
    {
        DataViewRowId first = Mix(Low ^ 0x8CB92BA72F3D8DD7UL, High);
        return Mix(first.Low ^ other.Low, first.High + (other.High * 0x9E3779B97F4A7C15UL));
    }

    public override string ToString() => $"{High:x16}{Low:x16}";

    private static DataViewRowId Mix(ulong low, ulong high)
    {
        low = Scramble(low + Scramble(high));
        high = Scramble(high ^ low);
        return new DataViewRowId(low, high);
    }

    private static ulong Scramble(ulong x)
    {
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9UL;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EBUL;
        return x ^ (x >> 31);
    }
}
