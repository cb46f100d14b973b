using static TorchSharp.torch;

namespace AirMLNet.Prompts;

/// <summary>The loss on pseudo-labelled images.</summary>
public enum PromptLoss
{
    /// <summary>−log p of the label.</summary>
    CrossEntropy,

    /// <summary>CPL's "cc": −log Σ_c y_c·p_c over the candidate labels (Zhang et al. 2024; <c>docs/methods.md</c> §3.3, step 6).</summary>
    Candidates,
}

/// <summary>
/// How the loss on labelled images is weighed against the one on pseudo-labelled images (<c>docs/methods.md</c> §3.2 and §3.3).
/// </summary>
public enum LabelledBalance
{
    /// <summary>γ·L_labelled + L_pseudo with γ = |PL|/|L|: GRIP, semi-supervised.</summary>
    ScaleLabelled,

    /// <summary>L_labelled + λ·L_pseudo with λ = |L|/|PL|: GRIP, transductive zero-shot.</summary>
    ScalePseudo,

    /// <summary>L_labelled + L_pseudo: CPL.</summary>
    Equal,
}

/// <summary>Where the labelled images of a step come from.</summary>
public enum LabelledBatches
{
    /// <summary>Both sets are shuffled together; a step may have none of one kind.</summary>
    Mixed,

    /// <summary>A batch of their own in every step, of clamp(64·|L|/|PL|, 8, 256) images: CPL.</summary>
    Parallel,
}

/// <summary>Losses per image, from logits; differentiable and stable for any finite logits.</summary>
internal static class PromptLosses
{
    /// <summary>−log softmax(logits)[label].</summary>
    /// <param name="logits">[B, C].</param>
    /// <param name="labels">B class indices.</param>
    /// <returns>[B].</returns>
    public static Tensor CrossEntropy(Tensor logits, long[] labels)
    {
        using var scope = NewDisposeScope();
        var classes = tensor(labels, device: logits.device); // [B]
        return nn.functional.cross_entropy(logits, classes, reduction: nn.Reduction.None).MoveToOuterDisposeScope();
    }

    /// <summary>−log Σ_c y_c·softmax(logits)_c = −logsumexp(log softmax + log y).</summary>
    /// <param name="logits">[B, C].</param>
    /// <param name="targets">y, [B, C], not negative, each row with a positive entry.</param>
    /// <returns>[B].</returns>
    public static Tensor Candidates(Tensor logits, float[] targets)
    {
        using var scope = NewDisposeScope();
        Tensor logTargets;
        using (no_grad())
        {
            logTargets = tensor(targets, logits.shape, device: logits.device).log_(); // [B, C], −∞ where y is 0
        }

        return nn.functional.log_softmax(logits, 1).add(logTargets).logsumexp(1, false).neg().MoveToOuterDisposeScope(); // [B]
    }
}
