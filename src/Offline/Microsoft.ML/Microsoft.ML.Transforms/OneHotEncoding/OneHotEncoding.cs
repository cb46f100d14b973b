using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms;

namespace Microsoft.ML.Transforms
{
    /// <summary>Learns the different values of columns, and turns each into a vector with a slot per value.</summary>
    public sealed class OneHotEncodingEstimator : IEstimator<OneHotEncodingTransformer>
    {
        private readonly ValueToKeyMappingEstimator _keys;
        private readonly KeyToVectorMappingEstimator _vectors;

        internal OneHotEncodingEstimator(
            IHostEnvironment env,
            (string outputColumnName, string inputColumnName)[] columns,
            OutputKind outputKind,
            int maximumNumberOfKeys,
            ValueToKeyMappingEstimator.KeyOrdinality keyOrdinality,
            IDataView keyData)
        {
            env.CheckParam(Enum.IsDefined(outputKind), nameof(outputKind), $"There is no kind {outputKind} of output here: use Bag, Indicator or Key");
            _keys = new ValueToKeyMappingEstimator(env, columns, maximumNumberOfKeys, keyOrdinality, addKeyValueAnnotationsAsText: true, keyData);
            if (outputKind != OutputKind.Key)
                _vectors = new KeyToVectorMappingEstimator(env, Array.ConvertAll(columns, pair => (pair.outputColumnName, pair.outputColumnName)), outputKind == OutputKind.Bag);
        }

        /// <summary>What a value becomes.</summary>
        public enum OutputKind : byte
        {
            /// <summary>A vector with 1 in the slot of the value; for vectors the sum of those of its items.</summary>
            Bag = 1,

            /// <summary>A vector with 1 in the slot of the value; for vectors those of its items behind each other.</summary>
            Indicator = 2,

            /// <summary>The key of the value.</summary>
            Key = 3,
        }

        public OneHotEncodingTransformer Fit(IDataView input)
        {
            ValueToKeyMappingTransformer keys = _keys.Fit(input);
            return _vectors is null ? new OneHotEncodingTransformer(keys) : new OneHotEncodingTransformer(keys, _vectors.Fit(keys.Transform(input)));
        }

        public SchemaShape GetOutputSchema(SchemaShape inputSchema)
        {
            SchemaShape keys = _keys.GetOutputSchema(inputSchema);
            return _vectors?.GetOutputSchema(keys) ?? keys;
        }
    }

    /// <summary>Turns values into vectors with a slot per value that was seen. Is saved as the chain of its two steps.</summary>
    public sealed class OneHotEncodingTransformer : ITransformer
    {
        private readonly TransformerChain<ITransformer> _steps;

        internal OneHotEncodingTransformer(params ITransformer[] steps)
        {
            _steps = new TransformerChain<ITransformer>(steps);
        }

        bool ITransformer.IsRowToRowMapper => true;

        public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => _steps.GetOutputSchema(inputSchema);

        public IDataView Transform(IDataView input) => _steps.Transform(input);

        IRowToRowMapper ITransformer.GetRowToRowMapper(DataViewSchema inputSchema) => ((ITransformer)_steps).GetRowToRowMapper(inputSchema);

        void ICanSaveModel.Save(ModelSaveContext ctx) => ((ICanSaveModel)_steps).Save(ctx);
    }
}

namespace Microsoft.ML
{
    /// <summary>Estimators that turn values of a few kinds into numbers.</summary>
    public static class CategoricalCatalog
    {
        /// <summary>A vector with a slot per different value of a column.</summary>
        public static OneHotEncodingEstimator OneHotEncoding(
            this TransformsCatalog.CategoricalTransforms catalog,
            string outputColumnName,
            string inputColumnName = null,
            OneHotEncodingEstimator.OutputKind outputKind = OneHotEncodingEstimator.OutputKind.Indicator,
            int maximumNumberOfKeys = 1000000,
            ValueToKeyMappingEstimator.KeyOrdinality keyOrdinality = ValueToKeyMappingEstimator.KeyOrdinality.ByOccurrence,
            IDataView keyData = null) =>
            new(catalog.GetEnvironment(), [(outputColumnName, inputColumnName ?? outputColumnName)], outputKind, maximumNumberOfKeys, keyOrdinality, keyData);

        /// <summary>A vector with a slot per different value, for several columns.</summary>
        public static OneHotEncodingEstimator OneHotEncoding(
            this TransformsCatalog.CategoricalTransforms catalog,
            InputOutputColumnPair[] columns,
            OneHotEncodingEstimator.OutputKind outputKind = OneHotEncodingEstimator.OutputKind.Indicator,
            int maximumNumberOfKeys = 1000000,
            ValueToKeyMappingEstimator.KeyOrdinality keyOrdinality = ValueToKeyMappingEstimator.KeyOrdinality.ByOccurrence,
            IDataView keyData = null) =>
            new(catalog.GetEnvironment(), InputOutputColumnPair.ConvertToValueTuples(columns), outputKind, maximumNumberOfKeys, keyOrdinality, keyData);
    }
}
