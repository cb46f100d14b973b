using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace AirMLNet.Clip;

/// <summary>
/// The text tower for texts that all begin with the same P tokens. The attention is causal, so the states of the shared prefix do
/// not depend on what follows: they are computed once, and the rests follow without padding. R = P + Σ length rows of work give
/// the same numbers, to rounding, as C·(P + longest). (Ten classes of one or two tokens after 17 shared ones: a step of prompt
/// training takes 0.3 of the time that the whole texts would take; see docs/performance.md.)
/// </summary>
internal sealed class ClipSharedPrefix : IDisposable
{
    // Rows whose attention is computed at once. One mask for all would grow with the square of the number of classes.
    private const int MostRows = 512;

    private readonly ClipTextTower _text;
    private readonly ClipWeight _projection;
    private readonly long _prefix;
    private readonly List<Segment> _segments = [];
    private readonly Tensor _positions; // [R] int64: each row's place in its text
    private readonly Tensor _ends; // [C] int64: the row of each text's end token

    /// <param name="text">The tower; only its weights are read.</param>
    /// <param name="projection">Into the space of features.</param>
    /// <param name="prefix">P, the number of shared tokens, 1 or more.</param>
    /// <param name="lengths">Tokens of each text after the shared ones, up to its end token; 1 or more.</param>
    /// <param name="device">Where the model is.</param>
    public ClipSharedPrefix(ClipTextTower text, ClipWeight projection, int prefix, IReadOnlyList<int> lengths, Device device)
    {
        (_text, _projection, _prefix) = (text, projection, prefix);
        using var off = no_grad();
        using var scope = NewDisposeScope();
        const long shared = -1;
        long[] places = [.. Places(0, prefix), .. lengths.SelectMany(length => Places(prefix, length))];
        long[] owners = [.. Enumerable.Repeat(shared, prefix), .. lengths.SelectMany((length, c) => Enumerable.Repeat((long)c, length))];
        _positions = tensor(places, device: device).DetachFromDisposeScope();
        var ofText = tensor(owners, device: device); // [R]: the text that a row belongs to
        var end = prefix - 1L;
        _ends = tensor(lengths.Select(length => end += length).ToArray(), device: device).DetachFromDisposeScope();

        for (int next = 0, start = prefix; next < lengths.Count; )
        {
            int first = next,
                rows = lengths[next++];
            while (next < lengths.Count && prefix + rows + lengths[next] <= MostRows)
            {
                rows += lengths[next++];
            }
            var own = arange(start, start + rows, device: device);
            var seen = cat([arange(0, prefix, device: device), own]); // the shared rows and the segment's own
            var ends = _ends[first..next];
            _segments.Add(new(start, rows, Mask(first == 0 ? seen : own, seen), Mask(ends, seen)));
            start += rows;
        }

        static IEnumerable<long> Places(int from, int count) => Enumerable.Range(from, count).Select(i => (long)i);

        // [Q, N], added to the scores: a row sees the shared rows and those of its own text, up to its own place.
        Tensor Mask(Tensor queries, Tensor keys)
        {
            Tensor asking = ofText[queries].unsqueeze(1), // [Q, 1]
                answering = ofText[keys]; // [N]
            var related = answering.eq(asking).logical_or(answering.eq(shared));
            var seen = related.logical_and(_positions[keys].le(_positions[queries].unsqueeze(1)));
            return zeros(seen.shape, device: device).masked_fill_(seen.logical_not(), double.NegativeInfinity).DetachFromDisposeScope();
        }
    }

    /// <summary>Text features.</summary>
    /// <param name="tokens">[R, W], embeddings without positions: the shared tokens, then the rest of each text.</param>
    /// <returns>[C, E], not normalised.</returns>
    public Tensor Encode(Tensor tokens)
    {
        using var scope = NewDisposeScope();
        var x = tokens.add(_text.Embeddings.position_embedding.weight.index_select(0, _positions)); // [R, W]
        var blocks = _text.Encoder.Blocks;
        for (var i = 0; i < blocks.Count; i++)
        {
            x = Forward(blocks[i], x, last: i == blocks.Count - 1);
        }
        return _projection.Project(_text.FinalNorm.Forward(x)).MoveToOuterDisposeScope(); // [C, E]
    }

    public void Dispose()
    {
        _positions.Dispose();
        _ends.Dispose();
        foreach (var segment in _segments)
        {
            segment.Mask.Dispose();
            segment.EndMask.Dispose();
        }
    }

    /// <summary>
    /// One block on all rows, [R, W]; the last one gives those of the end tokens, [C, W]. The rows stay a matrix: a third
    /// dimension costs two views around each of six products, forwards and backwards.
    /// </summary>
    private Tensor Forward(ClipBlock block, Tensor x, bool last)
    {
        using var scope = NewDisposeScope();
        var normed = block.Norm1.Forward(x); // [R, W]
        var k = block.Attention.Keys(normed).unsqueeze(0); // [1, H, R, D]
        var v = block.Attention.Values(normed).unsqueeze(0); // [1, H, R, D]
        if (last)
        {
            (x, normed) = (x.index_select(0, _ends), normed.index_select(0, _ends)); // [C, W]
        }

        var q = block.Attention.Queries(normed).unsqueeze(0); // [1, H, R or C, D]
        List<Tensor> parts = [];
        var row = 0L;
        foreach (var segment in _segments)
        {
            var mask = last ? segment.EndMask : segment.Mask;
            var queries = q.narrow(2, row, mask.size(0));
            parts.Add(F.scaled_dot_product_attention(queries, Seen(k, segment), Seen(v, segment), mask));
            row += mask.size(0);
        }
        var mixed = parts.Count == 1 ? parts[0] : cat(parts, 2); // [1, H, R or C, D]
        return block.Finish(x, block.Attention.Merge(mixed.squeeze(0))).MoveToOuterDisposeScope();
    }

    /// <summary>The keys or values [1, H, R, D] that the rows of a segment may see: the shared ones and its own.</summary>
    private Tensor Seen(Tensor all, Segment segment) =>
        segment.Start == _prefix
            ? all.narrow(2, 0, _prefix + segment.Rows)
            : cat([all.narrow(2, 0, _prefix), all.narrow(2, segment.Start, segment.Rows)], 2);

    /// <summary>Texts whose attention is computed together; the first segment has the shared rows too.</summary>
    /// <param name="Start">The first row of its texts.</param>
    /// <param name="Rows">The number of rows of its texts.</param>
    /// <param name="Mask">[rows, P + rows], 0 where a row sees another, −∞ elsewhere.</param>
    /// <param name="EndMask">[texts, P + rows], the same of the end tokens alone.</param>
    private sealed record Segment(long Start, long Rows, Tensor Mask, Tensor EndMask);
}
