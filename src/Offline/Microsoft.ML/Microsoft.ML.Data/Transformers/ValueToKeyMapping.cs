using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms;

[assembly: LoadableClass(typeof(ValueToKeyMappingTransformer), null, typeof(SignatureLoadModel), "Term Transform", ValueToKeyMappingTransformer.LoaderSignature)]

namespace Microsoft.ML.Transforms;

/// <summary>Learns the different values of columns and numbers them.</summary>
public sealed class ValueToKeyMappingEstimator : IEstimator<ValueToKeyMappingTransformer>
{
    private readonly IHost _host;
    private readonly (string outputColumnName, string inputColumnName)[] _columns;
    private readonly int _maximumNumberOfKeys;
    private readonly KeyOrdinality _keyOrdinality;
    private readonly bool _annotationsAsText;
    private readonly IDataView _keyData;

    internal ValueToKeyMappingEstimator(
        IHostEnvironment env,
        (string outputColumnName, string inputColumnName)[] columns,
        int maximumNumberOfKeys,
        KeyOrdinality keyOrdinality,
        bool addKeyValueAnnotationsAsText,
        IDataView keyData)
    {
        Contracts.CheckEnvironment(env);
        _host = env.Register(nameof(ValueToKeyMappingEstimator));
        _host.CheckParam(maximumNumberOfKeys > 0, nameof(maximumNumberOfKeys), $"Must be positive, but is {maximumNumberOfKeys}");
        _host.CheckParam(keyData is null || keyData.Schema.Count == 1, nameof(keyData), $"Must have exactly one column, but has {keyData?.Schema}");
        _columns = columns;
        _maximumNumberOfKeys = maximumNumberOfKeys;
        _keyOrdinality = keyOrdinality;
        _annotationsAsText = addKeyValueAnnotationsAsText;
        _keyData = keyData;
    }

    /// <summary>The order in which values get their numbers.</summary>
    public enum KeyOrdinality : byte
    {
        ByOccurrence = 0,
        ByValue = 1,
    }

    public ValueToKeyMappingTransformer Fit(IDataView input)
    {
        _host.CheckValue(input, nameof(input));
        _host.CheckAlive();
        var maps = new TermMap[_columns.Length];
        for (int i = 0; i < maps.Length; i++)
        {
            DataViewSchema.Column column = _host.FindColumn(input.Schema, "input", _columns[i].inputColumnName);
            PrimitiveDataViewType itemType = TermMap.CheckType(_host, column);
            if (_keyData is null)
            {
                maps[i] = TermMap.Train(_host, input, column, _maximumNumberOfKeys, _keyOrdinality == KeyOrdinality.ByValue);
                continue;
            }
            DataViewSchema.Column keys = _keyData.Schema[0];
            if (!keys.Type.Equals(itemType))
                throw _host.ExceptSchemaMismatch("keyData", "key data", keys.Name, itemType.ToString(), keys.Type.ToString());
            maps[i] = TermMap.Train(_host, _keyData, keys, int.MaxValue, _keyOrdinality == KeyOrdinality.ByValue);
        }
        return new ValueToKeyMappingTransformer(_host, _columns, maps, _annotationsAsText);
    }

    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        _host.CheckValue(inputSchema, nameof(inputSchema));
        return SchemaShapes.With(inputSchema, _columns.Select(pair =>
        {
            SchemaShape.Column source = SchemaShapes.Find(_host, inputSchema, "input", pair.inputColumnName);
            if (source.IsKey || source.ItemType is not PrimitiveDataViewType or RowIdDataViewType)
                throw _host.ExceptSchemaMismatch(nameof(inputSchema), "input", source.Name, "text, number, boolean or date, or a vector of these", source.GetTypeString());
            var annotations = new List<SchemaShape.Column>(SchemaShapes.Annotations(source, AnnotationUtils.Kinds.SlotNames));
            DataViewType valueType = _annotationsAsText ? TextDataViewType.Instance : source.ItemType;
            annotations.Add(new SchemaShape.Column(AnnotationUtils.Kinds.KeyValues, SchemaShape.Column.VectorKind.Vector, valueType, false));
            return new SchemaShape.Column(pair.outputColumnName, source.Kind, NumberDataViewType.UInt32, true, new SchemaShape(annotations));
        }));
    }
}

/// <summary>Turns values into their numbers, and values that were not seen (or are missing) into 0.</summary>
public sealed class ValueToKeyMappingTransformer : OneToOneTransformerBase
{
    internal const string LoaderSignature = "TermTransform";

    private const string VocabularyDirectory = "Vocabulary";

    private readonly TermMap[] _maps;

    /// <summary>For each column, whether its key values are given as text.</summary>
    private readonly bool[] _annotationsAsText;

    internal ValueToKeyMappingTransformer(IHostEnvironment env, (string outputColumnName, string inputColumnName)[] columns, TermMap[] maps, bool annotationsAsText)
        : base(env.Register(nameof(ValueToKeyMappingTransformer)), columns)
    {
        _maps = maps;
        _annotationsAsText = new bool[columns.Length];
        Array.Fill(_annotationsAsText, annotationsAsText);
    }

    private ValueToKeyMappingTransformer(IHost host, ModelLoadContext ctx)
        : base(host, ctx)
    {
        _annotationsAsText = new bool[ColumnPairs.Length];
        for (int i = 0; i < _annotationsAsText.Length; i++)
            _annotationsAsText[i] = ctx.Reader.ReadBoolean();
        var maps = new TermMap[ColumnPairs.Length];
        bool found = ctx.TryProcessSubModel(VocabularyDirectory, vocabulary =>
        {
            vocabulary.CheckAtModel(GetVocabularyVersionInfo());
            int count = vocabulary.Reader.ReadInt32();
            host.CheckDecode(count == maps.Length, $"Corrupt model: {count} vocabularies for {maps.Length} columns");
            for (int i = 0; i < count; i++)
                maps[i] = TermMap.Load(host, vocabulary);
        });
        host.CheckDecode(found, $"Corrupt model: the entry '{VocabularyDirectory}' is missing");
        _maps = maps;
    }

    private static ValueToKeyMappingTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        ctx.CheckAtModel(GetVersionInfo());
        return new ValueToKeyMappingTransformer(env.Register(nameof(ValueToKeyMappingTransformer)), ctx);
    }

    private static VersionInfo GetVersionInfo() =>
        new("TERMTRNF", 0x00010003, 0x00010003, 0x00010003, OfficialAssembly.NameOf(typeof(ValueToKeyMappingTransformer)), LoaderSignature);

    private static VersionInfo GetVocabularyVersionInfo() =>
        new("TERM MAN", 0x00010002, 0x00010002, 0x00010002, OfficialAssembly.NameOf(typeof(ValueToKeyMappingTransformer)), "TermManager");

    private protected override void SaveModel(ModelSaveContext ctx)
    {
        ctx.CheckAtModel();
        ctx.SetVersionInfo(GetVersionInfo());
        SaveColumns(ctx);
        foreach (bool asText in _annotationsAsText)
            ctx.Writer.Write(asText);
        ctx.SaveSubModel(VocabularyDirectory, vocabulary =>
        {
            vocabulary.CheckAtModel();
            vocabulary.SetVersionInfo(GetVocabularyVersionInfo());
            vocabulary.Writer.Write(_maps.Length);
            foreach (TermMap map in _maps)
                map.Save(vocabulary);
            vocabulary.SaveTextStream("Terms.txt", writer =>
            {
                foreach (TermMap map in _maps)
                    map.WriteText(writer);
            });
        });
    }

    private protected override void CheckInputColumn(DataViewSchema inputSchema, int col, int srcCol)
    {
        DataViewSchema.Column source = inputSchema[srcCol];
        PrimitiveDataViewType itemType = TermMap.CheckType(Host, source);
        if (!itemType.Equals(_maps[col].ItemType))
            throw Host.ExceptSchemaMismatch(nameof(inputSchema), "input", source.Name, _maps[col].ItemType.ToString(), source.Type.ToString());
    }

    private protected override IRowMapper MakeRowMapper(DataViewSchema schema) => new Mapper(this, schema);

    private sealed class Mapper(ValueToKeyMappingTransformer parent, DataViewSchema inputSchema) : OneToOneMapperBase(parent.Host, parent, inputSchema)
    {
        protected override DataViewSchema.DetachedColumn[] GetOutputColumnsCore()
        {
            var columns = new DataViewSchema.DetachedColumn[parent.ColumnPairs.Length];
            for (int i = 0; i < columns.Length; i++)
            {
                DataViewSchema.Column source = InputSchema[ColMapNewToOld[i]];
                var key = new KeyDataViewType(typeof(uint), Math.Max(1, parent._maps[i].Count));
                DataViewType type = source.Type is VectorDataViewType vector ? new VectorDataViewType(key, vector.Dimensions) : key;
                var annotations = new DataViewSchema.Annotations.Builder();
                annotations.Add(source.Annotations, kind => kind == AnnotationUtils.Kinds.SlotNames);
                parent._maps[i].AddKeyValues(annotations, parent._annotationsAsText[i]);
                columns[i] = new DataViewSchema.DetachedColumn(parent.ColumnPairs[i].outputColumnName, type, annotations.ToAnnotations());
            }
            return columns;
        }

        protected override Delegate MakeGetter(DataViewRow input, int iinfo, Func<int, bool> activeOutput, out Action disposer)
        {
            disposer = null;
            return parent._maps[iinfo].KeyGetter(input, input.Schema[ColMapNewToOld[iinfo]]);
        }
    }
}
