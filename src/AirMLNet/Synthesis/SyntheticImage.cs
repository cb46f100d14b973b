namespace AirMLNet.Synthesis;

/// <summary>An image that was generated.</summary>
/// <param name="Path">Its file.</param>
/// <param name="Class">The class it was asked for; −1 where its caption has none.</param>
/// <param name="Confidence">p(class|x) of zero-shot CLIP (<c>docs/methods.md</c> §4.1, Eq. 1); NaN without a class.</param>
/// <param name="IsRepresentative">Whether it is the most confident one of its class: x* of Eq. 6.</param>
public sealed record SyntheticImage(string Path, int Class, float Confidence, bool IsRepresentative)
{
    /// <summary>The caption it was made of; null where it was made of a class.</summary>
    public string? Caption { get; init; }
}

/// <summary>Generated images with what rows of them hold.</summary>
/// <param name="Images">S images.</param>
/// <param name="Features">[S, D].</param>
/// <param name="Dimension">D.</param>
/// <param name="Labels">A vector for each image where labels are vectors; otherwise empty.</param>
internal sealed record GeneratedImages(
    IReadOnlyList<SyntheticImage> Images,
    float[] Features,
    int Dimension,
    IReadOnlyList<float[]> Labels
);
