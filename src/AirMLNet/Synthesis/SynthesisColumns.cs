using AirMLNet.Pipeline;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Synthesis;

/// <summary>The columns that <see cref="DiffusionSynthesisEstimator"/> reads or fills; null where the input has no such column.</summary>
internal sealed record SynthesisColumns(
    DataViewSchema.Column? Image,
    DataViewSchema.Column? PseudoLabel,
    DataViewSchema.Column? Confidence,
    DataViewSchema.Column? Label,
    DataViewSchema.Column? Features,
    DataViewSchema.Column? Origin,
    DataViewSchema.Column? Caption
)
{
    /// <summary>Whether labels are vectors of one value per class.</summary>
    public bool VectorLabels => Label is { Type: VectorDataViewType };

    /// <summary>What the columns must be.</summary>
    /// <param name="options">Names of the columns.</param>
    /// <param name="vectorLabels">Whether the input's label column is a vector.</param>
    /// <param name="fit">Whether columns are needed that only a fit reads.</param>
    public static IEnumerable<InputColumn> Inputs(DiffusionSynthesisOptions options, bool vectorLabels, bool fit)
    {
        var captions = options.CaptionColumn is not null;
        var learns = fit && options is { FineTune: true, CaptionColumn: null, PseudoLabelColumn: not null };
        yield return InputColumn.Image(options.ImageColumn) with
        {
            Optional = captions,
        };
        if (learns)
        {
            yield return InputColumn.Label(options.PseudoLabelColumn!, options.ClassNames);
        }

        if (options.ConfidenceColumn is { } confidence)
        {
            yield return InputColumn.Single(confidence) with
            {
                Optional = !learns,
            };
        }

        var label =
            captions && vectorLabels
                ? InputColumn.Vector(options.LabelColumn, options.ClassNames.Count)
                : InputColumn.Label(options.LabelColumn, options.ClassNames);
        yield return label with
        {
            Optional = true,
        };
        yield return InputColumn.Vector(options.FeatureColumn) with
        {
            Optional = true,
        };
        yield return InputColumn.Text(options.OriginColumn) with
        {
            Optional = true,
        };
        if (fit && options.CaptionColumn is { } caption)
        {
            yield return InputColumn.Text(caption);
        }
    }

    /// <param name="schema">The input's schema.</param>
    /// <param name="options">Names of the columns.</param>
    /// <param name="dimension">D of the features.</param>
    /// <param name="fit">Whether columns are needed that only a fit reads.</param>
    /// <exception cref="ArgumentException">A column is missing or has another type.</exception>
    public static SynthesisColumns Of(DataViewSchema schema, DiffusionSynthesisOptions options, int dimension, bool fit)
    {
        const string stage = DiffusionSynthesisEstimator.Stage;
        var vectorLabels = schema.GetColumnOrNull(options.LabelColumn) is { Type: VectorDataViewType };
        var found = new Dictionary<string, DataViewSchema.Column>(StringComparer.Ordinal);
        foreach (var input in Inputs(options, vectorLabels, fit))
        {
            if (input.FindOrNull(schema, stage) is { } column)
            {
                found[input.Name] = column;
            }
        }
        (InputColumn.Vector(options.FeatureColumn, dimension) with { Optional = true }).FindOrNull(schema, stage);
        return new(
            Named(options.ImageColumn),
            fit && options is { FineTune: true, CaptionColumn: null } ? Named(options.PseudoLabelColumn) : null,
            Named(options.ConfidenceColumn),
            Named(options.LabelColumn),
            Named(options.FeatureColumn),
            Named(options.OriginColumn),
            fit ? Named(options.CaptionColumn) : null
        );

        DataViewSchema.Column? Named(string? name) => name is not null && found.TryGetValue(name, out var column) ? column : null;
    }
}
