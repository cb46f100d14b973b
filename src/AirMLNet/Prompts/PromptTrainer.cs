using TorchSharp;
using static TorchSharp.torch;

namespace AirMLNet.Prompts;

/// <summary>What a round of prompt training learns from.</summary>
/// <param name="Images">Rows of the feature tensor; one row may occur more than once.</param>
/// <param name="Labels">The class of each.</param>
/// <param name="IsTrue">Whether the label is a true one; null when all are pseudo-labels.</param>
public sealed record PromptSamples(int[] Images, int[] Labels, bool[]? IsTrue = null);

/// <summary>How a round is trained.</summary>
/// <param name="Schedule">Learning rates and number of epochs.</param>
/// <param name="BatchSize">Images per step.</param>
/// <param name="Momentum">SGD momentum.</param>
/// <param name="WeightDecay">SGD weight decay.</param>
/// <param name="GradientClip">Largest gradient norm; 0 for none.</param>
public sealed record PromptTrainingSettings(LearningRateSchedule Schedule, int BatchSize, double Momentum, double WeightDecay, double GradientClip);

/// <summary>The loss became infinite or not a number.</summary>
public sealed class TrainingDivergedException(string message) : Exception(message);

/// <summary>
/// Trains a shared prompt on cached image features: SGD on cross-entropy of s·f·gᵀ (methods §2.3, §3.2). Free of ML.NET;
/// only the prompt changes, and images are never encoded again.
/// </summary>
public static class PromptTrainer
{
    /// <summary>Trains and returns a new prompt.</summary>
    /// <param name="prompt">The text side.</param>
    /// <param name="context">[1, P, W], where to start; left unchanged.</param>
    /// <param name="features">[N, D], rows of length 1, on the model's device.</param>
    /// <param name="scale">s.</param>
    /// <param name="samples">What to learn from; at least one.</param>
    /// <param name="settings">How.</param>
    /// <param name="shuffle">Orders the samples of each epoch.</param>
    /// <param name="afterEpoch">Called with the epoch, from 0, and its mean loss.</param>
    /// <param name="beforeStep">Called before each step: the place to stop at.</param>
    /// <returns>[1, P, W], without gradient.</returns>
    /// <exception cref="TrainingDivergedException">The loss is not finite; the message names the epoch and step.</exception>
    public static Tensor Train(
        SharedPrompt prompt, Tensor context, Tensor features, double scale, PromptSamples samples, PromptTrainingSettings settings,
        Random shuffle, Action<int, double>? afterEpoch = null, Action? beforeStep = null)
    {
        using var scope = NewDisposeScope();
        Tensor value = context.detach().clone();
        Tensor velocity = zeros_like(value);
        bool first = true;
        int[] order = Enumerable.Range(0, samples.Images.Length).ToArray();
        (float[] weights, double trueWeight) = (new float[settings.BatchSize], TrueWeight(samples));
        for (int epoch = 0; epoch < settings.Schedule.Epochs; epoch++)
        {
            shuffle.Shuffle(order);
            double rate = settings.Schedule.At(epoch), sum = 0;
            int steps = 0;
            for (int start = 0; start < order.Length; start += settings.BatchSize, steps++)
            {
                beforeStep?.Invoke();
                using var step = NewDisposeScope();
                int[] batch = order[start..Math.Min(order.Length, start + settings.BatchSize)];
                value.requires_grad = true;
                Tensor loss = Loss(prompt, value, features, scale, samples, batch, weights, trueWeight);
                double number = loss.item<float>();
                if (!double.IsFinite(number))
                {
                    throw new TrainingDivergedException(
                        $"The loss is {number} in epoch {epoch + 1}, step {steps + 1}, at learning rate {rate:0.######}. A lower LearningRate or a GradientClip may help.");
                }
                sum += number;
                Tensor gradient = autograd.grad([loss], [value])[0];
                value.requires_grad = false;
                Update(value, velocity, gradient, rate, settings, first);
                first = false;
            }
            afterEpoch?.Invoke(epoch, sum / steps);
        }
        return value.MoveToOuterDisposeScope();
    }

    /// <summary>γ = |PL|/|L|, the weight of the loss on true labels (methods §3.2); 1 where there are none, or nothing else.</summary>
    internal static double TrueWeight(PromptSamples samples)
    {
        int known = samples.IsTrue?.Count(t => t) ?? 0, pseudo = samples.Images.Length - known;
        return known == 0 || pseudo == 0 ? 1 : (double)pseudo / known;
    }

    /// <summary>CE_pseudo + γ·CE_true, each a mean over its part of the batch; a part without images counts 0.</summary>
    private static Tensor Loss(SharedPrompt prompt, Tensor context, Tensor features, double scale, PromptSamples samples, int[] batch, float[] weights, double trueWeight)
    {
        int known = samples.IsTrue is null ? 0 : batch.Count(i => samples.IsTrue[i]);
        var images = new long[batch.Length];
        var labels = new long[batch.Length];
        for (int k = 0; k < batch.Length; k++)
        {
            int i = batch[k];
            images[k] = samples.Images[i];
            labels[k] = samples.Labels[i];
            weights[k] = samples.IsTrue is not null && samples.IsTrue[i] ? (float)(trueWeight / known) : 1f / (batch.Length - known);
        }
        Device device = features.device;
        Tensor vectors = prompt.ClassVectors(context);                                                   // [C, D]
        Tensor chosen = features.index_select(0, tensor(images, [images.Length], device: device));       // [B, D]
        Tensor logits = chosen.matmul(vectors.t()).mul(scale);                                           // [B, C]
        Tensor logProbabilities = nn.functional.log_softmax(logits, 1);                                  // [B, C]
        Tensor own = logProbabilities.gather(1, tensor(labels, [labels.Length, 1], device: device)).view(-1); // [B]
        Tensor weight = tensor(weights.AsSpan(0, batch.Length).ToArray(), [batch.Length], device: device);
        return own.mul(weight).sum().neg();
    }

    /// <summary>One step of SGD with momentum: v ← m·v + (g + wd·θ), θ ← θ − lr·v; the first step takes v = g + wd·θ.</summary>
    private static void Update(Tensor value, Tensor velocity, Tensor gradient, double rate, PromptTrainingSettings settings, bool first)
    {
        using var off = no_grad();
        if (settings.GradientClip > 0)
        {
            double norm = gradient.norm().item<float>();
            if (norm > settings.GradientClip) gradient = gradient.mul(settings.GradientClip / norm);
        }
        Tensor direction = settings.WeightDecay > 0 ? gradient.add(value.mul(settings.WeightDecay)) : gradient;
        if (first) velocity.copy_(direction);
        else velocity.mul_(settings.Momentum).add_(direction);
        value.sub_(velocity.mul(rate));
    }
}
