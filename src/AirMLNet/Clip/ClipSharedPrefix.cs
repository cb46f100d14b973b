using AirMLNet.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace AirMLNet.Clip;

/// <summary>
/// The text tower for texts that all begin with the same tokens. The attention is causal, so the states of the shared
/// prefix do not depend on what follows and are computed once instead of once per text: the same numbers (to rounding)
/// for P + C·S rows of work instead of C·(P + S).
/// </summary>
internal sealed class ClipSharedPrefix : IDisposable
{
    private readonly ClipModel _model;
    private readonly long _texts, _prefix, _suffix, _heads, _headWidth;
    private readonly Tensor _causal;  // [P, P]
    private readonly Tensor _mask;    // [S, S], causal
    private readonly Tensor _endMask; // [C, 1, S]: what the end token of each text sees of its own suffix
    private readonly Tensor _endRows; // [C] int64: row of each end token among the rows of all suffixes

    /// <param name="model">The model; only its weights are read.</param>
    /// <param name="prefix">P, the number of shared tokens.</param>
    /// <param name="suffix">S, the length of the longest rest; shorter ones are padded.</param>
    /// <param name="ends">Per text the position of its end token within the rest, 0..S−1.</param>
    /// <param name="device">Where the model is.</param>
    public ClipSharedPrefix(ClipModel model, int prefix, int suffix, long[] ends, Device device)
    {
        _model = model;
        (_texts, _prefix, _suffix) = (ends.Length, prefix, suffix);
        _heads = model.Config.Text.Heads;
        _headWidth = model.Config.Text.HiddenSize / _heads;
        using var off = no_grad();
        using var scope = NewDisposeScope();
        Tensor mask = full([_suffix, _suffix], float.NegativeInfinity, ScalarType.Float32, device).triu_(1);
        Tensor positions = tensor(ends, [_texts], device: device);
        _endMask = mask.index_select(0, positions).unsqueeze(1).DetachFromDisposeScope();
        _endRows = arange(0, _texts * _suffix, _suffix, ScalarType.Int64, device).add(positions).DetachFromDisposeScope();
        _mask = mask.DetachFromDisposeScope();
        _causal = full([_prefix, _prefix], float.NegativeInfinity, ScalarType.Float32, device).triu_(1).DetachFromDisposeScope();
    }

    /// <summary>Text features.</summary>
    /// <param name="prefix">[P, W], token embeddings without positions.</param>
    /// <param name="suffixes">[C, S, W], likewise.</param>
    /// <returns>[C, E], not normalised.</returns>
    public Tensor Encode(Tensor prefix, Tensor suffixes)
    {
        using var scope = NewDisposeScope();
        ClipTextTower text = _model.Text;
        long width = _heads * _headWidth;
        Tensor positions = text.Embeddings.position_embedding.weight;                                 // [L, W]
        Tensor first = prefix.add(positions.narrow(0, 0, _prefix));                                   // [P, W]
        Tensor rest = suffixes.add(positions.narrow(0, _prefix, _suffix)).view(-1, width);            // [C·S, W]
        Tensor x = cat([first, rest], 0);                                                             // [P + C·S, W]
        IReadOnlyList<ClipBlock> blocks = text.Encoder.Blocks;
        for (int i = 0; i < blocks.Count; i++) x = Block(blocks[i], x, last: i == blocks.Count - 1);
        return _model.TextProjection.Project(text.FinalNorm.Forward(x)).MoveToOuterDisposeScope();     // [C, E]
    }

    public void Dispose()
    {
        _causal.Dispose();
        _mask.Dispose();
        _endMask.Dispose();
        _endRows.Dispose();
    }

    /// <summary>One block on all rows; the last one only for the end tokens, [C, W].</summary>
    private Tensor Block(ClipBlock block, Tensor x, bool last)
    {
        using var scope = NewDisposeScope();
        LinearLayer[] projections = [.. block.Attention.Inputs];
        Tensor normed = block.Norm1.Forward(x);
        Tensor k = projections[1].Forward(normed), v = projections[2].Forward(normed);                // [P + C·S, W]
        Tensor kFirst = Prefix(k).transpose(1, 2), vFirst = Prefix(v);                                // [H, D, P], [H, P, D]
        Tensor kRest = Suffixes(k).transpose(1, 2), vRest = Suffixes(v);                              // [H·C, D, S], [H·C, S, D]
        Tensor mixed, kept;
        if (last)
        {
            kept = x.narrow(0, _prefix, _texts * _suffix).index_select(0, _endRows);                  // [C, W]
            Tensor normedEnds = normed.narrow(0, _prefix, _texts * _suffix).index_select(0, _endRows);
            mixed = Attend(projections[0].Forward(normedEnds), 1, kFirst, vFirst, kRest, vRest, _endMask);
        }
        else
        {
            kept = x;
            Tensor q = projections[0].Forward(normed);
            Tensor own = Prefix(q).mul(Scale).bmm(kFirst).add(_causal).softmax(-1).bmm(vFirst); // [H, P, D]
            Tensor ownRows = own.transpose(0, 1).reshape(_prefix, _heads * _headWidth);               // [P, W]
            Tensor others = Attend(q.narrow(0, _prefix, _texts * _suffix), _suffix, kFirst, vFirst, kRest, vRest, _mask);
            mixed = cat([ownRows, others], 0);                                                        // [P + C·S, W]
        }
        Tensor y = block.Attention.Output.Forward(mixed).add(kept);
        return block.Mlp.Forward(block.Norm2.Forward(y)).add(y).MoveToOuterDisposeScope();
    }

    private double Scale => 1 / Math.Sqrt(_headWidth);

    /// <summary>Attention of n tokens per text, rows [C·n, W], to the prefix (all of it) and to their own suffix (masked); [C·n, W].</summary>
    private Tensor Attend(Tensor rows, long n, Tensor kFirst, Tensor vFirst, Tensor kRest, Tensor vRest, Tensor mask)
    {
        Tensor q = rows.mul(Scale).view(_texts, n, _heads, _headWidth).permute(2, 0, 1, 3).contiguous();       // [H, C, n, D]
        Tensor toFirst = q.view(_heads, _texts * n, _headWidth).bmm(kFirst).view(_heads, _texts, n, _prefix);  // [H, C, n, P]
        Tensor toRest = q.view(_heads * _texts, n, _headWidth).bmm(kRest).view(_heads, _texts, n, _suffix).add(mask);
        Tensor weights = cat([toFirst, toRest], -1).softmax(-1);                                               // [H, C, n, P + S]
        Tensor fromFirst = weights.narrow(3, 0, _prefix).reshape(_heads, _texts * n, _prefix).bmm(vFirst);
        Tensor fromRest = weights.narrow(3, _prefix, _suffix).reshape(_heads * _texts, n, _suffix).bmm(vRest);
        Tensor mixed = fromFirst.view(_heads, _texts, n, _headWidth).add(fromRest.view(_heads, _texts, n, _headWidth));
        return mixed.permute(1, 2, 0, 3).reshape(_texts * n, _heads * _headWidth);
    }

    /// <summary>The prefix rows of [P + C·S, W] as [H, P, D].</summary>
    private Tensor Prefix(Tensor rows) => rows.narrow(0, 0, _prefix).view(_prefix, _heads, _headWidth).transpose(0, 1);

    /// <summary>The other rows as [H·C, S, D].</summary>
    private Tensor Suffixes(Tensor rows) => rows.narrow(0, _prefix, _texts * _suffix)
        .view(_texts, _suffix, _heads, _headWidth).permute(2, 0, 1, 3).reshape(_heads * _texts, _suffix, _headWidth);
}
