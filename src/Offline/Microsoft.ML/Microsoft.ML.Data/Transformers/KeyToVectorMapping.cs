using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms;

[assembly: LoadableClass(typeof(KeyToVectorMappingTransformer), null, typeof(SignatureLoadModel), "Key To Vector Transform", KeyToVectorMappingTransformer.LoaderSignature)]

namespace Microsoft.ML.Transforms;

/// <summary>Turns keys into vectors with a slot per key.</summary>
public sealed class KeyToVectorMappingEstimator : TrivialEstimator<KeyToVectorMappingTransformer>
{
    private readonly (string outputColumnName, string inputColumnName)[] _columns;
    private readonly bool _counts;

    internal KeyToVectorMappingEstimator(IHostEnvironment env, (string outputColumnName, string inputColumnName)[] columns, bool outputCountVector)
        : base(env.Register(nameof(KeyToVectorMappingEstimator)), new KeyToVectorMappingTransformer(env, columns, outputCountVector))
    {
        _columns = columns;
        _counts = outputCountVector;
    }

    public override SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        Host.CheckValue(inputSchema, nameof(inputSchema));
        return SchemaShapes.With(inputSchema, _columns.Select(pair =>
        {
            SchemaShape.Column source = SchemaShapes.Find(Host, inputSchema, "input", pair.inputColumnName);
            if (!source.IsKey)
                throw Host.ExceptSchemaMismatch(nameof(inputSchema), "input", source.Name, "a key or a vector of keys", source.GetTypeString());
            var annotations = new List<SchemaShape.Column>();
            bool named = source.Annotations.TryFindColumn(AnnotationUtils.Kinds.KeyValues, out SchemaShape.Column values) && values.ItemType is TextDataViewType;
            bool sumsUp = _counts || source.Kind == SchemaShape.Column.VectorKind.Scalar;
            if (named && sumsUp)
                annotations.Add(SchemaShapes.TextVectorAnnotation(AnnotationUtils.Kinds.SlotNames));
            if (source.Kind == SchemaShape.Column.VectorKind.Scalar)
                annotations.Add(new SchemaShape.Column(AnnotationUtils.Kinds.IsNormalized, SchemaShape.Column.VectorKind.Scalar, BooleanDataViewType.Instance, false));
            SchemaShape.Column.VectorKind kind = !sumsUp && source.Kind == SchemaShape.Column.VectorKind.VariableVector ? source.Kind : SchemaShape.Column.VectorKind.Vector;
            return new SchemaShape.Column(pair.outputColumnName, kind, NumberDataViewType.Single, false, new SchemaShape(annotations));
        }));
    }
}

/// <summary>Turns keys into vectors: a key becomes 1 in its slot, a missing key 0 in all of them.</summary>
public sealed class KeyToVectorMappingTransformer : OneToOneTransformerBase
{
    internal const string LoaderSignature = "KeyToVectorTransform";

    /// <summary>For each column, whether the vectors of a vector of keys are added up, and not put behind each other.</summary>
    private readonly bool[] _counts;

    internal KeyToVectorMappingTransformer(IHostEnvironment env, (string outputColumnName, string inputColumnName)[] columns, bool outputCountVector)
        : base(env.Register(nameof(KeyToVectorMappingTransformer)), columns)
    {
        _counts = new bool[columns.Length];
        Array.Fill(_counts, outputCountVector);
    }

    private KeyToVectorMappingTransformer(IHost host, ModelLoadContext ctx)
        : base(host, ctx)
    {
        _counts = new bool[ColumnPairs.Length];
        for (int i = 0; i < _counts.Length; i++)
            _counts[i] = ctx.Reader.ReadBoolean();
    }

    private static KeyToVectorMappingTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        ctx.CheckAtModel(GetVersionInfo());
        return new KeyToVectorMappingTransformer(env.Register(nameof(KeyToVectorMappingTransformer)), ctx);
    }

    private static VersionInfo GetVersionInfo() =>
        new("KEY2VECT", 0x00010002, 0x00010001, 0x00010002, OfficialAssembly.NameOf(typeof(KeyToVectorMappingTransformer)), LoaderSignature);

    private protected override void SaveModel(ModelSaveContext ctx)
    {
        ctx.CheckAtModel();
        ctx.SetVersionInfo(GetVersionInfo());
        SaveColumns(ctx);
        foreach (bool counts in _counts)
            ctx.Writer.Write(counts);
    }

    private protected override void CheckInputColumn(DataViewSchema inputSchema, int col, int srcCol)
    {
        DataViewSchema.Column source = inputSchema[srcCol];
        if (AnnotationUtils.GetKeyType(source.Type) is not { Count: <= int.MaxValue })
            throw Host.ExceptSchemaMismatch(nameof(inputSchema), "input", source.Name, "a key or a vector of keys", source.Type.ToString());
    }

    private protected override IRowMapper MakeRowMapper(DataViewSchema schema) => new Mapper(this, schema);

    private sealed class Mapper(KeyToVectorMappingTransformer parent, DataViewSchema inputSchema) : OneToOneMapperBase(parent.Host, parent, inputSchema)
    {
        protected override DataViewSchema.DetachedColumn[] GetOutputColumnsCore()
        {
            var columns = new DataViewSchema.DetachedColumn[parent.ColumnPairs.Length];
            for (int i = 0; i < columns.Length; i++)
            {
                DataViewSchema.Column source = InputSchema[ColMapNewToOld[i]];
                int keys = (int)AnnotationUtils.GetKeyType(source.Type).Count;
                var vector = source.Type as VectorDataViewType;
                bool sumsUp = vector is null || parent._counts[i];
                var annotations = new DataViewSchema.Annotations.Builder();
                if (sumsUp && AnnotationUtils.HasKeyValues(source, TextDataViewType.Instance))
                {
                    VectorDataViewType names = new(TextDataViewType.Instance, keys);
                    annotations.Add(AnnotationUtils.Kinds.SlotNames, names, source.Annotations.GetGetter<VBuffer<ReadOnlyMemory<char>>>(source.Annotations.Schema[AnnotationUtils.Kinds.KeyValues]));
                }
                if (vector is null)
                    annotations.AddPrimitiveValue(AnnotationUtils.Kinds.IsNormalized, BooleanDataViewType.Instance, true);
                VectorDataViewType type = sumsUp ? new(NumberDataViewType.Single, keys) : new(NumberDataViewType.Single, vector.Dimensions.Add(keys));
                columns[i] = new DataViewSchema.DetachedColumn(parent.ColumnPairs[i].outputColumnName, type, annotations.ToAnnotations());
            }
            return columns;
        }

        protected override Delegate MakeGetter(DataViewRow input, int iinfo, Func<int, bool> activeOutput, out Action disposer)
        {
            disposer = null;
            DataViewSchema.Column source = input.Schema[ColMapNewToOld[iinfo]];
            return (Delegate)Data.IO.CodecFactory.Invoke(typeof(Mapper), nameof(MakeTyped), AnnotationUtils.GetKeyType(source.Type).RawType, null, input, source, parent._counts[iinfo]);
        }

        private static Delegate MakeTyped<TKey>(DataViewRow input, DataViewSchema.Column source, bool counts)
            where TKey : unmanaged, System.Numerics.IUnsignedNumber<TKey>
        {
            int keys = (int)AnnotationUtils.GetKeyType(source.Type).Count;
            if (source.Type is not VectorDataViewType)
            {
                ValueGetter<TKey> getter = input.GetGetter<TKey>(source);
                TKey key = default;
                return (ValueGetter<VBuffer<float>>)((ref VBuffer<float> value) =>
                {
                    getter(ref key);
                    int slot = Slot(key, keys);
                    VBufferEditor<float> editor = VBufferEditor.Create(ref value, keys, slot < 0 ? 0 : 1);
                    if (slot >= 0)
                    {
                        editor.Values[0] = 1;
                        if (keys > 1)
                            editor.Indices[0] = slot;
                    }
                    value = editor.Commit();
                });
            }
            ValueGetter<VBuffer<TKey>> vectorGetter = input.GetGetter<VBuffer<TKey>>(source);
            VBuffer<TKey> vector = default;
            return (ValueGetter<VBuffer<float>>)((ref VBuffer<float> value) =>
            {
                vectorGetter(ref vector);
                VBufferEditor<float> editor = VBufferEditor.Create(ref value, counts ? keys : checked(vector.Length * keys));
                editor.Values.Clear();
                foreach (KeyValuePair<int, TKey> item in vector.Items())
                {
                    int slot = Slot(item.Value, keys);
                    if (slot >= 0)
                        editor.Values[counts ? slot : (item.Key * keys) + slot] += 1;
                }
                value = editor.Commit();
            });
        }

        private static int Slot<TKey>(TKey key, int keys)
            where TKey : unmanaged, System.Numerics.IUnsignedNumber<TKey>
        {
            ulong index = ulong.CreateTruncating(key);
            return index == 0 || index > (ulong)keys ? -1 : (int)index - 1;
        }
    }
}
