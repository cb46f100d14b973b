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

    private protected override RowMapper Bind(DataViewSchema inputSchema, IDataView? input = null)
    {
        const string stage = PseudoLabelEstimator.Stage;
        var features = InputColumn.Vector(FeatureColumnName, Head.Dimension).Find(inputSchema, stage);
        DataViewSchema.Column? prototype = Options.PrototypeColumn is { } name
            ? InputColumn.Vector(name, Head.Classes).Find(inputSchema, stage)
            : null;
        return new Mapper(this, inputSchema, new(Head, features, prototype, Options.FusionRule(), Subset));
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

    private sealed class Mapper(PseudoLabelTransformer parent, DataViewSchema schema, HeadInput head)
        : HeadMapper(schema, head, Added(parent))
    {
        protected override Delegate Getter(int output, RowProbabilities row) =>
            output switch
            {
                0 => (ValueGetter<uint>)((ref uint value) => Label(row, ref value)),
                1 => row.VectorGetter(),
                2 => (ValueGetter<float>)((ref float value) => Confidence(row, ref value)),
                _ => (ValueGetter<VBuffer<float>>)((ref VBuffer<float> value) => Candidates(row, ref value)),
            };

        private void Label(RowProbabilities row, ref uint value)
        {
            var chosen = parent.Rule.LabelOf(row.Restricted(), out _);
            value = chosen < 0 ? 0 : (uint)parent.Subset.ClassOf(chosen) + 1;
        }

        private void Confidence(RowProbabilities row, ref float value)
        {
            var p = row.Restricted();
            var chosen = parent.Rule.LabelOf(p, out _);
            value = p[chosen >= 0 ? chosen : CosineHead.ArgMax(p)];
        }

        /// <summary>The target over all classes; zeros where the row is not chosen.</summary>
        private void Candidates(RowProbabilities row, ref VBuffer<float> value)
        {
            var p = row.Restricted();
            var target = new float[p.Length];
            if (parent.Rule.LabelOf(p, out var set) >= 0)
            {
                CandidateLabels.Target(p, set, parent.Rule.Soft, target);
            }

            var editor = VBufferEditor.Create(ref value, parent.Options.ClassNames.Count);
            editor.Values.Clear();
            for (var k = 0; k < target.Length; k++)
            {
                editor.Values[parent.Subset.ClassOf(k)] = target[k];
            }

            value = editor.Commit();
        }
    }
}
