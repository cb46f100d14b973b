using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms;

[assembly: LoadableClass(typeof(ColumnSelectingTransformer), null, typeof(SignatureLoadModel), "Select Columns Transform", ColumnSelectingTransformer.LoaderSignature)]

namespace Microsoft.ML.Transforms;

/// <summary>Keeps some columns, or all but some.</summary>
public sealed class ColumnSelectingEstimator : TrivialEstimator<ColumnSelectingTransformer>
{
    internal ColumnSelectingEstimator(IHostEnvironment env, string[] columns, bool keep, bool keepHidden)
        : base(env.Register(nameof(ColumnSelectingEstimator)), new ColumnSelectingTransformer(env, columns, keep, keepHidden, ignoreMissing: false))
    {
    }

    public override SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        Host.CheckValue(inputSchema, nameof(inputSchema));
        foreach (string name in Transformer.Columns)
            SchemaShapes.Find(Host, inputSchema, "input", name);
        return Transformer.Keep
            ? new SchemaShape(Transformer.Columns.Select(name => SchemaShapes.Find(Host, inputSchema, "input", name)))
            : new SchemaShape(inputSchema.Where(column => !Transformer.Columns.Contains(column.Name)));
    }
}

/// <summary>Keeps some columns, in the order in which they were named, or all but some.</summary>
public sealed class ColumnSelectingTransformer : ITransformer
{
    internal const string LoaderSignature = "SelectColumnsTransform";

    private readonly IHost _host;
    private readonly bool _keepHidden;
    private readonly bool _ignoreMissing;

    internal ColumnSelectingTransformer(IHostEnvironment env, string[] columns, bool keep, bool keepHidden, bool ignoreMissing)
    {
        Contracts.CheckEnvironment(env);
        _host = env.Register(nameof(ColumnSelectingTransformer));
        _host.CheckValue(columns, nameof(columns));
        _host.CheckParam(columns.Length > 0, nameof(columns), "At least one column is needed");
        _host.CheckParam(columns.Distinct().Count() == columns.Length, nameof(columns), $"A column is named twice: {string.Join(", ", columns)}");
        foreach (string column in columns)
            _host.CheckNonEmpty(column, nameof(columns));
        Columns = columns;
        Keep = keep;
        _keepHidden = keepHidden;
        _ignoreMissing = ignoreMissing;
    }

    internal string[] Columns { get; }

    internal bool Keep { get; }

    bool ITransformer.IsRowToRowMapper => true;

    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => MakeMapper(inputSchema).OutputSchema;

    public IDataView Transform(IDataView input)
    {
        _host.CheckValue(input, nameof(input));
        return new ColumnSelectionDataView(_host, input, MakeMapper(input.Schema));
    }

    IRowToRowMapper ITransformer.GetRowToRowMapper(DataViewSchema inputSchema) => MakeMapper(inputSchema);

    void ICanSaveModel.Save(ModelSaveContext ctx)
    {
        ctx.CheckAtModel();
        ctx.SetVersionInfo(GetVersionInfo());
        ctx.Writer.Write(Keep);
        ctx.Writer.Write(_keepHidden);
        ctx.Writer.Write(_ignoreMissing);
        ctx.Writer.Write(Columns.Length);
        foreach (string column in Columns)
            ctx.SaveNonEmptyString(column);
    }

    private static ColumnSelectingTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        ctx.CheckAtModel(GetVersionInfo());
        bool keep = ctx.Reader.ReadBoolean();
        bool keepHidden = ctx.Reader.ReadBoolean();
        bool ignoreMissing = ctx.Reader.ReadBoolean();
        int count = ctx.Reader.ReadInt32();
        env.CheckDecode(count > 0 && count <= ctx.Strings.Length, $"Corrupt model: {count} selected columns");
        var columns = new string[count];
        for (int i = 0; i < count; i++)
            columns[i] = ctx.LoadNonEmptyString();
        return new ColumnSelectingTransformer(env, columns, keep, keepHidden, ignoreMissing);
    }

    private static VersionInfo GetVersionInfo() =>
        new("SELCOLST", 0x00010001, 0x00010001, 0x00010001, OfficialAssembly.NameOf(typeof(ColumnSelectingTransformer)), LoaderSignature);

    private ColumnSelectionMapper MakeMapper(DataViewSchema schema)
    {
        _host.CheckValue(schema, nameof(schema));
        if (!_ignoreMissing)
        {
            foreach (string name in Columns)
                _host.FindColumn(schema, "input", name);
        }
        int[] sources = Keep
            ? [.. Columns.SelectMany(name => schema.Where(c => c.Name == name && (_keepHidden || !c.IsHidden))).Select(c => c.Index)]
            : [.. schema.Where(c => !Columns.Contains(c.Name) && (_keepHidden || !c.IsHidden)).Select(c => c.Index)];
        return new ColumnSelectionMapper(schema, sources);
    }
}
