using Microsoft.ML.Data;

namespace Microsoft.ML.Tests.Data;

internal sealed class Flower
{
    public float Length { get; set; }

    public float Width { get; set; }

    public string Name { get; set; } = "";

    public static Flower[] Some(int count = 9)
    {
        string[] names = ["rose", "lily", "tulip"];
        return [.. Enumerable.Range(0, count).Select(i => new Flower { Length = i, Width = -i, Name = names[i % 3] })];
    }
}

internal sealed class Everything
{
    public bool Flag;

    public int Number;

    public double Real { get; set; }

    public ReadOnlyMemory<char> Memory { get; set; }

    [KeyType(4)]
    public uint Key { get; set; }

    [VectorType(3)]
    public float[] Fixed { get; set; } = [];

    public string[] Texts { get; set; } = [];

    public VBuffer<int> Buffer { get; set; }

    public DateTime Day { get; set; }

    [NoColumn]
    public object? Ignored { get; set; }

    [ColumnName("Renamed")]
    public long Old { get; set; }
}
