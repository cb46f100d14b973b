using System.Net;
using System.Text.RegularExpressions;

namespace AirMLNet.Clip;

/// <summary>
/// HTML unescaping by the rules of HTML 5 as Python applies them: the old Latin-1 names also count without their
/// semicolon and as the beginning of a longer word ("&amp;notit;" is "¬it;"). Names that HTML 5 added are left alone.
/// </summary>
internal static partial class HtmlEntities
{
    public static string Unescape(string text) =>
        text.Contains('&', StringComparison.Ordinal) ? Reference().Replace(text, m => Decode(m.Value)) : text;

    private static string Decode(string reference)
    {
        if (reference[1] == '#')
        {
            return WebUtility.HtmlDecode(reference.EndsWith(';') ? reference : reference + ";");
        }

        if (reference.EndsWith(';') && WebUtility.HtmlDecode(reference) is var whole && whole != reference)
        {
            return whole;
        }

        for (var length = reference.Length; length > 2; length--)
        {
            var name = reference[..length];
            var decoded = WebUtility.HtmlDecode(name + ";");
            if (decoded.Length == 1 && decoded[0] is '&' or '<' or '>' or '"' or (>= '\u00a0' and <= '\u00ff'))
            {
                return decoded + reference[length..];
            }
        }

        return reference;
    }

    [GeneratedRegex("&(?:#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[^\\t\\n\\f <&#;]{1,32};?)")]
    private static partial Regex Reference();
}
