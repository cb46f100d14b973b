using static TorchSharp.torch;

namespace AirMLNet.Llava;

/// <summary>Greedy decoding: the likeliest token each time.</summary>
internal static class LlavaGreedy
{
    /// <summary>Continues sequences.</summary>
    /// <param name="model">The language model.</param>
    /// <param name="prompt">[B, L, W], embeddings.</param>
    /// <param name="padding">[B], how many of L are padding at the start; null for none.</param>
    /// <param name="ends">Tokens that end a sequence; it then repeats its last one until all have ended.</param>
    /// <param name="count">Most tokens that are added.</param>
    /// <param name="cancellation">Looked at before each token.</param>
    /// <returns>[B, N], int64, on the CPU; N at most <paramref name="count"/>, the ends among them.</returns>
    /// <exception cref="ArgumentException">Prompt and continuation are longer than the model allows.</exception>
    public static Tensor Continue(
        MistralModel model,
        Tensor prompt,
        Tensor? padding,
        IReadOnlyCollection<int> ends,
        int count,
        CancellationToken cancellation = default
    )
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var (batch, length) = (prompt.size(0), prompt.size(1));
        if (length + count - 1 > model.Config.ContextLength)
        {
            throw new ArgumentException(
                $"The question has {length} tokens with those of the image and the answer up to {count}; the model reads "
                    + $"{model.Config.ContextLength}.",
                nameof(prompt)
            );
        }

        using var cache = new MistralCache(model.Config, batch, length + count, model.Like);
        var stop = tensor([.. ends.Select(e => (long)e)], ScalarType.Int64, prompt.device);
        var done = zeros([batch], ScalarType.Bool, prompt.device);
        List<Tensor> tokens = [];
        var next = prompt;
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            using var step = NewDisposeScope();
            var states = model.Forward(next, cache, padding); // [B, L or 1, W]
            var chosen = model.Logits(states.narrow(1, states.size(1) - 1, 1)).argmax(-1); // [B, 1]
            if (tokens.Count > 0)
            {
                chosen = where(done.unsqueeze(1), tokens[^1], chosen);
            }

            tokens.Add(chosen.MoveToOuterDisposeScope());
            done = done.logical_or(stop.eq(chosen).any(1)).MoveToOuterDisposeScope();
            if (tokens.Count == count || done.all().item<bool>())
            {
                return cat(tokens, 1).cpu().MoveToOuterDisposeScope().MoveToOuterDisposeScope();
            }

            next = model.Embed(chosen).MoveToOuterDisposeScope();
        }
    }
}
