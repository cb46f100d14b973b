namespace AirMLNet.PseudoLabels;

/// <summary>Chosen images with their labels.</summary>
/// <param name="Images">Rows of the probabilities; a row may occur twice with <see cref="SelectionRule.Leaderboard"/>.</param>
/// <param name="Labels">The class of each; with candidates the most probable one of them.</param>
/// <param name="Targets">[n, C] with <see cref="SelectionRule.Candidates"/>, otherwise null.</param>
public sealed record PseudoLabelChoice(int[] Images, int[] Labels, float[]? Targets = null);

/// <summary>Chooses images and labels by one of the rules, from probabilities as rows of <c>[images, classes]</c>.</summary>
/// <param name="Rule">The rule.</param>
/// <param name="Classes">C.</param>
/// <param name="IntraQuantile">α of the candidates.</param>
/// <param name="InterQuantile">β of the candidates; null: 1 − 2/C.</param>
public sealed record PseudoLabelSelector(SelectionRule Rule, int Classes, double IntraQuantile = 0.75, double? InterQuantile = null)
{
    /// <summary>β as it is used.</summary>
    public double Inter => InterQuantile ?? Math.Max(0, 1 - 2.0 / Classes);

    /// <summary>Chooses.</summary>
    /// <param name="probabilities">p(c|x).</param>
    /// <param name="perClass">K.</param>
    /// <param name="soft">Soft candidate targets.</param>
    public PseudoLabelChoice Select(ReadOnlySpan<float> probabilities, int perClass, bool soft = false)
    {
        var rows = TopKPerClass.Rows(probabilities, Classes, perClass);
        if (rows == 0)
        {
            return new([], [], Rule == SelectionRule.Candidates ? [] : null);
        }

        return Rule switch
        {
            SelectionRule.Leaderboard => Leaderboard(probabilities, perClass),
            SelectionRule.Candidates => Candidates(probabilities, perClass, soft),
            _ => Exact(probabilities, perClass),
        };
    }

    private PseudoLabelChoice Exact(ReadOnlySpan<float> probabilities, int perClass)
    {
        var assigned = TopKPerClass.Assign(TopKPerClass.Select(probabilities, Classes, perClass), probabilities);
        int[] images = [.. Enumerable.Range(0, assigned.Length).Where(i => assigned[i] >= 0)];
        return new(images, [.. images.Select(i => assigned[i])]);
    }

    private PseudoLabelChoice Leaderboard(ReadOnlySpan<float> probabilities, int perClass)
    {
        var lists = TopKPerClass.SelectLeaderboard(probabilities, Classes, perClass);
        return new([.. lists.SelectMany(list => list)], [.. lists.SelectMany((list, c) => Enumerable.Repeat(c, list.Length))]);
    }

    private PseudoLabelChoice Candidates(ReadOnlySpan<float> probabilities, int perClass, bool soft)
    {
        var sets = CandidateLabels.Sets(probabilities, CandidateLabels.Rule(probabilities, Classes, IntraQuantile, Inter));
        var taken = CandidateLabels.Accept(probabilities, sets, Classes, perClass);
        int[] images = [.. Enumerable.Range(0, taken.Length).Where(i => taken[i] >= 0)];
        var targets = new float[images.Length * Classes];
        for (var k = 0; k < images.Length; k++)
        {
            CandidateLabels.Target(
                probabilities.Slice(images[k] * Classes, Classes),
                sets[images[k]],
                soft,
                targets.AsSpan(k * Classes, Classes)
            );
        }

        return new(images, [.. images.Select(i => sets[i][0])], targets);
    }
}
