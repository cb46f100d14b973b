using AirMLNet.Clip;
using AirMLNet.Optimisation;
using static TorchSharp.torch;

namespace AirMLNet.SmallModels;

/// <summary>The photos of the training as tensors, and the captions' states.</summary>
internal sealed class MiniDiffusionData : IDisposable
{
    private const int TextBatch = 256;

    private readonly Tensor _photos; // [N, 3, 32, 32], bytes
    private readonly string[] _captions;

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
        var corpus = new CaptionCorpus(options.NameShare, options.WrongShare, options.Seed);
        _captions = [.. Enumerable.Range(0, options.Photos).Select(i => corpus.Title(i, data.GetLabel(Cifar10Split.Train, i)))];
    }

    /// <summary>Number of photos.</summary>
    public int Count => _captions.Length;

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

    /// <summary>The states of all different captions, the empty one first, and which of them each photo has.</summary>
    /// <returns>[U, L, W] and N indices.</returns>
    public (Tensor States, long[] Captions) EncodeCaptions(ClipTextModel encoder, ClipTokenizer tokenizer)
    {
        Dictionary<string, long> places = new(StringComparer.Ordinal) { [""] = 0 };
        long[] indices = [.. _captions.Select(c => places.TryGetValue(c, out var place) ? place : places[c] = places.Count)];
        using var off = no_grad();
        using var scope = NewDisposeScope();
        List<Tensor> parts = [];
        foreach (var chunk in places.Keys.Chunk(TextBatch))
        {
            using var inner = NewDisposeScope();
            var ids = tensor(chunk.SelectMany(text => tokenizer.Tokenize(text)).ToArray(), [chunk.Length, tokenizer.ContextLength]);
            parts.Add(encoder.Encode(ids).MoveToOuterDisposeScope());
        }
        return (cat(parts, 0).MoveToOuterDisposeScope(), indices);
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
