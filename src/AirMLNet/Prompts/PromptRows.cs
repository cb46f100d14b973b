namespace AirMLNet.Prompts;

/// <summary>What prompts are trained on, for N rows; a list is empty where its column is not read.</summary>
/// <param name="Features">[N, D].</param>
/// <param name="Dimension">D.</param>
/// <param name="Labels">Pseudo-label of each row in the first round, −1 where missing.</param>
/// <param name="TrueLabels">True label of each row, −1 where missing.</param>
/// <param name="Synthetic">Whether a row is of synthetic origin.</param>
/// <param name="PrototypeScores">Image-side probabilities, [N, C].</param>
/// <param name="FirstRound">Scores or candidates of the first round, [N, C].</param>
internal sealed record PromptRows(
    ReadOnlyMemory<float> Features,
    int Dimension,
    IReadOnlyList<int> Labels,
    IReadOnlyList<int> TrueLabels,
    IReadOnlyList<bool> Synthetic,
    ReadOnlyMemory<float> PrototypeScores,
    ReadOnlyMemory<float> FirstRound
)
{
    /// <summary>N.</summary>
    public int Count => Features.Length / Dimension;
}
