using AirMLNet.Clip;

namespace AirMLNet.Data;

/// <summary>Generated images with the class that each was asked for.</summary>
internal static class SyntheticImageFolder
{
    /// <summary>The images of <c>FOLDER/CLASS/*</c>, or of <c>FOLDER/images/CLASS/*</c> as <c>airml synthesize</c> leaves them.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="classNames">C names.</param>
    /// <param name="most">At most so many per class, in ordinal order of their names; null for all.</param>
    /// <exception cref="DirectoryNotFoundException">The folder does not exist.</exception>
    /// <exception cref="InvalidDataException">There are no images, or a sub-folder with images is no class.</exception>
    public static IReadOnlyList<LabelledImage> FromFolder(string folder, IReadOnlyList<string> classNames, int? most = null) =>
        [
            .. ImageFolder
                .Open(Locate(folder, classNames), labelsFromSubfolders: true)
                .Entries.Select(e => new LabelledImage(
                    e.Path,
                    ClassOf(e.Label!, classNames)
                        ?? throw new InvalidDataException(
                            $"{e.Path}: its folder '{e.Label}' is none of the classes: {string.Join(", ", classNames.Take(20))}."
                        )
                ))
                .GroupBy(image => image.Class)
                .OrderBy(g => g.Key)
                .SelectMany(g => g.Take(most ?? int.MaxValue)),
        ];

    /// <summary>The folder that holds the classes' folders: the one given, or its <c>images</c>.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="classNames">C names; a class called "images" has its own folder.</param>
    public static string Locate(string folder, IReadOnlyList<string> classNames)
    {
        var inner = Path.Combine(folder, "images");
        return Directory.Exists(inner) && ClassOf("images", classNames) is null ? inner : folder;
    }

    /// <summary>
    /// The class that a folder's name means; null for none. Folders may have underscores for blanks and for what a file system
    /// does not take, and case does not matter; where that is not enough to tell two classes apart, names must be exact.
    /// </summary>
    /// <param name="folderName">Name of the folder, without its path.</param>
    /// <param name="classNames">C names.</param>
    public static int? ClassOf(string folderName, IReadOnlyList<string> classNames)
    {
        int[] all = [.. Enumerable.Range(0, classNames.Count)];
        int[] exact =
        [
            .. all.Where(c => ClassPrompt.Spoken(classNames[c]).Equals(ClassPrompt.Spoken(folderName), StringComparison.OrdinalIgnoreCase)),
        ];
        var found = exact.Length > 0 ? exact : [.. all.Where(c => Plain(classNames[c]) == Plain(folderName))];
        return found.Length == 1 ? found[0] : null;
    }

    private static string Plain(string name) =>
        string.Join(
            ' ',
            string.Concat(name.Select(c => char.IsLetterOrDigit(c) ? char.ToLowerInvariant(c) : ' '))
                .Split(' ', StringSplitOptions.RemoveEmptyEntries)
        );
}
