using AirMLNet.Clip;

namespace AirMLNet.Data;

/// <summary>What is known about a published data set.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Description">What its captions begin with (<c>docs/methods.md</c> §4.2).</param>
/// <param name="CoOpFolder">Its folder in CoOp's layout; empty for none.</param>
/// <param name="CoOpImages">The folder of its images therein.</param>
/// <param name="CoOpSplit">The list of its parts therein; empty where there is another.</param>
/// <param name="GripFolders">Its folder in the layout of GRIP and CPL, in all spellings.</param>
internal sealed record KnownDataSet(
    string Name,
    string Description,
    string CoOpFolder,
    string CoOpImages,
    string CoOpSplit,
    params string[] GripFolders
);

/// <summary>
/// Opens data sets in the layouts of CoOp (LatteCLIP's ten) and of GRIP and CPL (AiR's five; methods §9), which are told apart by their
/// files; and any other as folders of classes or as a CSV file.
/// </summary>
internal static class DataSets
{
    private const int MostAbove = 3; // dtd/images/banded lies two below the lists

    private static readonly KnownDataSet[] Published =
    [
        new("RESISC45", "Satellite:", "", "", "", "RESICS45", "RESISC45"), // the published code spells the folder so
        new("FGVCAircraft", "Aircraft:", "fgvc_aircraft", "images", "", "FGVCAircraft"),
        new("Flowers102", "Flowers:", "oxford_flowers", "jpg", "split_zhou_OxfordFlowers.json", "Flowers102"),
        new("EuroSAT", "Satellite:", "eurosat", "2750", "split_zhou_EuroSAT.json", "EuroSAT"),
        new("DTD", "Texture:", "dtd", "images", "split_zhou_DescribableTextures.json", "DTD"),
        new("OxfordPets", "Pet:", "oxford_pets", "images", "split_zhou_OxfordPets.json"),
        new("StanfordCars", "Car:", "stanford_cars", "", "split_zhou_StanfordCars.json"), // its list names cars_train and cars_test
        new("Food101", "Food:", "food-101", "images", "split_zhou_Food101.json"),
        new("SUN397", "Scene:", "sun397", "SUN397", "split_zhou_SUN397.json"),
        new("UCF101", ClassPrompt.DefaultDescription, "ucf101", "UCF-101-midframes", "split_zhou_UCF101.json"),
        new("Caltech101", ClassPrompt.DefaultDescription, "caltech-101", "101_ObjectCategories", "split_zhou_Caltech101.json"),
    ];

    /// <summary>Names of the data sets whose layouts are known.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Published.Select(p => p.Name)];

    /// <summary>Opens one of <see cref="Names"/>.</summary>
    /// <param name="name">Its name; case does not matter.</param>
    /// <param name="folder">Its folder, or the folder that holds it under its usual name.</param>
    /// <param name="options">Pool and validation part; null for the defaults.</param>
    /// <exception cref="ArgumentException">The name is not known; the message lists those that are.</exception>
    /// <exception cref="DirectoryNotFoundException">No layout of the data set is found; the message says what was looked for.</exception>
    /// <exception cref="InvalidDataException">
    /// A list is malformed or names a file that is not there; the message names list and line.
    /// </exception>
    public static ImageDataSet Open(string name, string folder, DataSetOptions? options = null)
    {
        var known = Known(name);
        options ??= new();
        if (!Directory.Exists(folder))
        {
            throw new DirectoryNotFoundException($"{folder}: the folder does not exist.");
        }

        if (Locate(known, folder) is { } found)
        {
            return found.Grip ? GripLayout.Read(known, found.Folder, options) : CoOpLayout.Read(known, found.Folder, options);
        }

        string[] layouts =
        [
            .. known.CoOpFolder.Length == 0
                ? Array.Empty<string>()
                : [$"{(known.CoOpSplit.Length > 0 ? known.CoOpSplit : "images_variant_train.txt")} (CoOp's layout)"],
            .. known.GripFolders.Length == 0
                ? Array.Empty<string>()
                : ["train.txt and test.txt or train.json and test.json (GRIP's and CPL's layout)"],
        ];
        throw new DirectoryNotFoundException(
            $"{folder}: {known.Name} was not found; expected {string.Join(", or ", layouts)}, there or in "
                + $"'{known.GripFolders.FirstOrDefault() ?? known.CoOpFolder}'."
        );
    }

    /// <summary>Whether <see cref="Open"/> would find one of <see cref="Names"/>; no list is read.</summary>
    /// <param name="name">Its name; case does not matter.</param>
    /// <param name="folder">As for <see cref="Open"/>.</param>
    /// <exception cref="ArgumentException">The name is not known.</exception>
    public static bool IsThere(string name, string folder) => Locate(Known(name), folder) is not null;

    /// <summary>
    /// The folder itself or the nearest one above it that has a published layout, and which data set's; null where there is none.
    /// The name is null where GRIP's layout lies in a folder that is not called as the data set is.
    /// </summary>
    /// <param name="folder">A folder of images.</param>
    public static (string Home, string? Name)? Around(string folder)
    {
        for (var (at, up) = (new DirectoryInfo(folder), 0); at is not null && up <= MostAbove; (at, up) = (at.Parent, up + 1))
        {
            if (GripLayout.IsWhole(at.FullName))
            {
                return (at.FullName, Array.Find(Published, p => p.GripFolders.Contains(at.Name))?.Name);
            }

            if (Array.Find(Published, p => p.CoOpFolder.Length > 0 && CoOpLayout.IsAt(p, at.FullName)) is { } known)
            {
                return (at.FullName, known.Name);
            }
        }
        return null;
    }

    /// <summary>What the captions of a data set begin with, such as <c>Flowers:</c>; null where the data set is not known.</summary>
    /// <param name="name">Its name; case does not matter.</param>
    public static string? Description(string name) => Find(name)?.Description;

    private static KnownDataSet Known(string name) =>
        Find(name)
        ?? throw new ArgumentException($"'{name}' is no known data set; expected one of {string.Join(", ", Names)}.", nameof(name));

    private static (string Folder, bool Grip)? Locate(KnownDataSet known, string folder)
    {
        string[] grip = known.GripFolders.Length == 0 ? [] : [folder, .. known.GripFolders.Select(f => Path.Combine(folder, f))];
        foreach (var place in grip.Where(GripLayout.IsAt))
        {
            return (place, true);
        }
        foreach (var place in new[] { folder, Path.Combine(folder, known.CoOpFolder) })
        {
            if (known.CoOpFolder.Length > 0 && CoOpLayout.IsAt(known, place))
            {
                return (place, false);
            }
        }
        return null;
    }

    private static KnownDataSet? Find(string name) => Array.Find(Published, p => p.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
}
