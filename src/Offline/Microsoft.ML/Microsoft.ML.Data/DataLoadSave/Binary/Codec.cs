using System.Text;

namespace Microsoft.ML.Data.IO;

/// <summary>How values of one column type lie in a block of a binary data view file.</summary>
internal abstract class Codec(string loadName, DataViewType type)
{
    /// <summary>The name that files know the codec by.</summary>
    public string LoadName { get; } = loadName;

    public DataViewType Type { get; } = type;

    /// <summary>What a reader needs beyond the name to make the same codec.</summary>
    public virtual void WriteParameters(BinaryWriter writer)
    {
    }

    /// <summary>The name, the length of the parameters in bytes (seven bits per byte), and the parameters.</summary>
    public void WriteDefinition(BinaryWriter writer)
    {
        writer.Write(LoadName);
        using var parameters = new MemoryStream();
        using (var inner = new BinaryWriter(parameters, Encoding.UTF8, leaveOpen: true))
            WriteParameters(inner);
        writer.Write7BitEncodedInt64(parameters.Length);
        writer.Write(parameters.GetBuffer(), 0, (int)parameters.Length);
    }

    /// <summary>A rough number of bytes per value, from which the rows per block follow.</summary>
    public abstract int EstimatedBytes { get; }

    /// <summary>What a value takes at least, so that a number of values from a file can be compared with the bytes that are there.</summary>
    public abstract int MinimumBits { get; }

    /// <exception cref="FormatException">The block cannot hold so many values.</exception>
    public void CheckFits(BlockReader block, long count)
    {
        if (count > (long)block.Remaining * 8 / MinimumBits)
            throw new FormatException($"Corrupt block: {count} values of type {Type} in {block.Remaining} bytes");
    }
}

/// <inheritdoc/>
internal abstract class Codec<T>(string loadName, DataViewType type) : Codec(loadName, type)
{
    /// <summary>Collects the values of one block.</summary>
    public abstract ValueWriter<T> OpenWriter();

    /// <summary>Gives the values of one block.</summary>
    /// <exception cref="FormatException">The block cannot hold so many values.</exception>
    public abstract ValueReader<T> OpenReader(BlockReader block, int count);
}

/// <summary>Collects the values of one block, which <see cref="Commit"/> writes.</summary>
internal abstract class ValueWriter<T>
{
    public abstract void Write(in T value);

    public abstract void Commit(BinaryWriter writer);
}

/// <summary>Gives the values of a block one after the other.</summary>
internal abstract class ValueReader<T>
{
    public abstract void Read(ref T value);

    /// <summary>Fills a span with the next values.</summary>
    public virtual void Read(Span<T> values)
    {
        for (int i = 0; i < values.Length; i++)
            Read(ref values[i]);
    }
}
