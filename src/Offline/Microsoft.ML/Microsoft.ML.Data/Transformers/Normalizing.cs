using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms;

[assembly: LoadableClass(typeof(NormalizingTransformer), null, typeof(SignatureLoadModel), "Normalizer", NormalizingTransformer.LoaderSignature)]

namespace Microsoft.ML.Transforms;

/// <summary>Learns the range of each slot of columns of Single, and brings it to 0 to 1 (or -1 to 1 where zero stays zero).</summary>
public sealed class NormalizingEstimator : IEstimator<NormalizingTransformer>
{
    private readonly IHost _host;
    private readonly (string outputColumnName, string inputColumnName)[] _columns;
    private readonly long _maximumExampleCount;
    private readonly bool _fixZero;

    internal NormalizingEstimator(IHostEnvironment env, (string outputColumnName, string inputColumnName)[] columns, long maximumExampleCount, bool fixZero)
    {
        _host = env.Register(nameof(NormalizingEstimator));
        _host.CheckParam(maximumExampleCount > 1, nameof(maximumExampleCount), $"Must be greater than 1, but is {maximumExampleCount}");
        _columns = columns;
        _maximumExampleCount = maximumExampleCount;
        _fixZero = fixZero;
    }

    public NormalizingTransformer Fit(IDataView input)
    {
        _host.CheckValue(input, nameof(input));
        _host.CheckAlive();
        DataViewSchema.Column[] sources = Array.ConvertAll(_columns, pair => _host.FindColumn(input.Schema, "input", pair.inputColumnName));
        foreach (DataViewSchema.Column source in sources)
            NormalizingTransformer.CheckType(_host, source);
        var ranges = Array.ConvertAll(sources, source => new Range(source.Type is VectorDataViewType vector ? vector.Size : 1));
        using (DataViewRowCursor cursor = input.GetRowCursor(sources.DistinctBy(source => source.Index).ToArray()))
        {
            Action[] readers = [.. sources.Select((source, i) => ranges[i].Reader(cursor, cursor.Schema[source.Index]))];
            for (long row = 0; row < _maximumExampleCount && cursor.MoveNext(); row++)
            {
                _host.CheckAlive();
                foreach (Action read in readers)
                    read();
            }
        }
        return new NormalizingTransformer(_host, _columns, [.. sources.Select((source, i) => ranges[i].ToFunction(source.Type, _fixZero))]);
    }

    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        _host.CheckValue(inputSchema, nameof(inputSchema));
        return SchemaShapes.With(inputSchema, _columns.Select(pair =>
        {
            SchemaShape.Column source = SchemaShapes.Find(_host, inputSchema, "input", pair.inputColumnName);
            if (source.IsKey || source.ItemType.RawType != typeof(float) || source.Kind == SchemaShape.Column.VectorKind.VariableVector)
                throw _host.ExceptSchemaMismatch(nameof(inputSchema), "input", source.Name, NormalizingTransformer.Expected, source.GetTypeString());
            var annotations = new List<SchemaShape.Column>(SchemaShapes.Annotations(source, AnnotationUtils.Kinds.SlotNames))
            {
                new(AnnotationUtils.Kinds.IsNormalized, SchemaShape.Column.VectorKind.Scalar, BooleanDataViewType.Instance, false),
            };
            return new SchemaShape.Column(pair.outputColumnName, source.Kind, source.ItemType, false, new SchemaShape(annotations));
        }));
    }

    /// <summary>The least and the largest value of each slot; missing values do not count.</summary>
    private sealed class Range
    {
        private readonly float[] _least;
        private readonly float[] _largest;

        public Range(int size)
        {
            _least = new float[size];
            _largest = new float[size];
            Array.Fill(_least, float.PositiveInfinity);
            Array.Fill(_largest, float.NegativeInfinity);
        }

        public Action Reader(DataViewRow row, DataViewSchema.Column column)
        {
            if (column.Type is not VectorDataViewType)
            {
                ValueGetter<float> getter = row.GetGetter<float>(column);
                float value = 0;
                return () =>
                {
                    getter(ref value);
                    Add(0, value);
                };
            }
            ValueGetter<VBuffer<float>> vectorGetter = row.GetGetter<VBuffer<float>>(column);
            VBuffer<float> vector = default;
            return () =>
            {
                vectorGetter(ref vector);
                foreach (KeyValuePair<int, float> item in vector.Items(all: true))
                    Add(item.Key, item.Value);
            };
        }

        public NormalizingTransformer.Affine ToFunction(DataViewType type, bool fixZero)
        {
            var scales = new float[_least.Length];
            var offsets = new float[_least.Length];
            for (int i = 0; i < scales.Length; i++)
            {
                // A slot of one value says nothing: it becomes 0.
                if (!(_largest[i] > _least[i]))
                    continue;
                scales[i] = 1 / (fixZero ? Math.Max(Math.Abs(_largest[i]), Math.Abs(_least[i])) : _largest[i] - _least[i]);
                offsets[i] = fixZero || scales[i] == 0 ? 0 : _least[i];
            }
            return new NormalizingTransformer.Affine(type, scales, offsets);
        }

        private void Add(int slot, float value)
        {
            if (value < _least[slot])
                _least[slot] = value;
            if (value > _largest[slot])
                _largest[slot] = value;
        }
    }
}

/// <summary>Gives each slot (x - offset) * scale.</summary>
public sealed class NormalizingTransformer : OneToOneTransformerBase
{
    internal const string LoaderSignature = "Normalizer";
    internal const string Expected = "Single or a known-size vector of Single";

    private readonly Affine[] _functions;

    internal NormalizingTransformer(IHostEnvironment env, (string outputColumnName, string inputColumnName)[] columns, Affine[] functions)
        : base(env.Register(nameof(NormalizingTransformer)), columns)
    {
        _functions = functions;
    }

    private NormalizingTransformer(IHost host, ModelLoadContext ctx)
        : base(host, ctx)
    {
        _functions = new Affine[ColumnPairs.Length];
        for (int i = 0; i < _functions.Length; i++)
            _functions[i] = Affine.Load(host, ctx, Folder(i));
    }

    internal static void CheckType(IExceptionContext ectx, DataViewSchema.Column column)
    {
        bool fits = column.Type is VectorDataViewType vector ? vector.IsKnownSize && vector.ItemType.RawType == typeof(float) && vector.ItemType is NumberDataViewType : column.Type.Equals(NumberDataViewType.Single);
        if (!fits)
            throw ectx.ExceptSchemaMismatch("inputSchema", "input", column.Name, Expected, column.Type.ToString());
    }

    private static NormalizingTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        ctx.CheckAtModel(GetVersionInfo());
        return new NormalizingTransformer(env.Register(nameof(NormalizingTransformer)), ctx);
    }

    /// <summary>The version that writes the dimensions of a vector; the one before wrote its length.</summary>
    private const uint DimensionsVersion = 0x00010002;

    private static VersionInfo GetVersionInfo() =>
        new("NORMALZR", DimensionsVersion, 0x00010001, 0x00010001, OfficialAssembly.NameOf(typeof(NormalizingTransformer)), LoaderSignature);

    private static string Folder(int column) => string.Create(CultureInfo.InvariantCulture, $"Normalizer_{column:000}");

    private protected override void SaveModel(ModelSaveContext ctx)
    {
        ctx.CheckAtModel();
        ctx.SetVersionInfo(GetVersionInfo());
        SaveColumns(ctx);
        for (int i = 0; i < _functions.Length; i++)
            _functions[i].Save(ctx, Folder(i));
    }

    private protected override void CheckInputColumn(DataViewSchema inputSchema, int col, int srcCol)
    {
        CheckType(Host, inputSchema[srcCol]);
        if (!inputSchema[srcCol].Type.Equals(_functions[col].Type))
            throw Host.ExceptSchemaMismatch(nameof(inputSchema), "input", inputSchema[srcCol].Name, _functions[col].Type.ToString(), inputSchema[srcCol].Type.ToString());
    }

    private protected override IRowMapper MakeRowMapper(DataViewSchema schema) => new Mapper(this, schema);

    /// <summary>A scale and an offset per slot.</summary>
    internal sealed record Affine(DataViewType Type, float[] Scales, float[] Offsets)
    {
        private static VersionInfo Version() =>
            new("AFF NORM", 0x00010003, 0x00010003, 0x00010003, OfficialAssembly.NameOf(typeof(NormalizingTransformer)), "AffineNormExec");

        public void Save(ModelSaveContext ctx, string folder)
        {
            ctx.Writer.Write(Type is VectorDataViewType);
            ctx.Writer.Write((byte)DataKind.Single);
            if (Type is VectorDataViewType vector)
            {
                ctx.Writer.Write(vector.Dimensions.Length);
                foreach (int dimension in vector.Dimensions)
                    ctx.Writer.Write(dimension);
            }
            ctx.SaveSubModel(folder, part =>
            {
                part.CheckAtModel();
                part.SetVersionInfo(Version());
                part.Writer.Write(sizeof(float));
                part.Writer.Write(Scales.Length);
                part.Writer.Write(-1); // every slot has a scale
                Write(part.Writer, Scales);
                Write(part.Writer, Array.TrueForAll(Offsets, offset => offset == 0) ? [] : Offsets);
            });
        }

        public static Affine Load(IHost host, ModelLoadContext ctx, string folder)
        {
            bool isVector = ctx.Reader.ReadBoolean();
            bool old = ctx.Header.ModelVerWritten < DimensionsVersion;
            int length = old ? ctx.Reader.ReadInt32() : 0; // 0 for a scalar
            var kind = (DataKind)ctx.Reader.ReadByte();
            host.CheckDecode(kind == DataKind.Single, $"The model normalizes values of type {kind}, which is not supported here");
            DataViewType type = NumberDataViewType.Single;
            if (isVector)
            {
                int rank = old ? 1 : ctx.Reader.ReadInt32();
                host.CheckDecode(rank > 0 && rank <= ctx.Header.CbModel / sizeof(int), $"Corrupt model: a vector of {rank} dimensions");
                var dimensions = new int[rank];
                long product = 1;
                for (int i = 0; i < rank; i++)
                {
                    dimensions[i] = old ? length : ctx.Reader.ReadInt32();
                    host.CheckDecode(dimensions[i] > 0 && (product *= dimensions[i]) <= int.MaxValue, "Corrupt model: a vector is too large");
                }
                type = new VectorDataViewType(NumberDataViewType.Single, dimensions);
            }
            int size = isVector ? ((VectorDataViewType)type).Size : 1;
            Affine function = null;
            bool found = ctx.TryProcessSubModel(folder, part =>
            {
                part.CheckAtModel(Version());
                host.CheckDecode(part.Reader.ReadInt32() == sizeof(float), "Corrupt model: bad size of numbers");
                int slots = part.Reader.ReadInt32();
                int changed = part.Reader.ReadInt32();
                long rest = part.Header.CbModel / sizeof(float);
                host.CheckDecode(slots == size && changed >= -1 && changed <= rest, $"Corrupt model: {slots} scales for {size} slots");
                int[] indices = changed < 0 ? null : new int[changed];
                for (int i = 0; i < indices?.Length; i++)
                    indices[i] = part.Reader.ReadInt32();
                float[] scales = Read(host, part.Reader, indices?.Length ?? size, rest);
                float[] offsets = Read(host, part.Reader, indices?.Length ?? size, rest);
                function = new Affine(type, Spread(host, scales, indices, size, 1), Spread(host, offsets, indices, size, 0));
            });
            host.CheckDecode(found, $"Corrupt model: the entry '{folder}' is missing");
            return function;
        }

        private static void Write(BinaryWriter writer, float[] values)
        {
            writer.Write(values.Length);
            foreach (float value in values)
                writer.Write(value);
        }

        private static float[] Read(IHost host, BinaryReader reader, int expected, long most)
        {
            int count = reader.ReadInt32();
            host.CheckDecode(count == 0 || (count == expected && count <= most), $"Corrupt model: {count} numbers where {expected} are expected");
            var values = new float[count];
            for (int i = 0; i < count; i++)
                values[i] = reader.ReadSingle();
            return values;
        }

        /// <summary>One number per slot, where the file has them for some slots only, or for none.</summary>
        private static float[] Spread(IHost host, float[] values, int[] indices, int size, float others)
        {
            if (indices is null && values.Length == size)
                return values;
            host.CheckDecode(size <= Array.MaxLength / 8, $"Corrupt model: {size} slots");
            var all = new float[size];
            Array.Fill(all, others);
            for (int i = 0; i < values.Length && indices is not null; i++)
            {
                host.CheckDecode((uint)indices[i] < (uint)size, $"Corrupt model: slot {indices[i]} of {size}");
                all[indices[i]] = values[i];
            }
            return all;
        }
    }

    private sealed class Mapper(NormalizingTransformer parent, DataViewSchema inputSchema) : OneToOneMapperBase(parent.Host, parent, inputSchema)
    {
        protected override DataViewSchema.DetachedColumn[] GetOutputColumnsCore()
        {
            var columns = new DataViewSchema.DetachedColumn[parent.ColumnPairs.Length];
            for (int i = 0; i < columns.Length; i++)
            {
                DataViewSchema.Column source = InputSchema[ColMapNewToOld[i]];
                var annotations = new DataViewSchema.Annotations.Builder();
                annotations.Add(source.Annotations, kind => kind == AnnotationUtils.Kinds.SlotNames);
                annotations.AddPrimitiveValue(AnnotationUtils.Kinds.IsNormalized, BooleanDataViewType.Instance, true);
                columns[i] = new DataViewSchema.DetachedColumn(parent.ColumnPairs[i].outputColumnName, source.Type, annotations.ToAnnotations());
            }
            return columns;
        }

        protected override Delegate MakeGetter(DataViewRow input, int iinfo, Func<int, bool> activeOutput, out Action disposer)
        {
            disposer = null;
            Affine function = parent._functions[iinfo];
            DataViewSchema.Column source = input.Schema[ColMapNewToOld[iinfo]];
            if (source.Type is not VectorDataViewType)
            {
                ValueGetter<float> getter = input.GetGetter<float>(source);
                return (ValueGetter<float>)((ref float value) =>
                {
                    getter(ref value);
                    value = (value - function.Offsets[0]) * function.Scales[0];
                });
            }
            ValueGetter<VBuffer<float>> vectorGetter = input.GetGetter<VBuffer<float>>(source);
            VBuffer<float> vector = default;
            return (ValueGetter<VBuffer<float>>)((ref VBuffer<float> value) =>
            {
                vectorGetter(ref vector);
                VBufferEditor<float> editor = VBufferEditor.Create(ref value, vector.Length);
                vector.CopyTo(editor.Values);
                for (int i = 0; i < editor.Values.Length; i++)
                    editor.Values[i] = (editor.Values[i] - function.Offsets[i]) * function.Scales[i];
                value = editor.Commit();
            });
        }
    }
}
