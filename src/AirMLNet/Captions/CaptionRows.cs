using System.Security.Cryptography;
using System.Text;
using AirMLNet.Clip;
using AirMLNet.Files;
using AirMLNet.Images;

namespace AirMLNet.Captions;

/// <summary>The texts to be had for images: which image, which question, and what the answer is kept under.</summary>
internal sealed class CaptionRows(
    IReadOnlyList<string> paths,
    IReadOnlyList<int> classes,
    IReadOnlyList<string> classNames,
    CaptionSynthesisOptions options,
    IReadOnlyList<int>? truth = null
)
{
    private readonly Lazy<string[]> _hashes = new(() =>
        paths.AsParallel().AsOrdered().WithCancellation(options.CancellationToken).Select(Hash).ToArray()
    );

    /// <summary>A text for each image.</summary>
    public List<CaptionItem> OfImages(bool kept)
    {
        var prompt = options.ImagePrompt ?? CaptionPrompts.Image(options.Domain, options.Wording, options.NameClass);
        return
        [
            .. Enumerable
                .Range(0, paths.Count)
                .Select(i => new CaptionItem(
                    new CaptionRequest(paths[i], CaptionKind.Image, Named(prompt, classes[i]), () => ImageFile.Load(paths[i])),
                    kept ? _hashes.Value[i] : ""
                )),
        ];
    }

    /// <summary>A text for each image's group; rows without a class have none.</summary>
    /// <returns>The texts, and for each row which one is its; −1 for none.</returns>
    public (List<CaptionItem> Items, int[] Of) OfGroups(int seed, bool kept)
    {
        var prompt = options.GroupPrompt ?? CaptionPrompts.Group(options.Domain, options.Wording);
        var groups = CaptionGroups.Draw(
            classes,
            options.GroupSize,
            options.GroupsPerClass,
            seed,
            options.CorrectInGroup is { } correct && truth is not null ? (truth, correct) : null
        );
        List<CaptionItem> items = [];
        Dictionary<int[], int> known = new(ReferenceEqualityComparer.Instance);
        var of = new int[groups.Length];
        for (var i = 0; i < groups.Length; i++)
        {
            of[i] = -1;
            if (groups[i] is not { } members)
            {
                continue;
            }

            if (!known.TryGetValue(members, out var at))
            {
                at = known[members] = items.Count;
                items.Add(
                    new(
                        new CaptionRequest(
                            paths[i],
                            CaptionKind.Group,
                            Named(prompt, classes[i]),
                            () => GroupCollage.Of([.. members.Select(m => ImageFile.Load(paths[m]))])
                        )
                        {
                            Members = [.. members.Select(m => paths[m])],
                        },
                        kept ? HashOf(members) : ""
                    )
                );
            }
            of[i] = at;
        }
        return (items, of);
    }

    private string Named(string prompt, int label) =>
        label < 0
            ? prompt.Replace("{} ", "", StringComparison.Ordinal)
            : prompt.Replace("{}", ClassPrompt.Spoken(classNames[label]), StringComparison.Ordinal);

    // The canvas follows from its images and how they are put on it.
    private string HashOf(int[] members)
    {
        var content = $"collage {GroupCollage.Side} {GroupCollage.Gap} " + string.Join(' ', members.Select(m => _hashes.Value[m]));
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(content)));
    }

    internal static string Hash(string path)
    {
        try
        {
            return FileHash.Sha256(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UnreadableImageException(path, $"{path}: the image file cannot be read: {e.Message}", e);
        }
    }
}
