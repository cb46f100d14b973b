using AirMLNet.Clip;
using AirMLNet.Optimisation;
using static TorchSharp.torch;

namespace AirMLNet.SmallModels;

/// <summary>The photos of the training as tensors, and captions for them.</summary>
internal sealed class MiniDiffusionData : IDisposable
{
    private readonly Tensor _photos; // [N, 3, 32, 32], bytes
    private readonly int[] _labels;
    private readonly CaptionCorpus _corpus;
    private readonly Dictionary<string, long[]> _ids = new(StringComparer.Ordinal);

    public MiniDiffusionData(Cifar10 data, MiniDiffusionOptions options)
    {
        const int side = Cifar10.Side,
            area = side * side;
        var bytes = new byte[options.Photos * 3 * area];
        for (var i = 0; i < options.Photos; i++)
        {
            data.GetImage(Cifar10Split.Train, i).Pixels.CopyTo(bytes, i * 3 * area);
        }
        using var scope = NewDisposeScope();
        _photos = tensor(bytes, [options.Photos, side, side, 3]).permute(0, 3, 1, 2).contiguous().DetachFromDisposeScope();
        _labels = [.. Enumerable.Range(0, options.Photos).Select(i => data.GetLabel(Cifar10Split.Train, i))];
        _corpus = new CaptionCorpus(options.NameShare, options.WrongShare, options.Seed, kindShare: options.KindShare);
    }

    /// <summary>Number of photos.</summary>
    public int Count => _labels.Length;

    /// <summary>One caption of each photo, to learn a vocabulary from.</summary>
    public IEnumerable<string> Captions => _labels.Select((label, i) => _corpus.Title(i, label));

    /// <summary>Photos in −1..1.</summary>
    /// <param name="rows">[B] int64.</param>
    /// <param name="mirrored">Whether left is right.</param>
    /// <returns>[B, 3, 32, 32].</returns>
    public Tensor Photos(Tensor rows, bool mirrored)
    {
        using var scope = NewDisposeScope();
        var photos = _photos.index_select(0, rows).to_type(ScalarType.Float32).div_(127.5).sub_(1);
        return (mirrored ? photos.flip(3) : photos).MoveToOuterDisposeScope();
    }

    /// <summary>Token ids of captions that are drawn anew in each step.</summary>
    /// <param name="tokenizer">Of the model's own vocabulary.</param>
    /// <param name="members">The photos of the step.</param>
    /// <param name="step">The step.</param>
    /// <param name="empty">Which captions are left empty, for guidance.</param>
    /// <returns>[B, L] int64.</returns>
    public Tensor Tokens(ClipTokenizer tokenizer, int[] members, int step, bool[] empty)
    {
        var ids = members.SelectMany(
            (member, row) =>
            {
                var text = empty[row] ? "" : _corpus.Title((step * members.Length) + row, _labels[member]);
                return _ids.TryGetValue(text, out var known) ? known : _ids[text] = tokenizer.Tokenize(text);
            }
        );
        return tensor(ids.ToArray(), [members.Length, tokenizer.ContextLength]);
    }

    /// <summary>Which photos a step sees: each epoch has its own order.</summary>
    public int[] Members(int seed, int stream, int step, int batch)
    {
        var perEpoch = Math.Max(1, Count / batch);
        var order = Enumerable.Range(0, Count).ToArray();
        SeededRandom.Create(seed, stream, step / perEpoch).Shuffle(order);
        return order[(step % perEpoch * batch)..Math.Min(Count, ((step % perEpoch) + 1) * batch)];
    }

    public void Dispose() => _photos.Dispose();
}
