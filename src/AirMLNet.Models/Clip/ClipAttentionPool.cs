using AirMLNet.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace AirMLNet.Clip;

/// <summary>Pools a feature map by attention: the mean of the map asks, the mean and all locations answer.</summary>
internal sealed class ClipAttentionPool : nn.Module
{
    internal readonly Parameter positional_embedding; // [1 + S², C], the mean's first
    private readonly LinearLayer q_proj;
    private readonly LinearLayer k_proj;
    private readonly LinearLayer v_proj;
    private readonly LinearLayer c_proj;
    private readonly long _heads;
    private readonly long _headWidth;
    private readonly long _side;

    public ClipAttentionPool(long side, long width, long heads, long outputs)
        : base(nameof(ClipAttentionPool))
    {
        positional_embedding = LayerParameter.Create(1 + side * side, width);
        q_proj = new LinearLayer(width, width);
        k_proj = new LinearLayer(width, width);
        v_proj = new LinearLayer(width, width);
        c_proj = new LinearLayer(width, outputs);
        (_heads, _headWidth, _side) = (heads, width / heads, side);
        RegisterComponents();
    }

    internal IEnumerable<LinearLayer> Projections => [q_proj, k_proj, v_proj, c_proj];

    /// <param name="map">[B, C, H, W].</param>
    /// <param name="positions">What becomes of the positions where H·W is not the trained size.</param>
    /// <returns>[B, E].</returns>
    public Tensor Forward(Tensor map, ClipPositions positions)
    {
        using var scope = NewDisposeScope();
        var tokens = Tokens(map, positions); // [B, 1 + H·W, C]
        return Attend(tokens, tokens.narrow(1, 0, 1)).squeeze(1).MoveToOuterDisposeScope();
    }

    /// <summary>Every location asks: [B, 1 + H·W, E], the mean's answer first.</summary>
    public Tensor ForwardAll(Tensor map, ClipPositions positions)
    {
        using var scope = NewDisposeScope();
        var tokens = Tokens(map, positions);
        return Attend(tokens, tokens).MoveToOuterDisposeScope();
    }

    /// <summary>The value and output projection of each location, without attention and positions: [B, H·W, E].</summary>
    public Tensor Locations(Tensor map)
    {
        using var scope = NewDisposeScope();
        var rows = map.flatten(2).transpose(1, 2); // [B, H·W, C]
        return c_proj.Forward(v_proj.Forward(rows)).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// The value and output projection of the mean and of each location, positions added first, without attention: DualCoOp's
    /// regions, [B, 1 + H·W, E] (docs/methods.md §6.5).
    /// </summary>
    public Tensor Regions(Tensor map, ClipPositions positions)
    {
        using var scope = NewDisposeScope();
        return c_proj.Forward(v_proj.Forward(Tokens(map, positions))).MoveToOuterDisposeScope();
    }

    private Tensor Tokens(Tensor map, ClipPositions positions)
    {
        var (height, width) = (map.size(2), map.size(3));
        var rows = map.flatten(2).transpose(1, 2); // [B, H·W, C]
        var tokens = cat([rows.mean([1], true), rows], 1); // [B, 1 + H·W, C]
        return positions == ClipPositions.None
            ? tokens
            : tokens.add(ClipPositionGrid.Resize(positional_embedding, _side, height, width, positions));
    }

    private Tensor Attend(Tensor tokens, Tensor queries)
    {
        var batch = tokens.size(0);
        var q = Heads(q_proj.Forward(queries).mul(1 / Math.Sqrt(_headWidth)), batch); // [B, H, Q, D]
        var k = Heads(k_proj.Forward(tokens), batch); // [B, H, N, D]
        var v = Heads(v_proj.Forward(tokens), batch); // [B, H, N, D]
        var mixed = q.matmul(k.transpose(-2, -1)).softmax(-1).matmul(v); // [B, H, Q, D]
        return c_proj.Forward(mixed.transpose(1, 2).reshape(batch, -1, _heads * _headWidth)); // [B, Q, E]
    }

    private Tensor Heads(Tensor x, long batch) => x.view(batch, -1, _heads, _headWidth).transpose(1, 2);
}
