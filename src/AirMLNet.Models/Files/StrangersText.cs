namespace AirMLNet.Files;

/// <summary>Texts of servers and files of strangers, as they may stand in a line.</summary>
internal static class StrangersText
{
    /// <summary>A text on one line, with blanks for control characters, which could steer a terminal.</summary>
    public static string Line(string text) => string.Concat(text.Select(c => char.IsControl(c) ? ' ' : c)).Trim();
}
