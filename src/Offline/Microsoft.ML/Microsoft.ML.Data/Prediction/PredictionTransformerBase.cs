using Microsoft.ML.Data.IO;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>Predicts with a model. Knows the schema that the model was trained on, from which names of classes come.</summary>
public abstract class PredictionTransformerBase<TModel> : IPredictionTransformer<TModel>, IDisposable
    where TModel : class
{
    private const string TrainSchemaEntry = "TrainSchema";

    private protected readonly IHost Host;
    private protected readonly DataViewSchema TrainSchema;

    private protected PredictionTransformerBase(IHost host, TModel model, DataViewSchema trainSchema)
    {
        Host = host;
        Host.CheckValue(model, nameof(model));
        Host.CheckValue(trainSchema, nameof(trainSchema));
        Model = model;
        TrainSchema = trainSchema;
    }

    private protected PredictionTransformerBase(IHost host, TModel model, ModelLoadContext ctx)
    {
        Host = host;
        Model = model;
        DataViewSchema schema = null;
        bool found = ctx.TryLoadBinaryStream(TrainSchemaEntry, reader => schema = BinaryLoader.ReadSchema(host, reader.BaseStream));
        host.CheckDecode(found, $"Corrupt model: the entry '{TrainSchemaEntry}' is missing");
        TrainSchema = schema;
    }

    public TModel Model { get; }

    bool ITransformer.IsRowToRowMapper => true;

    public abstract DataViewSchema GetOutputSchema(DataViewSchema inputSchema);

    public IDataView Transform(IDataView input)
    {
        Host.CheckValue(input, nameof(input));
        return new RowToRowMapperTransform(Host, input, MakeRowMapper(input.Schema), MakeRowMapper);
    }

    public void Dispose() => (Model as IDisposable)?.Dispose();

    IRowToRowMapper ITransformer.GetRowToRowMapper(DataViewSchema inputSchema)
    {
        Host.CheckValue(inputSchema, nameof(inputSchema));
        return new RowMapperAdapter(inputSchema, MakeRowMapper(inputSchema));
    }

    void ICanSaveModel.Save(ModelSaveContext ctx) => SaveModel(ctx);

    private protected abstract void SaveModel(ModelSaveContext ctx);

    private protected abstract IRowMapper MakeRowMapper(DataViewSchema schema);

    /// <summary>Writes the model into its folder, and the schema beside it.</summary>
    private protected void SaveModelCore(ModelSaveContext ctx)
    {
        ctx.SaveModel(Model, MulticlassPredictionTransformer.ModelDirectory);
        ctx.SaveBinaryStream(TrainSchemaEntry, writer => BinarySaver.SaveSchema(Host, TrainSchema, writer.BaseStream));
    }
}

/// <summary>Predicts from one column of features.</summary>
public abstract class SingleFeaturePredictionTransformerBase<TModel> : PredictionTransformerBase<TModel>, ISingleFeaturePredictionTransformer<TModel>
    where TModel : class
{
    private protected SingleFeaturePredictionTransformerBase(IHost host, TModel model, DataViewSchema trainSchema, string featureColumn)
        : base(host, model, trainSchema)
    {
        FeatureColumnName = featureColumn;
        FeatureColumnType = Host.FindColumn(trainSchema, "feature", featureColumn).Type;
    }

    private protected SingleFeaturePredictionTransformerBase(IHost host, TModel model, ModelLoadContext ctx)
        : base(host, model, ctx)
    {
        FeatureColumnName = ctx.LoadNonEmptyString();
        FeatureColumnType = TrainSchema.GetColumnOrNull(FeatureColumnName)?.Type
            ?? throw Host.ExceptDecode($"Corrupt model: its training schema has no feature column '{FeatureColumnName}'");
    }

    public string FeatureColumnName { get; }

    public DataViewType FeatureColumnType { get; }

    public sealed override DataViewSchema GetOutputSchema(DataViewSchema inputSchema)
    {
        Host.CheckValue(inputSchema, nameof(inputSchema));
        return RowToRowMapperTransform.GetOutputSchema(inputSchema, MakeRowMapper(inputSchema));
    }

    private protected sealed override void SaveModel(ModelSaveContext ctx)
    {
        Host.CheckValue(ctx, nameof(ctx));
        ctx.CheckAtModel();
        SaveCore(ctx);
    }

    private protected virtual void SaveCore(ModelSaveContext ctx)
    {
        SaveModelCore(ctx);
        ctx.SaveStringOrNull(FeatureColumnName);
    }

    /// <summary>The feature column, of the type that the model was trained on.</summary>
    private protected DataViewSchema.Column FeatureColumn(DataViewSchema schema)
    {
        DataViewSchema.Column column = Host.FindColumn(schema, "feature", FeatureColumnName);
        if (!column.Type.Equals(FeatureColumnType))
            throw Host.ExceptSchemaMismatch(nameof(schema), "feature", column.Name, FeatureColumnType.ToString(), column.Type.ToString());
        return column;
    }
}
