using System.Diagnostics;
using AirMLNet.Pipeline;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Benchmarks;

/// <summary>
/// Rows per second through LoadFromEnumerable, MapValueToKey, Concatenate and a cursor that reads one column, compared
/// with a plain loop that computes the same; and what a batched stage costs per row when its model does nothing.
/// </summary>
internal static class PipelineBenchmark
{
    private const int Rows = 1_000_000;
    private const int Runs = 5;
    private const double WantedMillions = 5;
    private const double AllowedMicroseconds = 2;

    public static void Run()
    {
        string[] names = [.. Enumerable.Range(0, 100).Select(i => $"class {i}")];
        var rows = new Row[Rows];
        for (var i = 0; i < Rows; i++)
        {
            rows[i] = new Row
            {
                A = i,
                B = -i,
                C = i % 7,
                Name = names[i % names.Length],
            };
        }

        var ml = new MLContext(seed: 1);
        var data = ml.Data.LoadFromEnumerable(rows);
        var view = ml
            .Transforms.Conversion.MapValueToKey("Key", "Name")
            .Append(ml.Transforms.Conversion.MapValueToKey("Number", "A"))
            .Append(ml.Transforms.Concatenate("All", "A", "B", "C"))
            .Fit(data)
            .Transform(data);
        var keys = new Dictionary<string, uint>();
        foreach (var name in names)
        {
            keys.Add(name, (uint)keys.Count + 1);
        }

        Console.WriteLine($"{Rows:N0} rows of 4 columns: LoadFromEnumerable, MapValueToKey, Concatenate, cursor (median of {Runs})");
        Console.WriteLine("column read        M rows/s   plain loop   ratio   allocated");
        Line(
            "A (as it is)",
            () => Sum<float>(view, "A"),
            () =>
            {
                float sum = 0;
                foreach (var row in rows)
                {
                    sum += row.A;
                }

                GC.KeepAlive(sum);
            }
        );
        Line(
            "Key (mapped)",
            () => Sum<uint>(view, "Key"),
            () =>
            {
                uint sum = 0;
                foreach (var row in rows)
                {
                    sum += keys[row.Name];
                }

                GC.KeepAlive(sum);
            }
        );
        var numbers = new Dictionary<float, uint>();
        foreach (var row in rows)
        {
            numbers.Add(row.A, (uint)numbers.Count + 1);
        }

        Line(
            "Number (1 M keys)",
            () => Sum<uint>(view, "Number"),
            () =>
            {
                uint sum = 0;
                foreach (var row in rows)
                {
                    sum += numbers[row.A];
                }

                GC.KeepAlive(sum);
            }
        );
        Line(
            "All (vector)",
            () => Sum<VBuffer<float>>(view, "All"),
            () =>
            {
                var vector = new float[3];
                foreach (var row in rows)
                {
                    (vector[0], vector[1], vector[2]) = (row.A, row.B, row.C);
                }

                GC.KeepAlive(vector);
            }
        );

        var stage = new StageView(data, new NoEncoding(data.Schema));
        var microseconds =
            BenchmarkData.Median([.. Enumerable.Range(0, Runs).Select(_ => Seconds(() => Sum<float>(stage, "Nothing")))]) / Rows * 1e6;
        Console.WriteLine(
            $"batched stage with a model that does nothing: {microseconds:0.00} µs per row "
                + $"({(microseconds <= AllowedMicroseconds ? "ok" : "TOO SLOW")}: at most {AllowedMicroseconds} wanted)"
        );
    }

    private static void Line(string name, Action pipeline, Action plain)
    {
        var pipelineSeconds = BenchmarkData.Median([.. Enumerable.Range(0, Runs).Select(_ => Seconds(pipeline))]);
        var plainSeconds = BenchmarkData.Median([.. Enumerable.Range(0, Runs).Select(_ => Seconds(plain))]);
        var before = GC.GetTotalAllocatedBytes(precise: true);
        pipeline();
        var kilobytes = (GC.GetTotalAllocatedBytes(precise: true) - before) / 1024.0;
        var millions = Rows / pipelineSeconds / 1e6;
        var verdict = millions >= WantedMillions ? "ok" : $"TOO SLOW: {WantedMillions} wanted";
        Console.WriteLine(
            $"{name, -17} {millions, 9:0.0} {Rows / plainSeconds / 1e6, 12:0.0} {pipelineSeconds / plainSeconds, 7:0.0} {kilobytes, 8:0.0} "
                + $"kB   {verdict}"
        );
    }

    private static double Seconds(Action action)
    {
        var start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static void Sum<T>(IDataView view, string name)
    {
        var column = view.Schema[name];
        using var cursor = view.GetRowCursor([column]);
        var getter = cursor.GetGetter<T>(column);
        T value = default!;
        while (cursor.MoveNext())
        {
            getter(ref value);
        }

        GC.KeepAlive(value);
    }

    private sealed class Row
    {
        public float A { get; set; }
        public float B { get; set; }
        public float C { get; set; }
        public string Name { get; set; } = "";
    }

    /// <summary>Copies a column through the batched cursor.</summary>
    private sealed class NoEncoding(DataViewSchema schema)
        : RowMapper(schema, new DataViewSchema.DetachedColumn("Nothing", NumberDataViewType.Single))
    {
        public override IReadOnlyList<DataViewSchema.Column> Reads => [InputSchema["A"]];

        public override Delegate?[] CreateGetters(DataViewRow input, Func<int, bool> active) => [input.GetGetter<float>(InputSchema["A"])];

        public override IBatchEncoder StartBatches(DataViewRow input, Func<int, bool> active) =>
            new Work(input.GetGetter<float>(InputSchema["A"]));

        private sealed class Work(ValueGetter<float> source) : IBatchEncoder
        {
            public int BatchSize => 256;
            public int Workers => Environment.ProcessorCount;
            public CancellationToken Cancellation => CancellationToken.None;

            public IBatch NewBatch() => new Batch(source, BatchSize);

            public void Dispose() { }
        }

        private sealed class Batch(ValueGetter<float> source, int size) : IBatch
        {
            private readonly float[] _values = new float[size];

            public void Read(int slot, long row) => source(ref _values[slot]);

            public void Prepare(int slot) { }

            public void Run(int count, ReadOnlySpan<bool> failed) { }

            public Delegate?[] Getters(Func<int> current) => [(ValueGetter<float>)((ref float value) => value = _values[current()])];
        }
    }
}
