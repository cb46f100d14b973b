using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Trainers;

namespace Microsoft.ML;

/// <summary>The trainers of linear models.</summary>
public static class StandardTrainersCatalog
{
    /// <summary>Multinomial logistic regression, fitted with L-BFGS.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="labelColumnName">A key; its values name the classes. Rows without a label are skipped.</param>
    /// <param name="featureColumnName">A Vector&lt;Single&gt; of known size.</param>
    /// <param name="exampleWeightColumnName">A Single, how much a row counts; null for all the same.</param>
    /// <param name="l1Regularization">This times the sum of the absolute weights is added to the sum of the rows' losses.</param>
    /// <param name="l2Regularization">Half of this times the squared norm of the weights is added to the sum of the rows' losses.</param>
    /// <param name="optimizationTolerance">Stops when the mean loss improves by less.</param>
    /// <param name="historySize">How many steps are remembered to estimate the curvature.</param>
    /// <param name="enforceNonNegativity">Whether weights stay at or above 0.</param>
    public static LbfgsMaximumEntropyMulticlassTrainer LbfgsMaximumEntropy(
        this MulticlassClassificationCatalog.MulticlassClassificationTrainers catalog,
        string labelColumnName = "Label",
        string featureColumnName = "Features",
        string exampleWeightColumnName = null,
        float l1Regularization = 1,
        float l2Regularization = 1,
        float optimizationTolerance = 1e-7f,
        int historySize = 20,
        bool enforceNonNegativity = false) =>
        catalog.LbfgsMaximumEntropy(new LbfgsMaximumEntropyMulticlassTrainer.Options
        {
            LabelColumnName = labelColumnName,
            FeatureColumnName = featureColumnName,
            ExampleWeightColumnName = exampleWeightColumnName,
            L1Regularization = l1Regularization,
            L2Regularization = l2Regularization,
            OptimizationTolerance = optimizationTolerance,
            HistorySize = historySize,
            EnforceNonNegativity = enforceNonNegativity,
        });

    /// <summary>Multinomial logistic regression, fitted with L-BFGS.</summary>
    public static LbfgsMaximumEntropyMulticlassTrainer LbfgsMaximumEntropy(
        this MulticlassClassificationCatalog.MulticlassClassificationTrainers catalog,
        LbfgsMaximumEntropyMulticlassTrainer.Options options)
    {
        IHostEnvironment env = catalog.GetEnvironment();
        env.CheckValue(options, nameof(options));
        return new LbfgsMaximumEntropyMulticlassTrainer(env, options);
    }
}
