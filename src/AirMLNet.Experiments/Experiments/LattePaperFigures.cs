namespace AirMLNet.Experiments;

/// <summary>The figures of LatteCLIP's Tables 1 to 5 (ViT-B/32): accuracy in per cent (docs/methods.md §5.6).</summary>
internal static class LattePaperFigures
{
    private static readonly string[] DataSets =
    [
        "EuroSAT",
        "SUN397",
        "Food101",
        "Flowers102",
        "DTD",
        "FGVCAircraft",
        "OxfordPets",
        "StanfordCars",
        "UCF101",
        "Caltech101",
    ];

    // By the names that the experiment files give their methods.
    private static readonly Dictionary<string, string> Rows = new(StringComparer.Ordinal)
    {
        ["flyp-oracle"] = "94.46 77.45 85.01 87.90 76.65 37.95 92.42 90.21 79.49 96.02",
        ["lmm-zero-shot"] = "44.78 15.74 29.81 6.58 20.27 3.18 28.92 3.38 44.25 75.38",
        ["zero-shot"] = "42.95 68.20 78.65 71.30 55.32 23.79 87.30 88.25 64.37 94.73",
        ["reclip"] = "49.25 69.07 77.91 71.13 56.91 25.92 88.50 87.84 68.86 92.37",
        ["flyp-pl"] = "67.12 70.19 76.83 68.78 61.82 17.40 88.96 84.19 69.44 94.69",
        ["latteclip"] = "80.27 70.68 79.63 71.94 56.26 22.02 89.21 87.40 70.08 94.77",
        ["class + image"] = "79.98 64.85 75.52 72.31 57.03 16.44 89.45 87.09 69.50 95.21",
        ["class"] = "78.22 59.79 81.52 71.21 56.74 16.50 90.00 87.89 69.84 94.97",
        ["image + group"] = "64.75 63.28 76.73 50.95 48.76 9.00 64.51 32.98 60.45 88.24",
        ["image"] = "44.31 62.54 77.00 48.44 43.09 7.89 56.75 33.86 58.58 91.24",
        ["group"] = "59.35 65.00 77.06 31.67 49.05 9.57 64.49 25.99 66.90 86.09",
        ["class + group"] = "79.68 70.07 80.16 71.99 57.47 18.00 89.81 86.15 68.84 94.12",
        ["no mixer"] = "66.04 69.41 80.18 72.51 54.85 23.43 87.14 85.37 69.02 94.32",
        ["no L_ft"] = "47.06 69.80 79.23 70.48 56.97 23.82 87.65 87.19 65.77 94.60",
        ["no L_zs"] = "76.96 68.18 70.29 71.01 61.05 19.89 87.49 86.13 70.39 94.36",
        ["no momentum"] = "31.19 56.17 68.08 57.41 31.32 13.41 13.03 43.31 54.69 88.56",
        ["1 of 4 right"] = "80.02 69.19 79.04 72.88 61.11 20.55 89.62 87.35 70.16 94.89",
        ["2 of 4 right"] = "81.28 69.73 79.13 72.55 60.82 20.76 89.51 87.53 69.65 95.13",
        ["3 of 4 right"] = "80.81 70.28 79.80 72.72 60.28 21.87 89.48 87.29 69.52 95.17",
        ["4 of 4 right"] = "80.40 70.54 78.79 72.96 60.17 21.42 89.62 87.96 70.00 94.56",
        ["groups of 2"] = "80.74 69.36 76.03 71.24 56.03 21.12 89.29 87.32 69.88 94.52",
        ["groups of 8"] = "79.90 69.90 79.55 73.04 57.69 22.00 89.18 87.65 69.71 94.44",
        ["groups of 16"] = "80.67 70.18 78.24 73.20 58.64 22.28 89.53 87.85 70.05 94.28",
    };

    /// <summary>The paper's figure of a method on a data set, in per cent; null where it has none.</summary>
    public static string? Of(string method, string dataSet)
    {
        var column = Array.FindIndex(DataSets, d => d.Equals(dataSet, StringComparison.OrdinalIgnoreCase));
        return column >= 0 && Rows.TryGetValue(method, out var row) ? row.Split(' ')[column] : null;
    }
}
