using System.Globalization;
using System.Text;

namespace AirMLNet.Clip;

/// <summary>Cleans text and cuts it into the pieces that byte pairs are merged within.</summary>
internal static class ClipTextSplitter
{
    private static readonly string[] Whole = ["<|startoftext|>", "<|endoftext|>"];
    private static readonly string[] Contractions = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"];

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
        var lower = text.ToLowerInvariant();
        // The two mappings of Python's lower() that are not one to one.
        if (text.Contains('\u0130'))
        {
            lower = string.Concat(text.Select(c => c == '\u0130' ? "i\u0307" : c.ToString())).ToLowerInvariant();
        }

        return lower.Contains('\u03c3') ? FinalSigma(text, lower) : lower;
    }

    // A capital sigma at the end of a word becomes the final form.
    private static string FinalSigma(string text, string lower)
    {
        if (text.Length != lower.Length)
        {
            return lower;
        }

        var result = lower.ToCharArray();
        for (var i = 0; i < result.Length; i++)
        {
            if (text[i] == '\u03a3' && i > 0 && char.IsLetter(lower[i - 1]) && (i + 1 == lower.Length || !char.IsLetter(lower[i + 1])))
            {
                result[i] = '\u03c2';
            }
        }

        return new(result);
    }
}
