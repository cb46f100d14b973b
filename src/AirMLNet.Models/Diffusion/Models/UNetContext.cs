using static TorchSharp.torch;

namespace AirMLNet.Diffusion;

/// <summary>What the blocks of a UNet need beside the hidden states: time and text, as they are or prepared.</summary>
internal sealed class UNetContext
{
    /// <summary>SiLU of the time embedding, [B, T]; unused where <see cref="Biases"/> has the resnets' share of it.</summary>
    public Tensor? Time { get; init; }

    /// <summary>The text states as rows, [B·L, D]; unused where <see cref="Keys"/> has what attention makes of them.</summary>
    public Tensor? Text { get; init; }

    /// <summary>The first convolution's bias plus the time's shift for each resnet, [C]: time is then the same for the whole batch.</summary>
    public IReadOnlyDictionary<ResnetBlock2D, Tensor>? Biases { get; init; }

    /// <summary>Keys [B·H, D, L] and values [B·H, L, D] of the text for each attention to it.</summary>
    public IReadOnlyDictionary<CrossAttention, (Tensor Key, Tensor Value)>? Keys { get; init; }

    /// <summary>Most bytes of attention scores held at a time, where no gradient is wanted.</summary>
    public long ScoreBytes { get; init; } = SlicedAttention.DefaultScoreBytes;

    /// <summary>
    /// How often the hidden states' batch goes into the text's. Where it is not 1 all texts see the same images so far, and
    /// the batch is repeated where the first text comes in.
    /// </summary>
    public long Repeats { get; set; } = 1;
}
