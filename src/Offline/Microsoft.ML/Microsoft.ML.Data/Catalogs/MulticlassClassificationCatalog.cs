using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

/// <summary>Learning which of several classes a row belongs to.</summary>
public sealed class MulticlassClassificationCatalog : TrainCatalogBase
{
    internal MulticlassClassificationCatalog(IHostEnvironment env)
        : base(env, nameof(MulticlassClassificationCatalog))
    {
        Trainers = new MulticlassClassificationTrainers(this);
    }

    public MulticlassClassificationTrainers Trainers { get; }

    /// <summary>Compares scores with labels.</summary>
    /// <param name="data">Scored data.</param>
    /// <param name="labelColumnName">A key, or numbers from 0; rows without a label do not count.</param>
    /// <param name="scoreColumnName">A vector of one probability per class.</param>
    /// <param name="predictedLabelColumnName">The predicted label. Its value is not used: the class with the highest score is.</param>
    /// <param name="topKPredictionCount">The K of <see cref="MulticlassClassificationMetrics.TopKAccuracy"/>; 0 for none.</param>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or has another type.</exception>
    public MulticlassClassificationMetrics Evaluate(
        IDataView data,
        string labelColumnName = "Label",
        string scoreColumnName = "Score",
        string predictedLabelColumnName = "PredictedLabel",
        int topKPredictionCount = 0)
    {
        Environment.CheckValue(data, nameof(data));
        Environment.CheckNonEmpty(labelColumnName, nameof(labelColumnName));
        Environment.CheckNonEmpty(scoreColumnName, nameof(scoreColumnName));
        Environment.CheckNonEmpty(predictedLabelColumnName, nameof(predictedLabelColumnName));
        Environment.CheckParam(topKPredictionCount >= 0, nameof(topKPredictionCount), $"Must not be negative, but is {topKPredictionCount}");
        Environment.FindColumn(data.Schema, "predicted label", predictedLabelColumnName);
        return new MulticlassEvaluator(Environment.Register("Evaluate"), labelColumnName, scoreColumnName, topKPredictionCount).Evaluate(data);
    }

    /// <summary>The multiclass trainers, as extension methods.</summary>
    public sealed class MulticlassClassificationTrainers : CatalogInstantiatorBase
    {
        internal MulticlassClassificationTrainers(MulticlassClassificationCatalog catalog)
            : base(catalog)
        {
        }
    }
}
