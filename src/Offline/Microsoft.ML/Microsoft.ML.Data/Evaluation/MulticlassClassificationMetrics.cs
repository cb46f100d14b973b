namespace Microsoft.ML.Data;

/// <summary>How well classes are predicted.</summary>
public sealed class MulticlassClassificationMetrics
{
    internal MulticlassClassificationMetrics(
        double microAccuracy,
        double macroAccuracy,
        double logLoss,
        double logLossReduction,
        double[] topKAccuracies,
        double[] perClassLogLoss,
        ConfusionMatrix confusionMatrix)
    {
        MicroAccuracy = microAccuracy;
        MacroAccuracy = macroAccuracy;
        LogLoss = logLoss;
        LogLossReduction = logLossReduction;
        TopKPredictionCount = topKAccuracies.Length;
        TopKAccuracyForAllK = topKAccuracies;
        TopKAccuracy = topKAccuracies.Length > 0 ? topKAccuracies[^1] : 0;
        PerClassLogLoss = perClassLogLoss;
        ConfusionMatrix = confusionMatrix;
    }

    /// <summary>The mean of -ln p over the rows, p being the probability given to the row's class.</summary>
    public double LogLoss { get; }

    /// <summary>(H - LogLoss) / H, H being the log-loss of always predicting the frequencies of the classes.</summary>
    public double LogLossReduction { get; }

    /// <summary>The mean over the classes of the accuracy on the rows of that class.</summary>
    public double MacroAccuracy { get; }

    /// <summary>The fraction of rows of which the class was predicted.</summary>
    public double MicroAccuracy { get; }

    /// <summary>The fraction of rows of which the class is among the K with the highest scores; 0 where no K was asked for.</summary>
    public double TopKAccuracy { get; }

    /// <summary>The same for 1, 2, … K.</summary>
    public IReadOnlyList<double> TopKAccuracyForAllK { get; }

    /// <summary>The K that was asked for, or 0.</summary>
    public int TopKPredictionCount { get; }

    /// <summary>The log-loss over the rows of each class; 0 for a class without rows.</summary>
    public IReadOnlyList<double> PerClassLogLoss { get; }

    public ConfusionMatrix ConfusionMatrix { get; }
}
