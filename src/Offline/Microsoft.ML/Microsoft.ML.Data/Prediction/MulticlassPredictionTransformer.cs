using System.Reflection;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

[assembly: LoadableClass(typeof(ITransformer), typeof(MulticlassPredictionTransformer), null, typeof(SignatureLoadModel), "Multiclass prediction", MulticlassPredictionTransformer.LoaderSignature)]

namespace Microsoft.ML.Data;

/// <summary>Adds <c>PredictedLabel</c>, a key, and <c>Score</c>, one number per class.</summary>
public sealed class MulticlassPredictionTransformer<TModel> : SingleFeaturePredictionTransformerBase<TModel>
    where TModel : class
{
    private readonly string _labelColumn;
    private readonly string _scoreColumn;
    private readonly string _predictedLabelColumn;

    internal MulticlassPredictionTransformer(
        IHostEnvironment env,
        TModel model,
        DataViewSchema trainSchema,
        string featureColumn,
        string labelColumn,
        string scoreColumn = AnnotationUtils.Const.ScoreValueKind.Score,
        string predictedLabel = AnnotationUtils.Const.ScoreValueKind.PredictedLabel)
        : base(env.Register(nameof(MulticlassPredictionTransformer<TModel>)), model, trainSchema, featureColumn)
    {
        _labelColumn = labelColumn;
        _scoreColumn = scoreColumn;
        _predictedLabelColumn = predictedLabel;
    }

    internal MulticlassPredictionTransformer(IHost host, TModel model, ModelLoadContext ctx)
        : base(host, model, ctx)
    {
        _labelColumn = ctx.LoadStringOrNull();
        bool named = ctx.Header.ModelVerWritten >= 0x00010002;
        _scoreColumn = named ? ctx.LoadNonEmptyString() : AnnotationUtils.Const.ScoreValueKind.Score;
        _predictedLabelColumn = named ? ctx.LoadNonEmptyString() : AnnotationUtils.Const.ScoreValueKind.PredictedLabel;
        host.CheckDecode(
            FeatureColumnType is VectorDataViewType { ItemType.RawType: var item } vector && item == typeof(float) && vector.Size == Scorer.FeatureCount,
            $"Corrupt model: it has {Scorer.FeatureCount} features, but its feature column has the type {FeatureColumnType}");
    }

    private IMulticlassModel Scorer => (IMulticlassModel)Model;

    private protected override void SaveCore(ModelSaveContext ctx)
    {
        ctx.SetVersionInfo(MulticlassPredictionTransformer.GetVersionInfo());
        base.SaveCore(ctx);
        ctx.SaveStringOrNull(_labelColumn);
        ctx.SaveStringOrNull(_scoreColumn);
        ctx.SaveStringOrNull(_predictedLabelColumn);
    }

    private protected override IRowMapper MakeRowMapper(DataViewSchema schema) => new Mapper(this, schema, FeatureColumn(schema));

    private sealed class Mapper(MulticlassPredictionTransformer<TModel> parent, DataViewSchema inputSchema, DataViewSchema.Column features) : IRowMapper
    {
        private const int PredictedLabel = 0;
        private const int Score = 1;

        public ITransformer GetTransformer() => parent;

        public DataViewSchema.DetachedColumn[] GetOutputColumns()
        {
            int classes = parent.Scorer.ClassCount;
            uint set = NextSetId(inputSchema);
            DataViewSchema.Column? label = parent._labelColumn is null ? null : parent.TrainSchema.GetColumnOrNull(parent._labelColumn);
            DataViewSchema.Annotations known = label?.Annotations ?? DataViewSchema.Annotations.Empty;
            bool named = known.Schema.GetColumnOrNull(AnnotationUtils.Kinds.KeyValues)?.Type is VectorDataViewType values && values.Size == classes;

            var predicted = new DataViewSchema.Annotations.Builder();
            var score = new DataViewSchema.Annotations.Builder();
            if (named)
            {
                DataViewSchema.Column keyValues = known.Schema[AnnotationUtils.Kinds.KeyValues];
                Delegate getter = known.GetGetterInternal(keyValues.Index);
                predicted.Add(AnnotationUtils.Kinds.KeyValues, keyValues.Type, getter);
                score.Add(AnnotationUtils.Kinds.TrainingLabelValues, keyValues.Type, getter);
                if (((VectorDataViewType)keyValues.Type).ItemType is TextDataViewType)
                    score.Add(AnnotationUtils.Kinds.SlotNames, keyValues.Type, getter);
            }
            Describe(predicted, set, AnnotationUtils.Const.ScoreValueKind.PredictedLabel);
            Describe(score, set, AnnotationUtils.Const.ScoreValueKind.Score);
            return
            [
                new(parent._predictedLabelColumn, new KeyDataViewType(typeof(uint), classes), predicted.ToAnnotations()),
                new(parent._scoreColumn, new VectorDataViewType(NumberDataViewType.Single, classes), score.ToAnnotations()),
            ];
        }

        public Func<int, bool> GetDependencies(Func<int, bool> activeOutput)
        {
            bool needed = activeOutput(PredictedLabel) || activeOutput(Score);
            return index => needed && index == features.Index;
        }

        public Delegate[] CreateGetters(DataViewRow input, Func<int, bool> activeOutput, out Action disposer)
        {
            disposer = null;
            var getters = new Delegate[2];
            if (!activeOutput(PredictedLabel) && !activeOutput(Score))
                return getters;
            IMulticlassModel model = parent.Scorer;
            ValueGetter<VBuffer<float>> getFeatures = input.GetGetter<VBuffer<float>>(input.Schema[features.Index]);
            VBuffer<float> row = default;
            var scores = new float[model.ClassCount];
            // Both columns come from one computation per row; a row without a position is computed every time.
            long computed = -1;
            void Compute()
            {
                if (computed >= 0 && computed == input.Position)
                    return;
                getFeatures(ref row);
                model.Score(in row, scores);
                computed = input.Position;
            }
            if (activeOutput(PredictedLabel))
            {
                getters[PredictedLabel] = (ValueGetter<uint>)((ref uint value) =>
                {
                    Compute();
                    value = Largest(scores);
                });
            }
            if (activeOutput(Score))
            {
                getters[Score] = (ValueGetter<VBuffer<float>>)((ref VBuffer<float> value) =>
                {
                    Compute();
                    VBuffer<float>.Copy(scores, 0, ref value, scores.Length);
                });
            }
            return getters;
        }

        void ICanSaveModel.Save(ModelSaveContext ctx) => parent.SaveModel(ctx);

        /// <summary>The key of the class with the highest score, the first of equals; missing where all scores are.</summary>
        private static uint Largest(ReadOnlySpan<float> scores)
        {
            int best = -1;
            for (int i = 0; i < scores.Length; i++)
            {
                if (best < 0 ? !float.IsNaN(scores[i]) : scores[i] > scores[best])
                    best = i;
            }
            return (uint)(best + 1);
        }

        private static void Describe(DataViewSchema.Annotations.Builder builder, uint set, string valueKind)
        {
            builder.AddPrimitiveValue(AnnotationUtils.Kinds.ScoreColumnSetId, new KeyDataViewType(typeof(uint), int.MaxValue), set);
            builder.AddPrimitiveValue(AnnotationUtils.Kinds.ScoreColumnKind, TextDataViewType.Instance, AnnotationUtils.Const.ScoreColumnKind.MulticlassClassification.AsMemory());
            builder.AddPrimitiveValue(AnnotationUtils.Kinds.ScoreValueKind, TextDataViewType.Instance, valueKind.AsMemory());
        }

        /// <summary>A number for this set of columns that no earlier set has.</summary>
        private static uint NextSetId(DataViewSchema schema)
        {
            uint highest = 0;
            foreach (DataViewSchema.Column column in schema)
            {
                if (column.Annotations.Schema.GetColumnOrNull(AnnotationUtils.Kinds.ScoreColumnSetId)?.Type.RawType != typeof(uint))
                    continue;
                uint id = 0;
                column.Annotations.GetValue(AnnotationUtils.Kinds.ScoreColumnSetId, ref id);
                highest = Math.Max(highest, id);
            }
            return highest + 1;
        }
    }
}

/// <summary>Loads prediction transformers, whose type follows from that of the model in the file.</summary>
internal static class MulticlassPredictionTransformer
{
    public const string LoaderSignature = "MulticlassPredXfer";
    public const string ModelDirectory = "Model";

    public static VersionInfo GetVersionInfo() =>
        new("MC  PRED", 0x00010002, 0x00010001, 0x00010001, OfficialAssembly.NameOf(typeof(MulticlassPredictionTransformer)), LoaderSignature);

    private static ITransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        ctx.CheckAtModel(GetVersionInfo());
        IHost host = env.Register(LoaderSignature);
        ctx.LoadModel<IMulticlassModel, SignatureLoadModel>(host, out IMulticlassModel model, ModelDirectory);
        ConstructorInfo constructor = typeof(MulticlassPredictionTransformer<>).MakeGenericType(model.GetType())
            .GetConstructor(BindingFlags.NonPublic | BindingFlags.Instance, [typeof(IHost), model.GetType(), typeof(ModelLoadContext)]);
        return (ITransformer)constructor.Invoke(BindingFlags.DoNotWrapExceptions, null, [host, model, ctx], null);
    }
}
