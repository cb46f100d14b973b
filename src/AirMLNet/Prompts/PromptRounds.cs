using AirMLNet.Pipeline;
using AirMLNet.PseudoLabels;
using TorchSharp;
using static TorchSharp.torch;

namespace AirMLNet.Prompts;

/// <summary>
/// The relabelling loop (methods §3.2): round 1 learns from the given labels, round t from the labels that round t−1's
/// classifier gives, fused with image-side probabilities where there are any (§4.1, Eq. 7). Free of ML.NET.
/// </summary>
internal sealed class PromptRounds(SharedPrompt prompt, PromptAdapterOptions options, double scale, Device device)
{
    private const int FewestClasses = 2;

    /// <summary>Told after each epoch: round, epoch (both from 1), loss.</summary>
    public Action<int, int, double>? AfterEpoch { get; init; }

    /// <summary>Told before each round: round from 1, number of samples, and the classes without any.</summary>
    public Action<int, int, string[]>? BeforeRound { get; init; }

    public Action? BeforeStep { get; init; }

    /// <returns>The prompt [P·W] and the class vectors [C·D] of the last round.</returns>
    public (float[] Context, float[] ClassVectors) Run(TrainingRows rows, int seed)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator((ulong)seed);
        var shuffle = new Random(seed);
        Tensor features;
        using (no_grad()) features = tensor(rows.Features.ToArray(), [rows.Count, rows.Dimension]).to(device); // [N, D]
        Tensor initial = prompt.NewContext(generator, options.InitialStandardDeviation);                      // [1, P, W]
        Tensor context = initial;
        float[] vectors = [];
        var settings = new PromptTrainingSettings(options.Schedule(), options.BatchSize, options.Momentum, options.WeightDecay, options.GradientClip);
        PromptSamples samples = FirstSamples(rows);
        for (int round = 1; round <= options.Rounds; round++)
        {
            if (round > 1) samples = Relabel(rows, vectors, round);
            Check(samples, round);
            int current = round;
            context = PromptTrainer.Train(
                prompt, options.WarmStart ? context : initial, features, scale, samples, settings, shuffle,
                (epoch, loss) => AfterEpoch?.Invoke(current, epoch + 1, loss), BeforeStep);
            using var off = no_grad();
            using Tensor g = prompt.ClassVectors(context);                                                    // [C, D]
            vectors = g.cpu().contiguous().data<float>().ToArray();
        }
        return (context.cpu().contiguous().data<float>().ToArray(), vectors);
    }

    private PromptSamples FirstSamples(TrainingRows rows)
    {
        List<int> images = [], labels = [];
        List<bool> known = [];
        for (int i = 0; i < rows.Count; i++)
        {
            int truth = rows.KnownLabels.Count > 0 ? rows.KnownLabels[i] : -1;
            int label = truth >= 0 ? truth : rows.Labels[i];
            if (label < 0) continue;
            images.Add(i);
            labels.Add(label);
            known.Add(truth >= 0);
        }
        return Samples(images, labels, known);
    }

    /// <summary>The labels of round t, from the class vectors of round t−1, for images without a true label.</summary>
    private PromptSamples Relabel(TrainingRows rows, float[] vectors, int round)
    {
        int classes = options.ClassNames.Count;
        var head = new CosineHead(vectors, classes, scale);
        float[] all = head.Probabilities(rows.Features, options.CancellationToken);                           // [N, C]
        List<int> pool = [], images = [], labels = [];
        List<bool> known = [];
        for (int i = 0; i < rows.Count; i++)
        {
            if (rows.Vector.Length > 0)
                CosineHead.Fuse(all.AsSpan(i * classes, classes), rows.Vector.Span.Slice(i * classes, classes), (float)options.PrototypeWeight);
            if (rows.KnownLabels.Count > 0 && rows.KnownLabels[i] >= 0)
            {
                images.Add(i);
                labels.Add(rows.KnownLabels[i]);
                known.Add(true);
            }
            else
            {
                Array.Copy(all, i * classes, all, pool.Count * classes, classes); // rows of the pool move together
                pool.Add(i);
            }
        }
        ReadOnlySpan<float> probabilities = all.AsSpan(0, pool.Count * classes);
        int perClass = SelectionSchedule.PerClass(options.Strategy, round, options.Rounds, pool.Count, classes, options.PerClass);
        if (options.Selection == SelectionRule.Leaderboard)
        {
            int[][] lists = TopKPerClass.SelectLeaderboard(probabilities, classes, perClass);
            for (int c = 0; c < classes; c++)
            {
                foreach (int i in lists[c]) Add(i, c);
            }
        }
        else
        {
            int[] assigned = TopKPerClass.Assign(TopKPerClass.Select(probabilities, classes, perClass), probabilities);
            for (int i = 0; i < assigned.Length; i++)
            {
                if (assigned[i] >= 0) Add(i, assigned[i]);
            }
        }
        return Samples(images, labels, known);

        void Add(int i, int label)
        {
            images.Add(pool[i]);
            labels.Add(label);
            known.Add(false);
        }
    }

    private static PromptSamples Samples(List<int> images, List<int> labels, List<bool> known)
        => new([.. images], [.. labels], known.Contains(true) ? [.. known] : null);

    private void Check(PromptSamples samples, int round)
    {
        string[] empty = options.ClassNames.Where((_, c) => Array.IndexOf(samples.Labels, c) < 0).ToArray();
        if (options.ClassNames.Count - empty.Length < FewestClasses)
        {
            throw new InvalidDataException(
                $"PromptAdapter: in round {round} only {options.ClassNames.Count - empty.Length} of {options.ClassNames.Count} classes have a label in '{options.LabelColumn}'; "
                + $"expected {FewestClasses} or more. Without any: {string.Join(", ", empty)}.");
        }
        BeforeRound?.Invoke(round, samples.Images.Length, empty);
    }
}
