using System.Text;

namespace AirMLNet.Files;

/// <summary>
/// Reads text files of users: UTF-8, or UTF-16 and UTF-32 with a byte order mark. What is none of these is refused with its place: read
/// regardless, wrong letters would become names of classes.
/// </summary>
internal static class TextFile
{
    private const long LargestText = 1L << 30;
    private const char Mark = '\ufeff';
    private static readonly string[] LineEnds = ["\r\n", "\n", "\r"];

    /// <summary>The lines of a file, without their ends.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">It is in another encoding, or has a byte order mark or a NUL within; the message names line
    /// and byte.</exception>
    public static string[] ReadLines(string path)
    {
        var lines = Lines(ReadAll(path));
        return lines[^1].Length == 0 ? lines[..^1] : lines;
    }

    /// <summary>The lines of a text, which end as on any system: LF, CR LF, or CR alone.</summary>
    public static string[] Lines(string text) => text.Split(LineEnds, StringSplitOptions.None);

    /// <summary>The whole text; errors as of <see cref="ReadLines"/>.</summary>
    /// <param name="path">The file.</param>
    /// <param name="most">Most bytes it may have; more is no file of its kind.</param>
    public static string ReadAll(string path, long most = LargestText)
    {
        using var stream = File.OpenRead(path);
        if (stream.CanSeek && stream.Length > most)
        {
            throw new InvalidDataException($"{path} has {stream.Length} bytes; at most {most} were expected.");
        }
        // A pipe, such as a shell's <(…), says no length.
        using var bytes = new MemoryStream(stream.CanSeek ? (int)stream.Length : 0);
        var buffer = new byte[1 << 16];
        for (int read; (read = stream.Read(buffer)) > 0; )
        {
            bytes.Write(buffer, 0, read);
            if (bytes.Length > most)
            {
                throw new InvalidDataException($"{path} has more than {most} bytes; so many at most were expected.");
            }
        }
        return Decode(path, bytes.ToArray());
    }

    /// <summary>The text of bytes; errors as of <see cref="ReadLines"/>.</summary>
    /// <param name="path">What messages name.</param>
    /// <param name="bytes">The file's content.</param>
    public static string Decode(string path, byte[] bytes)
    {
        var text = bytes switch
        {
            [0xff, 0xfe, 0, 0, ..] => Strict(path, bytes, new UTF32Encoding(false, true, true), "UTF-32", 4),
            [0xff, 0xfe, ..] => Strict(path, bytes, new UnicodeEncoding(false, true, true), "UTF-16", 2),
            [0xfe, 0xff, ..] => Strict(path, bytes, new UnicodeEncoding(true, true, true), "UTF-16", 2),
            [0xef, 0xbb, 0xbf, ..] => Strict(path, bytes, new UTF8Encoding(false, true), "UTF-8", 3),
            _ => Strict(path, bytes, new UTF8Encoding(false, true), "UTF-8", 0),
        };
        foreach (
            var (odd, what) in new[]
            {
                (
                    Mark,
                    "a byte order mark (U+FEFF) in the middle of the text, as files have that were put together of several; take it out"
                ),
                ('\0', "a zero byte: this is no text, or UTF-16 without a byte order mark; save it as UTF-8"),
            }
        )
        {
            if (text.IndexOf(odd) is >= 0 and var at)
            {
                throw new InvalidDataException($"{path}, line {text.AsSpan(0, at).Count('\n') + 1}: there is {what}.");
            }
        }
        return text;
    }

    private static string Strict(string path, byte[] bytes, Encoding encoding, string name, int skipped)
    {
        try
        {
            return encoding.GetString(bytes, skipped, bytes.Length - skipped);
        }
        catch (DecoderFallbackException e)
        {
            var at = Math.Max(0, e.Index) + (name == "UTF-8" ? skipped : 0);
            at = Math.Min(at, bytes.Length - 1);
            var line = bytes.AsSpan(0, at).Count((byte)'\n') + 1;
            var place = at - (bytes.AsSpan(0, at).LastIndexOf((byte)'\n') + 1) + 1;
            throw new InvalidDataException(
                $"{path}, line {line}: byte {place} of the line (0x{bytes[at]:X2}) is not {name}; the file is in another encoding, such as "
                    + "Windows-1252. Save it as UTF-8.",
                e
            );
        }
    }
}
