namespace AirMLNet.Data;

/// <summary>What is known about a published data set.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Domain">What its images show, in a word (<c>docs/methods.md</c> §9).</param>
/// <param name="Description">What its captions begin with (<c>docs/methods.md</c> §4.2).</param>
/// <param name="CoOpFolder">Its folder in CoOp's layout; empty for none.</param>
/// <param name="CoOpImages">The folder of its images therein.</param>
/// <param name="CoOpSplit">The list of its parts therein; empty where there is another.</param>
/// <param name="GripFolders">Its folder in the layout of GRIP and CPL, in all spellings.</param>
internal sealed record KnownDataSet(
    string Name,
    string Domain,
    string Description,
    string CoOpFolder,
    string CoOpImages,
    string CoOpSplit,
    params string[] GripFolders
);

/// <summary>
/// Opens data sets: RESISC45, FGVCAircraft, Flowers102, EuroSAT and DTD in the layouts of CoOp and of GRIP and CPL (methods
/// §9), which are told apart by their files; and any other as folders of classes or as a CSV file.
/// </summary>
internal static class DataSets
{
    private static readonly KnownDataSet[] Published =
    [
        new("RESISC45", "satellite", "Satellite:", "", "", "", "RESICS45", "RESISC45"), // the published code spells the folder so
        new("FGVCAircraft", "aircraft", "Aircraft:", "fgvc_aircraft", "images", "", "FGVCAircraft"),
        new("Flowers102", "flower", "Flowers:", "oxford_flowers", "jpg", "split_zhou_OxfordFlowers.json", "Flowers102"),
        new("EuroSAT", "satellite", "Satellite:", "eurosat", "2750", "split_zhou_EuroSAT.json", "EuroSAT"),
        new("DTD", "texture", "Texture:", "dtd", "images", "split_zhou_DescribableTextures.json", "DTD"),
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
        var known =
            Find(name)
            ?? throw new ArgumentException($"'{name}' is no known data set; expected one of {string.Join(", ", Names)}.", nameof(name));
        options ??= new();
        if (!Directory.Exists(folder))
        {
            throw new DirectoryNotFoundException($"{folder}: the folder does not exist.");
        }

        foreach (var place in known.GripFolders.Select(f => Path.Combine(folder, f)).Prepend(folder))
        {
            if (GripLayout.IsAt(place))
            {
                return GripLayout.Read(known, place, options);
            }
        }
        if (known.CoOpFolder.Length > 0)
        {
            foreach (var place in new[] { folder, Path.Combine(folder, known.CoOpFolder) })
            {
                if (CoOpLayout.IsAt(known, place))
                {
                    return CoOpLayout.Read(known, place, options);
                }
            }
        }
        var coOp =
            known.CoOpFolder.Length == 0
                ? ""
                : $"{(known.CoOpSplit.Length > 0 ? known.CoOpSplit : "images_variant_train.txt")} (CoOp's layout), or ";
        throw new DirectoryNotFoundException(
            $"{folder}: {known.Name} was not found; expected {coOp}train.txt and test.txt "
                + $"or train.json and test.json (GRIP's and CPL's layout), there or in '{known.GripFolders[0]}'."
        );
    }

    /// <summary>What the images of a data set show, in a word, such as <c>flower</c>; null where the data set is not known.</summary>
    /// <param name="name">Its name; case does not matter.</param>
    public static string? Domain(string name) => Find(name)?.Domain;

    /// <summary>What the captions of a data set begin with, such as <c>Flowers:</c>; null where the data set is not known.</summary>
    /// <param name="name">Its name; case does not matter.</param>
    public static string? Description(string name) => Find(name)?.Description;

    private static KnownDataSet? Find(string name) => Array.Find(Published, p => p.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
}
