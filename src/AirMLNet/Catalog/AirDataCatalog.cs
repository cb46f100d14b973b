using AirMLNet.Data;

namespace Microsoft.ML;

/// <summary>AirMLNet's loaders, on <see cref="MLContext.Data"/>.</summary>
public static class AirDataCatalog
{
    /// <summary>
    /// A row per image file of a folder and its subfolders, in ordinal order of the paths: Text columns <c>ImagePath</c> and
    /// <c>Label</c>. Nothing is decoded yet.
    /// </summary>
    /// <param name="catalog">The data catalog.</param>
    /// <param name="folder">The folder.</param>
    /// <param name="labelsFromSubfolders">
    /// Puts the name of the first subfolder into <c>Label</c>, which is empty otherwise; <c>MapValueToKey</c> makes a key of it.
    /// </param>
    /// <exception cref="DirectoryNotFoundException">The folder does not exist.</exception>
    /// <exception cref="InvalidDataException">
    /// The folder holds no images, or an image lies outside every subfolder although these are the labels.
    /// </exception>
    public static IDataView LoadFromImageFolder(this DataOperationsCatalog catalog, string folder, bool labelsFromSubfolders = false)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ImageRow[] rows =
        [
            .. ImageFolder
                .Open(folder, labelsFromSubfolders)
                .Entries.Select(e => new ImageRow { ImagePath = e.Path, Label = e.Label ?? "" }),
        ];
        return catalog.LoadFromEnumerable(rows);
    }
}
