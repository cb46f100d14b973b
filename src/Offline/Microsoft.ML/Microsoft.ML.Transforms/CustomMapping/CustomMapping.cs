using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms;

[assembly: LoadableClass(typeof(ITransformer), typeof(CustomMappingLoader), null, typeof(SignatureLoadModel), "Custom mapping", CustomMappingLoader.LoaderSignature)]

namespace Microsoft.ML.Transforms;

/// <summary>A stage made of the user's own code.</summary>
public sealed class CustomMappingEstimator<TSrc, TDst> : TrivialEstimator<CustomMappingTransformer<TSrc, TDst>>
    where TSrc : class, new()
    where TDst : class, new()
{
    internal CustomMappingEstimator(
        IHostEnvironment env,
        Action<TSrc, TDst> mapAction,
        string contractName,
        SchemaDefinition inputSchemaDefinition = null,
        SchemaDefinition outputSchemaDefinition = null)
        : base(
            env.Register(nameof(CustomMappingEstimator<TSrc, TDst>)),
            new CustomMappingTransformer<TSrc, TDst>(env, mapAction, contractName, inputSchemaDefinition, outputSchemaDefinition))
    {
    }

    public override SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        Host.CheckValue(inputSchema, nameof(inputSchema));
        foreach (SchemaShape.Column needed in SchemaShape.Create(Transformer.InputSchema))
        {
            SchemaShape.Column column = SchemaShapes.Find(Host, inputSchema, "input", needed.Name);
            bool sameKind = column.Kind == needed.Kind
                || (needed.Kind == SchemaShape.Column.VectorKind.VariableVector && column.Kind == SchemaShape.Column.VectorKind.Vector);
            if (!sameKind || column.ItemType.RawType != needed.ItemType.RawType)
                throw Host.ExceptSchemaMismatch(nameof(inputSchema), "input", needed.Name, needed.GetTypeString(), column.GetTypeString());
        }
        return SchemaShapes.With(inputSchema, SchemaShape.Create(Transformer.AddedSchema));
    }
}

/// <summary>A stage made of the user's own code.</summary>
public sealed class CustomMappingTransformer<TSrc, TDst> : ITransformer
    where TSrc : class, new()
    where TDst : class, new()
{
    private readonly IHost _host;
    private readonly Action<TSrc, TDst> _map;
    private readonly string _contractName;
    private readonly SchemaDefinition _inputDefinition;
    private readonly TypedReader<TDst> _added;

    internal CustomMappingTransformer(
        IHostEnvironment env,
        Action<TSrc, TDst> mapAction,
        string contractName,
        SchemaDefinition inputSchemaDefinition = null,
        SchemaDefinition outputSchemaDefinition = null)
    {
        Contracts.CheckEnvironment(env);
        _host = env.Register(nameof(CustomMappingTransformer<TSrc, TDst>));
        _host.CheckValue(mapAction, nameof(mapAction));
        _map = mapAction;
        _contractName = contractName;
        _inputDefinition = inputSchemaDefinition ?? SchemaDefinition.Create(typeof(TSrc), SchemaDefinition.Direction.Write);
        _added = new TypedReader<TDst>(_host, outputSchemaDefinition ?? SchemaDefinition.Create(typeof(TDst), SchemaDefinition.Direction.Read));
        var builder = new DataViewSchema.Builder();
        foreach (SchemaDefinition.Column column in _inputDefinition)
            builder.AddColumn(column.ColumnName, column.ColumnType ?? MemberColumns.ColumnTypeOf(MemberColumns.Find(typeof(TSrc), column.MemberName)));
        InputSchema = builder.ToSchema();
    }

    /// <summary>The columns that the mapping reads.</summary>
    internal DataViewSchema InputSchema { get; }

    /// <summary>The columns that the mapping adds.</summary>
    internal DataViewSchema AddedSchema => _added.Schema;

    bool ITransformer.IsRowToRowMapper => true;

    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema)
    {
        _host.CheckValue(inputSchema, nameof(inputSchema));
        return RowToRowMapperTransform.GetOutputSchema(inputSchema, new Mapper(this, inputSchema));
    }

    public IDataView Transform(IDataView input)
    {
        _host.CheckValue(input, nameof(input));
        return new RowToRowMapperTransform(_host, input, new Mapper(this, input.Schema), schema => new Mapper(this, schema));
    }

    IRowToRowMapper ITransformer.GetRowToRowMapper(DataViewSchema inputSchema)
    {
        _host.CheckValue(inputSchema, nameof(inputSchema));
        return new RowMapperAdapter(inputSchema, new Mapper(this, inputSchema));
    }

    void ICanSaveModel.Save(ModelSaveContext ctx)
    {
        _host.CheckValue(ctx, nameof(ctx));
        if (string.IsNullOrEmpty(_contractName))
            throw _host.Except("Saving a custom mapping needs a contract name: give one to CustomMapping, and a CustomMappingFactory with the same name");
        ctx.CheckAtModel();
        ctx.SetVersionInfo(CustomMappingLoader.GetVersionInfo());
        ctx.SaveNonEmptyString(_contractName);
        ctx.SaveStringOrNull(_map.Method.Module.Assembly.FullName);
    }

    private sealed class Mapper : IRowMapper
    {
        private readonly CustomMappingTransformer<TSrc, TDst> _parent;
        private readonly TypedWriter<TSrc> _writer;

        public Mapper(CustomMappingTransformer<TSrc, TDst> parent, DataViewSchema inputSchema)
        {
            _parent = parent;
            foreach (DataViewSchema.Column needed in parent.InputSchema)
            {
                DataViewSchema.Column column = parent._host.FindColumn(inputSchema, "input", needed.Name);
                if (column.Type.RawType != needed.Type.RawType)
                    throw parent._host.ExceptSchemaMismatch(nameof(inputSchema), "input", needed.Name, needed.Type.ToString(), column.Type.ToString());
            }
            _writer = new TypedWriter<TSrc>(parent._host, inputSchema, ignoreMissingColumns: false, parent._inputDefinition);
        }

        public DataViewSchema.DetachedColumn[] GetOutputColumns() => [.. _parent._added.Schema.Select(column => new DataViewSchema.DetachedColumn(column))];

        public ITransformer GetTransformer() => _parent;

        public void Save(ModelSaveContext ctx) => ((ICanSaveModel)_parent).Save(ctx);

        public Func<int, bool> GetDependencies(Func<int, bool> activeOutput)
        {
            if (!Enumerable.Range(0, _parent._added.Schema.Count).Any(activeOutput))
                return _ => false;
            var needed = _writer.Sources.Select(column => column.Index).ToHashSet();
            return needed.Contains;
        }

        public Delegate[] CreateGetters(DataViewRow input, Func<int, bool> activeOutput, out Action disposer)
        {
            disposer = null;
            var getters = new Delegate[_parent._added.Schema.Count];
            if (!Enumerable.Range(0, getters.Length).Any(activeOutput))
                return getters;
            var source = new TSrc();
            var holder = new RowHolder<TDst> { Row = new TDst() };
            Action<TSrc> fill = _writer.Bind(input);
            long position = -1;
            // The mapping runs once per row, whichever of its columns are read first.
            void Refresh()
            {
                if (position == input.Position)
                    return;
                fill(source);
                _parent._map(source, holder.Row);
                position = input.Position;
            }
            for (int i = 0; i < getters.Length; i++)
            {
                if (activeOutput(i))
                    getters[i] = Lazily(_parent._added.Schema[i].Type.RawType, _parent._added.CreateGetter(i, holder), Refresh);
            }
            return getters;
        }

        private static Delegate Lazily(Type type, Delegate getter, Action refresh) =>
            (Delegate)RowGetters.Call(
                typeof(Mapper).GetMethod(nameof(LazilyCore), System.Reflection.BindingFlags.NonPublic | System.Reflection.BindingFlags.Static),
                type,
                getter,
                refresh);

        private static ValueGetter<T> LazilyCore<T>(ValueGetter<T> getter, Action refresh) => (ref T value) =>
        {
            refresh();
            getter(ref value);
        };
    }
}

/// <summary>Loads custom mappings by their contract.</summary>
internal static class CustomMappingLoader
{
    public const string LoaderSignature = "CustomTransformer";

    public static VersionInfo GetVersionInfo() =>
        new("CUSTOMXF", 0x00010002, 0x00010002, 0x00010002, OfficialAssembly.NameOf(typeof(CustomMappingLoader)), LoaderSignature);

    private static ITransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        ctx.CheckAtModel(GetVersionInfo());
        string contractName = ctx.LoadNonEmptyString();
        string assembly = ctx.LoadStringOrNull();
        if (assembly is not null)
            env.ComponentCatalog.RegisterAssemblyByName(assembly);
        var factory = (ICustomMappingFactory)env.ComponentCatalog.GetExtensionValue(env, typeof(CustomMappingFactoryAttributeAttribute), contractName);
        return factory.CreateTransformer(env, contractName);
    }
}
