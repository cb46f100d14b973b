using AirMLNet.Testing;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Tests.Fuzzing;

/// <summary>
/// Damaged Arrow and Parquet files are read or refused with <see cref="InvalidDataException"/> (eng/fuzz.sh; docs/fuzz.md).
/// </summary>
[TestClass]
public sealed class ArrowFuzzTests
{
    // No file here has more; one that says so is read no further.
    private const int MostRows = 2_000;

    private readonly TemporaryFolder _folder = new();

    public TestContext TestContext { get; set; } = null!;

    [TestCleanup]
    public void Delete() => _folder.Dispose();

    [TestMethod]
    public void ArrowFiles_are_read_or_refused()
    {
        var mutator = new ArrowMutator(31);
        Report(FuzzRun.Run("Arrow", mutator.Arrow, Read));
    }

    [TestMethod]
    public void ParquetFiles_are_read_or_refused()
    {
        var mutator = new ArrowMutator(32);
        Report(FuzzRun.Run("Parquet", mutator.Parquet, Read));
    }

    private bool Read(byte[] bytes)
    {
        // A name of its own: the ending says nothing, the first bytes do.
        var path = _folder["damaged.arrow"];
        File.WriteAllBytes(path, bytes);
        try
        {
            var view = new MLContext(1).Data.LoadFromArrow(path);
            using var cursor = view.GetRowCursor(view.Schema);
            Action[] getters = [.. view.Schema.Select(c => Getter(cursor, c))];
            for (var rows = 0; rows < MostRows && cursor.MoveNext(); rows++)
            {
                Array.ForEach(getters, get => get());
            }

            return true;
        }
        catch (InvalidDataException e)
        {
            return e.Message.Contains("damaged.arrow", StringComparison.Ordinal)
                ? false
                : throw new InvalidOperationException("the message does not name the file", e);
        }
    }

    private static Action Getter(DataViewRowCursor cursor, DataViewSchema.Column column)
    {
        return column.Type.RawType switch
        {
            var type when type == typeof(ReadOnlyMemory<char>) => Of<ReadOnlyMemory<char>>(),
            var type when type == typeof(VBuffer<float>) => Of<VBuffer<float>>(),
            var type when type == typeof(bool) => Of<bool>(),
            var type when type == typeof(float) => Of<float>(),
            var type when type == typeof(double) => Of<double>(),
            var type when type == typeof(int) => Of<int>(),
            var type when type == typeof(long) => Of<long>(),
            _ => () => { },
        };

        Action Of<T>()
        {
            var getter = cursor.GetGetter<T>(column);
            T value = default!;
            return () => getter(ref value);
        }
    }

    private void Report(string line)
    {
        TestContext.WriteLine(line);
        Assert.Contains(" read, ", line);
    }
}
