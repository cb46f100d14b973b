namespace AirMLNet.Heads;

/// <summary>
/// How a second opinion is joined to a first: image-side to text-side probabilities (<c>docs/methods.md</c> §4.1, Eq. 7), the affinities of
/// T2I-PAL's adapter to scores (§6.3).
/// </summary>
public enum FusionForm
{
    /// <summary>(p + λ·p̂)/(1 + λ), λ ≥ 0; of the adapter, as in Tip-Adapter, p + α·A.</summary>
    Additive,

    /// <summary>
    /// (1 − λ)·p + λ·p̂, λ in 0..1, which is the same as additive with λ/(1 − λ); of the adapter (1 − α)·p + α·A, which the paper's words
    /// allow as well.
    /// </summary>
    Convex,
}

/// <summary>Eq. 7 with its weight. Both forms keep a distribution a distribution.</summary>
/// <param name="Form">Additive or convex.</param>
/// <param name="Weight">λ.</param>
internal readonly record struct Fusion(FusionForm Form, double Weight)
{
    /// <exception cref="ArgumentOutOfRangeException">A convex weight above 1; the message names the option.</exception>
    public Fusion Checked(string option) =>
        Form == FusionForm.Convex && Weight > 1
            ? throw new ArgumentOutOfRangeException(
                option,
                Weight,
                FormattableString.Invariant($"{option} = {Weight}; expected 0..1 in convex form.")
            )
            : this;

    /// <summary>p ← p̃.</summary>
    public void Into(Span<float> text, ReadOnlySpan<float> image)
    {
        var weight = (float)Weight;
        if (Form == FusionForm.Convex)
        {
            for (var c = 0; c < text.Length; c++)
            {
                text[c] = (1 - weight) * text[c] + weight * image[c];
            }
        }
        else
        {
            for (var c = 0; c < text.Length; c++)
            {
                text[c] = (text[c] + weight * image[c]) / (1 + weight);
            }
        }
    }
}
