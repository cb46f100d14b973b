using AirMLNet.Clip;

namespace AirMLNet.Data;

/// <summary>Generated images with the class that each was asked for.</summary>
internal static class SyntheticImageFolder
{
    /// <summary>Characters of a folder's name at most: file systems take no much longer ones.</summary>
    public const int LongestName = 100;

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
    /// does not take, may have the beginning of a long name, as <see cref="NameOf"/> gives it, and case does not matter; where that is not
    /// enough to tell two classes apart, names must be exact.
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
        int[] Like(Func<string, bool> fits) => [.. all.Where(c => fits(classNames[c]))];
        var plain = exact.Length > 0 ? exact : Like(name => Plain(name) == Plain(folderName));
        var found = plain.Length > 0 ? plain : Like(name => NameOf(name).Equals(folderName, StringComparison.OrdinalIgnoreCase));
        return found.Length == 1 ? found[0] : null;
    }

    /// <summary>The name of a class's folder: what a file system does not take becomes an underscore, what is too long is cut.</summary>
    public static string NameOf(string className)
    {
        var clean = string.Concat(
            className
                .Trim()
                .Select(c => char.IsLetterOrDigit(c) || c is ' ' or '-' or '_' or '.' or ',' or '(' or ')' or '\'' or '&' ? c : '_')
        );
        clean = clean.TrimStart('.');
        clean = clean[..Math.Min(clean.Length, LongestName)].TrimEnd('.', ' '); // hidden on one system, impossible on another
        return clean.Length == 0 ? "_" : clean;
    }

    /// <summary>A sentence about names that are cut to be those of folders; null where none is.</summary>
    public static string? Cut(IEnumerable<string> classNames)
    {
        string[] cut = [.. classNames.Where(name => name.Trim().Length > LongestName)];
        return cut.Length == 0
            ? null
            : $"{cut.Length} class names are longer than {LongestName} characters; their folders have the beginning, the first "
                + $"'{NameOf(cut[0])}'";
    }

    private static string Plain(string name) =>
        string.Join(
            ' ',
            string.Concat(name.Select(c => char.IsLetterOrDigit(c) ? char.ToLowerInvariant(c) : ' '))
                .Split(' ', StringSplitOptions.RemoveEmptyEntries)
        );
}
