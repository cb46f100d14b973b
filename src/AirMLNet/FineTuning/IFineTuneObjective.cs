using static TorchSharp.torch;

namespace AirMLNet.FineTuning;

/// <summary>A loss by which both towers of CLIP are fine-tuned: what it needs of a batch, and what it keeps between batches.</summary>
internal interface IFineTuneObjective
{
    /// <summary>Tensors that belong to a checkpoint beside the weights, by name; always the same ones.</summary>
    IReadOnlyDictionary<string, Tensor> State { get; }

    /// <summary>Called before the first step of an epoch, or of what is left of it.</summary>
    /// <param name="epoch">From 0.</param>
    /// <param name="resumed">Whether <see cref="State"/> was restored in the middle of the epoch.</param>
    void BeginEpoch(int epoch, bool resumed);

    /// <summary>The token ids of the texts that the loss of a batch needs.</summary>
    /// <param name="towers">The model, for labels that depend on it.</param>
    /// <param name="images">[B, D] of length 1, without gradient.</param>
    /// <param name="rows">The batch's B rows.</param>
    /// <returns>[M, L] int64.</returns>
    Tensor Texts(ClipTowers towers, Tensor images, long[] rows);

    /// <summary>The loss of the batch that <see cref="Texts"/> was asked about last.</summary>
    /// <param name="images">[B, D] of length 1.</param>
    /// <param name="texts">[M, D] of length 1.</param>
    /// <param name="scale">The factor of cosines in logits, a scalar.</param>
    Tensor Loss(Tensor images, Tensor texts, Tensor scale);

    /// <summary>Called between the backward pass and the optimiser's step.</summary>
    void AfterBackward();
}
