using AirMLNet.Heads;
using AirMLNet.PseudoLabels;
using static TorchSharp.torch;

namespace AirMLNet.Prompts;

/// <summary>
/// The relabelling loop (<c>docs/methods.md</c> §3.2, §3.3, §4.3): round 1 learns from the given labels, round t from the labels that round
/// t−1's classifier gives, fused with image-side probabilities where there are any (Eq. 7); labelled and synthetic images
/// take part in every round. Free of ML.NET.
/// </summary>
internal sealed class PromptRounds(IPromptModel model, PromptAdapterOptions options)
{
    private const int FewestClasses = 2;
    private readonly ClassSubset _subset = ClassSubset.Of(
        options.ClassNames,
        options.LabelClasses,
        nameof(PromptAdapterOptions.LabelClasses)
    );

    private (IReadOnlyList<int> Rows, IReadOnlyList<int> Best) _pool = ([], []);
    private IReadOnlyList<float> _confidence = [];

    /// <summary>Called after each epoch: round, epoch (both from 1), loss.</summary>
    public Action<int, int, double>? AfterEpoch { get; init; }

    /// <summary>Called before each round: round from 1, number of real images, of synthetic ones, and the classes without any.</summary>
    public Action<int, int, int, string[]>? BeforeRound { get; init; }

    /// <summary>Told the labels of each round before it is trained.</summary>
    public Action<RoundLabels>? Labelled { get; init; }

    public Action? BeforeStep { get; init; }

    /// <summary>
    /// Whether the operators of a step are so small that a second thread only costs: beside other work a step on mini-clip (128 wide,
    /// ten classes) took 1.5 times as long on two as on one, and fits that run side by side do not get into each other's way.
    /// </summary>
    /// <param name="width">The width of the tower that the prompt goes through.</param>
    /// <param name="prompt">Where the prompt is.</param>
    public static bool WantsOneThread(long width, PromptKind prompt) => prompt == PromptKind.Text && width <= 256;

    /// <returns>The prompt and the class vectors [C·D] of the last round.</returns>
    public (float[] Context, float[] ClassVectors) Run(PromptRows rows, int seed)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator((ulong)seed);
        var initial = model.NewContext(generator, options.InitialStandardDeviation);
        var context = initial;
        var settings = new PromptTrainingSettings(
            options.Schedule(),
            options.BatchSize,
            options.Momentum,
            options.WeightDecay,
            options.GradientClip
        )
        {
            DropLast = options.DropLast,
            Balance = options.LabelledBalance,
            PseudoLabelWeight = options.PseudoLabelWeight,
            SyntheticWeight = options.SyntheticWeight,
            SyntheticBatchSize = options.SyntheticBatchSize,
        };
        for (var round = 1; round <= options.Rounds; round++)
        {
            var pseudo = options.PseudoLabelWeight == 0 ? new([], []) : Pseudo(rows, context, round);
            Labelled?.Invoke(new(round, pseudo.Images, pseudo.Labels, _pool.Rows, _pool.Best) { Confidence = _confidence });
            var set = Combine(rows, pseudo);
            Check(set, round);
            var current = round;
            context = PromptTrainer.Train(
                model,
                options.WarmStart ? context : initial,
                set,
                settings,
                new Random(HashOf(seed, round)), // whatever the rounds before were made of, so that methods can be compared
                (epoch, loss) => AfterEpoch?.Invoke(current, epoch + 1, loss),
                BeforeStep
            );
        }
        return (context.cpu().contiguous().data<float>().ToArray(), model.ClassVectors(context));
    }

    /// <summary>A seed for a round; <see cref="HashCode"/> would give another one in every process.</summary>
    private static int HashOf(int seed, int round) => unchecked((seed * 397) ^ (round * 0x5bd1e995));

    private PromptSamples Pseudo(PromptRows rows, Tensor context, int round)
    {
        if (round > 1)
        {
            return Choose(rows, model.Probabilities(context, options.CancellationToken), rows.PrototypeScores.Span, round);
        }

        if (options.FirstRoundScoreColumn is not null)
        {
            return Choose(rows, rows.FirstRound.Span, [], round);
        }

        var classes = options.ClassNames.Count;
        List<int> images = [],
            labels = [];
        List<float> targets = [];
        var candidates = options.Loss == PromptLoss.Candidates && options.CandidateColumn is not null;
        for (var i = 0; i < rows.Count; i++)
        {
            if (IsKnown(rows, i) || rows.Labels[i] < 0)
            {
                continue;
            }

            images.Add(i);
            labels.Add(rows.Labels[i]);
            if (candidates)
            {
                targets.AddRange(Candidates(rows, i, classes));
            }
        }
        return new([.. images], [.. labels], null, candidates ? [.. targets] : null);
    }

    private ReadOnlySpan<float> Candidates(PromptRows rows, int row, int classes)
    {
        var target = rows.FirstRound.Span.Slice(row * classes, classes);
        float sum = 0;
        foreach (var y in target)
        {
            if (y < 0)
            {
                throw new InvalidDataException(
                    $"PromptAdapter: column '{options.CandidateColumn}' holds {y} in row {row}; expected no negative numbers."
                );
            }

            sum += y;
        }
        if (sum > 0)
        {
            return target;
        }

        throw new InvalidDataException(
            $"PromptAdapter: row {row} has a label in '{options.LabelColumn}' but no candidate in '{options.CandidateColumn}'."
        );
    }

    /// <summary>The labels of a round, from probabilities of all rows, for images without a true label.</summary>
    private PromptSamples Choose(PromptRows rows, ReadOnlySpan<float> text, ReadOnlySpan<float> image, int round)
    {
        var pool = PoolProbabilities.Of(text, image, options.FusionRule(), _subset, i => !IsKnown(rows, i));
        if (pool.Rows.Length == 0)
        {
            return new([], []);
        }

        if (Labelled is not null)
        {
            var values = pool.Values;
            _pool = (
                pool.Rows,
                [
                    .. Enumerable
                        .Range(0, pool.Rows.Length)
                        .Select(i => _subset.ClassOf(CosineHead.ArgMax(values.AsSpan(i * _subset.Count, _subset.Count)))),
                ]
            );
        }

        var perClass = SelectionSchedule.PerClass(
            options.Strategy,
            round,
            options.Rounds,
            pool.Rows.Length,
            _subset.Count,
            options.PerClass
        );
        var selector = new PseudoLabelSelector(options.Selection, _subset.Count, options.IntraQuantile, options.InterQuantile);
        var choice = selector.Select(pool.Values, perClass, soft: round == 1 && options.Strategy == PseudoLabelStrategy.Grip);
        var targets = options.Loss == PromptLoss.Candidates && choice.Targets is { } some ? Spread(some) : null;
        _confidence = [.. choice.Images.Select((row, k) => pool.Values[(row * _subset.Count) + choice.Labels[k]])];
        return new([.. choice.Images.Select(i => pool.Rows[i])], [.. choice.Labels.Select(_subset.ClassOf)], null, targets);
    }

    /// <summary>Targets over the subset's classes as targets over all classes.</summary>
    private float[] Spread(float[] targets)
    {
        if (_subset.IsAll)
        {
            return targets;
        }

        var rows = targets.Length / _subset.Count;
        var all = new float[rows * _subset.All];
        for (var i = 0; i < rows; i++)
        {
            for (var k = 0; k < _subset.Count; k++)
            {
                all[i * _subset.All + _subset.ClassOf(k)] = targets[i * _subset.Count + k];
            }
        }
        return all;
    }

    /// <summary>Puts pseudo-labelled, labelled and synthetic images together as the options say.</summary>
    private PromptTrainingSet Combine(PromptRows rows, PromptSamples pseudo)
    {
        var labelled = Known(rows, synthetic: false);
        var synthetic = options.SyntheticWeight > 0 && Known(rows, synthetic: true) is { Count: > 0 } made ? made : null;
        if (pseudo.Count + labelled.Count == 0)
        {
            return new(synthetic ?? pseudo) { SyntheticAlone = synthetic is not null };
        }

        if (labelled.Count == 0)
        {
            return new(pseudo, null, synthetic);
        }

        if (options.LabelledBatches == LabelledBatches.Parallel && pseudo.Count > 0)
        {
            return new(pseudo, labelled, synthetic);
        }

        var classes = options.ClassNames.Count;
        (int Row, bool True, int Index)[] order =
        [
            .. Enumerable.Range(0, labelled.Count).Select(k => (labelled.Images[k], true, k)),
            .. Enumerable.Range(0, pseudo.Count).Select(k => (pseudo.Images[k], false, k)),
        ];
        float[]? targets = null;
        if (pseudo.Targets is { } some)
        {
            targets = new float[order.Length * classes];
            for (var n = 0; n < order.Length; n++)
            {
                if (order[n].True)
                {
                    targets[n * classes + labelled.Labels[order[n].Index]] = 1;
                }
                else
                {
                    Array.Copy(some, order[n].Index * classes, targets, n * classes, classes);
                }
            }
        }
        return new(
            new(
                [.. order.Select(o => o.Row)],
                [.. order.Select(o => o.True ? labelled.Labels[o.Index] : pseudo.Labels[o.Index])],
                [.. order.Select(o => o.True)],
                targets
            ),
            null,
            synthetic
        );
    }

    private static bool IsKnown(PromptRows rows, int i) => rows.TrueLabels.Count > 0 && rows.TrueLabels[i] >= 0 || IsSynthetic(rows, i);

    private static bool IsSynthetic(PromptRows rows, int i) => rows.Synthetic.Count > 0 && rows.Synthetic[i];

    private static PromptSamples Known(PromptRows rows, bool synthetic)
    {
        int[] images =
            rows.TrueLabels.Count == 0
                ? []
                : [.. Enumerable.Range(0, rows.Count).Where(i => rows.TrueLabels[i] >= 0 && IsSynthetic(rows, i) == synthetic)];
        return new(images, [.. images.Select(i => rows.TrueLabels[i])]);
    }

    private void Check(PromptTrainingSet set, int round)
    {
        HashSet<int> seen = [.. set.Main.Labels, .. set.Labelled?.Labels ?? [], .. set.Synthetic?.Labels ?? []];
        string[] empty = [.. options.ClassNames.Where((_, c) => !seen.Contains(c))];
        if (seen.Count < FewestClasses || set.Main.Count == 0)
        {
            throw new InvalidDataException(
                $"PromptAdapter: in round {round} only {seen.Count} of {options.ClassNames.Count} classes "
                    + $"have a label in '{options.LabelColumn}'; expected {FewestClasses} or more. Without any: {string.Join(", ", empty)}."
            );
        }
        BeforeRound?.Invoke(round, set.Main.Count + (set.Labelled?.Count ?? 0), set.Synthetic?.Count ?? 0, empty);
    }
}
