using System.Reflection;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms;

[assembly: LoadableClass(typeof(KeyToValueMappingTransformer), null, typeof(SignatureLoadModel), "Key To Value Transform", KeyToValueMappingTransformer.LoaderSignature)]

namespace Microsoft.ML.Transforms;

/// <summary>Turns keys back into the values that their KeyValues annotation holds.</summary>
public sealed class KeyToValueMappingEstimator : TrivialEstimator<KeyToValueMappingTransformer>
{
    private readonly (string outputColumnName, string inputColumnName)[] _columns;

    internal KeyToValueMappingEstimator(IHostEnvironment env, params (string outputColumnName, string inputColumnName)[] columns)
        : base(env.Register(nameof(KeyToValueMappingEstimator)), new KeyToValueMappingTransformer(env, columns))
    {
        _columns = columns;
    }

    public override SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        Host.CheckValue(inputSchema, nameof(inputSchema));
        return SchemaShapes.With(inputSchema, _columns.Select(pair =>
        {
            SchemaShape.Column source = SchemaShapes.Find(Host, inputSchema, "input", pair.inputColumnName);
            if (!source.IsKey || !source.Annotations.TryFindColumn(AnnotationUtils.Kinds.KeyValues, out SchemaShape.Column values))
                throw Host.ExceptSchemaMismatch(nameof(inputSchema), "input", source.Name, $"a key with the annotation {AnnotationUtils.Kinds.KeyValues}", source.GetTypeString());
            return new SchemaShape.Column(pair.outputColumnName, source.Kind, values.ItemType, values.IsKey, SchemaShapes.Annotations(source, AnnotationUtils.Kinds.SlotNames));
        }));
    }
}

/// <summary>Turns keys back into values; missing keys become missing values.</summary>
public sealed class KeyToValueMappingTransformer : OneToOneTransformerBase
{
    internal const string LoaderSignature = "KeyToValueTransform";

    internal KeyToValueMappingTransformer(IHostEnvironment env, params (string outputColumnName, string inputColumnName)[] columns)
        : base(env.Register(nameof(KeyToValueMappingTransformer)), columns)
    {
    }

    private KeyToValueMappingTransformer(IHost host, ModelLoadContext ctx)
        : base(host, ctx)
    {
    }

    private static KeyToValueMappingTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        ctx.CheckAtModel(GetVersionInfo());
        return new KeyToValueMappingTransformer(env.Register(nameof(KeyToValueMappingTransformer)), ctx);
    }

    private static VersionInfo GetVersionInfo() =>
        new("KEY2VALT", 0x00010001, 0x00010001, 0x00010001, OfficialAssembly.NameOf(typeof(KeyToValueMappingTransformer)), LoaderSignature);

    private protected override void SaveModel(ModelSaveContext ctx)
    {
        ctx.CheckAtModel();
        ctx.SetVersionInfo(GetVersionInfo());
        SaveColumns(ctx);
    }

    private protected override void CheckInputColumn(DataViewSchema inputSchema, int col, int srcCol)
    {
        DataViewSchema.Column source = inputSchema[srcCol];
        if (AnnotationUtils.GetKeyType(source.Type) is null || !AnnotationUtils.HasKeyValues(source, null))
            throw Host.ExceptSchemaMismatch(nameof(inputSchema), "input", source.Name, $"a key with the annotation {AnnotationUtils.Kinds.KeyValues}", source.Type.ToString());
    }

    private protected override IRowMapper MakeRowMapper(DataViewSchema schema) => new Mapper(this, schema);

    private sealed class Mapper(KeyToValueMappingTransformer parent, DataViewSchema inputSchema) : OneToOneMapperBase(parent.Host, parent, inputSchema)
    {
        protected override DataViewSchema.DetachedColumn[] GetOutputColumnsCore()
        {
            var columns = new DataViewSchema.DetachedColumn[parent.ColumnPairs.Length];
            for (int i = 0; i < columns.Length; i++)
            {
                DataViewSchema.Column source = InputSchema[ColMapNewToOld[i]];
                PrimitiveDataViewType item = ValueTypeOf(source);
                DataViewType type = source.Type is VectorDataViewType vector ? new VectorDataViewType(item, vector.Dimensions) : item;
                var annotations = new DataViewSchema.Annotations.Builder();
                annotations.Add(source.Annotations, kind => kind == AnnotationUtils.Kinds.SlotNames);
                columns[i] = new DataViewSchema.DetachedColumn(parent.ColumnPairs[i].outputColumnName, type, annotations.ToAnnotations());
            }
            return columns;
        }

        protected override Delegate MakeGetter(DataViewRow input, int iinfo, Func<int, bool> activeOutput, out Action disposer)
        {
            disposer = null;
            DataViewSchema.Column source = InputSchema[ColMapNewToOld[iinfo]];
            MethodInfo method = typeof(Mapper).GetMethod(nameof(MakeGetterCore), BindingFlags.NonPublic | BindingFlags.Static);
            return (Delegate)method.MakeGenericMethod(AnnotationUtils.GetKeyType(source.Type).RawType, ValueTypeOf(source).RawType).Invoke(null, [input, source]);
        }

        private static PrimitiveDataViewType ValueTypeOf(DataViewSchema.Column source) =>
            (PrimitiveDataViewType)((VectorDataViewType)source.Annotations.Schema[AnnotationUtils.Kinds.KeyValues].Type).ItemType;

        private static Delegate MakeGetterCore<TKey, TValue>(DataViewRow input, DataViewSchema.Column source)
            where TKey : unmanaged, System.Numerics.IUnsignedNumber<TKey>
        {
            VBuffer<TValue> annotation = default;
            source.Annotations.GetValue(AnnotationUtils.Kinds.KeyValues, ref annotation);
            TValue[] values = [.. annotation.DenseValues()];
            TValue missing = Missing<TValue>();
            TValue Map(TKey key)
            {
                ulong index = ulong.CreateTruncating(key);
                return index == 0 || index > (ulong)values.Length ? missing : values[index - 1];
            }
            if (source.Type is not VectorDataViewType)
            {
                ValueGetter<TKey> getter = input.GetGetter<TKey>(input.Schema[source.Index]);
                TKey key = default;
                return (ValueGetter<TValue>)((ref TValue value) =>
                {
                    getter(ref key);
                    value = Map(key);
                });
            }
            ValueGetter<VBuffer<TKey>> vectorGetter = input.GetGetter<VBuffer<TKey>>(input.Schema[source.Index]);
            VBuffer<TKey> keys = default;
            return (ValueGetter<VBuffer<TValue>>)((ref VBuffer<TValue> destination) =>
            {
                vectorGetter(ref keys);
                VBufferEditor<TValue> editor = VBufferEditor.Create(ref destination, keys.Length);
                int i = 0;
                foreach (TKey key in keys.DenseValues())
                    editor.Values[i++] = Map(key);
                destination = editor.Commit();
            });
        }

        private static TValue Missing<TValue>()
        {
            if (typeof(TValue) == typeof(float))
                return (TValue)(object)float.NaN;
            if (typeof(TValue) == typeof(double))
                return (TValue)(object)double.NaN;
            return default;
        }
    }
}
