using System.Collections;
using System.Collections.Immutable;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

[assembly: LoadableClass(typeof(TransformerChain<ITransformer>), typeof(TransformerChain), null, typeof(SignatureLoadModel), "Transformer chain", TransformerChain.LoaderSignature)]

namespace Microsoft.ML.Data;

/// <summary>Transformers that follow each other, each with the scope in which it is applied.</summary>
/// <remarks><see cref="Transform(IDataView)"/>, the schema and saved models use the scoring scope.</remarks>
public sealed class TransformerChain<TLastTransformer> : ITransformer, IEnumerable<ITransformer>, ITransformerChainAccessor, IDisposable
    where TLastTransformer : class, ITransformer
{
    private readonly ImmutableArray<ITransformer> _transformers;
    private readonly ImmutableArray<TransformerScope> _scopes;

    public readonly TLastTransformer LastTransformer;

    public TransformerChain(params ITransformer[] transformers)
        : this(transformers, Enumerable.Repeat(TransformerScope.Everything, transformers?.Length ?? 0))
    {
    }

    public TransformerChain(IEnumerable<ITransformer> transformers, IEnumerable<TransformerScope> scopes)
    {
        Contracts.CheckValue(transformers, nameof(transformers));
        Contracts.CheckValue(scopes, nameof(scopes));
        _transformers = [.. transformers];
        _scopes = [.. scopes];
        if (_transformers.Length != _scopes.Length)
            throw new ArgumentException($"There are {_transformers.Length} transformers, but {_scopes.Length} scopes", nameof(scopes));
        if (_transformers.Any(t => t is null))
            throw new ArgumentException("A transformer is null", nameof(transformers));
        if (_transformers.Length == 0)
            return;
        LastTransformer = _transformers[^1] as TLastTransformer
            ?? throw new ArgumentException($"The last transformer is a {_transformers[^1].GetType()}, not a {typeof(TLastTransformer)}", nameof(transformers));
    }

    ITransformer[] ITransformerChainAccessor.Transformers => [.. _transformers];

    TransformerScope[] ITransformerChainAccessor.Scopes => [.. _scopes];

    bool ITransformer.IsRowToRowMapper => InScope(TransformerScope.Scoring).All(t => t.IsRowToRowMapper);

    public IDataView Transform(IDataView input) => Transform(input, TransformerScope.Scoring);

    public IDataView Transform(IDataView input, TransformerScope scope)
    {
        Contracts.CheckValue(input, nameof(input));
        IDataView data = input;
        foreach (ITransformer transformer in InScope(scope))
            data = transformer.Transform(data);
        return data;
    }

    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => GetOutputSchema(inputSchema, TransformerScope.Scoring);

    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema, TransformerScope scope)
    {
        Contracts.CheckValue(inputSchema, nameof(inputSchema));
        DataViewSchema schema = inputSchema;
        foreach (ITransformer transformer in InScope(scope))
            schema = transformer.GetOutputSchema(schema);
        return schema;
    }

    /// <summary>The transformers that are applied in this scope, as a chain of their own.</summary>
    public TransformerChain<ITransformer> GetModelFor(TransformerScope scopeFilter)
    {
        var kept = new List<ITransformer>();
        var scopes = new List<TransformerScope>();
        for (int i = 0; i < _transformers.Length; i++)
        {
            if ((_scopes[i] & scopeFilter) == TransformerScope.None)
                continue;
            kept.Add(_transformers[i]);
            scopes.Add(_scopes[i]);
        }
        return new TransformerChain<ITransformer>(kept, scopes);
    }

    public TransformerChain<TNewLast> Append<TNewLast>(TNewLast transformer, TransformerScope scope = TransformerScope.Everything)
        where TNewLast : class, ITransformer
    {
        Contracts.CheckValue(transformer, nameof(transformer));
        return new TransformerChain<TNewLast>(_transformers.Add(transformer), _scopes.Add(scope));
    }

    public IEnumerator<ITransformer> GetEnumerator() => ((IEnumerable<ITransformer>)_transformers).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    IRowToRowMapper ITransformer.GetRowToRowMapper(DataViewSchema inputSchema)
    {
        Contracts.CheckValue(inputSchema, nameof(inputSchema));
        var mappers = new List<IRowToRowMapper>();
        DataViewSchema schema = inputSchema;
        foreach (ITransformer transformer in InScope(TransformerScope.Scoring))
        {
            if (!transformer.IsRowToRowMapper)
                throw new InvalidOperationException($"{transformer.GetType()} is not a row-to-row mapper, so that the chain is none");
            IRowToRowMapper mapper = transformer.GetRowToRowMapper(schema);
            mappers.Add(mapper);
            schema = mapper.OutputSchema;
        }
        return new CompositeRowToRowMapper(inputSchema, [.. mappers]);
    }

    void ICanSaveModel.Save(ModelSaveContext ctx)
    {
        Contracts.CheckValue(ctx, nameof(ctx));
        ctx.CheckAtModel();
        ctx.SetVersionInfo(TransformerChain.GetVersionInfo());
        // What is never applied to new data has no place in a saved model.
        int[] saved = [.. Enumerable.Range(0, _transformers.Length).Where(i => (_scopes[i] & TransformerScope.Scoring) != 0)];
        ctx.Writer.Write(saved.Length);
        for (int i = 0; i < saved.Length; i++)
        {
            ctx.Writer.Write((int)_scopes[saved[i]]);
            ctx.SaveModel(_transformers[saved[i]], TransformerChain.TransformDir(i));
        }
    }

    public void Dispose()
    {
        foreach (ITransformer transformer in _transformers)
            (transformer as IDisposable)?.Dispose();
    }

    private IEnumerable<ITransformer> InScope(TransformerScope scope)
    {
        for (int i = 0; i < _transformers.Length; i++)
        {
            if ((_scopes[i] & scope) != TransformerScope.None)
                yield return _transformers[i];
        }
    }
}

/// <summary>The parts of a chain whatever its last transformer.</summary>
internal interface ITransformerChainAccessor
{
    ITransformer[] Transformers { get; }

    TransformerScope[] Scopes { get; }
}

/// <summary>Saved chains.</summary>
internal static class TransformerChain
{
    public const string LoaderSignature = "TransformerChain";

    public static VersionInfo GetVersionInfo() => new("XF CHAIN", 0x00010001, 0x00010001, 0x00010001, OfficialAssembly.NameOf(typeof(TransformerChain)), LoaderSignature);

    public static string TransformDir(int index) => $"Transform_{index:000}";

    private static TransformerChain<ITransformer> Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        Contracts.CheckEnvironment(env);
        ctx.CheckAtModel(GetVersionInfo());
        int count = ctx.Reader.ReadInt32();
        env.CheckDecode(count >= 0, $"Corrupt model: a chain of {count} transformers");
        var transformers = new List<ITransformer>();
        var scopes = new List<TransformerScope>();
        try
        {
            for (int i = 0; i < count; i++)
            {
                scopes.Add((TransformerScope)ctx.Reader.ReadInt32());
                ctx.LoadModel<ITransformer, SignatureLoadModel>(env, out ITransformer transformer, TransformDir(i));
                transformers.Add(transformer);
            }
            return new TransformerChain<ITransformer>(transformers, scopes);
        }
        catch
        {
            foreach (ITransformer transformer in transformers)
                (transformer as IDisposable)?.Dispose();
            throw;
        }
    }
}
