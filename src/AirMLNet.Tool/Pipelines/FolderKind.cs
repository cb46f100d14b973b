using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using AirMLNet.Embedding;

namespace AirMLNet.Tool.Pipelines;

/// <summary>What folders hold that say nothing of themselves: known by the names of their files.</summary>
internal static partial class FolderKind
{
    // What the same run of two machines may say otherwise: how long it took, and what an experiment calls it.
    private static readonly string[] Told = ["seconds", "processorSeconds", "dataSet", "method"];

    /// <summary>What the files of folders are, all alike; empty folders are of any kind.</summary>
    /// <exception cref="InvalidDataException">They are of two kinds, or of none that is joined.</exception>
    public static string Of(IEnumerable<string> folders)
    {
        (string Folder, string Kind)? first = null;
        foreach (var folder in folders.Where(f => Directory.EnumerateFileSystemEntries(f).Any()))
        {
            var kind = Of(folder);
            first ??= (folder, kind);
            if (kind != first.Value.Kind)
            {
                throw new InvalidDataException(
                    $"{folder} holds {kind}, but {first.Value.Folder} {first.Value.Kind}; expected folders of one kind."
                );
            }
        }

        return first?.Kind ?? "files";
    }

    /// <summary>Whether two files are results of the same run that differ in their times and names alone.</summary>
    public static bool IsSameRun(string one, string other)
    {
        if (!Run().IsMatch(Path.GetFileName(one)))
        {
            return false;
        }

        try
        {
            return JsonNode.DeepEquals(Result(one), Result(other));
        }
        catch (JsonException)
        {
            return false; // cut short, or none
        }

        static JsonNode? Result(string file)
        {
            var result = JsonNode.Parse(File.ReadAllText(file));
            foreach (var name in Told)
            {
                (result as JsonObject)?.Remove(name);
            }

            return result;
        }
    }

    private static string Of(string folder)
    {
        foreach (var file in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
        {
            if (FeatureMerge.ShardOf(file) is not null)
            {
                throw new InvalidDataException(
                    $"{folder} holds files of 'airml embed --shard'; name the files, and a file to write: airml merge "
                        + $"{Path.Combine(folder, "*.safetensors")} -o features.npy."
                );
            }
            if (Run().IsMatch(Path.GetFileName(file)))
            {
                return "runs";
            }
            if (Text().IsMatch(Path.GetFileName(file)))
            {
                return "texts";
            }
        }

        throw new InvalidDataException(
            $"{folder} holds nothing that parts of work write: neither images of 'synthesize' nor parts of 'embed --dense', runs of "
                + "'experiment' or texts of 'adapt --texts-only'."
        );
    }

    [GeneratedRegex("^([0-9a-f]{16}|[0-9a-f]{64})[.]json$", RegexOptions.ExplicitCapture)]
    private static partial Regex Run();

    [GeneratedRegex("^[0-9a-f]{64}[.]txt$")]
    private static partial Regex Text();
}
