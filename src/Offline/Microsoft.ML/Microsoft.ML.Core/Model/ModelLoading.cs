using System.Text;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

// Finding and making the models that a file holds.
internal sealed partial class ModelLoadContext
{
    public bool ContainsModel(string name)
    {
        if (!InRepository)
            return false;
        using Repository.Entry entry = Repository.OpenEntryOrNull(ML.Repository.Combine(Directory, name), ModelStreamName);
        return entry is not null;
    }

    /// <summary>Loads a model from a sub-folder.</summary>
    /// <exception cref="FormatException">There is none, it is corrupt, or nothing is registered that loads it.</exception>
    public void LoadModel<TRes, TSig>(IHostEnvironment env, out TRes result, string name, params object[] extra)
        where TRes : class
    {
        if (!LoadModelOrNull<TRes, TSig>(env, out result, name, extra))
            throw _ectx.ExceptDecode($"Corrupt model file: there is no model in '{ML.Repository.Combine(Directory, name)}'");
    }

    public bool LoadModelOrNull<TRes, TSig>(IHostEnvironment env, out TRes result, string name, params object[] extra)
        where TRes : class
    {
        _ectx.Check(InRepository, "Can't load a sub-model when not in a repository");
        return LoadModelOrNull<TRes, TSig>(env, out result, Repository, ML.Repository.Combine(Directory, name), extra);
    }

    public static void LoadModel<TRes, TSig>(IHostEnvironment env, out TRes result, RepositoryReader rep, string dir, params object[] extra)
        where TRes : class
    {
        if (!LoadModelOrNull<TRes, TSig>(env, out result, rep, dir, extra))
            throw env.ExceptDecode($"Corrupt model file: there is no model in '{dir}'");
    }

    public static bool LoadModelOrNull<TRes, TSig>(IHostEnvironment env, out TRes result, RepositoryReader rep, string dir, params object[] extra)
        where TRes : class
    {
        result = null;
        using Repository.Entry entry = rep.OpenEntryOrNull(dir, ModelStreamName);
        if (entry is null)
            return false;
        LoadModel<TRes, TSig>(env, out result, rep, entry, dir, extra);
        return true;
    }

    public static void LoadModel<TRes, TSig>(IHostEnvironment env, out TRes result, RepositoryReader rep, Repository.Entry ent, string dir, params object[] extra)
        where TRes : class
    {
        using var ctx = new ModelLoadContext(rep, ent, dir);
        result = ctx.Create<TRes, TSig>(env, extra);
    }

    public static void LoadModel<TRes, TSig>(IHostEnvironment env, out TRes result, Stream stream, params object[] extra)
        where TRes : class
    {
        using var reader = new BinaryReader(stream, Encoding.UTF8, leaveOpen: true);
        LoadModel<TRes, TSig>(env, out result, reader, extra);
    }

    public static void LoadModel<TRes, TSig>(IHostEnvironment env, out TRes result, BinaryReader reader, params object[] extra)
        where TRes : class
    {
        var ctx = new ModelLoadContext(reader, env);
        result = ctx.Create<TRes, TSig>(env, extra);
    }

    /// <summary>Runs <paramref name="action"/> on a part in a sub-folder, where there is one.</summary>
    public bool TryProcessSubModel(string dir, Action<ModelLoadContext> action)
    {
        _ectx.Check(InRepository, "Can't load a sub-model when not in a repository");
        string path = ML.Repository.Combine(Directory, dir);
        using Repository.Entry entry = Repository.OpenEntryOrNull(path, ModelStreamName);
        if (entry is null)
            return false;
        using var ctx = new ModelLoadContext(Repository, entry, path);
        action(ctx);
        return true;
    }

    /// <summary>Runs <paramref name="action"/> on another stream of the folder, where there is one.</summary>
    public bool TryLoadBinaryStream(string name, Action<BinaryReader> action)
    {
        _ectx.Check(InRepository, "Can't load a stream when not in a repository");
        using Repository.Entry entry = Repository.OpenEntryOrNull(Directory, name);
        if (entry is null)
            return false;
        using var reader = new BinaryReader(entry.Stream, Encoding.UTF8, leaveOpen: true);
        action(reader);
        return true;
    }

    public bool TryLoadTextStream(string name, Action<TextReader> action)
    {
        _ectx.Check(InRepository, "Can't load a stream when not in a repository");
        using Repository.Entry entry = Repository.OpenEntryOrNull(Directory, name);
        if (entry is null)
            return false;
        using var reader = new StreamReader(entry.Stream, leaveOpen: true);
        action(reader);
        return true;
    }

    private TRes Create<TRes, TSig>(IHostEnvironment env, object[] extra)
        where TRes : class
    {
        object[] args = [this, .. extra ?? []];
        ComponentCatalog catalog = env.ComponentCatalog;
        string name = Header.LoaderSignature;
        // Only an unknown loader sends us after its assembly: names in a file are not trusted more than needed.
        if (name.Length > 0 && !catalog.IsKnown(typeof(TSig), name))
            catalog.RegisterAssemblyByName(LoaderAssemblyName);
        try
        {
            if (catalog.TryCreateInstance(env, typeof(TSig), name, args, out TRes result)
                || catalog.TryCreateInstance(env, typeof(TSig), Header.LoaderSignatureAlt, args, out result))
            {
                return result;
            }
        }
        catch (EndOfStreamException e)
        {
            throw env.ExceptDecode($"Corrupt model: the model in '{Directory}' ends too early", e);
        }
        throw env.ExceptDecode(
            $"The model in '{Directory}' is loaded by '{name}', which no registered assembly has. Reference the package of '{LoaderAssemblyName}', or register its assembly with MLContext.ComponentCatalog.RegisterAssembly");
    }
}
