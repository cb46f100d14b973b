using AirMLNet.Clip;
using AirMLNet.Optimisation;
using static TorchSharp.torch;

namespace AirMLNet.FineTuning;

/// <summary>What is trained: two encoders, and the logarithm of the scale of the logits.</summary>
/// <param name="Image">Pixels to features of length 1.</param>
/// <param name="Text">Token ids to features of length 1.</param>
/// <param name="LogitScale">A scalar with gradient.</param>
internal sealed record ClipTowers(Func<Tensor, Tensor> Image, Func<Tensor, Tensor> Text, Tensor LogitScale)
{
    public static ClipTowers Of(ClipModel model) =>
        new(pixels => ClipModel.Normalise(model.EncodeImage(pixels)), ids => ClipModel.Normalise(model.EncodeText(ids)), model.logit_scale);
}

/// <summary>The gradient of one batch of any size.</summary>
internal static class FineTuneStep
{
    /// <summary>
    /// Adds the gradient of a batch to the model's parameters. A batch larger than <paramref name="chunk"/> is encoded twice (GradCache,
    /// Gao et al. 2021): first without a graph, for the loss and its gradient with respect to the features; then chunk by chunk with
    /// one, which carries that gradient on. The result is the whole batch's gradient, that of the logit scale too, in the memory of a
    /// chunk. (OpenCLIP's loop, which computes the loss once per chunk, leaves the scale's gradient multiplied by their number.)
    /// </summary>
    /// <param name="towers">What gets the gradient.</param>
    /// <param name="pixels">[B, 3, S, S].</param>
    /// <param name="rows">The B rows.</param>
    /// <param name="objective">The loss.</param>
    /// <param name="chunk">Images, and texts, that are encoded with a graph at a time; a batch of no more images is encoded once.</param>
    /// <param name="where">Says which step this is, for the message.</param>
    /// <param name="beforeChunk">Called before each chunk: the place to stop at.</param>
    /// <returns>The loss.</returns>
    /// <exception cref="TrainingDivergedException">The loss is not finite; nothing was added.</exception>
    public static double Backward(
        ClipTowers towers,
        Tensor pixels,
        long[] rows,
        IFineTuneObjective objective,
        int chunk,
        Func<string>? where = null,
        Action? beforeChunk = null
    )
    {
        using var scope = NewDisposeScope();
        if (pixels.size(0) <= chunk)
        {
            var direct = towers.Image(pixels); // [B, D]
            var ids = objective.Texts(towers, direct.detach(), rows); // [M, L]
            var whole = objective.Loss(direct, towers.Text(ids), towers.LogitScale.exp());
            var only = Finite(whole, where);
            whole.backward();
            return only;
        }

        var images = WithoutGraph(pixels, chunk, towers.Image, beforeChunk);
        var tokens = objective.Texts(towers, images, rows);
        var texts = WithoutGraph(tokens, chunk, towers.Text, beforeChunk);
        images.requires_grad_(true);
        texts.requires_grad_(true);
        var loss = objective.Loss(images, texts, towers.LogitScale.exp());
        var value = Finite(loss, where);
        loss.backward();
        Carry(pixels, images.grad, chunk, towers.Image, beforeChunk);
        Carry(tokens, texts.grad, chunk, towers.Text, beforeChunk);
        return value;
    }

    private static Tensor WithoutGraph(Tensor inputs, int chunk, Func<Tensor, Tensor> encode, Action? before)
    {
        using var off = no_grad();
        List<Tensor> parts = [];
        for (var from = 0L; from < inputs.size(0); from += chunk)
        {
            before?.Invoke();
            using var scope = NewDisposeScope();
            parts.Add(encode(inputs.narrow(0, from, Math.Min(chunk, inputs.size(0) - from))).MoveToOuterDisposeScope());
        }
        return cat(parts);
    }

    private static void Carry(Tensor inputs, Tensor? gradient, int chunk, Func<Tensor, Tensor> encode, Action? before)
    {
        if (gradient is null)
        {
            return;
        }

        for (var from = 0L; from < inputs.size(0); from += chunk)
        {
            before?.Invoke();
            using var scope = NewDisposeScope();
            var count = Math.Min(chunk, inputs.size(0) - from);
            // The derivative of Σ feature · gradient is what backward would be given.
            encode(inputs.narrow(0, from, count)).mul(gradient.narrow(0, from, count)).sum().backward();
        }
    }

    private static double Finite(Tensor loss, Func<string>? where)
    {
        double value = loss.item<float>();
        return double.IsFinite(value)
            ? value
            : throw new TrainingDivergedException(
                $"The loss is {value}{(where is null ? "" : " in " + where())}. A lower LearningRate may help; texts whose features are "
                    + "not finite give this too."
            );
    }
}
