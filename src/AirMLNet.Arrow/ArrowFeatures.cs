using AirMLNet.Embedding;
using AirMLNet.Files;
using Apache.Arrow;
using Apache.Arrow.Types;

namespace AirMLNet.Arrow;

/// <summary>Tables of features in Arrow's formats: columns <c>ImagePath</c> and <c>Features</c>, and who made them as metadata.</summary>
internal static class ArrowFeatures
{
    public static IReadOnlyList<FeatureFormat> Formats { get; } =
    [
        new(ArrowFile.ParquetEnding, (path, table) => Write(path, table, true)),
        new(ArrowFile.ArrowEnding, (path, table) => Write(path, table, false)),
    ];

    private static void Write(string path, FeatureRows table, bool parquet) =>
        AtomicFile.Write(path, stream => ArrowFile.Write(stream, new Rows(table), parquet));

    private sealed class Rows(FeatureRows table) : IArrowRows
    {
        public Schema Schema { get; } =
            new(
                [
                    new Field("ImagePath", StringType.Default, nullable: false),
                    new Field("Features", ArrowColumns.ListOf(table.Dimension), nullable: false),
                ],
                // In one order, whoever wrote them: the same features are the same file.
                table.Metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal)
            );

        public IEnumerable<RecordBatch> Batches()
        {
            // Shards and chunks are of any size; batches are not.
            List<string> paths = [];
            List<float> values = [];
            foreach (var part in table.Parts)
            {
                for (var i = 0; i < part.Paths.Count; i++)
                {
                    paths.Add(part.Paths[i]);
                    values.AddRange(part.Values.AsSpan(i * table.Dimension, table.Dimension));
                    if (paths.Count == ArrowFile.BatchRows)
                    {
                        yield return Batch(paths, values);
                        paths.Clear();
                        values.Clear();
                    }
                }
            }

            if (paths.Count > 0)
            {
                yield return Batch(paths, values);
            }
        }

        private RecordBatch Batch(List<string> paths, List<float> values) =>
            new(
                Schema,
                [new StringArray.Builder().AppendRange(paths).Build(), ArrowColumns.Lists([.. values], paths.Count, table.Dimension)],
                paths.Count
            );
    }
}
