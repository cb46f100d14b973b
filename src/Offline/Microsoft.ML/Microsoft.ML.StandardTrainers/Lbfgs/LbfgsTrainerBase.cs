using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Trainers;

/// <summary>A trainer that minimises its loss by L-BFGS.</summary>
public abstract class LbfgsTrainerBase<TOptions, TTransformer, TModel> : TrainerEstimatorBase<TTransformer, TModel>
    where TOptions : LbfgsTrainerBase<TOptions, TTransformer, TModel>.OptionsBase, new()
    where TTransformer : ISingleFeaturePredictionTransformer<TModel>
    where TModel : class
{
    private static readonly TrainerInfo _info = new(needNormalization: true, wantCaching: true);

    private protected readonly TOptions LbfgsTrainerOptions;

    internal LbfgsTrainerBase(IHostEnvironment env, TOptions options, SchemaShape.Column labelColumn)
        : base(
            env.Register(nameof(LbfgsTrainerBase<TOptions, TTransformer, TModel>)),
            new SchemaShape.Column(options.FeatureColumnName, SchemaShape.Column.VectorKind.Vector, NumberDataViewType.Single, false),
            labelColumn,
            options.ExampleWeightColumnName is null
                ? default
                : new SchemaShape.Column(options.ExampleWeightColumnName, SchemaShape.Column.VectorKind.Scalar, NumberDataViewType.Single, false))
    {
        Host.CheckParam(options.L2Regularization >= 0, nameof(options.L2Regularization), $"Must not be negative, but is {options.L2Regularization}");
        Host.CheckParam(options.L1Regularization >= 0, nameof(options.L1Regularization), $"Must not be negative, but is {options.L1Regularization}");
        Host.CheckParam(options.OptimizationTolerance > 0, nameof(options.OptimizationTolerance), $"Must be positive, but is {options.OptimizationTolerance}");
        Host.CheckParam(options.HistorySize > 0, nameof(options.HistorySize), $"Must be positive, but is {options.HistorySize}");
        Host.CheckParam(options.MaximumNumberOfIterations > 0, nameof(options.MaximumNumberOfIterations), $"Must be positive, but is {options.MaximumNumberOfIterations}");
        Host.CheckParam(options.NumberOfThreads is null or > 0, nameof(options.NumberOfThreads), $"Must be positive, or null for all processors, but is {options.NumberOfThreads}");
        Host.CheckParam(options.InitialWeightsDiameter >= 0, nameof(options.InitialWeightsDiameter), $"Must not be negative, but is {options.InitialWeightsDiameter}");
        LbfgsTrainerOptions = options;
    }

    public override TrainerInfo Info => _info;

    /// <summary>What is minimised, and when that stops.</summary>
    public abstract class OptionsBase : TrainerInputBaseWithWeight
    {
        internal OptionsBase()
        {
        }

        /// <summary>Half of this times the squared norm of the weights is added to the sum of the rows' losses.</summary>
        public float L2Regularization = 1;

        /// <summary>This times the sum of the absolute weights is added to the sum of the rows' losses; it makes weights 0.</summary>
        public float L1Regularization = 1;

        /// <summary>Stops when a running mean of the improvement of the mean loss is smaller.</summary>
        public float OptimizationTolerance = 1e-7f;

        /// <summary>How many steps are remembered to estimate the curvature.</summary>
        public int HistorySize = 20;

        public int MaximumNumberOfIterations = int.MaxValue;

        /// <summary>Whether the training says nothing.</summary>
        public bool Quiet;

        /// <summary>The start is drawn from a range of this width around 0; 0 starts at 0.</summary>
        public float InitialWeightsDiameter;

        /// <summary>Null for all processors. The result does not depend on it.</summary>
        public int? NumberOfThreads;

        public bool EnforceNonNegativity;
    }
}
