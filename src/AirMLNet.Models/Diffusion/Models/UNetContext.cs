using static TorchSharp.torch;

namespace AirMLNet.Diffusion;

/// <summary>What the blocks of a UNet need beside the hidden states: the time and the text of each row of the batch.</summary>
internal sealed class UNetContext
{
    private readonly UNetConditions? _prepared;
    private readonly int _step;
    private readonly Tensor? _time; // [B, T], SiLU of the time embedding
    private readonly Tensor? _text; // [B, L, D]

    /// <param name="time">[B, T], SiLU of the time embedding.</param>
    /// <param name="text">[B, L, D], the text states.</param>
    public UNetContext(Tensor time, Tensor text) => (_time, _text, Batch) = (time, text, text.size(0));

    /// <param name="prepared">Times and texts for which everything has been computed.</param>
    /// <param name="step">The place of the time among those prepared.</param>
    public UNetContext(UNetConditions prepared, int step) => (_prepared, _step, Batch) = (prepared, step, prepared.Batch);

    /// <summary>Rows of the texts' batch, a multiple of that of the latents.</summary>
    public long Batch { get; }

    /// <summary>Keys and values of the text for an attention, [B, heads, L, D] each.</summary>
    public (Tensor Keys, Tensor Values) KeysValues(CrossAttention attention) =>
        _prepared is null ? attention.KeysValues(_text!) : _prepared.KeysValues(attention);

    /// <summary>What a resnet adds for the time, [B, C], or [1, C] where the whole batch has the same time.</summary>
    public Tensor TimeShift(ResnetBlock2D resnet) => _prepared is null ? resnet.TimeShift(_time!) : _prepared.TimeShift(resnet, _step);

    /// <summary>
    /// Repeats states to the texts' batch. With guidance both texts see the same latents until the first attention to a text,
    /// so everything before it is computed once: 4 to 5 % of a step (<c>docs/performance.md</c>).
    /// </summary>
    /// <param name="x">[B/n, …]: row i goes with the texts i, i + B/n and so on.</param>
    /// <returns>[B, …].</returns>
    public Tensor Expand(Tensor x) => x.size(0) == Batch ? x : x.repeat([Batch / x.size(0), .. Enumerable.Repeat(1L, (int)x.dim() - 1)]);
}
