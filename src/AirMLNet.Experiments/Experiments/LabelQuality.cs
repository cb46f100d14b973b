using AirMLNet.Evaluation;
using AirMLNet.Heads;
using AirMLNet.Prompts;
using AirMLNet.Recipes;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Experiments;

/// <summary>How right the labels of one round are.</summary>
/// <param name="Round">From 1.</param>
/// <param name="Images">Pseudo-labelled images.</param>
/// <param name="Purity">The share of them whose label is right, 0..1.</param>
/// <param name="PurityOfClass">The same of each class's images; null for a class without any.</param>
/// <param name="Pool">
/// Of all unlabelled images, the share whose most probable class is right, fused with the image side where there is one.
/// </param>
internal sealed record RoundQuality(int Round, int Images, double Purity, IReadOnlyList<double?> PurityOfClass, double Pool);

/// <summary>Measures labels against the truth, which the fit did not see; null where the truth is not known.</summary>
/// <param name="recipe">The method.</param>
/// <param name="task">What it was applied to.</param>
/// <param name="labels">The pool's labels.</param>
/// <param name="cancellation">Checked by the stages.</param>
internal sealed class LabelQuality(Recipe recipe, AdaptationTask task, PoolLabels labels, CancellationToken cancellation)
{
    private readonly int[] _rows = [.. Enumerable.Range(0, labels.Count).Where(i => !labels.IsGiven(i))];

    private bool IsKnown => _rows.Length > 0 && _rows.All(i => labels[i] >= 0);

    /// <summary>How right the surest labels of the unlabelled images are, by text alone and, where there are prototypes, fused.</summary>
    public (PseudoLabelAccuracy? Text, PseudoLabelAccuracy? Fused) Surest(MLContext ml, ITransformer model, IDataView pool)
    {
        if ((!recipe.UsesPrototypes && recipe.Rounds > 0) || recipe.FineTune is not null || !IsKnown)
        {
            return (null, null);
        }

        return (Of(pool, fused: false), recipe.UsesPrototypes ? Of(model.Transform(pool), fused: true) : null);

        PseudoLabelAccuracy Of(IDataView view, bool fused)
        {
            var options = recipe.PseudoLabels(task, fused) with { CancellationToken = cancellation };
            var labelled = ml.Transforms.PseudoLabel("Plain", "Features", options).Fit(view).Transform(view);
            var all = Scores(labelled, "PlainScore");
            return PseudoLabelAccuracy.Of(
                _rows.SelectMany(i => all[i]).ToArray(),
                [.. _rows.Select(i => labels[i])],
                task.ClassNames.Count
            );
        }
    }

    /// <summary>How right the labels of each round were.</summary>
    public IReadOnlyList<RoundQuality>? Rounds(IReadOnlyList<RoundLabels> rounds, ITransformer model, IDataView pool)
    {
        if (recipe.Supervised || recipe.PseudoLabelWeight == 0 || rounds.Count == 0 || !IsKnown)
        {
            return null;
        }

        return [.. rounds.Select(Of)];

        RoundQuality Of(RoundLabels round)
        {
            int[] right = [.. Enumerable.Range(0, round.Images.Count).Where(k => labels[round.Images[k]] == round.Labels[k])];
            (var rows, var best) = round.Pool.Count > 0 ? (round.Pool, round.Best) : FirstRound(model.Transform(pool));
            return new(
                round.Round,
                round.Images.Count,
                Share(right.Length, round.Images.Count),
                [.. Enumerable.Range(0, task.ClassNames.Count).Select(c => OfClass(round, right, c))],
                Share(Enumerable.Range(0, rows.Count).Count(k => labels[rows[k]] == best[k]), rows.Count)
            );
        }

        static double? OfClass(RoundLabels round, int[] right, int c) =>
            round.Labels.Count(l => l == c) is > 0 and var all ? Share(right.Count(k => round.Labels[k] == c), all) : null;
    }

    /// <summary>The most probable classes of the labelling stage, which made the first round's labels.</summary>
    private (IReadOnlyList<int> Rows, IReadOnlyList<int> Best) FirstRound(IDataView labelled)
    {
        var all = Scores(labelled, RecipeStages.PseudoLabelColumn + "Score");
        return (_rows, [.. _rows.Select(i => CosineHead.ArgMax(all[i]))]);
    }

    private float[][] Scores(IDataView view, string column) =>
        [.. view.GetColumn<VBuffer<float>>(column).Take(labels.Count).Select(v => v.DenseValues().ToArray())];

    private static double Share(int part, int all) => all == 0 ? 0 : Math.Round(part / (double)all, 6);
}
