using System.IO.Compression;
using System.Text.RegularExpressions;

namespace TorchSharp.Tests.Surface;

/// <summary>Everything public here exists, with the same signature, in the official package.</summary>
[TestClass]
public partial class SurfaceTests
{
    // Members of 0.99.6 that main no longer has, kept on purpose. Reviewed by hand.
    private static readonly HashSet<string> OnlyInOldVersion = [];

    [TestMethod]
    public void Every_public_member_exists_in_the_official_surface()
    {
        var main = Load("TorchSharp.main.txt.gz");
        var old = Load("TorchSharp.0.99.6.txt.gz");
        var missing = new List<string>();
        var types = typeof(torch).Assembly.GetExportedTypes();
        var members = 0;
        foreach (var type in types.OrderBy(SurfaceFormatter.TypeName, StringComparer.Ordinal))
        {
            var name = SurfaceFormatter.TypeName(type);
            if (!main.Contains("type " + name)) missing.Add("type " + name);
            foreach (var member in SurfaceFormatter.Members(type))
            {
                members++;
                var text = Normalise(member);
                if (!main.Contains(text) && !(OnlyInOldVersion.Contains(text) && old.Contains(text))) missing.Add(text + (old.Contains(text) ? "   (only in 0.99.6)" : ""));
            }
        }
        Console.WriteLine($"{types.Length} types, {members} members compared with {main.Count} official lines.");
        Assert.IsEmpty(missing, $"{missing.Count} public members are not in the official surface:\n{string.Join("\n", missing)}");
    }

    [TestMethod]
    public void The_formatter_writes_what_the_lists_write()
    {
        var main = Load("TorchSharp.main.txt.gz");
        var tensor = SurfaceFormatter.Members(typeof(Tensor)).Select(Normalise).ToHashSet();
        Assert.Contains("torch.Tensor :: public (torch.Tensor values, torch.Tensor indexes) topk(int k, int dim = -1, bool largest = true, bool sorted = true)", tensor);
        Assert.Contains("torch.Tensor :: public torch.Tensor this[params torch.TensorIndex[] indices] { get; set; }", tensor);
        Assert.IsGreaterThan(5000, main.Count);
    }

    private static HashSet<string> Load(string name)
    {
        using var stream = new GZipStream(typeof(SurfaceTests).Assembly.GetManifestResourceStream(name)!, CompressionMode.Decompress);
        using var reader = new StreamReader(stream);
        var lines = new HashSet<string>();
        while (reader.ReadLine() is { } line)
        {
            var at = line.IndexOf(" == ", StringComparison.Ordinal);
            lines.Add(at >= 0 && !line.Contains(" :: ", StringComparison.Ordinal) ? "type " + line[..at] : Normalise(line));
        }
        return lines;
    }

    private static string Normalise(string line)
    {
        var text = Notes().Replace(line, "");
        text = Modifiers().Replace(text, "");
        text = Namespaces().Replace(text, "");
        text = Constraints().Replace(text, "");
        return Values().Replace(text, "").TrimEnd();
    }

    [GeneratedRegex(@"  \[Obsolete.*$")]
    private static partial Regex Notes();

    [GeneratedRegex(@"(?<=:: .*)\b(virtual|override|abstract|readonly|sealed|const|unsafe|volatile) ")]
    private static partial Regex Modifiers();

    [GeneratedRegex(@"\bSystem(\.(Collections(\.Generic)?|IO|Numerics|Globalization|Text|Threading))?\.(?=[A-Z])")]
    private static partial Regex Namespaces();

    [GeneratedRegex(@"(?<=[)]) where .*$")]
    private static partial Regex Constraints();

    // The value of a constant, which is not part of its name and type.
    [GeneratedRegex(@"(?<=:: public static [^(]*) = .*$")]
    private static partial Regex Values();
}
