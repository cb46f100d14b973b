using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Trainers;

/// <summary>An estimator that learns a model.</summary>
public interface ITrainerEstimator<out TTransformer, out TModel> : IEstimator<TTransformer>
    where TTransformer : IPredictionTransformer<TModel>
    where TModel : class
{
    TrainerInfo Info { get; }
}

/// <summary>An estimator that learns a model from features and labels.</summary>
public abstract class TrainerEstimatorBase<TTransformer, TModel> : ITrainerEstimator<TTransformer, TModel>
    where TTransformer : ISingleFeaturePredictionTransformer<TModel>
    where TModel : class
{
    public readonly SchemaShape.Column FeatureColumn;

    public readonly SchemaShape.Column LabelColumn;

    /// <summary>Has no name where there are no weights.</summary>
    public readonly SchemaShape.Column WeightColumn;

    private protected readonly IHost Host;

    private protected TrainerEstimatorBase(IHost host, SchemaShape.Column feature, SchemaShape.Column label, SchemaShape.Column weight)
    {
        Contracts.CheckValue(host, nameof(host));
        Host = host;
        FeatureColumn = feature;
        LabelColumn = label;
        WeightColumn = weight;
    }

    public abstract TrainerInfo Info { get; }

    public TTransformer Fit(IDataView input)
    {
        Host.CheckValue(input, nameof(input));
        Host.CheckAlive();
        return Train(input, null);
    }

    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        Host.CheckValue(inputSchema, nameof(inputSchema));
        CheckColumn(inputSchema, FeatureColumn, "feature");
        CheckColumn(inputSchema, LabelColumn, "label");
        if (WeightColumn.IsValid)
            CheckColumn(inputSchema, WeightColumn, "weight");
        return SchemaShapes.With(inputSchema, GetOutputColumns(inputSchema));
    }

    private protected abstract IEnumerable<SchemaShape.Column> GetOutputColumns(SchemaShape inputSchema);

    private protected abstract TTransformer Train(IDataView input, TModel start);

    private void CheckColumn(SchemaShape schema, SchemaShape.Column expected, string role)
    {
        SchemaShape.Column actual = SchemaShapes.Find(Host, schema, role, expected.Name);
        if (actual.Kind != expected.Kind || actual.IsKey != expected.IsKey || !actual.ItemType.Equals(expected.ItemType))
            throw Host.ExceptSchemaMismatch("inputSchema", role, expected.Name, expected.GetTypeString(), actual.GetTypeString());
    }
}
