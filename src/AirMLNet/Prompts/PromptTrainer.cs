using AirMLNet.Optimisation;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace AirMLNet.Prompts;

/// <summary>How a round is trained.</summary>
/// <param name="Schedule">Learning rates and number of epochs.</param>
/// <param name="BatchSize">Images per step.</param>
/// <param name="Momentum">SGD momentum.</param>
/// <param name="WeightDecay">SGD weight decay.</param>
/// <param name="GradientClip">Largest gradient norm; 0 for none.</param>
internal sealed record PromptTrainingSettings(
    LearningRateSchedule Schedule,
    int BatchSize,
    double Momentum,
    double WeightDecay,
    double GradientClip
)
{
    /// <summary>Leaves out an epoch's last batch where it is not whole and not the only one.</summary>
    public bool DropLast { get; init; }

    /// <summary>How labelled and pseudo-labelled images are weighed against each other.</summary>
    public LabelledBalance Balance { get; init; } = LabelledBalance.ScaleLabelled;

    /// <summary>Weight of the loss on pseudo-labelled images, beside what the balance gives.</summary>
    public double PseudoLabelWeight { get; init; } = 1;

    /// <summary>β of Eq. 10.</summary>
    public double SyntheticWeight { get; init; } = 0.1;

    /// <summary>Synthetic images per step; null: as many as <see cref="BatchSize"/>.</summary>
    public int? SyntheticBatchSize { get; init; }
}

/// <summary>A classifier of given images that depends on a prompt.</summary>
internal interface IPromptClassifier
{
    /// <summary>Logits of some images; differentiable with respect to the prompt.</summary>
    /// <param name="context">The prompt.</param>
    /// <param name="images">Row numbers of B images.</param>
    /// <returns>[B, C].</returns>
    Tensor Logits(Tensor context, long[] images);
}

/// <summary>
/// Trains a prompt by SGD (<c>docs/methods.md</c> §2.3) on the sum of the losses on pseudo-labelled, labelled and synthetic images
/// (§3.2, §3.3 and AiR's Eq. 10). Free of ML.NET; only the prompt changes.
/// </summary>
internal static class PromptTrainer
{
    private const int ParallelBatch = 64,
        FewestParallel = 8,
        MostParallel = 256;

    /// <summary>Trains and returns a new prompt.</summary>
    /// <param name="model">Gives logits.</param>
    /// <param name="context">Where to start; left unchanged.</param>
    /// <param name="set">What to learn from.</param>
    /// <param name="settings">How.</param>
    /// <param name="shuffle">Orders the samples of each epoch: the same order whether or not there are other images beside them.</param>
    /// <param name="afterEpoch">Called with the epoch, from 0, and its mean loss.</param>
    /// <param name="beforeStep">Called before each step: the place to stop at.</param>
    /// <returns>The shape of <paramref name="context"/>, without gradient.</returns>
    /// <exception cref="TrainingDivergedException">The loss is not finite; the message names the epoch and step.</exception>
    public static Tensor Train(
        IPromptClassifier model,
        Tensor context,
        PromptTrainingSet set,
        PromptTrainingSettings settings,
        Random shuffle,
        Action<int, double>? afterEpoch = null,
        Action? beforeStep = null
    )
    {
        using var scope = NewDisposeScope();
        var value = new Parameter(context.detach().clone());
        using var optimizer = optim.SGD([value], settings.Schedule.At(0), momentum: settings.Momentum, weight_decay: settings.WeightDecay);
        var order = Enumerable.Range(0, set.Main.Count).ToArray();
        var batches = new Batches(set, settings, new Random(shuffle.Next()), new Random(shuffle.Next()));
        int size = settings.BatchSize,
            end = settings.DropLast && order.Length > size ? order.Length / size * size : order.Length;
        for (var epoch = 0; epoch < settings.Schedule.Epochs; epoch++)
        {
            shuffle.Shuffle(order);
            double rate = settings.Schedule.At(epoch),
                sum = 0;
            foreach (var group in optimizer.ParamGroups)
            {
                group.LearningRate = rate;
            }

            var steps = 0;
            for (var start = 0; start < end; start += size, steps++)
            {
                beforeStep?.Invoke();
                using var step = NewDisposeScope();
                optimizer.zero_grad();
                var loss = batches.Next(order.AsSpan(start, Math.Min(end - start, size))).Loss(model, value);
                double number = loss.item<float>();
                if (!double.IsFinite(number))
                {
                    throw new TrainingDivergedException(
                        $"The loss is {number} in epoch {epoch + 1}, step {steps + 1}, at learning rate {rate:0.######}. "
                            + "A lower LearningRate or a GradientClip may help."
                    );
                }
                sum += number;
                loss.backward();
                if (settings.GradientClip > 0)
                {
                    nn.utils.clip_grad_norm_([value], settings.GradientClip);
                }

                optimizer.step();
            }
            afterEpoch?.Invoke(epoch, sum / steps);
        }
        return value.detach().clone().MoveToOuterDisposeScope();
    }

    /// <summary>The weights of the losses on labelled and on pseudo-labelled images; 1 where one of the kinds is missing.</summary>
    internal static (double Labelled, double Pseudo) Weights(LabelledBalance balance, int labelled, int pseudo, double pseudoWeight)
    {
        var both = labelled > 0 && pseudo > 0;
        var l = both && balance == LabelledBalance.ScaleLabelled ? (double)pseudo / labelled : 1;
        var p = both && balance == LabelledBalance.ScalePseudo ? (double)labelled / pseudo : 1;
        return (l, p * pseudoWeight);
    }

    /// <summary>clamp(64·|L|/|PL|, 8, 256), and never more than there are.</summary>
    internal static int ParallelSize(int labelled, int pseudo) =>
        Math.Min(labelled, Math.Clamp((int)((long)ParallelBatch * labelled / Math.Max(1, pseudo)), FewestParallel, MostParallel));

    /// <summary>Puts the steps' images together from the parts of the training set.</summary>
    private sealed class Batches
    {
        private readonly PromptTrainingSet _set;
        private readonly double _labelledWeight,
            _pseudoWeight,
            _syntheticWeight;
        private readonly CyclicBatches? _labelled,
            _synthetic;

        public Batches(PromptTrainingSet set, PromptTrainingSettings settings, Random ofLabelled, Random ofSynthetic)
        {
            _set = set;
            int pseudo = set.Main.Count - set.Main.TrueCount,
                labelled = set.Main.TrueCount + (set.Labelled?.Count ?? 0);
            (_labelledWeight, _pseudoWeight) = Weights(
                settings.Balance,
                labelled,
                pseudo,
                set.SyntheticAlone ? settings.SyntheticWeight : settings.PseudoLabelWeight
            );
            _syntheticWeight = settings.SyntheticWeight;
            if (set.Labelled is { Count: > 0 } known)
            {
                _labelled = new(known.Count, ParallelSize(known.Count, pseudo), ofLabelled);
            }

            if (set.Synthetic is { Count: > 0 } made)
            {
                _synthetic = new(made.Count, Math.Min(made.Count, settings.SyntheticBatchSize ?? settings.BatchSize), ofSynthetic);
            }
        }

        public Step Next(ReadOnlySpan<int> main)
        {
            var step = new Step(main.Length);
            var known = 0;
            if (_set.Main.IsTrue is { } isTrue)
            {
                foreach (var i in main)
                {
                    known += isTrue[i] ? 1 : 0;
                }
            }
            foreach (var i in main)
            {
                var own = _set.Main.IsTrue is { } t && t[i];
                step.Add(_set.Main, i, own ? (float)(_labelledWeight / known) : (float)(_pseudoWeight / (main.Length - known)));
            }
            AddAll(step, _set.Labelled, _labelled, _labelledWeight);
            AddAll(step, _set.Synthetic, _synthetic, _syntheticWeight);
            return step;
        }

        private static void AddAll(Step step, PromptSamples? samples, CyclicBatches? batches, double weight)
        {
            if (batches is null)
            {
                return;
            }

            var batch = batches.Next();
            foreach (var i in batch)
            {
                step.Add(samples!, i, (float)(weight / batch.Length));
            }
        }
    }

    /// <summary>The images of one step, each with its label or target and its weight in the loss.</summary>
    private sealed class Step(int capacity)
    {
        private readonly List<long> _images = new(capacity),
            _labels = new(capacity);
        private readonly List<float> _weights = new(capacity);
        private readonly List<(PromptSamples Samples, int Index)> _sources = new(capacity);
        private bool _targets;

        public void Add(PromptSamples samples, int i, float weight)
        {
            _images.Add(samples.Images[i]);
            _labels.Add(samples.Labels[i]);
            _weights.Add(weight);
            _sources.Add((samples, i));
            _targets |= samples.Targets is not null;
        }

        /// <summary>The weighted sum of the images' losses: a mean over each part, by the weights that were given.</summary>
        public Tensor Loss(IPromptClassifier model, Tensor context)
        {
            var logits = model.Logits(context, [.. _images]); // [B, C]
            var losses = _targets
                ? PromptLosses.Candidates(logits, Targets((int)logits.size(1)))
                : PromptLosses.CrossEntropy(logits, [.. _labels]); // [B]
            return losses.mul(tensor(_weights.ToArray(), [_weights.Count], device: losses.device)).sum();
        }

        /// <summary>
        /// [B, C]: the candidates where a sample has them, otherwise its label alone, for which both losses are the same.
        /// </summary>
        private float[] Targets(int classes)
        {
            var targets = new float[_sources.Count * classes];
            for (var k = 0; k < _sources.Count; k++)
            {
                (var samples, var i) = _sources[k];
                if (samples.Targets is { } y)
                {
                    Array.Copy(y, i * classes, targets, k * classes, classes);
                }
                else
                {
                    targets[k * classes + samples.Labels[i]] = 1;
                }
            }
            return targets;
        }
    }
}
