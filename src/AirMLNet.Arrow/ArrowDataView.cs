using Apache.Arrow.Types;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Arrow;

/// <summary>An Arrow or Parquet file as a data view: rows are read batch after batch, by each cursor anew.</summary>
internal sealed class ArrowDataView : IDataView
{
    private readonly string _path;
    private readonly long? _rows;
    private readonly int[] _fields; // of the file, for each column

    private ArrowDataView(string path, long? rows, DataViewSchema schema, int[] fields) =>
        (_path, _rows, Schema, _fields) = (path, rows, schema, fields);

    public bool CanShuffle => false;

    public DataViewSchema Schema { get; }

    /// <summary>Opens a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="warn">Told of the columns that are left out.</param>
    public static ArrowDataView Open(string path, Action<string> warn)
    {
        if (!File.Exists(path))
        {
            throw new FileNotFoundException($"{path}: there is no such file.", path);
        }

        var (arrow, rows) = ArrowFile.Look(path);
        if (arrow.FieldsList.Any(f => string.IsNullOrEmpty(f.Name)))
        {
            throw new InvalidDataException($"{path} has a column without a name.");
        }

        var builder = new DataViewSchema.Builder();
        List<int> fields = [];
        List<string> others = [];
        for (var i = 0; i < arrow.FieldsList.Count; i++)
        {
            var field = arrow.FieldsList[i];
            if (TypeOf(field.DataType, path, i) is { } type)
            {
                builder.AddColumn(field.Name, type);
                fields.Add(i);
            }
            else
            {
                others.Add($"'{field.Name}' ({Describe(field.DataType)})");
            }
        }

        if (fields.Count == 0)
        {
            throw new InvalidDataException(
                $"{path} has no column of strings, numbers or lists of floats"
                    + (others.Count > 0 ? $", only {string.Join(", ", others)}." : ".")
            );
        }

        if (others.Count > 0)
        {
            warn($"{path}: left out, because they are no strings, numbers or lists of floats: {string.Join(", ", others)}.");
        }

        return new(path, rows, builder.ToSchema(), [.. fields]);
    }

    public long? GetRowCount() => _rows;

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null) =>
        new ArrowRowCursor(_path, Schema, [.. columnsNeeded.Select(c => c.Index).Distinct().Order()], _fields);

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null) =>
        [GetRowCursor(columnsNeeded, rand)];

    private static DataViewType? TypeOf(IArrowType type, string path, int field) =>
        type switch
        {
            _ when ArrowText.Is(type) => TextDataViewType.Instance,
            FloatType or HalfFloatType => NumberDataViewType.Single,
            DoubleType => NumberDataViewType.Double,
            Int8Type => NumberDataViewType.SByte,
            Int16Type => NumberDataViewType.Int16,
            Int32Type => NumberDataViewType.Int32,
            Int64Type => NumberDataViewType.Int64,
            UInt8Type => NumberDataViewType.Byte,
            UInt16Type => NumberDataViewType.UInt16,
            UInt32Type => NumberDataViewType.UInt32,
            UInt64Type => NumberDataViewType.UInt64,
            BooleanType => BooleanDataViewType.Instance,
            FixedSizeListType list when ArrowNumbers.IsList(type) => new VectorDataViewType(NumberDataViewType.Single, list.ListSize),
            _ when ArrowNumbers.IsList(type) => FirstLength(path, field) is > 0 and var length
                ? new VectorDataViewType(NumberDataViewType.Single, length)
                : null,
            _ => null,
        };

    private static string Describe(IArrowType type) =>
        type switch
        {
            DictionaryType dictionary => $"dictionary of {Describe(dictionary.ValueType)}",
            NestedType { Fields.Count: 1 } nested when ArrowNumbers.IsList(type) => $"{nested.Name} without any number",
            NestedType nested => $"{nested.Name} of {string.Join(", ", nested.Fields.Select(f => Describe(f.DataType)))}",
            _ => type.Name,
        };

    /// <summary>The length of the first list that has numbers: that of all, or reading stops with an error. 0 where none has.</summary>
    private static int FirstLength(string path, int field) =>
        ArrowFile.Guard(
            path,
            () =>
            {
                var (batches, places, file) = ArrowFile.Read(path, [field]);
                using (file)
                {
                    while (batches.ReadNextRecordBatchAsync().AsTask().GetAwaiter().GetResult() is { } batch)
                    {
                        using (batch)
                        {
                            for (var row = 0; row < batch.Length; row++)
                            {
                                if (ArrowNumbers.List(batch.Column(places[0]), row) is { Length: > 0 and var length })
                                {
                                    return length;
                                }
                            }
                        }
                    }
                }

                return 0;
            }
        );
}
