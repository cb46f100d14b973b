using AirMLNet.Arrow;
using AirMLNet.Pipeline;

namespace Microsoft.ML;

/// <summary>Arrow and Parquet files as data views, on <see cref="MLContext.Data"/>.</summary>
public static class ArrowCatalog
{
    /// <summary>
    /// The rows of an Arrow or Parquet file, read batch after batch whenever they are asked for, and of a Parquet file only the columns
    /// that are. Strings and categories are Text, numbers and booleans themselves, half floats Single; lists of half, float or double are
    /// vectors of Single, which must be of one length in all rows. A missing string is empty, a missing Single or Double NaN. Columns of
    /// other types are left out, and named in a warning of the log.
    /// </summary>
    /// <param name="catalog">The data catalog.</param>
    /// <param name="path">A file in Arrow's IPC format (<c>.arrow</c>, <c>.feather</c> of version 2, a stream; compressed or not) or in
    /// Parquet's; its first bytes tell which.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">It is neither, damaged, or has no column that can be read; while rows are read also: a list
    /// of another length, or a missing whole number.</exception>
    public static IDataView LoadFromArrow(this DataOperationsCatalog catalog, string path)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentException.ThrowIfNullOrEmpty(path);
        return ArrowDataView.Open(path, message => FriendMembers.Environment(catalog).Warn(message));
    }

    /// <summary>
    /// Writes a data view as Parquet (a name ending in <c>.parquet</c>) or in Arrow's IPC format (<c>.arrow</c>), ten thousand rows at a
    /// time, uncompressed. Text is written as strings, keys with names as these names, vectors of Single of a known length as
    /// <c>FixedSizeList</c> of float. The file appears when it is whole.
    /// </summary>
    /// <param name="catalog">The data catalog.</param>
    /// <param name="data">What to write.</param>
    /// <param name="path">The file; one that is there is replaced.</param>
    /// <param name="columns">Which columns; all of them where none is named.</param>
    /// <exception cref="ArgumentException">The ending is another, a column is not there, or is of a type that is not written.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void SaveAsArrow(this DataOperationsCatalog catalog, IDataView data, string path, params string[] columns)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentNullException.ThrowIfNull(data);
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(columns);
        ArrowFile.Write(path, new ArrowColumns(data, columns));
    }
}
