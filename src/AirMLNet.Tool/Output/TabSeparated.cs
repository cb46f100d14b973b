namespace AirMLNet.Tool.Output;

/// <summary>Fields of a table whose columns are separated by tabs.</summary>
internal static class TabSeparated
{
    /// <summary>
    /// A field as it is, or in quotation marks, with those inside doubled, where it has a tab, a line's end or such marks, as readers of
    /// such tables (ML.NET's with quoting, pandas, spreadsheets) expect.
    /// </summary>
    public static string Field(string text) =>
        text.AsSpan().IndexOfAny("\t\n\r\"") < 0 ? text : $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
