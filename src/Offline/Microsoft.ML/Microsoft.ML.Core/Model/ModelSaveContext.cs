using Microsoft.ML.Runtime;

namespace Microsoft.ML;

/// <summary>Where a model writes itself: its own stream, and a folder for more of them.</summary>
public sealed class ModelSaveContext : IDisposable
{
    private readonly Repository.Entry _entry;
    private readonly IExceptionContext _ectx;
    private readonly List<string> _pool = [];
    private readonly Dictionary<string, int> _poolIds = new(StringComparer.Ordinal);
    private string _loaderAssemblyName;
    private bool _closed;

    internal readonly BinaryWriter Writer;
    internal readonly RepositoryWriter Repository;
    internal readonly string Directory;
    internal readonly long FpMin;
    internal ModelHeader Header;

    internal ModelSaveContext(RepositoryWriter rep, string dir, string name)
    {
        Contracts.CheckValue(rep, nameof(rep));
        Repository = rep;
        Directory = dir;
        _ectx = rep.ExceptionContext;
        _entry = rep.CreateEntry(dir, name);
        Writer = new BinaryWriter(_entry.Stream, System.Text.Encoding.UTF8, leaveOpen: true);
        Header = ModelHeader.BeginWrite(Writer, out FpMin);
    }

    internal ModelSaveContext(BinaryWriter writer, IExceptionContext ectx = null)
    {
        Contracts.CheckValue(writer, nameof(writer));
        _ectx = ectx;
        Writer = writer;
        Header = ModelHeader.BeginWrite(Writer, out FpMin);
    }

    /// <summary>Whether there is a folder, and not only a stream.</summary>
    internal bool InRepository => Repository is not null;

    internal void CheckAtModel()
    {
        Writer.Flush();
        _ectx.Check(Writer.BaseStream.Position == FpMin + Header.FpModel, "Something was written before the model");
    }

    internal void SetVersionInfo(VersionInfo ver)
    {
        Header.SetVersionInfo(ver);
        _loaderAssemblyName = ver.LoaderAssemblyName;
    }

    internal void SaveString(string str)
    {
        _ectx.CheckValue(str, nameof(str));
        SaveStringOrNull(str);
    }

    internal void SaveString(ReadOnlyMemory<char> str) => SaveStringOrNull(str.ToString());

    internal void SaveNonEmptyString(string str)
    {
        _ectx.CheckNonEmpty(str, nameof(str));
        SaveStringOrNull(str);
    }

    internal void SaveNonEmptyString(ReadOnlyMemory<char> str) => SaveNonEmptyString(str.ToString());

    internal void SaveStringOrNull(string str)
    {
        if (str is null)
        {
            Writer.Write(-1);
            return;
        }
        Writer.Write(AddString(str));
    }

    /// <summary>The number of a string in the table of this part, for streams beside it that refer to it.</summary>
    internal int AddString(string str)
    {
        if (!_poolIds.TryGetValue(str, out int id))
        {
            id = _pool.Count;
            _poolIds.Add(str, id);
            _pool.Add(str);
        }
        return id;
    }

    /// <summary>Writes a model into a sub-folder.</summary>
    internal void SaveModel<T>(T value, string name)
        where T : class
    {
        CheckInRepository();
        SaveModel(Repository, value, ML.Repository.Combine(Directory, name));
    }

    internal static void SaveModel<T>(RepositoryWriter rep, T value, string path)
        where T : class
    {
        Contracts.CheckValue(value, nameof(value));
        if (value is not ICanSaveModel model)
            throw rep.ExceptionContext.Except($"{value.GetType()} cannot be saved: it is no {nameof(ICanSaveModel)}");
        using var ctx = new ModelSaveContext(rep, path, ModelLoadContext.ModelStreamName);
        model.Save(ctx);
        ctx.Done();
    }

    /// <summary>Writes a part that is no class of its own into a sub-folder.</summary>
    internal void SaveSubModel(string dir, Action<ModelSaveContext> fn)
    {
        CheckInRepository();
        using var ctx = new ModelSaveContext(Repository, ML.Repository.Combine(Directory, dir), ModelLoadContext.ModelStreamName);
        fn(ctx);
        ctx.Done();
    }

    internal static void Save(BinaryWriter writer, Action<ModelSaveContext> fn)
    {
        Contracts.CheckValue(fn, nameof(fn));
        using var ctx = new ModelSaveContext(writer);
        fn(ctx);
        ctx.Done();
    }

    /// <summary>Writes another stream into the folder.</summary>
    internal void SaveBinaryStream(string name, Action<BinaryWriter> action)
    {
        CheckInRepository();
        using Repository.Entry entry = Repository.CreateEntry(Directory, name);
        using var writer = new BinaryWriter(entry.Stream, System.Text.Encoding.UTF8, leaveOpen: true);
        action(writer);
    }

    internal void SaveTextStream(string name, Action<TextWriter> action)
    {
        CheckInRepository();
        using Repository.Entry entry = Repository.CreateEntry(Directory, name);
        using var writer = new StreamWriter(entry.Stream, leaveOpen: true);
        action(writer);
    }

    /// <summary>Completes the stream.</summary>
    internal void Done()
    {
        _ectx.Check(!_closed, "The model was completed already");
        Header.EndWrite(Writer, FpMin, _pool, _loaderAssemblyName);
        Close();
    }

    public void Dispose() => Close();

    private void Close()
    {
        if (_closed)
            return;
        _closed = true;
        Writer.Flush();
        if (_entry is null)
            return;
        Writer.Dispose();
        _entry.Dispose();
    }

    private void CheckInRepository() => _ectx.Check(InRepository, "Can't save a sub-model when not in a repository");
}
