using System.Collections.Immutable;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>Estimators that follow each other: each is fitted on what those before it make of the data.</summary>
public sealed class EstimatorChain<TLastTransformer> : IEstimator<TransformerChain<TLastTransformer>>
    where TLastTransformer : class, ITransformer
{
    private readonly IHostEnvironment _host;
    private readonly ImmutableArray<IEstimator<ITransformer>> _estimators;
    private readonly ImmutableArray<TransformerScope> _scopes;
    private readonly ImmutableArray<bool> _cacheAfter;

    public readonly IEstimator<TLastTransformer> LastEstimator;

    public EstimatorChain()
        : this(null, [], [], [])
    {
    }

    internal EstimatorChain(
        IHostEnvironment env,
        ImmutableArray<IEstimator<ITransformer>> estimators,
        ImmutableArray<TransformerScope> scopes,
        ImmutableArray<bool> cacheAfter)
    {
        _host = env;
        _estimators = estimators;
        _scopes = scopes;
        _cacheAfter = cacheAfter;
        LastEstimator = estimators.IsEmpty ? null : estimators[^1] as IEstimator<TLastTransformer>;
    }

    /// <summary>Fits every estimator, whatever its scope: all of them take part in training.</summary>
    public TransformerChain<TLastTransformer> Fit(IDataView input)
    {
        Contracts.CheckValue(input, nameof(input));
        // A mistake in a late stage must not show only after the early ones have run for hours.
        GetOutputSchema(SchemaShape.Create(input.Schema));

        var transformers = new ITransformer[_estimators.Length];
        IDataView data = input;
        for (int i = 0; i < _estimators.Length; i++)
        {
            _host?.CheckAlive();
            transformers[i] = _estimators[i].Fit(data);
            if (i == _estimators.Length - 1)
                break;
            data = transformers[i].Transform(data);
            if (_cacheAfter[i])
                data = new CacheDataView(_host, data, null);
        }
        return new TransformerChain<TLastTransformer>(transformers, _scopes);
    }

    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        Contracts.CheckValue(inputSchema, nameof(inputSchema));
        SchemaShape schema = inputSchema;
        foreach (IEstimator<ITransformer> estimator in _estimators)
            schema = estimator.GetOutputSchema(schema);
        return schema;
    }

    public EstimatorChain<TNewTrans> Append<TNewTrans>(IEstimator<TNewTrans> estimator, TransformerScope scope = TransformerScope.Everything)
        where TNewTrans : class, ITransformer
    {
        Contracts.CheckValue(estimator, nameof(estimator));
        return new EstimatorChain<TNewTrans>(
            _host,
            _estimators.Add((IEstimator<ITransformer>)estimator),
            _scopes.Add(scope),
            _cacheAfter.Add(false));
    }

    /// <summary>Keeps what the estimators so far make of the data, so that those after it do not compute it anew in every pass.</summary>
    public EstimatorChain<TLastTransformer> AppendCacheCheckpoint(IHostEnvironment env)
    {
        Contracts.CheckEnvironment(env);
        if (_estimators.IsEmpty || _cacheAfter[^1])
            return new EstimatorChain<TLastTransformer>(env, _estimators, _scopes, _cacheAfter);
        return new EstimatorChain<TLastTransformer>(env, _estimators, _scopes, _cacheAfter.SetItem(_cacheAfter.Length - 1, true));
    }
}
