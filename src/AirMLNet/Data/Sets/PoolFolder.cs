namespace AirMLNet.Data;

/// <summary>
/// The images of a folder that a model may adapt to. In a published layout, or beside a folder of test images, these are the training
/// images alone: nobody who names the folder of a data set means its test images.
/// </summary>
/// <param name="Entries">One or more images; with labels where they were asked for.</param>
/// <param name="DataSet">Name of the published data set; null for other folders.</param>
/// <param name="Note">What was taken, where it is not the whole folder.</param>
/// <param name="Others">What is said of files that are not read; null for nothing.</param>
internal sealed record PoolFolder(IReadOnlyList<ImageEntry> Entries, string? DataSet, string? Note, string? Others = null)
{
    /// <summary>Opens a folder.</summary>
    /// <param name="folder">A folder of images, or of a data set, or one within it.</param>
    /// <param name="labels">Whether the classes are wanted; they are the sub-folders' names, or what the data set's lists say.</param>
    /// <exception cref="DirectoryNotFoundException">The folder does not exist.</exception>
    /// <exception cref="InvalidDataException">
    /// It has no images, or is within a data set and has none of its training images, or lies in GRIP's layout but is not called as the
    /// data set is.
    /// </exception>
    public static PoolFolder Open(string folder, bool labels)
    {
        if (!Directory.Exists(folder))
        {
            return Of(folder, labels, null); // which says what is wrong
        }

        if (DataSets.Around(folder) is { } found)
        {
            return OfDataSet(folder, found.Home, found.Name, labels);
        }

        return GenericDataSets.TrainPart(folder) is { } train && GenericDataSets.TestPart(folder) is not null
            ? Of(train, labels, $"{folder} has parts: the images of {train} are taken")
            : Of(folder, labels, null);
    }

    private static PoolFolder Of(string folder, bool labels, string? note)
    {
        var images = ImageFolder.Open(folder, labels);
        return new(images.Entries, null, note, images.Others);
    }

    private static PoolFolder OfDataSet(string folder, string home, string? name, bool labels)
    {
        if (name is null)
        {
            throw new InvalidDataException(
                $"{home} has lists of training and test images, but its name is not that of a data set whose lists can be read "
                    + $"({string.Join(", ", DataSets.Names)}); name a folder of images without test images."
            );
        }

        var set = DataSets.Open(name, home);
        var inside = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)) + Path.DirectorySeparatorChar;
        ImageEntry[] entries =
        [
            .. set
                .Train.Where(i => Path.GetFullPath(i.Path).StartsWith(inside, StringComparison.Ordinal))
                .Select(i => new ImageEntry(i.Path, labels ? set.ClassNames[i.Class] : null)),
        ];
        return entries.Length > 0
            ? new(entries, name, $"{home} is {name}: {entries.Length} training images are taken, no test images")
            : throw new InvalidDataException(
                $"{folder} holds no training image of {name}, whose lists are in {home}; test images are not adapted to."
            );
    }
}
