using System.IO.Compression;
using AirMLNet.Files;

namespace AirMLNet.Clip;

/// <summary>Finds a tokenizer's files in a model folder.</summary>
internal static class ClipTokenizerFiles
{
    public const string Archive = "bpe_simple_vocab_16e6.txt.gz";

    /// <summary>Vocabulary and merges in one file.</summary>
    public const string Fast = "tokenizer.json";
    private const long LargestArchive = 64L << 20; // the published one has 3.2 MB

    internal static readonly RefusedKey[] RefusedKeys =
    [
        // The last two are what tokenizer.json alone describes.
        new(
            "tokenizer_class",
            "Texts are tokenized by CLIP's byte pairs.",
            "CLIPTokenizer",
            "CLIPTokenizerFast",
            "PreTrainedTokenizerFast",
            "TokenizersBackend"
        ),
    ];

    private const int DefaultContext = 77;
    private const int LongestContext = 100_000;

    /// <summary>The folder itself, or its sub-folder <c>tokenizer</c>, whichever holds the file.</summary>
    public static string? Find(string folder, string name) =>
        Folders(folder).Select(f => Path.Combine(f, name)).FirstOrDefault(ConfigFile.IsThere);

    /// <summary>Refuses a folder whose tokenizer is said to be of another class, whatever its vocabulary.</summary>
    /// <exception cref="InvalidDataException">It is; the message names the file and the key.</exception>
    public static void CheckClass(string folder)
    {
        foreach (var file in new[] { "tokenizer_config.json", "config.json" }.Select(name => Find(folder, name)).OfType<string>())
        {
            ConfigFile.Open(file).Refuse(RefusedKeys);
        }
    }

    public static IEnumerable<string> ReadArchive(string path)
    {
        using var gzip = new GZipStream(File.OpenRead(path), CompressionMode.Decompress);
        using var bytes = new MemoryStream();
        var buffer = new byte[1 << 16];
        for (int read; (read = gzip.Read(buffer)) > 0; )
        {
            bytes.Write(buffer, 0, read);
            if (bytes.Length > LargestArchive)
            {
                throw new InvalidDataException($"it unpacks to more than {LargestArchive} bytes");
            }
        }
        if (bytes.Length == 0)
        {
            throw new InvalidDataException("it is empty, or no archive of gzip");
        }
        return TextFile.Lines(TextFile.Decode(path, bytes.ToArray()));
    }

    public static int ContextLength(string folder)
    {
        // A tokenizer may be said to take more than the model has places for, never the other way round.
        var said = Length(folder, ("tokenizer_config.json", "model_max_length"));
        var places = Length(
            folder,
            ("config.json", "text_config.max_position_embeddings"),
            ("config.json", "max_position_embeddings"),
            ("open_clip_config.json", "model_cfg.text_cfg.context_length")
        );
        return said is null ? places ?? DefaultContext : Math.Min(said.Value, places ?? said.Value);
    }

    // Hugging Face writes 1e30 where it has no limit.
    private static int? Length(string folder, params (string File, string Key)[] keys) =>
        ConfigFile.Said<double>(Folders(folder), keys).FirstOrDefault(n => n is >= 3 and <= LongestContext) is not 0 and var length
            ? (int)length
            : null;

    /// <summary>The padding token's text, null where no file says.</summary>
    public static string? PadToken(string folder) =>
        ConfigFile
            .Said<TokenText>(
                Folders(folder),
                ("tokenizer_config.json", "pad_token"),
                ("special_tokens_map.json", "pad_token"),
                (Fast, "padding.pad_token")
            )
            .FirstOrDefault()
            ?.Text;

    /// <summary>Where a model folder may hold a tokenizer.</summary>
    public static string[] Folders(string folder) => [folder, Path.Combine(folder, "tokenizer")];
}
