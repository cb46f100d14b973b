using AirMLNet.Pipeline;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Heads;

/// <summary>What class probabilities of a row are computed from.</summary>
/// <param name="Head">The classifier.</param>
/// <param name="Column">Features; or images, where a mapper makes features of them.</param>
/// <param name="Prototype">Image-side probabilities to fuse with; null for none.</param>
/// <param name="Fusion">Eq. 7 of AiR.</param>
/// <param name="Subset">The classes that may be predicted; null for all.</param>
internal sealed record HeadInput(
    CosineHead Head,
    DataViewSchema.Column Column,
    DataViewSchema.Column? Prototype = null,
    Fusion Fusion = default,
    ClassSubset? Subset = null
);

/// <summary>Base of the stages whose columns are all made from the class probabilities of a row.</summary>
internal abstract class HeadMapper(DataViewSchema schema, HeadInput head, params DataViewSchema.DetachedColumn[] outputs)
    : RowMapper(schema, outputs)
{
    public override IReadOnlyList<DataViewSchema.Column> Reads =>
        head.Prototype is { } prototype ? [head.Column, prototype] : [head.Column];

    protected HeadInput Head => head;

    public override Delegate?[] CreateGetters(DataViewRow input, Func<int, bool> active)
    {
        var getters = new Delegate?[OutputCount];
        if (!Enumerable.Range(0, OutputCount).Any(active))
        {
            return getters;
        }

        var row = new RowProbabilities(input, head, Features(input));
        for (var output = 0; output < getters.Length; output++)
        {
            getters[output] = active(output) ? Getter(output, row) : null;
        }

        return getters;
    }

    /// <summary>The getter of an added column.</summary>
    protected abstract Delegate Getter(int output, RowProbabilities row);

    /// <summary>Reads the feature of the current row.</summary>
    protected virtual ValueGetter<VBuffer<float>> Features(DataViewRow input) => input.GetGetter<VBuffer<float>>(head.Column);
}

/// <summary>Adds the score and the predicted label of a multiclass trainer.</summary>
/// <param name="schema">Schema of the input.</param>
/// <param name="head">What is scored, and how.</param>
/// <param name="scoreColumn">Name of the score column.</param>
/// <param name="labelColumn">Name of the predicted label column.</param>
/// <param name="classNames">C names.</param>
internal class ScoreMapper(DataViewSchema schema, HeadInput head, string scoreColumn, string labelColumn, IReadOnlyList<string> classNames)
    : HeadMapper(
        schema,
        head,
        StageAnnotations.Score(scoreColumn, classNames, StageAnnotations.NextSetId(schema)),
        StageAnnotations.PredictedLabel(labelColumn, classNames, StageAnnotations.NextSetId(schema))
    )
{
    protected sealed override Delegate Getter(int output, RowProbabilities row) => output == 0 ? row.VectorGetter() : PredictedLabel(row);

    // Of features with NaN, such as missing ones, no class is the most probable: as ML.NET's trainers have it, the label is missing.
    private static ValueGetter<uint> PredictedLabel(RowProbabilities row) =>
        (ref uint value) =>
        {
            var probabilities = row.Probabilities();
            var best = CosineHead.ArgMax(probabilities);
            value = float.IsNaN(probabilities[best]) ? 0 : (uint)best + 1;
        };
}
