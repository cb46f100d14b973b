using Microsoft.ML.Data;
using Microsoft.ML.Data.IO;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

/// <summary>Saving, loading and using models.</summary>
public sealed class ModelOperationsCatalog : IInternalCatalog
{
    private const string TransformerDirectory = "TransformerChain";
    private const string SchemaEntryName = "Schema";

    private readonly IHostEnvironment _env;

    internal ModelOperationsCatalog(IHostEnvironment env)
    {
        _env = env;
    }

    IHostEnvironment IInternalCatalog.Environment => _env;

    /// <summary>Saves a model and the schema of what it was fitted on. The file is there when it is whole, or not at all.</summary>
    /// <param name="model">The model.</param>
    /// <param name="inputSchema">The schema of its input; may be null.</param>
    /// <param name="filePath">Is overwritten.</param>
    public void Save(ITransformer model, DataViewSchema inputSchema, string filePath)
    {
        _env.CheckValue(model, nameof(model));
        _env.CheckNonEmpty(filePath, nameof(filePath));
        string target = Path.GetFullPath(filePath);
        string temporary = $"{target}.{Guid.NewGuid():N}.tmp";
        try
        {
            using (var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.ReadWrite))
                Write(model, inputSchema, stream);
            File.Move(temporary, target, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    /// <summary>Saves a model and the schema of what it was fitted on. Nothing is written to the stream where saving fails.</summary>
    public void Save(ITransformer model, DataViewSchema inputSchema, Stream stream)
    {
        _env.CheckValue(model, nameof(model));
        _env.CheckValue(stream, nameof(stream));
        string temporary = Path.Combine(((IHostEnvironmentInternal)_env).TempFilePath, Path.GetRandomFileName());
        using var whole = new FileStream(temporary, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, 1 << 16, FileOptions.DeleteOnClose);
        Write(model, inputSchema, whole);
        whole.Position = 0;
        whole.CopyTo(stream);
    }

    /// <summary>Loads a model.</summary>
    /// <param name="filePath">The file.</param>
    /// <param name="inputSchema">The schema it was saved with, or null.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="FormatException">It is not a whole model file, or holds something that nothing registered can load.</exception>
    public ITransformer Load(string filePath, out DataViewSchema inputSchema)
    {
        _env.CheckNonEmpty(filePath, nameof(filePath));
        using FileStream stream = File.OpenRead(filePath);
        try
        {
            return Load(stream, out inputSchema);
        }
        catch (FormatException e)
        {
            throw _env.ExceptDecode($"Cannot load the model file '{filePath}': {e.Message}", e);
        }
    }

    /// <inheritdoc cref="Load(string, out DataViewSchema)"/>
    public ITransformer Load(Stream stream, out DataViewSchema inputSchema)
    {
        _env.CheckValue(stream, nameof(stream));
        _env.CheckAlive();
        try
        {
            using RepositoryReader repository = RepositoryReader.Open(stream, _env);
            inputSchema = null;
            using (Repository.Entry entry = repository.OpenEntryOrNull(SchemaEntryName))
            {
                if (entry is not null)
                    inputSchema = BinaryLoader.ReadSchema(_env.Register("Loading the schema"), entry.Stream);
            }
            if (!ModelLoadContext.LoadModelOrNull<ITransformer, SignatureLoadModel>(_env, out ITransformer transformer, repository, TransformerDirectory))
                throw _env.ExceptDecode($"The file is a zip archive, but not a model: it has no entry '{TransformerDirectory}/{ModelLoadContext.ModelStreamName}'");
            return transformer;
        }
        catch (Exception e) when (e is EndOfStreamException or InvalidDataException or OverflowException or ArgumentException)
        {
            throw _env.ExceptDecode($"The model is corrupt: {e.Message}", e);
        }
    }

    /// <summary>An engine that predicts one row at a time. Not for several threads at once.</summary>
    public PredictionEngine<TSrc, TDst> CreatePredictionEngine<TSrc, TDst>(
        ITransformer transformer,
        bool ignoreMissingColumns = true,
        SchemaDefinition inputSchemaDefinition = null,
        SchemaDefinition outputSchemaDefinition = null)
        where TSrc : class
        where TDst : class, new() =>
        CreatePredictionEngine<TSrc, TDst>(
            transformer,
            new PredictionEngineOptions
            {
                IgnoreMissingColumns = ignoreMissingColumns,
                InputSchemaDefinition = inputSchemaDefinition,
                OutputSchemaDefinition = outputSchemaDefinition,
            });

    /// <summary>An engine whose input has the types and annotations of a schema.</summary>
    public PredictionEngine<TSrc, TDst> CreatePredictionEngine<TSrc, TDst>(ITransformer transformer, DataViewSchema inputSchema)
        where TSrc : class
        where TDst : class, new()
    {
        _env.CheckValue(inputSchema, nameof(inputSchema));
        return CreatePredictionEngine<TSrc, TDst>(transformer, ignoreMissingColumns: false, TypedSchemas.FromSchema(typeof(TSrc), inputSchema));
    }

    public PredictionEngine<TSrc, TDst> CreatePredictionEngine<TSrc, TDst>(ITransformer transformer, PredictionEngineOptions options)
        where TSrc : class
        where TDst : class, new()
    {
        _env.CheckValue(transformer, nameof(transformer));
        _env.CheckValue(options, nameof(options));
        return new PredictionEngine<TSrc, TDst>(_env, transformer, options);
    }

    private void Write(ITransformer model, DataViewSchema inputSchema, Stream stream)
    {
        using RepositoryWriter repository = RepositoryWriter.CreateNew(stream, _env);
        ModelSaveContext.SaveModel(repository, model, TransformerDirectory);
        if (inputSchema is not null)
        {
            using Repository.Entry entry = repository.CreateEntry(SchemaEntryName);
            BinarySaver.SaveSchema(_env.Register("Saving the schema"), inputSchema, entry.Stream);
        }
        repository.Commit();
    }
}
