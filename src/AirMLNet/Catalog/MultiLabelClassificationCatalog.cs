using AirMLNet.Evaluation;
using AirMLNet.MultiLabel;

namespace Microsoft.ML;

/// <summary>Many labels per row, which ML.NET has no catalog for: trainers and evaluation.</summary>
public sealed class MultiLabelClassificationCatalog
{
    internal MultiLabelClassificationCatalog(MLContext context) => Trainers = new MultiLabelClassificationTrainers(context);

    /// <summary>The trainers.</summary>
    public MultiLabelClassificationTrainers Trainers { get; }

    /// <summary>Evaluates scores against labels.</summary>
    /// <param name="data">Scored data.</param>
    /// <param name="labelColumnName">Vector&lt;Single, C&gt;: 1, 0, and NaN where unknown.</param>
    /// <param name="scoreColumnName">Vector&lt;Single, C&gt;.</param>
    /// <param name="predictedLabelsColumnName">Vector&lt;Boolean, C&gt;.</param>
    /// <param name="options">The rule of the average precision, and what an unknown label counts as; null for the published rule, unknown
    /// labels left out.</param>
    /// <exception cref="ArgumentException">A column is missing, or has another type or length.</exception>
    /// <exception cref="System.IO.InvalidDataException">There are no rows, a score is not a number, or a label is none of 1, 0 and
    /// NaN.</exception>
    public MultiLabelClassificationMetrics Evaluate(
        IDataView data,
        string labelColumnName = "Labels",
        string scoreColumnName = "Score",
        string predictedLabelsColumnName = "PredictedLabels",
        MultiLabelEvaluationOptions? options = null
    ) => MultiLabelEvaluator.Evaluate(data, (labelColumnName, scoreColumnName, predictedLabelsColumnName), options ?? new());
}

/// <summary>AirMLNet's trainers for many labels per row.</summary>
public sealed class MultiLabelClassificationTrainers
{
    private readonly MLContext _context;

    internal MultiLabelClassificationTrainers(MLContext context) => _context = context;

    /// <summary>Learns from captions, images, or both: see <see cref="MultiLabelPromptAdapterEstimator"/>.</summary>
    /// <param name="options">Model folder, class names, weights and training.</param>
    /// <exception cref="ArgumentException">Options contradict each other.</exception>
    public MultiLabelPromptAdapterEstimator PromptAdapter(MultiLabelPromptAdapterOptions options) => new(_context, options);
}

/// <summary>The entrance to <see cref="MultiLabelClassificationCatalog"/>.</summary>
public static class AirMultiLabelCatalog
{
    /// <summary>Trainers and evaluation for many labels per row.</summary>
    /// <param name="context">The context, whose seed and device they use.</param>
    public static MultiLabelClassificationCatalog MultiLabelClassification(this MLContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return new(context);
    }
}
