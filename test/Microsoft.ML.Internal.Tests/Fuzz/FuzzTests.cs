using System.Globalization;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms;

namespace Microsoft.ML.Tests.Fuzz;

/// <summary>
/// Damaged files must be refused with a documented exception, or read: no crash, no hang, no memory that the file does
/// not back. AIRMLNET_FUZZ_INPUTS sets how many are tried (eng/fuzz.sh: 100,000).
/// </summary>
[TestClass]
public sealed class FuzzTests : IDisposable
{
    /// <summary>What a reader may allocate beyond what the bytes of the file can decompress to.</summary>
    private const long BaseMemory = 32 << 20;

    /// <summary>DEFLATE makes at most 1032 bytes of one; a block is copied a few times on its way.</summary>
    private const long MemoryPerByte = 1032 * 6;

    private static readonly int _inputs = int.Parse(Environment.GetEnvironmentVariable("AIRMLNET_FUZZ_INPUTS") ?? "3000", CultureInfo.InvariantCulture);

    private readonly MLContext _ml = new(1);
    private readonly string _path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());

    public TestContext TestContext { get; set; } = null!;

    public void Dispose() => File.Delete(_path);

    [TestMethod]
    [Timeout(3_600_000, CooperativeCancellation = true)]
    public void Damaged_model_files()
    {
        IDataView data = Data();
        byte[][] seeds = [Model(data), Categories(data)];
        var mutator = new Mutator(11);
        string outside = Path.GetFullPath(Path.Combine(Path.GetTempPath(), "..", "outside.txt"));
        Run("model files", _inputs / 2, i => i % 3 == 0 ? mutator.Damage(seeds[i % 2]) : mutator.DamageEntries(seeds[i % 2]), file =>
        {
            ITransformer model = _ml.Model.Load(new MemoryStream(file), out DataViewSchema schema);
            _ = schema?.ToString();
            // What was read must also work, or say what it misses.
            try
            {
                _ = model.Transform(data).Preview(3);
            }
            catch (Exception e) when (e is ArgumentOutOfRangeException or InvalidOperationException)
            {
            }
        });
        Assert.IsFalse(File.Exists(outside));
    }

    [TestMethod]
    [Timeout(3_600_000, CooperativeCancellation = true)]
    public void Damaged_binary_views()
    {
        byte[][] seeds = [View(9), View(5000), Everything()];
        var mutator = new Mutator(12);
        Run("binary views", _inputs - (_inputs / 2), i => mutator.Damage(seeds[i % seeds.Length]), file =>
        {
            File.WriteAllBytes(_path, file);
            IDataView view = _ml.Data.LoadFromBinary(_path);
            _ = view.Schema.ToString();
            using DataViewRowCursor cursor = view.GetRowCursor(view.Schema);
            Action[] getters = [.. view.Schema.Select(column => Reader(cursor, column))];
            while (cursor.MoveNext())
            {
                foreach (Action get in getters)
                    get();
            }
        });
    }

    private void Run(string what, int inputs, Func<int, byte[]> make, Action<byte[]> read)
    {
        var outcomes = new SortedDictionary<string, int>(StringComparer.Ordinal);
        long most = 0;
        for (int i = 0; i < inputs; i++)
        {
            TestContext.CancellationToken.ThrowIfCancellationRequested();
            byte[] file = make(i);
            long before = GC.GetAllocatedBytesForCurrentThread();
            string outcome = "read";
            try
            {
                read(file);
            }
            catch (FormatException)
            {
                outcome = "refused as corrupt (FormatException)";
            }
            catch (InvalidOperationException e) when (e is not ObjectDisposedException)
            {
                outcome = "refused for what it needs (InvalidOperationException)";
            }
            catch (Exception e)
            {
                string saved = Path.Combine(Path.GetTempPath(), $"fuzz-{what.Replace(' ', '-')}-{i}.bin");
                File.WriteAllBytes(saved, file);
                Assert.Fail($"Input {i} of the {what} (kept as {saved}): {e}");
            }
            long used = GC.GetAllocatedBytesForCurrentThread() - before;
            most = Math.Max(most, used);
            Assert.IsLessThan(BaseMemory + (file.Length * MemoryPerByte), used, $"Input {i} of the {what}, {file.Length} bytes, took {used} bytes");
            outcomes[outcome] = outcomes.GetValueOrDefault(outcome) + 1;
        }
        string summary = string.Join(", ", outcomes.Select(pair => $"{pair.Value} {pair.Key}"));
        TestContext.WriteLine($"fuzz: {inputs} {what}: {summary}; at most {most / (1 << 20)} MiB allocated for one");
        Assert.IsGreaterThan(0, outcomes.Count);
    }

    private static Action Reader(DataViewRow row, DataViewSchema.Column column)
    {
        Delegate getter = RowGetters.Get(row, column);
        Type type = typeof(Fetcher<>).MakeGenericType(column.Type.RawType);
        return ((IFetcher)Activator.CreateInstance(type, getter)!).Fetch;
    }

    private IDataView Data() => _ml.Data.LoadFromEnumerable(Enumerable.Range(0, 12).Select(i => new Row { Name = $"class {i % 3}", A = i, B = i % 4, Flag = i % 2 == 0, Text = ["a", "bc"] }).ToArray());

    private byte[] Model(IDataView data) => Saved(
        data,
        _ml.Transforms.Conversion.MapValueToKey("Label", "Name")
            .Append(_ml.Transforms.Conversion.MapValueToKey("Numbers", "B"))
            .Append(_ml.Transforms.Concatenate("Features", "A", "B"))
            .Append(_ml.Transforms.NormalizeLpNorm("Features"))
            .Append(_ml.MulticlassClassification.Trainers.LbfgsMaximumEntropy())
            .Append(_ml.Transforms.Conversion.MapKeyToValue("Predicted", "PredictedLabel"))
            .Append(_ml.Transforms.CopyColumns("Copy", "A"))
            .Append(_ml.Transforms.DropColumns("B"))
            .Fit(data));

    private byte[] Categories(IDataView data) => Saved(
        data,
        _ml.Transforms.Categorical.OneHotEncoding("Category", "Name")
            .Append(_ml.Transforms.Categorical.OneHotEncoding("Words", "Text", OneHotEncodingEstimator.OutputKind.Bag))
            .Append(_ml.Transforms.Concatenate("Features", "A", "B"))
            .Append(_ml.Transforms.NormalizeMinMax("Features"))
            .Append(_ml.Transforms.NormalizeMinMax("A", fixZero: false))
            .Append(_ml.Transforms.SelectColumns("Category", "Words", "Features", "A"))
            .Fit(data));

    private byte[] Saved(IDataView data, ITransformer model)
    {
        using var stream = new MemoryStream();
        _ml.Model.Save(model, data.Schema, stream);
        return stream.ToArray();
    }

    [TestMethod]
    [Timeout(3_600_000, CooperativeCancellation = true)]
    public void Damaged_text_loaders()
    {
        File.WriteAllText(_path, "id,a,b,name\n1,0.5,-2,rose\n2,3 1:5,4,\"lily, white\"\n");
        var source = new MultiFileSource(_path);
        byte[] seed = Loader(source);
        var mutator = new Mutator(13);
        Run("text loaders", _inputs / 10, i => i % 3 == 0 ? mutator.Damage(seed) : mutator.DamageEntries(seed), file =>
        {
            using RepositoryReader repository = RepositoryReader.Open(new MemoryStream(file), _ml);
            ModelLoadContext.LoadModel<TextLoader, SignatureLoadModel>(_ml, out TextLoader loader, repository, "Loader");
            IDataView view = loader.Load(source);
            using DataViewRowCursor cursor = view.GetRowCursor(view.Schema);
            Action[] getters = [.. view.Schema.Select(column => Reader(cursor, column))];
            while (cursor.MoveNext())
            {
                foreach (Action get in getters)
                    get();
            }
        });
    }

    private byte[] Loader(MultiFileSource source)
    {
        TextLoader loader = _ml.Data.CreateTextLoader(
            new TextLoader.Options
            {
                Columns = [new("Id", DataKind.Int32, 0), new("Numbers", DataKind.Single, 1, 2), new("Key", DataKind.UInt32, [new TextLoader.Range(0)], new KeyCount(3)), new("Rest", DataKind.String, [new TextLoader.Range(3, null)])],
                Separators = [','],
                HasHeader = true,
                AllowQuoting = true,
            },
            source);
        using var stream = new MemoryStream();
        using (RepositoryWriter repository = RepositoryWriter.CreateNew(stream, _ml))
        {
            ModelSaveContext.SaveModel(repository, loader, "Loader");
            repository.Commit();
        }
        return stream.ToArray();
    }

    private byte[] View(int rows)
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Enumerable.Range(0, rows).Select(i => new Row { Name = $"class {i % 3}", A = i, B = i % 4, Flag = i % 2 == 0, Text = ["a", "bc"] }).ToArray());
        IDataView keyed = _ml.Transforms.Conversion.MapValueToKey("Label", "Name").Append(_ml.Transforms.Concatenate("Features", "A", "B")).Fit(data).Transform(data);
        using var stream = new MemoryStream();
        _ml.Data.SaveAsBinary(keyed, stream);
        return stream.ToArray();
    }

    private byte[] Everything()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Enumerable.Range(0, 20).Select(i => new Times
        {
            Day = new DateTime(2020, 1, 1).AddDays(i),
            Moment = new DateTimeOffset(2020, 1, 1, 0, 0, 0, TimeSpan.FromHours(i % 10)),
            Span = TimeSpan.FromHours(i),
            Id = new DataViewRowId((ulong)i, 5),
            Sparse = new VBuffer<float>(100, 2, [1f, 2f], [i, 50]),
        }).ToArray());
        using var stream = new MemoryStream();
        _ml.Data.SaveAsBinary(data, stream);
        return stream.ToArray();
    }

    private interface IFetcher
    {
        void Fetch();
    }

    private sealed class Fetcher<T>(ValueGetter<T> getter) : IFetcher
    {
        private T _value = default!;

        public void Fetch() => getter(ref _value);
    }

    private sealed class Row
    {
        public string Name { get; set; } = "";

        public float A { get; set; }

        public float B { get; set; }

        public bool Flag { get; set; }

        public string[] Text { get; set; } = [];
    }

    private sealed class Times
    {
        public DateTime Day { get; set; }

        public DateTimeOffset Moment { get; set; }

        public TimeSpan Span { get; set; }

        public DataViewRowId Id { get; set; }

        public VBuffer<float> Sparse { get; set; }
    }
}
