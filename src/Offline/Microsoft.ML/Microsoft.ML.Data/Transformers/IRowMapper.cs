namespace Microsoft.ML.Data;

/// <summary>Adds columns to rows.</summary>
internal interface IRowMapper : ICanSaveModel
{
    /// <summary>Which input columns (by index) are needed for these output columns (by position among those added).</summary>
    Func<int, bool> GetDependencies(Func<int, bool> activeOutput);

    /// <summary>A getter for each active added column, null for the others.</summary>
    Delegate[] CreateGetters(DataViewRow input, Func<int, bool> activeOutput, out Action disposer);

    DataViewSchema.DetachedColumn[] GetOutputColumns();

    ITransformer GetTransformer();
}
