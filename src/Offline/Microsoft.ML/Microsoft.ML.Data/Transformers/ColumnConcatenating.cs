using System.Reflection;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms;

[assembly: LoadableClass(typeof(ColumnConcatenatingTransformer), null, typeof(SignatureLoadModel), "Concat Transform", ColumnConcatenatingTransformer.LoaderSignature, ColumnConcatenatingTransformer.LoaderSignatureOld)]

namespace Microsoft.ML.Transforms
{
    /// <summary>Puts columns of one item type behind each other in one vector.</summary>
    public sealed class ColumnConcatenatingEstimator : IEstimator<ColumnConcatenatingTransformer>
    {
        private readonly IHost _host;
        private readonly string _name;
        private readonly string[] _source;

        internal ColumnConcatenatingEstimator(IHostEnvironment env, string outputColumnName, params string[] inputColumnNames)
        {
            Contracts.CheckEnvironment(env);
            _host = env.Register(nameof(ColumnConcatenatingEstimator));
            _host.CheckNonEmpty(outputColumnName, nameof(outputColumnName));
            _host.CheckValue(inputColumnNames, nameof(inputColumnNames));
            _host.CheckParam(!inputColumnNames.Any(string.IsNullOrEmpty), nameof(inputColumnNames), "Contains a null or empty column name");
            _name = outputColumnName;
            _source = inputColumnNames.Length > 0 ? inputColumnNames : [outputColumnName];
        }

        public ColumnConcatenatingTransformer Fit(IDataView input)
        {
            _host.CheckValue(input, nameof(input));
            var transformer = new ColumnConcatenatingTransformer(_host, _name, _source);
            _ = transformer.GetOutputSchema(input.Schema);
            return transformer;
        }

        public SchemaShape GetOutputSchema(SchemaShape inputSchema)
        {
            _host.CheckValue(inputSchema, nameof(inputSchema));
            SchemaShape.Column[] sources = [.. _source.Select(name => SchemaShapes.Find(_host, inputSchema, "input", name))];
            SchemaShape.Column first = sources[0];
            foreach (SchemaShape.Column source in sources)
            {
                if (source.ItemType is not PrimitiveDataViewType || source.IsKey || !source.ItemType.Equals(first.ItemType))
                    throw _host.ExceptSchemaMismatch(nameof(inputSchema), "input", source.Name, first.ItemType.ToString(), source.GetTypeString());
            }
            bool varies = sources.Any(source => source.Kind == SchemaShape.Column.VectorKind.VariableVector);
            var annotations = new List<SchemaShape.Column>();
            if (!varies && sources.Any(source => source.Kind == SchemaShape.Column.VectorKind.Scalar || source.Annotations.TryFindColumn(AnnotationUtils.Kinds.SlotNames, out _)))
                annotations.Add(SchemaShapes.TextVectorAnnotation(AnnotationUtils.Kinds.SlotNames));
            SchemaShape.Column.VectorKind kind = varies ? SchemaShape.Column.VectorKind.VariableVector : SchemaShape.Column.VectorKind.Vector;
            return SchemaShapes.With(inputSchema, [new SchemaShape.Column(_name, kind, first.ItemType, false, new SchemaShape(annotations))]);
        }
    }
}

namespace Microsoft.ML.Data
{
    /// <summary>Puts columns of one item type behind each other in one vector.</summary>
    public sealed class ColumnConcatenatingTransformer : RowToRowTransformerBase
    {
        internal const string LoaderSignature = "ConcatTransform";
        internal const string LoaderSignatureOld = "ConcatFunction";

        private readonly string _name;
        private readonly string[] _source;

        internal ColumnConcatenatingTransformer(IHostEnvironment env, string name, string[] source)
            : base(env.Register(nameof(ColumnConcatenatingTransformer)))
        {
            _name = name;
            _source = source;
        }

        private static ColumnConcatenatingTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
        {
            ctx.CheckAtModel(GetVersionInfo());
            int columns = ctx.Reader.ReadInt32();
            env.CheckDecode(columns == 1, $"Corrupt model: {columns} concatenated columns");
            string name = ctx.LoadNonEmptyString();
            int count = ctx.Reader.ReadInt32();
            env.CheckDecode(count > 0, $"Corrupt model: {count} columns to concatenate");
            var source = new List<string>();
            for (int i = 0; i < count; i++)
            {
                source.Add(ctx.LoadNonEmptyString());
                string alias = ctx.LoadStringOrNull();
                env.CheckDecode(alias is null, "Column aliases in concatenations are not supported");
            }
            return new ColumnConcatenatingTransformer(env, name, [.. source]);
        }

        private static VersionInfo GetVersionInfo() =>
            new("CONCAT F", 0x00010003, 0x00010003, 0x00010003, OfficialAssembly.NameOf(typeof(ColumnConcatenatingTransformer)), LoaderSignature, LoaderSignatureOld);

        private protected override void SaveModel(ModelSaveContext ctx)
        {
            ctx.CheckAtModel();
            ctx.SetVersionInfo(GetVersionInfo());
            ctx.Writer.Write(1);
            ctx.SaveNonEmptyString(_name);
            ctx.Writer.Write(_source.Length);
            foreach (string source in _source)
            {
                ctx.SaveNonEmptyString(source);
                ctx.SaveStringOrNull(null);
            }
        }

        private protected override IRowMapper MakeRowMapper(DataViewSchema schema) => new Mapper(this, schema);

        private sealed class Mapper : MapperBase
        {
            private readonly ColumnConcatenatingTransformer _parent;
            private readonly DataViewSchema.Column[] _sources;
            private readonly PrimitiveDataViewType _itemType;

            public Mapper(ColumnConcatenatingTransformer parent, DataViewSchema inputSchema)
                : base(parent.Host, inputSchema, parent)
            {
                _parent = parent;
                _sources = Array.ConvertAll(parent._source, name => Host.FindColumn(inputSchema, "input", name));
                _itemType = AnnotationUtils.GetItemType(_sources[0].Type);
                foreach (DataViewSchema.Column source in _sources)
                {
                    PrimitiveDataViewType item = AnnotationUtils.GetItemType(source.Type);
                    if (item is null or KeyDataViewType || !item.Equals(_itemType))
                        throw Host.ExceptSchemaMismatch(nameof(inputSchema), "input", source.Name, _itemType?.ToString() ?? "a primitive type", source.Type.ToString());
                }
            }

            protected override DataViewSchema.DetachedColumn[] GetOutputColumnsCore()
            {
                bool varies = _sources.Any(source => source.Type is VectorDataViewType { IsKnownSize: false });
                int size = varies ? 0 : _sources.Sum(source => source.Type is VectorDataViewType vector ? vector.Size : 1);
                var annotations = new DataViewSchema.Annotations.Builder();
                if (!varies && _sources.Any(source => source.Type is not VectorDataViewType || source.HasSlotNames()))
                {
                    ReadOnlyMemory<char>[] names = SlotNames();
                    annotations.Add(
                        AnnotationUtils.Kinds.SlotNames,
                        new VectorDataViewType(TextDataViewType.Instance, size),
                        (ref VBuffer<ReadOnlyMemory<char>> value) => VBuffer<ReadOnlyMemory<char>>.Copy(names, 0, ref value, names.Length));
                }
                return [new DataViewSchema.DetachedColumn(_parent._name, new VectorDataViewType(_itemType, size), annotations.ToAnnotations())];
            }

            protected override Delegate MakeGetter(DataViewRow input, int iinfo, Func<int, bool> activeOutput, out Action disposer)
            {
                disposer = null;
                MethodInfo method = typeof(Mapper).GetMethod(nameof(MakeGetterCore), BindingFlags.NonPublic | BindingFlags.Instance);
                return (Delegate)method.MakeGenericMethod(_itemType.RawType).Invoke(this, [input]);
            }

            private protected override Func<int, bool> GetDependenciesCore(Func<int, bool> activeOutput)
            {
                if (!activeOutput(0))
                    return _ => false;
                return index => Array.Exists(_sources, source => source.Index == index);
            }

            private protected override void SaveModel(ModelSaveContext ctx) => _parent.SaveModel(ctx);

            /// <summary>A scalar's slot is named after its column, a vector's after its own slot names.</summary>
            private ReadOnlyMemory<char>[] SlotNames()
            {
                var names = new List<ReadOnlyMemory<char>>();
                foreach (DataViewSchema.Column source in _sources)
                {
                    if (source.Type is not VectorDataViewType vector)
                    {
                        names.Add(source.Name.AsMemory());
                        continue;
                    }
                    if (!source.HasSlotNames())
                    {
                        names.AddRange(new ReadOnlyMemory<char>[vector.Size]);
                        continue;
                    }
                    VBuffer<ReadOnlyMemory<char>> own = default;
                    source.GetSlotNames(ref own);
                    foreach (ReadOnlyMemory<char> name in own.DenseValues())
                        names.Add(name.IsEmpty ? name : $"{source.Name}.{name}".AsMemory());
                }
                return [.. names];
            }

            private ValueGetter<VBuffer<T>> MakeGetterCore<T>(DataViewRow input)
            {
                var scalars = new ValueGetter<T>[_sources.Length];
                var vectors = new ValueGetter<VBuffer<T>>[_sources.Length];
                var parts = new VBuffer<T>[_sources.Length];
                for (int i = 0; i < _sources.Length; i++)
                {
                    if (_sources[i].Type is VectorDataViewType)
                        vectors[i] = input.GetGetter<VBuffer<T>>(input.Schema[_sources[i].Index]);
                    else
                        scalars[i] = input.GetGetter<T>(input.Schema[_sources[i].Index]);
                }
                return (ref VBuffer<T> value) =>
                {
                    int length = 0;
                    int count = 0;
                    for (int i = 0; i < parts.Length; i++)
                    {
                        vectors[i]?.Invoke(ref parts[i]);
                        length += vectors[i] is null ? 1 : parts[i].Length;
                        count += vectors[i] is null ? 1 : parts[i].GetValues().Length;
                    }
                    VBufferEditor<T> editor = VBufferEditor.Create(ref value, length, count);
                    int at = 0;
                    int slot = 0;
                    bool sparse = count < length;
                    for (int i = 0; i < parts.Length; i++)
                    {
                        if (scalars[i] is { } scalar)
                        {
                            scalar(ref editor.Values[at]);
                            if (sparse)
                                editor.Indices[at] = slot;
                            at++;
                            slot++;
                            continue;
                        }
                        ReadOnlySpan<T> values = parts[i].GetValues();
                        values.CopyTo(editor.Values[at..]);
                        if (sparse)
                        {
                            ReadOnlySpan<int> indices = parts[i].GetIndices();
                            for (int j = 0; j < values.Length; j++)
                                editor.Indices[at + j] = slot + (indices.IsEmpty ? j : indices[j]);
                        }
                        at += values.Length;
                        slot += parts[i].Length;
                    }
                    value = editor.Commit();
                };
            }
        }
    }
}
