using System.Buffers;
using System.Globalization;
using System.Text;

namespace AirMLNet.Clip;

/// <summary>Cleans text and cuts it into the pieces that byte pairs are merged within.</summary>
internal static class ClipTextSplitter
{
    private static readonly string[] Whole = ["<|startoftext|>", "<|endoftext|>"];
    private static readonly string[] Contractions = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"];

    private const string WithinWords = "'.:\u00b7\u0387\u055f\u05f4\u2018\u2019\u2024\u2027\ufe13\ufe52\ufe55\uff07\uff0e\uff1a";

    private enum Kind
    {
        Space,
        Letter,
        Number,
        Other,
    }

    /// <summary>Unescapes HTML twice, folds white space to single spaces and lower-cases as Python does.</summary>
    public static string Clean(string text)
    {
        text = HtmlEntities.Unescape(HtmlEntities.Unescape(text));
        var result = new StringBuilder(text.Length);
        var space = false;
        foreach (var c in text)
        {
            // Python counts the four separators U+001C to U+001F as white space, .NET does not.
            if (char.IsWhiteSpace(c) || c is >= '\u001c' and <= '\u001f')
            {
                space = result.Length > 0;
                continue;
            }

            if (space)
            {
                result.Append(' ');
                space = false;
            }

            result.Append(c);
        }

        return Lower(result.ToString());
    }

    /// <summary>
    /// Special tokens; 's 't 're 've 'm 'll 'd; runs of letters; single digits; runs of anything else but white space.
    /// Works on code points: .NET's regular expressions see surrogates, which are neither letters nor digits.
    /// </summary>
    public static IEnumerable<string> Split(string text)
    {
        var at = 0;
        while (at < text.Length)
        {
            var fixedPiece = SpecialPiece(text, at);
            if (fixedPiece is not null)
            {
                yield return fixedPiece;
                at += fixedPiece.Length;
                continue;
            }

            var kind = KindAt(text, at, out var length);
            var end = at + length;
            while (kind is Kind.Letter or Kind.Other && end < text.Length && KindAt(text, end, out length) == kind)
            {
                end += length;
            }

            if (kind != Kind.Space)
            {
                yield return text[at..end];
            }

            at = end;
        }
    }

    private static string? SpecialPiece(string text, int at)
    {
        var candidates = text[at] switch
        {
            '<' => Whole,
            '\'' => Contractions,
            _ => [],
        };
        return Array.Find(candidates, c => string.CompareOrdinal(text, at, c, 0, c.Length) == 0);
    }

    private static Kind KindAt(string text, int at, out int length)
    {
        if (Rune.DecodeFromUtf16(text.AsSpan(at), out var rune, out length) != System.Buffers.OperationStatus.Done)
        {
            return Kind.Other;
        }

        if (Rune.IsWhiteSpace(rune))
        {
            return Kind.Space;
        }

        return Rune.GetUnicodeCategory(rune) switch
        {
            UnicodeCategory.UppercaseLetter
            or UnicodeCategory.LowercaseLetter
            or UnicodeCategory.TitlecaseLetter
            or UnicodeCategory.ModifierLetter
            or UnicodeCategory.OtherLetter => Kind.Letter,
            UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber => Kind.Number,
            _ => Kind.Other,
        };
    }

    private static string Lower(string text)
    {
        // The two mappings of Python's lower() that are not one to one: of the capital I with a dot, and of the sigma that ends a word.
        text = text.Replace("\u0130", "i\u0307", StringComparison.Ordinal);
        var lower = text.ToLowerInvariant();
        if (!text.Contains('\u03a3'))
        {
            return lower;
        }

        var letters = lower.ToCharArray();
        for (var i = text.IndexOf('\u03a3'); i >= 0; i = text.IndexOf('\u03a3', i + 1))
        {
            letters[i] = CasedBefore(text, i) && !CasedFrom(text, i + 1) ? '\u03c2' : '\u03c3';
        }

        return new(letters);
    }

    // Final_Sigma of the Unicode standard (section 3.13): a letter with case stands before, and none after, whatever both pass over.
    private static bool CasedBefore(string text, int end)
    {
        while (end > 0 && Rune.DecodeLastFromUtf16(text.AsSpan(0, end), out var rune, out var length) == OperationStatus.Done)
        {
            if (!IsPassedOver(rune))
            {
                return IsCased(rune);
            }

            end -= length;
        }

        return false;
    }

    private static bool CasedFrom(string text, int start)
    {
        while (start < text.Length && Rune.DecodeFromUtf16(text.AsSpan(start), out var rune, out var length) == OperationStatus.Done)
        {
            if (!IsPassedOver(rune))
            {
                return IsCased(rune);
            }

            start += length;
        }

        return false;
    }

    // Case_Ignorable: marks, formats, modifiers, and what stands within words (Word_Break of MidLetter, MidNumLet and Single_Quote).
    private static bool IsPassedOver(Rune rune) =>
        Rune.GetUnicodeCategory(rune)
            is UnicodeCategory.NonSpacingMark
                or UnicodeCategory.EnclosingMark
                or UnicodeCategory.Format
                or UnicodeCategory.ModifierLetter
                or UnicodeCategory.ModifierSymbol
        || (rune.IsBmp && WithinWords.Contains((char)rune.Value));

    // Cased: letters with case, and what Other_Lowercase and Other_Uppercase add to them (ordinals, Roman numerals, letters in circles).
    private static bool IsCased(Rune rune) =>
        Rune.GetUnicodeCategory(rune)
            is UnicodeCategory.UppercaseLetter
                or UnicodeCategory.LowercaseLetter
                or UnicodeCategory.TitlecaseLetter
        || rune.Value
            is 0xaa
                or 0xba
                or (>= 0x2160 and <= 0x217f)
                or (>= 0x24b6 and <= 0x24e9)
                or (>= 0x1f130 and <= 0x1f149)
                or (>= 0x1f150 and <= 0x1f169)
                or (>= 0x1f170 and <= 0x1f189);
}
