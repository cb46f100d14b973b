using AirMLNet.Files;

namespace AirMLNet.Data;

/// <summary>What the readers of lists share.</summary>
internal static class ListFiles
{
    /// <summary>The lines of a file with their numbers from 1, without blank ones.</summary>
    public static IEnumerable<(int Number, string Text)> Lines(string file) =>
        TextFile.Lines(Text(file)).Select((text, i) => (i + 1, text.Trim())).Where(line => line.Item2.Length > 0);

    /// <summary>Reads a JSON file.</summary>
    /// <exception cref="InvalidDataException">It is not JSON, or not of the form that <paramref name="read"/> expects; the message names
    /// the place.</exception>
    public static T Json<T>(string file, Func<JsonPlace, T> read)
    {
        using var document = JsonPlace.Parse(file, Text(file));
        return read(new(file, "", document.RootElement));
    }

    /// <summary>Images of the parts that form the pool, each file once.</summary>
    public static IReadOnlyList<LabelledImage> Pool(
        IReadOnlyList<LabelledImage> train,
        IReadOnlyList<LabelledImage> validation,
        DataSetOptions options
    ) => options.ValidationInPool ? [.. train.Concat(validation).DistinctBy(i => i.Path, StringComparer.Ordinal)] : train;

    /// <summary>The content of a file.</summary>
    /// <exception cref="InvalidDataException">It does not exist, or is in another encoding than UTF-8.</exception>
    public static string Text(string file)
    {
        try
        {
            return TextFile.ReadAll(file);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new InvalidDataException($"{file}: the file does not exist.", e);
        }
    }
}
