using AirMLNet.Heads;
using AirMLNet.Pipeline;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace AirMLNet.PseudoLabels;

/// <summary>Adds pseudo-label, probabilities and confidence; see <see cref="PseudoLabelEstimator"/>.</summary>
public sealed class PseudoLabelTransformer : StageTransformer
{
    internal PseudoLabelTransformer(IHost host, string output, string features, PseudoLabelOptions options, CosineHead head, LabelRule rule)
        : base(host)
    {
        OutputColumnName = output;
        FeatureColumnName = features;
        Options = options;
        Head = head;
        Rule = rule;
        Subset = ClassSubset.Of(options.ClassNames, options.LabelClasses, nameof(PseudoLabelOptions.LabelClasses));
    }

    /// <summary>
    /// Per class that labels may take, the probability that a row must reach; +∞ for a class that chose nothing, and with
    /// candidates −∞ for a class that had room left.
    /// </summary>
    public IReadOnlyList<float> Thresholds => Rule.Thresholds;

    internal LabelRule Rule { get; }

    internal ClassSubset Subset { get; }

    internal string OutputColumnName { get; }

    internal string FeatureColumnName { get; }

    internal PseudoLabelOptions Options { get; }

    internal CosineHead Head { get; }

    private protected override BoundStage Bind(DataViewSchema inputSchema, IDataView? input = null)
    {
        var features = SchemaCheck.Vector(inputSchema, PseudoLabelEstimator.Stage, FeatureColumnName, Head.Dimension);
        DataViewSchema.Column? prototype = Options.PrototypeColumn is { } name
            ? SchemaCheck.Vector(inputSchema, PseudoLabelEstimator.Stage, name, Head.Classes)
            : null;
        return new Bound(this, inputSchema, features, prototype);
    }

    private protected override void SaveTo(ModelSaveContext ctx) => PseudoLabelSaved.Save(ctx, this);

    private static DataViewSchema.DetachedColumn[] Added(PseudoLabelTransformer parent)
    {
        var name = parent.OutputColumnName;
        var classes = parent.Options.ClassNames;
        DataViewSchema.DetachedColumn[] columns =
        [
            StageAnnotations.ClassKey(name, classes),
            StageAnnotations.ClassVector(name + "Score", classes),
            new DataViewSchema.DetachedColumn(name + "Confidence", NumberDataViewType.Single),
        ];
        return parent.Rule.Candidates is null ? columns : [.. columns, StageAnnotations.ClassVector(name + "Candidates", classes)];
    }

    private sealed class Bound(
        PseudoLabelTransformer parent,
        DataViewSchema schema,
        DataViewSchema.Column features,
        DataViewSchema.Column? prototype
    ) : BoundStage(schema, Added(parent))
    {
        public override IReadOnlyList<DataViewSchema.Column> Reads => prototype is { } column ? [features, column] : [features];

        public override Delegate?[] CreateGetters(DataViewRow input, Func<int, bool> active)
        {
            var getters = new Delegate?[OutputCount];
            if (!Enumerable.Range(0, OutputCount).Any(active))
            {
                return getters;
            }

            var row = new HeadRow(input, parent.Head, features, prototype, parent.Options.FusionRule(), parent.Subset);
            ValueGetter<uint> label = (ref uint value) =>
            {
                var chosen = parent.Rule.LabelOf(row.Restricted(), out _);
                value = chosen < 0 ? 0 : (uint)parent.Subset.ClassOf(chosen) + 1;
            };
            ValueGetter<float> confidence = (ref float value) =>
            {
                var p = row.Restricted();
                var chosen = parent.Rule.LabelOf(p, out _);
                value = p[chosen >= 0 ? chosen : CosineHead.ArgMax(p)];
            };
            ValueGetter<VBuffer<float>> candidates = (ref VBuffer<float> value) => Candidates(row, ref value);
            if (active(0))
            {
                getters[0] = label;
            }

            if (active(1))
            {
                getters[1] = row.VectorGetter();
            }

            if (active(2))
            {
                getters[2] = confidence;
            }

            if (OutputCount > 3 && active(3))
            {
                getters[3] = candidates;
            }

            return getters;
        }

        /// <summary>The target over all classes; zeros where the row is not chosen.</summary>
        private void Candidates(HeadRow row, ref VBuffer<float> value)
        {
            var p = row.Restricted();
            var some = new float[p.Length];
            if (parent.Rule.LabelOf(p, out var set) >= 0)
            {
                CandidateLabels.Target(p, set, parent.Rule.Soft, some);
            }

            var editor = VBufferEditor.Create(ref value, parent.Options.ClassNames.Count);
            editor.Values.Clear();
            for (var k = 0; k < some.Length; k++)
            {
                editor.Values[parent.Subset.ClassOf(k)] = some[k];
            }

            value = editor.Commit();
        }
    }
}
