using AirMLNet.Layers;
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

    private readonly ClipModel _model;
    private readonly long _prefix,
        _heads;
    private readonly List<Segment> _segments = [];
    private readonly Tensor _positions; // [R] int64: each row's place in its text
    private readonly Tensor _ends; // [C] int64: the row of each text's end token

    /// <param name="model">The model; only its weights are read.</param>
    /// <param name="prefix">P, the number of shared tokens, 1 or more.</param>
    /// <param name="lengths">Tokens of each text after the shared ones, up to its end token; 1 or more.</param>
    /// <param name="device">Where the model is.</param>
    public ClipSharedPrefix(ClipModel model, int prefix, IReadOnlyList<int> lengths, Device device)
    {
        (_model, _prefix, _heads) = (model, prefix, model.Config.Text.Heads);
        using var off = no_grad();
        using var scope = NewDisposeScope();
        List<long> positions = [.. Enumerable.Range(0, prefix).Select(i => (long)i)],
            ends = [];
        for (int first = 0, rows = prefix; first < lengths.Count; )
        {
            var count = 1;
            while (first + count < lengths.Count && rows + lengths[first + count] <= MostRows)
            {
                rows += lengths[first + count++];
            }

            _segments.Add(new(lengths.Skip(first).Take(count).ToArray(), prefix, positions.Count, startsAll: first == 0, device));
            foreach (var length in lengths.Skip(first).Take(count))
            {
                positions.AddRange(Enumerable.Range(prefix, length).Select(i => (long)i));
                ends.Add(positions.Count - 1);
            }

            (first, rows) = (first + count, prefix);
        }

        _positions = tensor(positions.ToArray(), device: device).DetachFromDisposeScope();
        _ends = tensor(ends.ToArray(), device: device).DetachFromDisposeScope();
    }

    /// <summary>Text features.</summary>
    /// <param name="tokens">[R, W], embeddings without positions: the shared tokens, then the rest of each text.</param>
    /// <returns>[C, E], not normalised.</returns>
    public Tensor Encode(Tensor tokens)
    {
        using var scope = NewDisposeScope();
        var text = _model.Text;
        var x = tokens.add(text.Embeddings.position_embedding.weight.index_select(0, _positions)); // [R, W]
        var blocks = text.Encoder.Blocks;
        for (var i = 0; i < blocks.Count; i++)
        {
            x = Block(blocks[i], x, last: i == blocks.Count - 1);
        }

        return _model.TextProjection.Project(text.FinalNorm.Forward(x)).MoveToOuterDisposeScope(); // [C, E]
    }

    public void Dispose()
    {
        _positions.Dispose();
        _ends.Dispose();
        foreach (var segment in _segments)
        {
            segment.Dispose();
        }
    }

    /// <summary>One block on all rows; the last one gives those of the end tokens, [C, W].</summary>
    private Tensor Block(ClipBlock block, Tensor x, bool last)
    {
        using var scope = NewDisposeScope();
        LinearLayer[] projections = [.. block.Attention.Inputs];
        var normed = block.Norm1.Forward(x); // [R, W]
        var k = Heads(projections[1].Forward(normed)); // [1, H, R, D]
        var v = Heads(projections[2].Forward(normed));
        if (last)
        {
            (x, normed) = (x.index_select(0, _ends), normed.index_select(0, _ends)); // [C, W]
        }

        var q = Heads(projections[0].Forward(normed)); // [1, H, R or C, D]
        List<Tensor> parts = [];
        var row = 0L;
        foreach (var segment in _segments)
        {
            var (mask, count) = last ? (segment.EndMask, segment.EndMask.size(0)) : (segment.Mask, segment.Mask.size(0));
            parts.Add(F.scaled_dot_product_attention(q.narrow(2, row, count), segment.Seen(k, _prefix), segment.Seen(v, _prefix), mask));
            row += count;
        }

        var mixed = parts.Count == 1 ? parts[0] : cat(parts, 2); // [1, H, R or C, D]
        var y = block.Attention.Output.Forward(mixed.squeeze(0).transpose(0, 1).flatten(1)).add(x); // [R or C, W]
        return block.Mlp.Forward(block.Norm2.Forward(y)).add(y).MoveToOuterDisposeScope();
    }

    /// <summary>[N, W] as [1, H, N, D].</summary>
    private Tensor Heads(Tensor rows) => rows.view(rows.size(0), _heads, -1).transpose(0, 1).unsqueeze(0);

    /// <summary>Texts whose attention is computed together: neighbouring rows, and the shared tokens, which all of them see.</summary>
    private sealed class Segment : IDisposable
    {
        private readonly long _start,
            _rows;
        private readonly bool _startsAll;

        /// <param name="lengths">Tokens of each text after the shared ones.</param>
        /// <param name="prefix">P.</param>
        /// <param name="start">The first row of its texts.</param>
        /// <param name="startsAll">Whether the shared tokens are among the rows of this segment.</param>
        /// <param name="device">Where the model is.</param>
        public Segment(int[] lengths, int prefix, int start, bool startsAll, Device device)
        {
            (_start, _rows, _startsAll) = (start, lengths.Sum(), startsAll);
            using var scope = NewDisposeScope();
            var all = prefix + _rows;
            var mask = full([all, all], float.NegativeInfinity, ScalarType.Float32);
            for (var i = 0; i < prefix; i++)
            {
                mask[i, ..(i + 1)] = 0f;
            }

            var ends = new long[lengths.Length];
            var row = prefix;
            for (var c = 0; c < lengths.Length; c++)
            {
                var first = row;
                for (; row < first + lengths[c]; row++)
                {
                    mask[row, ..prefix] = 0f;
                    mask[row, first..(row + 1)] = 0f;
                }

                ends[c] = row - 1;
            }

            EndMask = mask.index_select(0, tensor(ends)).to(device).DetachFromDisposeScope();
            Mask = (startsAll ? mask : mask.narrow(0, prefix, _rows).contiguous()).to(device).DetachFromDisposeScope();
        }

        /// <summary>[rows, P + rows]: 0 where a row sees another, −∞ elsewhere.</summary>
        public Tensor Mask { get; }

        /// <summary>[texts, P + rows], of the end tokens alone.</summary>
        public Tensor EndMask { get; }

        /// <summary>The keys or values [1, H, R, D] that its rows may see: the shared ones and its own.</summary>
        public Tensor Seen(Tensor all, long prefix) =>
            _startsAll ? all.narrow(2, 0, prefix + _rows) : cat([all.narrow(2, 0, prefix), all.narrow(2, _start, _rows)], 2);

        public void Dispose()
        {
            Mask.Dispose();
            EndMask.Dispose();
        }
    }
}
