using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms;

[assembly: LoadableClass(typeof(LpNormNormalizingTransformer), null, typeof(SignatureLoadModel), "Lp-Norm Normalizer", LpNormNormalizingTransformer.LoaderSignature, LpNormNormalizingTransformer.LoaderSignatureOld)]

namespace Microsoft.ML.Transforms
{
    /// <summary>Scales each row's vector by its own norm.</summary>
    public abstract class LpNormNormalizingEstimatorBase : TrivialEstimator<LpNormNormalizingTransformer>
    {
        private readonly (string outputColumnName, string inputColumnName)[] _columns;

        private protected LpNormNormalizingEstimatorBase(IHost host, LpNormNormalizingTransformer transformer, (string, string)[] columns)
            : base(host, transformer)
        {
            _columns = columns;
        }

        public enum NormFunction : byte
        {
            /// <summary>The square root of the sum of squares.</summary>
            L2 = 0,

            /// <summary>The standard deviation.</summary>
            StandardDeviation = 1,

            /// <summary>The sum of absolute values.</summary>
            L1 = 2,

            /// <summary>The largest absolute value.</summary>
            Infinity = 3,
        }

        public override SchemaShape GetOutputSchema(SchemaShape inputSchema)
        {
            Host.CheckValue(inputSchema, nameof(inputSchema));
            return SchemaShapes.With(inputSchema, _columns.Select(pair =>
            {
                SchemaShape.Column source = SchemaShapes.Find(Host, inputSchema, "input", pair.inputColumnName);
                if (source.Kind == SchemaShape.Column.VectorKind.Scalar || source.ItemType.RawType != typeof(float))
                    throw Host.ExceptSchemaMismatch(nameof(inputSchema), "input", source.Name, LpNormNormalizingTransformer.Expected, source.GetTypeString());
                var annotations = new List<SchemaShape.Column>(SchemaShapes.Annotations(source, AnnotationUtils.Kinds.SlotNames))
                {
                    new(AnnotationUtils.Kinds.IsNormalized, SchemaShape.Column.VectorKind.Scalar, BooleanDataViewType.Instance, false),
                };
                return new SchemaShape.Column(pair.outputColumnName, source.Kind, source.ItemType, false, new SchemaShape(annotations));
            }));
        }
    }

    /// <summary>Scales each row's vector to norm 1.</summary>
    public sealed class LpNormNormalizingEstimator : LpNormNormalizingEstimatorBase
    {
        internal LpNormNormalizingEstimator(IHostEnvironment env, string outputColumnName, string inputColumnName, NormFunction norm, bool ensureZeroMean)
            : this(env, [(outputColumnName, inputColumnName ?? outputColumnName)], norm, ensureZeroMean)
        {
        }

        private LpNormNormalizingEstimator(IHostEnvironment env, (string, string)[] columns, NormFunction norm, bool ensureZeroMean)
            : base(env.Register(nameof(LpNormNormalizingEstimator)), new LpNormNormalizingTransformer(env, columns, norm, ensureZeroMean), columns)
        {
        }
    }

    /// <summary>Scales each row's vector to norm 1; a vector of norm 0 stays as it is.</summary>
    public sealed class LpNormNormalizingTransformer : OneToOneTransformerBase
    {
        internal const string LoaderSignature = "GcnTransform";
        internal const string LoaderSignatureOld = "GcnFunction";
        internal const string Expected = "Vector<Single>";

        // Smaller norms are rounding errors of a zero vector.
        private const float SmallestNorm = 1e-8f;

        private readonly ColumnSettings[] _columns;

        internal LpNormNormalizingTransformer(IHostEnvironment env, (string, string)[] columns, LpNormNormalizingEstimatorBase.NormFunction norm, bool ensureZeroMean)
            : base(env.Register(nameof(LpNormNormalizingTransformer)), columns)
        {
            Host.CheckParam(Enum.IsDefined(norm), nameof(norm), $"There is no norm {norm}");
            _columns = new ColumnSettings[columns.Length];
            Array.Fill(_columns, new ColumnSettings(norm, ensureZeroMean, 1));
        }

        private LpNormNormalizingTransformer(IHost host, ModelLoadContext ctx)
            : base(host, ctx)
        {
            _columns = new ColumnSettings[ColumnPairs.Length];
            for (int i = 0; i < _columns.Length; i++)
            {
                bool ensureZeroMean = ctx.Reader.ReadBoolean();
                var norm = (LpNormNormalizingEstimatorBase.NormFunction)ctx.Reader.ReadByte();
                float scale = ctx.Reader.ReadSingle();
                host.CheckDecode(Enum.IsDefined(norm) && scale > 0 && float.IsFinite(scale), $"Corrupt model: norm {norm} with scale {scale}");
                _columns[i] = new ColumnSettings(norm, ensureZeroMean, scale);
            }
        }

        private static LpNormNormalizingTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
        {
            ctx.CheckAtModel(GetVersionInfo());
            return new LpNormNormalizingTransformer(env.Register(nameof(LpNormNormalizingTransformer)), ctx);
        }

        private static VersionInfo GetVersionInfo() =>
            new("GCNORMAF", 0x00010003, 0x00010003, 0x00010003, OfficialAssembly.NameOf(typeof(LpNormNormalizingTransformer)), LoaderSignature, LoaderSignatureOld);

        private protected override void SaveModel(ModelSaveContext ctx)
        {
            ctx.CheckAtModel();
            ctx.SetVersionInfo(GetVersionInfo());
            SaveColumns(ctx);
            foreach (ColumnSettings column in _columns)
            {
                ctx.Writer.Write(column.EnsureZeroMean);
                ctx.Writer.Write((byte)column.Norm);
                ctx.Writer.Write(column.Scale);
            }
        }

        private protected override void CheckInputColumn(DataViewSchema inputSchema, int col, int srcCol)
        {
            DataViewSchema.Column source = inputSchema[srcCol];
            if (source.Type is not VectorDataViewType vector || vector.ItemType.RawType != typeof(float))
                throw Host.ExceptSchemaMismatch(nameof(inputSchema), "input", source.Name, Expected, source.Type.ToString());
        }

        private protected override IRowMapper MakeRowMapper(DataViewSchema schema) => new Mapper(this, schema);

        private static void Normalize(Span<float> values, in ColumnSettings column)
        {
            if (values.IsEmpty)
                return;
            double mean = 0;
            foreach (float value in values)
                mean += value;
            mean /= values.Length;
            double shift = column.EnsureZeroMean ? mean : 0;
            double norm = 0;
            foreach (float value in values)
            {
                double x = value - shift;
                norm = column.Norm switch
                {
                    LpNormNormalizingEstimatorBase.NormFunction.L1 => norm + Math.Abs(x),
                    LpNormNormalizingEstimatorBase.NormFunction.Infinity => Math.Max(norm, Math.Abs(x)),
                    LpNormNormalizingEstimatorBase.NormFunction.StandardDeviation => norm + ((value - mean) * (value - mean)),
                    _ => norm + (x * x),
                };
            }
            if (column.Norm == LpNormNormalizingEstimatorBase.NormFunction.L2)
                norm = Math.Sqrt(norm);
            else if (column.Norm == LpNormNormalizingEstimatorBase.NormFunction.StandardDeviation)
                norm = Math.Sqrt(norm / values.Length);
            double scale = norm < SmallestNorm ? column.Scale : column.Scale / norm;
            for (int i = 0; i < values.Length; i++)
                values[i] = (float)((values[i] - shift) * scale);
        }

        /// <summary>What is done to a column; the scale is 1 but in models that others saved.</summary>
        private readonly record struct ColumnSettings(LpNormNormalizingEstimatorBase.NormFunction Norm, bool EnsureZeroMean, float Scale);

        private sealed class Mapper(LpNormNormalizingTransformer parent, DataViewSchema inputSchema) : OneToOneMapperBase(parent.Host, parent, inputSchema)
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
                ValueGetter<VBuffer<float>> getter = input.GetGetter<VBuffer<float>>(input.Schema[ColMapNewToOld[iinfo]]);
                ColumnSettings column = parent._columns[iinfo];
                VBuffer<float> source = default;
                return (ValueGetter<VBuffer<float>>)((ref VBuffer<float> value) =>
                {
                    getter(ref source);
                    VBufferEditor<float> editor = VBufferEditor.Create(ref value, source.Length);
                    source.CopyTo(editor.Values);
                    Normalize(editor.Values, in column);
                    value = editor.Commit();
                });
            }
        }
    }
}

namespace Microsoft.ML
{
    /// <summary>Estimators that bring numbers into a range.</summary>
    public static class NormalizationCatalog
    {
        /// <summary>Brings each slot of a column to 0 to 1 by its range; with <paramref name="fixZero"/> to -1 to 1, and zero stays zero.</summary>
        public static NormalizingEstimator NormalizeMinMax(
            this TransformsCatalog catalog,
            string outputColumnName,
            string inputColumnName = null,
            long maximumExampleCount = 1000000000,
            bool fixZero = true) =>
            new(catalog.GetEnvironment(), [(outputColumnName, inputColumnName ?? outputColumnName)], maximumExampleCount, fixZero);

        /// <summary>Brings each slot of several columns to 0 to 1 by its range; with <paramref name="fixZero"/> to -1 to 1, and zero stays zero.</summary>
        public static NormalizingEstimator NormalizeMinMax(
            this TransformsCatalog catalog,
            InputOutputColumnPair[] columns,
            long maximumExampleCount = 1000000000,
            bool fixZero = true) =>
            new(catalog.GetEnvironment(), InputOutputColumnPair.ConvertToValueTuples(columns), maximumExampleCount, fixZero);

        /// <summary>Scales each row's vector to norm 1.</summary>
        public static LpNormNormalizingEstimator NormalizeLpNorm(
            this TransformsCatalog catalog,
            string outputColumnName,
            string inputColumnName = null,
            LpNormNormalizingEstimatorBase.NormFunction norm = LpNormNormalizingEstimatorBase.NormFunction.L2,
            bool ensureZeroMean = false) =>
            new(catalog.GetEnvironment(), outputColumnName, inputColumnName, norm, ensureZeroMean);
    }
}
