using Microsoft.ML.Data;

namespace Microsoft.ML;

/// <summary>Turns views into views.</summary>
public interface ITransformer : ICanSaveModel
{
    /// <summary>The schema that <see cref="Transform"/> gives to a view of this schema.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or has the wrong type.</exception>
    DataViewSchema GetOutputSchema(DataViewSchema inputSchema);

    /// <summary>The transformed view. Nothing is computed until a cursor asks for it.</summary>
    IDataView Transform(IDataView input);

    /// <summary>Whether each row comes from exactly one row, so that <see cref="GetRowToRowMapper"/> works.</summary>
    bool IsRowToRowMapper { get; }

    IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema);
}

/// <summary>Learns a transformer from a view.</summary>
public interface IEstimator<out TTransformer>
    where TTransformer : ITransformer
{
    TTransformer Fit(IDataView input);

    /// <summary>The shape of the schema that the fitted transformer will give, without any data.</summary>
    SchemaShape GetOutputSchema(SchemaShape inputSchema);
}

/// <summary>Makes views from a source.</summary>
public interface IDataLoader<in TSource> : ICanSaveModel
{
    IDataView Load(TSource input);

    DataViewSchema GetOutputSchema();
}

/// <summary>Learns a loader from a source.</summary>
public interface IDataLoaderEstimator<in TSource, out TLoader>
    where TLoader : IDataLoader<TSource>
{
    TLoader Fit(TSource input);

    SchemaShape GetOutputSchema();
}

/// <summary>Something that can write itself into a model file.</summary>
public interface ICanSaveModel
{
    void Save(ModelSaveContext ctx);
}
