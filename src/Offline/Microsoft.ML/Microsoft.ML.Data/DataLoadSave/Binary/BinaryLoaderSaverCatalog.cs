using Microsoft.ML.Data;
using Microsoft.ML.Data.IO;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

/// <summary>Reading and writing binary data view files.</summary>
public static class BinaryLoaderSaverCatalog
{
    /// <summary>The view that a binary file holds, read lazily.</summary>
    /// <exception cref="FormatException">It is not a whole file of a version that can be read.</exception>
    public static IDataView LoadFromBinary(this DataOperationsCatalog catalog, IMultiStreamSource fileSource)
    {
        IHostEnvironment env = catalog.GetEnvironment();
        env.CheckValue(fileSource, nameof(fileSource));
        env.CheckParam(fileSource.Count == 1, nameof(fileSource), $"Must have exactly one file, but has {fileSource.Count}");
        return Load(env, fileSource);
    }

    /// <summary>The view that a binary file holds, read lazily.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="FormatException">It is not a whole file of a version that can be read.</exception>
    public static IDataView LoadFromBinary(this DataOperationsCatalog catalog, string path)
    {
        IHostEnvironment env = catalog.GetEnvironment();
        env.CheckNonEmpty(path, nameof(path));
        return Load(env, new MultiFileSource(path));
    }

    /// <summary>Writes a view in a form that is fast to read: columns in compressed blocks, with their types and annotations.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="data">Columns of types that cannot be written, such as images, are left out with a warning.</param>
    /// <param name="stream">At its start, writeable and able to seek.</param>
    /// <param name="keepHidden">Whether columns that a later one of the same name hides are written, too.</param>
    public static void SaveAsBinary(this DataOperationsCatalog catalog, IDataView data, Stream stream, bool keepHidden = false)
    {
        IHostEnvironment env = catalog.GetEnvironment();
        env.CheckValue(data, nameof(data));
        env.CheckValue(stream, nameof(stream));
        BinarySaver.Save(env.Register(nameof(BinarySaver)), data, stream, keepHidden);
    }

    private static IDataView Load(IHostEnvironment env, IMultiStreamSource source)
    {
        try
        {
            return new BinaryLoader(env, () => source.Open(0));
        }
        catch (FormatException e) when (source.GetPathOrNull(0) is { } path)
        {
            throw env.ExceptDecode($"Cannot load the binary file '{path}': {e.Message}", e);
        }
    }
}
