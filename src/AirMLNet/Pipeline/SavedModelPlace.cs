namespace AirMLNet.Pipeline;

/// <summary>
/// The folder of the zip that is being loaded, which ML.NET does not tell the stages in it: a CLIP model may lie beside.
/// </summary>
internal static class SavedModelPlace
{
    private static readonly AsyncLocal<string?> Current = new();

    /// <summary>The folder; null where a model is loaded from a stream, or by ML.NET's own method.</summary>
    public static string? Folder => Current.Value;

    /// <summary>Loads while the place is known.</summary>
    /// <param name="file">The zip.</param>
    /// <param name="load">Loads it.</param>
    public static T While<T>(string file, Func<T> load)
    {
        var before = Current.Value;
        Current.Value = Path.GetDirectoryName(Path.GetFullPath(file));
        try
        {
            return load();
        }
        finally
        {
            Current.Value = before;
        }
    }
}
