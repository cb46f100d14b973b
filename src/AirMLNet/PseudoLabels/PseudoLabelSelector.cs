namespace AirMLNet.PseudoLabels;

/// <summary>Chosen images with their labels.</summary>
/// <param name="Images">Rows of the probabilities; a row occurs once for each class that chose it.</param>
/// <param name="Labels">The class of each; with candidates the most probable one of them.</param>
/// <param name="Targets">[n, C] with <see cref="SelectionRule.Candidates"/>, otherwise null.</param>
internal sealed record PseudoLabelChoice(int[] Images, int[] Labels, float[]? Targets = null);

/// <summary>
/// Chooses images and labels by one of the rules, from probabilities as rows of <c>[images, classes]</c>: the one place where
/// pseudo-labels are chosen, for the labelling stage and for the rounds of prompt training.
/// </summary>
/// <param name="Rule">The rule.</param>
/// <param name="Classes">C.</param>
/// <param name="IntraQuantile">α of the candidates.</param>
/// <param name="InterQuantile">β of the candidates; null: 1 − 2/C.</param>
internal sealed record PseudoLabelSelector(SelectionRule Rule, int Classes, double IntraQuantile = 0.75, double? InterQuantile = null)
{
    /// <summary>β as it is used.</summary>
    public double Inter => InterQuantile ?? Math.Max(0, 1 - 2.0 / Classes);

    /// <summary>The chosen images; exact choice and the leaderboard may put one into the lists of several classes.</summary>
    /// <param name="probabilities">p(c|x).</param>
    /// <param name="perClass">K.</param>
    /// <param name="soft">Soft candidate targets.</param>
    public PseudoLabelChoice Select(ReadOnlySpan<float> probabilities, int perClass, bool soft = false)
    {
        if (TopKPerClass.Rows(probabilities, Classes, perClass) == 0)
        {
            return new([], [], Rule == SelectionRule.Candidates ? [] : null);
        }

        if (Rule is SelectionRule.Exact or SelectionRule.Leaderboard)
        {
            var lists = Lists(probabilities, perClass);
            return new([.. lists.SelectMany(list => list)], [.. lists.SelectMany((list, c) => Enumerable.Repeat(c, list.Length))]);
        }

        var (_, labels, sets) = Label(probabilities, perClass, soft);
        int[] images = [.. Enumerable.Range(0, labels.Length).Where(i => labels[i] >= 0)];
        var targets = sets is null ? null : new float[images.Length * Classes];
        for (var k = 0; k < images.Length && sets is not null; k++)
        {
            CandidateLabels.Target(
                probabilities.Slice(images[k] * Classes, Classes),
                sets[images[k]],
                soft,
                targets.AsSpan(k * Classes, Classes)
            );
        }

        return new(images, [.. images.Select(i => labels[i])], targets);
    }

    /// <summary>
    /// One label per image, and the rule that labels other images in the same way. An image that several classes chose takes its most
    /// probable one, which leaves the others a place empty: where that matters, take <see cref="Select"/> or deferred acceptance.
    /// </summary>
    /// <param name="probabilities">p(c|x) of one or more images.</param>
    /// <param name="perClass">K.</param>
    /// <param name="soft">Soft candidate targets.</param>
    /// <returns>The rule; per image the class or −1; with candidates the sets of all images, otherwise null.</returns>
    public (LabelRule Rule, int[] Labels, int[][]? Sets) Label(ReadOnlySpan<float> probabilities, int perClass, bool soft)
    {
        if (Rule == SelectionRule.Deferred)
        {
            var all = CandidateLabels.Sets(probabilities, CandidateRule.All(Classes));
            var given = CandidateLabels.Accept(probabilities, all, Classes, perClass);
            return (new(CandidateLabels.Cutoffs(probabilities, given, Classes, perClass), null, false), given, null);
        }

        if (Rule != SelectionRule.Candidates)
        {
            var lists = Lists(probabilities, perClass);
            var labels = TopKPerClass.Assign(lists, probabilities);
            return (new(TopKPerClass.Thresholds(lists, probabilities), null, false), labels, null);
        }

        var tests = CandidateLabels.Rule(probabilities, Classes, IntraQuantile, Inter);
        var sets = CandidateLabels.Sets(probabilities, tests);
        var taken = CandidateLabels.Accept(probabilities, sets, Classes, perClass);
        var rule = new LabelRule(CandidateLabels.Cutoffs(probabilities, taken, Classes, perClass), tests, soft);
        return (rule, [.. taken.Select((c, i) => c < 0 ? -1 : sets[i][0])], sets);
    }

    private int[][] Lists(ReadOnlySpan<float> probabilities, int perClass) =>
        Rule == SelectionRule.Leaderboard
            ? TopKPerClass.SelectLeaderboard(probabilities, Classes, perClass)
            : TopKPerClass.Select(probabilities, Classes, perClass);
}
