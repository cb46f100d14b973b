using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms;

[assembly: LoadableClass(typeof(ColumnCopyingTransformer), null, typeof(SignatureLoadModel), "Copy Columns Transform", ColumnCopyingTransformer.LoaderSignature)]

namespace Microsoft.ML.Transforms;

/// <summary>Gives columns further names.</summary>
public sealed class ColumnCopyingEstimator : TrivialEstimator<ColumnCopyingTransformer>
{
    private readonly (string outputColumnName, string inputColumnName)[] _columns;

    internal ColumnCopyingEstimator(IHostEnvironment env, params (string outputColumnName, string inputColumnName)[] columns)
        : base(env.Register(nameof(ColumnCopyingEstimator)), new ColumnCopyingTransformer(env, columns))
    {
        _columns = columns;
    }

    public override SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        Host.CheckValue(inputSchema, nameof(inputSchema));
        return SchemaShapes.With(inputSchema, _columns.Select(pair =>
        {
            SchemaShape.Column source = SchemaShapes.Find(Host, inputSchema, "input", pair.inputColumnName);
            return new SchemaShape.Column(pair.outputColumnName, source.Kind, source.ItemType, source.IsKey, source.Annotations);
        }));
    }
}

/// <summary>Gives columns further names.</summary>
public sealed class ColumnCopyingTransformer : OneToOneTransformerBase
{
    internal const string LoaderSignature = "CopyTransform";

    internal ColumnCopyingTransformer(IHostEnvironment env, params (string outputColumnName, string inputColumnName)[] columns)
        : base(env.Register(nameof(ColumnCopyingTransformer)), columns)
    {
    }

    private ColumnCopyingTransformer(IHost host, ModelLoadContext ctx)
        : base(host, ctx)
    {
    }

    private static ColumnCopyingTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        ctx.CheckAtModel(GetVersionInfo());
        return new ColumnCopyingTransformer(env.Register(nameof(ColumnCopyingTransformer)), ctx);
    }

    private static VersionInfo GetVersionInfo() =>
        new("COPYCOLT", 0x00010001, 0x00010001, 0x00010001, OfficialAssembly.NameOf(typeof(ColumnCopyingTransformer)), LoaderSignature);

    private protected override void SaveModel(ModelSaveContext ctx)
    {
        ctx.CheckAtModel();
        ctx.SetVersionInfo(GetVersionInfo());
        SaveColumns(ctx);
    }

    private protected override IRowMapper MakeRowMapper(DataViewSchema schema) => new Mapper(this, schema);

    private sealed class Mapper(ColumnCopyingTransformer parent, DataViewSchema inputSchema) : OneToOneMapperBase(parent.Host, parent, inputSchema)
    {
        protected override DataViewSchema.DetachedColumn[] GetOutputColumnsCore()
        {
            var columns = new DataViewSchema.DetachedColumn[parent.ColumnPairs.Length];
            for (int i = 0; i < columns.Length; i++)
            {
                DataViewSchema.Column source = InputSchema[ColMapNewToOld[i]];
                columns[i] = new DataViewSchema.DetachedColumn(parent.ColumnPairs[i].outputColumnName, source.Type, source.Annotations);
            }
            return columns;
        }

        protected override Delegate MakeGetter(DataViewRow input, int iinfo, Func<int, bool> activeOutput, out Action disposer)
        {
            disposer = null;
            return RowGetters.Get(input, input.Schema[ColMapNewToOld[iinfo]]);
        }
    }
}
