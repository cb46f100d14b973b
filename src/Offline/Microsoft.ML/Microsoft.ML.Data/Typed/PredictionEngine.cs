using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

/// <summary>How an engine is made.</summary>
public sealed class PredictionEngineOptions
{
    /// <summary>The types of the input; without it the members of the class say.</summary>
    public SchemaDefinition InputSchemaDefinition;

    /// <summary>The types of the output; without it the members of the class say.</summary>
    public SchemaDefinition OutputSchemaDefinition;

    /// <summary>Whether members of the output for which there is no column are left as they are.</summary>
    public bool IgnoreMissingColumns;

    /// <summary>Whether the engine disposes the transformer.</summary>
    public bool OwnsTransformer;

    public PredictionEngineOptions()
    {
        IgnoreMissingColumns = true;
        OwnsTransformer = true;
    }
}

/// <summary>Predicts one row at a time.</summary>
public abstract class PredictionEngineBase<TSrc, TDst> : IDisposable
    where TSrc : class
    where TDst : class, new()
{
    private readonly TypedInputRow<TSrc> _input;
    private readonly DataViewRow _output;
    private readonly Action<TDst> _fill;
    private readonly bool _ownsTransformer;
    private bool _disposed;

    private protected PredictionEngineBase(IHostEnvironment env, ITransformer transformer, PredictionEngineOptions options)
    {
        Contracts.CheckEnvironment(env);
        if (!transformer.IsRowToRowMapper)
            throw env.ExceptParam(nameof(transformer), $"Must be a row-to-row mapper, which {transformer.GetType()} is not");
        Transformer = transformer;
        _ownsTransformer = options.OwnsTransformer;
        _input = new TypedInputRow<TSrc>(new TypedReader<TSrc>(env, options.InputSchemaDefinition));
        IRowToRowMapper mapper = transformer.GetRowToRowMapper(_input.Schema);
        OutputSchema = mapper.OutputSchema;
        var writer = new TypedWriter<TDst>(env, OutputSchema, options.IgnoreMissingColumns, options.OutputSchemaDefinition);
        _output = mapper.GetRow(_input, writer.Sources.ToArray());
        _fill = writer.Bind(_output);
    }

    private protected ITransformer Transformer { get; }

    /// <summary>The schema of the transformed row.</summary>
    public DataViewSchema OutputSchema { get; }

    public TDst Predict(TSrc example)
    {
        var prediction = new TDst();
        Predict(example, ref prediction);
        return prediction;
    }

    /// <summary>Predicts into an object that exists.</summary>
    public abstract void Predict(TSrc example, ref TDst prediction);

    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        _output.Dispose();
        if (_ownsTransformer)
            (Transformer as IDisposable)?.Dispose();
        GC.SuppressFinalize(this);
    }

    private protected void Fill(TSrc example, TDst prediction)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentNullException.ThrowIfNull(example);
        _input.Set(example);
        _fill(prediction);
    }
}

/// <inheritdoc/>
public sealed class PredictionEngine<TSrc, TDst> : PredictionEngineBase<TSrc, TDst>
    where TSrc : class
    where TDst : class, new()
{
    internal PredictionEngine(IHostEnvironment env, ITransformer transformer, PredictionEngineOptions options)
        : base(env, transformer, options)
    {
    }

    public override void Predict(TSrc example, ref TDst prediction)
    {
        prediction ??= new TDst();
        Fill(example, prediction);
    }
}
