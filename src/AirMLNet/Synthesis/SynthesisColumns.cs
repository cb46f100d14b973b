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
    private const string Stage = DiffusionSynthesisEstimator.Stage;

    /// <summary>Whether labels are vectors of one value per class.</summary>
    public bool VectorLabels => Label is { Type: VectorDataViewType };

    /// <param name="schema">The input's schema.</param>
    /// <param name="options">Names of the columns.</param>
    /// <param name="dimension">D of the features, where it is known already.</param>
    /// <param name="fit">Whether columns are needed that only a fit reads.</param>
    /// <exception cref="ArgumentException">A column is missing or has another type.</exception>
    public static SynthesisColumns Of(DataViewSchema schema, DiffusionSynthesisOptions options, int? dimension, bool fit)
    {
        bool captions = options.CaptionColumn is not null,
            learns = fit && options.FineTune;
        return new(
            captions
                ? Optional(options.ImageColumn, name => ImageSource.Check(schema, Stage, name))
                : ImageSource.Check(schema, Stage, options.ImageColumn),
            learns && !captions && options.PseudoLabelColumn is { } pseudo
                ? SchemaCheck.Label(schema, Stage, pseudo, options.ClassNames)
                : null,
            options.ConfidenceColumn is not { } confidence ? null
                : learns && !captions && options.PseudoLabelColumn is not null ? SchemaCheck.Single(schema, Stage, confidence)
                : Optional(confidence, name => SchemaCheck.Single(schema, Stage, name)),
            Optional(
                options.LabelColumn,
                name =>
                    captions && schema[name].Type is VectorDataViewType
                        ? SchemaCheck.Vector(schema, Stage, name, options.ClassNames.Count)
                        : SchemaCheck.Label(schema, Stage, name, options.ClassNames)
            ),
            Optional(options.FeatureColumn, name => SchemaCheck.Vector(schema, Stage, name, dimension)),
            Optional(options.OriginColumn, name => SchemaCheck.Text(schema, Stage, name)),
            fit && options.CaptionColumn is { } caption ? SchemaCheck.Text(schema, Stage, caption) : null
        );

        DataViewSchema.Column? Optional(string name, Func<string, DataViewSchema.Column> check) =>
            schema.GetColumnOrNull(name) is null ? null : check(name);
    }
}
