using AirMLNet.Persistence;
using AirMLNet.Pipeline;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace AirMLNet.PseudoLabels;

/// <summary>Adds pseudo-label, probabilities and confidence; see <see cref="PseudoLabelEstimator"/>.</summary>
public sealed class PseudoLabelTransformer : StageTransformer
{
    private readonly float[] _thresholds;

    internal PseudoLabelTransformer(IHost host, string output, string features, PseudoLabelOptions options, CosineHead head, float[] thresholds)
        : base(host)
    {
        OutputColumnName = output;
        FeatureColumnName = features;
        Options = options;
        Head = head;
        _thresholds = thresholds;
    }

    /// <summary>Per class, the probability that a row must reach; +∞ for a class that chose nothing.</summary>
    public IReadOnlyList<float> Thresholds => _thresholds;

    internal string OutputColumnName { get; }

    internal string FeatureColumnName { get; }

    internal PseudoLabelOptions Options { get; }

    internal CosineHead Head { get; }

    private protected override BoundStage Bind(DataViewSchema inputSchema, IDataView? input = null)
        => new Bound(this, inputSchema, SchemaCheck.Vector(inputSchema, PseudoLabelEstimator.Stage, FeatureColumnName, Head.Dimension));

    private protected override void SaveTo(ModelSaveContext ctx) => StageFiles.Save(ctx, this);

    private sealed class Bound(PseudoLabelTransformer parent, DataViewSchema schema, DataViewSchema.Column features) : BoundStage(
        schema,
        StageAnnotations.ClassKey(parent.OutputColumnName, parent.Options.ClassNames),
        StageAnnotations.ClassVector(parent.OutputColumnName + "Score", parent.Options.ClassNames),
        new DataViewSchema.DetachedColumn(parent.OutputColumnName + "Confidence", NumberDataViewType.Single))
    {
        public override IReadOnlyList<DataViewSchema.Column> Reads => [features];

        public override Delegate?[] CreateGetters(DataViewRow input, Func<int, bool> active)
        {
            var getters = new Delegate?[3];
            if (!active(0) && !active(1) && !active(2)) return getters;
            var row = new HeadRow(input, parent.Head, features);
            ValueGetter<uint> label = (ref uint value) => value = (uint)(TopKPerClass.LabelOf(row.Probabilities(), parent._thresholds) + 1);
            ValueGetter<float> confidence = (ref float value) =>
            {
                ReadOnlySpan<float> p = row.Probabilities();
                int chosen = TopKPerClass.LabelOf(p, parent._thresholds);
                value = p[chosen >= 0 ? chosen : CosineHead.ArgMax(p)];
            };
            if (active(0)) getters[0] = label;
            if (active(1)) getters[1] = row.VectorGetter();
            if (active(2)) getters[2] = confidence;
            return getters;
        }
    }
}
