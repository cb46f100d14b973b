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
    public static float[] ClassVectors(
        ClipBackbone backbone,
        IReadOnlyList<string> classNames,
        IReadOnlyList<string> templates,
        CancellationToken cancellation = default
    )
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var texts = classNames.SelectMany(name => templates.Select(t => ClassPrompt.Fill(t, name))).ToArray();
        var vectors = backbone.EncodeTexts(texts, cancellation); // [C·T, D]
        var unit = Mean(vectors.view(classNames.Count, templates.Count, backbone.FeatureDimension));
        return unit.cpu().contiguous().data<float>().ToArray();
    }

    /// <summary>The direction between the vectors of several texts.</summary>
    /// <param name="vectors">[C, T, D], each of length 1.</param>
    /// <returns>[C, D], each of length 1.</returns>
    public static Tensor Mean(Tensor vectors) => ClipModel.Normalise(vectors.mean([1L]));
}
