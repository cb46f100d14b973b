using AirMLNet.Clip;
using AirMLNet.Layers;
using static TorchSharp.torch;

namespace AirMLNet.MultiLabel;

/// <summary>What a fit learned, as plain numbers.</summary>
/// <param name="Classes">C.</param>
/// <param name="Dimension">D.</param>
/// <param name="First">Class features [C, D] of length 1: of the global prompt, or DualCoOp's positive one.</param>
/// <param name="Second">Of the local prompt, or the negative one.</param>
/// <param name="Adapter">F, [C, D]; empty without one.</param>
/// <param name="Alpha">α.</param>
/// <param name="Attention">w, [C].</param>
/// <param name="Scale">Factor of a cosine in a logit.</param>
/// <param name="Kappa">κ on images that are scored.</param>
/// <param name="Context">The learned vectors of the first prompt, then of the second; empty for zero-shot.</param>
internal sealed record MultiLabelState(
    int Classes,
    int Dimension,
    float[] First,
    float[] Second,
    float[] Adapter,
    float Alpha,
    float[] Attention,
    double Scale,
    double Kappa,
    float[] Context
);

/// <summary>Scores of images from their features, with what was learned.</summary>
internal sealed class MultiLabelHead : IDisposable
{
    // Scores of all scales are brought to TaI-DPT's before the sigmoid, which would round those of CLIP's scale of 100 to 1.
    private const double SigmoidScale = 4;
    private readonly MultiLabelPromptAdapterOptions _options;
    private readonly ClassSide _side;
    private readonly GlobalLocalRule _rule;
    private readonly Device _device;

    public MultiLabelHead(MultiLabelPromptAdapterOptions options, MultiLabelState state, Device device)
    {
        (_options, State, _device) = (options, state, device);
        _rule = options.Rule() with { Scale = state.Scale, Kappa = state.Kappa };
        using var off = no_grad();
        long[] matrix = [state.Classes, state.Dimension];
        _side = new ClassSide(
            Tensors.Of(state.First, matrix, device).DetachFromDisposeScope(),
            Tensors.Of(state.Second, matrix, device).DetachFromDisposeScope(),
            state.Adapter.Length == 0 ? null : Tensors.Of(state.Adapter, matrix, device).DetachFromDisposeScope(),
            tensor(state.Alpha, device: device).DetachFromDisposeScope(),
            Tensors.Of(state.Attention, [state.Classes], device).DetachFromDisposeScope()
        );
    }

    public MultiLabelState State { get; }

    /// <summary>Scores 0..1 of packed rows.</summary>
    /// <param name="rows">[B, (1 + N)·D].</param>
    /// <param name="count">B.</param>
    /// <param name="scores">Receives [B, C].</param>
    public void Score(ReadOnlySpan<float> rows, int count, Span<float> scores)
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        using var host = Score(DenseBatch.Of(rows, count, State.Dimension, _device)).cpu().contiguous();
        System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(host.bytes).CopyTo(scores);
    }

    /// <summary>Scores 0..1 of a batch, [B, C].</summary>
    /// <param name="batch">Features of images.</param>
    /// <param name="kappa">Another κ, as captions have it; null for that of images.</param>
    public Tensor Score(DenseBatch batch, double? kappa = null)
    {
        if (_options.Prompt == MultiLabelPrompt.Dual)
        {
            return MultiLabelLosses.PositiveProbability(DualCoOpScores.Of(batch.Local, _side.Global, _side.Local).Logits);
        }

        var rule = kappa is { } k ? _rule with { Kappa = k } : _rule;
        return GlobalLocalScores
            .Of(batch.Global, batch.Local, batch.Keep, _side, rule)
            .Score(rule)
            .mul(SigmoidScale / State.Scale)
            .sigmoid();
    }

    /// <summary>
    /// The cosine of each class's attended feature v with its local class vector, and with the adapter's share added to v, norm(v + A·F);
    /// null without an adapter. Each [B, C].
    /// </summary>
    /// <param name="batch">Features of images or captions.</param>
    /// <param name="kappa">Another κ, as captions have it; null for that of images.</param>
    public (Tensor Plain, Tensor? Adapted) AttendedCosines(DenseBatch batch, double? kappa = null)
    {
        var rule = kappa is { } k ? _rule with { Kappa = k } : _rule;
        var scores = GlobalLocalScores.Of(batch.Global, batch.Local, batch.Keep, _side, rule);
        var attended = GlobalLocalScores.Attended(scores.Heat, ClipModel.Normalise(batch.Local)); // [B, C, D]
        var classes = ClipModel.Normalise(_side.Local); // [C, D]
        return (
            attended.mul(classes).sum(-1),
            _side.Adapter is { } f && scores.LocalAffinity is { } affinity
                ? ClipModel.Normalise(attended.add(affinity.unsqueeze(-1).mul(ClipModel.Normalise(f)))).mul(classes).sum(-1)
                : null
        );
    }

    /// <summary>The cosine of the last places of an image with the classes' prompts that decide where to look, [C, places].</summary>
    /// <param name="row">[(1 + N)·D].</param>
    /// <param name="places">How many; N or less.</param>
    public float[] Places(ReadOnlySpan<float> row, int places)
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var local = DenseBatch.Of(row, 1, State.Dimension, _device).Local[0]; // [N, D]
        var last = local.narrow(0, local.size(0) - places, places);
        var side = _options.Prompt == MultiLabelPrompt.Dual ? _side.Global : _side.Local;
        var cosines = ClipModel.Normalise(side).matmul(ClipModel.Normalise(last).t()).cpu().contiguous(); // [C, places]
        return cosines.data<float>().ToArray();
    }

    /// <summary>The zero-shot classifier of a model: the same class features on both branches.</summary>
    public static MultiLabelState ZeroShot(ClipBackbone clip, MultiLabelPromptAdapterOptions options, Action<string>? warn = null)
    {
        float[] features = [.. Heads.TextHead.Of(clip, options.ClassNames, options.Templates, options.CancellationToken, warn).Weights];
        var classes = options.ClassNames.Count;
        return new(
            classes,
            clip.FeatureDimension,
            features,
            features,
            [],
            0,
            [.. Enumerable.Repeat(1f, classes)],
            clip.LogitScale,
            clip.LogitScale,
            []
        );
    }

    public void Dispose()
    {
        foreach (var tensor in new[] { _side.Global, _side.Local, _side.Adapter, _side.Alpha, _side.Attention })
        {
            tensor?.Dispose();
        }
    }
}
