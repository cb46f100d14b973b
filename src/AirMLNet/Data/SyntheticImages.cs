namespace AirMLNet.Data;

/// <summary>Generated images with the class that each was asked for.</summary>
public static class SyntheticImages
{
    /// <summary>The images of <c>FOLDER/CLASS/*</c>.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="classNames">C names; folders may have underscores for spaces, and case does not matter.</param>
    /// <param name="most">At most so many per class, in ordinal order of their names; null for all.</param>
    /// <exception cref="DirectoryNotFoundException">The folder does not exist.</exception>
    /// <exception cref="InvalidDataException">There are no images, or a sub-folder with images is no class.</exception>
    public static IReadOnlyList<LabelledImage> FromFolder(string folder, IReadOnlyList<string> classNames, int? most = null)
    {
        var classes = new Dictionary<string, int>(StringComparer.OrdinalIgnoreCase);
        for (int c = 0; c < classNames.Count; c++) classes[ListFiles.Spoken(classNames[c])] = c;
        return [.. ImageFolder.Open(folder, labelsFromSubfolders: true).Entries
            .GroupBy(e => classes.TryGetValue(ListFiles.Spoken(e.Label!), out int c)
                ? c : throw new InvalidDataException($"{e.Path}: its folder '{e.Label}' is none of the classes: {string.Join(", ", classNames.Take(20))}."))
            .OrderBy(g => g.Key).SelectMany(g => g.Take(most ?? int.MaxValue).Select(e => new LabelledImage(e.Path, g.Key)))];
    }
}
