using System.Text;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

/// <summary>Where a model reads itself from: its own stream, and a folder with more of them.</summary>
internal sealed partial class ModelLoadContext : IDisposable
{
    public const string ModelStreamName = "Model.key";

    private readonly IExceptionContext _ectx;

    public readonly BinaryReader Reader;
    public readonly RepositoryReader Repository;
    public readonly string Directory;
    public readonly string[] Strings;
    public readonly string LoaderAssemblyName;
    public readonly long FpMin;
    internal ModelHeader Header;

    internal ModelLoadContext(RepositoryReader rep, Repository.Entry ent, string dir)
    {
        Repository = rep;
        Directory = dir;
        _ectx = rep.ExceptionContext;
        Reader = new BinaryReader(ent.Stream, Encoding.UTF8, leaveOpen: true);
        try
        {
            Header = ModelHeader.BeginRead(Reader, _ectx, out FpMin, out Strings, out LoaderAssemblyName);
        }
        catch (FormatException e)
        {
            throw _ectx.ExceptDecode($"Entry '{ent.Path}' of the model file: {e.Message}", e);
        }
    }

    internal ModelLoadContext(BinaryReader reader, IExceptionContext ectx = null)
    {
        Contracts.CheckValue(reader, nameof(reader));
        _ectx = ectx;
        Reader = reader;
        Header = ModelHeader.BeginRead(Reader, _ectx, out FpMin, out Strings, out LoaderAssemblyName);
    }

    /// <summary>Whether there is a folder, and not only a stream.</summary>
    public bool InRepository => Repository is not null;

    public void CheckAtModel() => _ectx.Check(Reader.BaseStream.Position == FpMin + Header.FpModel, "Something was read before the model");

    public void CheckAtModel(VersionInfo ver)
    {
        CheckVersionInfo(ver);
        CheckAtModel();
    }

    /// <exception cref="FormatException">The model is of another kind, too new or too old.</exception>
    public void CheckVersionInfo(VersionInfo ver)
    {
        string where = Directory is null ? "The model" : $"The model in '{Directory}'";
        _ectx.CheckDecode(Header.ModelSignature == ver.ModelSignature, $"{where} is of another kind than its loader reads");
        _ectx.CheckDecode(
            Header.ModelVerReadable <= ver.VerWrittenCur,
            $"{where} has version 0x{Header.ModelVerWritten:X8}, newer than the newest that can be read, 0x{ver.VerWrittenCur:X8}. Use the version that saved it, or a newer one");
        _ectx.CheckDecode(
            Header.ModelVerWritten >= ver.VerWeCanReadBack,
            $"{where} has version 0x{Header.ModelVerWritten:X8}, older than the oldest that can be read, 0x{ver.VerWeCanReadBack:X8}");
    }

    /// <summary>Checks that the model bytes were read to their end.</summary>
    public void Done() =>
        _ectx.CheckDecode(Reader.BaseStream.Position == FpMin + Header.FpModel + Header.CbModel, $"The model in '{Directory}' was not read to its end, or beyond it");

    public string LoadString() => LoadStringOrNull() ?? throw _ectx.ExceptDecode("Corrupt model: a string is missing");

    public string LoadNonEmptyString()
    {
        string text = LoadString();
        _ectx.CheckDecode(text.Length > 0, "Corrupt model: a string is empty");
        return text;
    }

    public string LoadStringOrNull()
    {
        int id = Reader.ReadInt32();
        if (id == -1)
            return null;
        _ectx.CheckDecode((uint)id < (uint)Strings.Length, $"Corrupt model: string {id} of {Strings.Length}");
        return Strings[id];
    }

    public void Dispose() => Reader.Dispose();
}
