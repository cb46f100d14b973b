using AirMLNet.Clip;
using static TorchSharp.torch;

namespace AirMLNet.FineTuning;

/// <summary>
/// FLYP with pseudo-labels (Goyal et al. 2023; <c>docs/methods.md</c> §5.5): the contrastive loss of images with the template of their
/// class, both towers trained. Labels are given, or taken anew before every update from the model as it is.
/// </summary>
internal sealed class FlypObjective : IFineTuneObjective, IDisposable
{
    private const int TextBatch = 256;
    private readonly Tensor _classIds; // [C, L]
    private readonly int[]? _labels;
    private Tensor? _places; // [B], where each row's class stands among the batch's texts

    /// <param name="classIds">[C, L] int64, the class templates.</param>
    /// <param name="labels">N classes; null takes the label of each update's model.</param>
    public FlypObjective(Tensor classIds, int[]? labels) =>
        (_classIds, _labels) = (classIds.detach().clone().DetachFromDisposeScope(), labels);

    public IReadOnlyDictionary<string, Tensor> State { get; } = new Dictionary<string, Tensor>();

    public void BeginEpoch(int epoch, bool resumed) { }

    public Tensor Texts(ClipTowers towers, Tensor images, long[] rows)
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var labels = _labels is { } known
            ? tensor(rows.Select(r => (long)known[r]).ToArray(), device: images.device)
            : images.detach().matmul(ClassFeatures(towers.Text, _classIds).t()).argmax(1);
        var (used, places, _) = labels.unique(sorted: true, return_inverse: true);
        _places?.Dispose();
        _places = places!.DetachFromDisposeScope();
        return _classIds.index_select(0, used).MoveToOuterDisposeScope();
    }

    public Tensor Loss(Tensor images, Tensor texts, Tensor scale) =>
        ContrastiveLoss.Of(
            images,
            texts.index_select(0, _places ?? throw new InvalidOperationException("The batch's texts were not asked for.")),
            scale
        );

    public void AfterBackward() { }

    public void Dispose()
    {
        _places?.Dispose();
        _classIds.Dispose();
    }

    /// <summary>The features of class templates with the model as it is.</summary>
    /// <param name="text">The text encoder.</param>
    /// <param name="classIds">[C, L] int64.</param>
    /// <returns>[C, D] of length 1, without gradient.</returns>
    public static Tensor ClassFeatures(Func<Tensor, Tensor> text, Tensor classIds)
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        List<Tensor> parts = [];
        for (var from = 0L; from < classIds.size(0); from += TextBatch)
        {
            parts.Add(text(classIds.narrow(0, from, Math.Min(TextBatch, classIds.size(0) - from))));
        }
        return cat(parts).MoveToOuterDisposeScope();
    }
}
