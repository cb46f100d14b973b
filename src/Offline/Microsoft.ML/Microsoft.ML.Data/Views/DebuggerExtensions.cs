using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

/// <summary>Looks at the first rows.</summary>
public static class DebuggerExtensions
{
    public static DataDebuggerPreview Preview(this IDataView data, int maxRows = 100)
    {
        Contracts.CheckValue(data, nameof(data));
        return new DataDebuggerPreview(data, maxRows);
    }

    public static DataDebuggerPreview Preview(this ITransformer transformer, IDataView data, int maxRows = 100)
    {
        Contracts.CheckValue(transformer, nameof(transformer));
        Contracts.CheckValue(data, nameof(data));
        return new DataDebuggerPreview(transformer.Transform(data), maxRows);
    }

    /// <summary>Fits on the first rows and shows what becomes of them.</summary>
    public static DataDebuggerPreview Preview(this IEstimator<ITransformer> estimator, IDataView data, int maxRows = 100, int maxTrainingRows = 100)
    {
        Contracts.CheckValue(estimator, nameof(estimator));
        Contracts.CheckValue(data, nameof(data));
        var env = new LocalEnvironment();
        ITransformer model = estimator.Fit(new RowSubsetDataView.SkipTake(env, data, 0, maxTrainingRows));
        return new DataDebuggerPreview(model.Transform(data), maxRows);
    }
}
