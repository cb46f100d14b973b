using static TorchSharp.torch;

namespace AirMLNet.Clip;

/// <summary>Class vectors from names and templates, docs/methods.md §1.1.</summary>
internal static class ZeroShotClassifier
{
    /// <summary>The template used where none is given.</summary>
    public const string DefaultTemplate = "a photo of a {}.";

    /// <summary>
    /// One vector of length 1 per class: each filled template is encoded and normalised, the templates are averaged, and
    /// the mean is normalised again.
    /// </summary>
    /// <param name="backbone">The model.</param>
    /// <param name="classNames">C names; underscores are read as spaces.</param>
    /// <param name="templates">Texts with <c>{}</c> where the name goes; <c>{{}}</c> stands for braces in the text itself.</param>
    /// <param name="cancellation">Checked before each batch of texts.</param>
    /// <returns>[C, D], row-major.</returns>
    /// <exception cref="ArgumentException">Two classes have the same texts, as where they differ only behind the model's last
    /// token.</exception>
    public static float[] ClassVectors(
        ClipBackbone backbone,
        IReadOnlyList<string> classNames,
        IReadOnlyList<string> templates,
        CancellationToken cancellation = default
    )
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var texts = Texts(classNames, templates);
        CheckDiffer(backbone.Tokenizer, classNames, texts);
        var vectors = backbone.EncodeTexts(texts, cancellation); // [C·T, D]
        var unit = Mean(vectors.view(classNames.Count, templates.Count, backbone.FeatureDimension));
        return unit.cpu().contiguous().data<float>().ToArray();
    }

    /// <summary>The filled templates of each class, one class after the other.</summary>
    public static string[] Texts(IReadOnlyList<string> classNames, IReadOnlyList<string> templates) =>
        [.. classNames.SelectMany(name => templates.Select(t => ClassPrompt.Fill(t, name)))];

    private static void CheckDiffer(ClipTokenizer tokenizer, IReadOnlyList<string> classNames, string[] texts)
    {
        Dictionary<string, string> seen = new(StringComparer.Ordinal);
        foreach (var (name, own) in classNames.Zip(texts.Chunk(texts.Length / classNames.Count)))
        {
            var ids = string.Join(' ', own.SelectMany(text => tokenizer.Tokenize(text)));
            if (!seen.TryAdd(ids, name))
            {
                throw new ArgumentException(
                    $"The classes '{seen[ids]}' and '{name}' read the same to the model, which takes {tokenizer.ContextLength} tokens of "
                        + "a text."
                );
            }
        }
    }

    /// <summary>The direction between the vectors of several texts.</summary>
    /// <param name="vectors">[C, T, D], each of length 1.</param>
    /// <returns>[C, D], each of length 1.</returns>
    public static Tensor Mean(Tensor vectors) => ClipModel.Normalise(vectors.mean([1L]));
}
