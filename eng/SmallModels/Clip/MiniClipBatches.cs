using AirMLNet.Clip;
using AirMLNet.Optimisation;

namespace AirMLNet.SmallModels;

/// <summary>One training batch on the host.</summary>
/// <param name="Size">B, the number of pairs.</param>
/// <param name="Pixels">Augmented and normalised photos, [B, 3, 32, 32].</param>
/// <param name="Tokens">Caption tokens, [B, L]; L is the longest caption's length, end token included.</param>
/// <param name="Length">L.</param>
/// <param name="Kept">Indices of the patches that the image tower sees, [B, K].</param>
/// <param name="Targets">Row i holds 1/n at each of the n captions of the batch that equal caption i, [B, B].</param>
internal sealed record MiniClipBatch(int Size, float[] Pixels, long[] Tokens, int Length, long[] Kept, float[] Targets);

/// <summary>The captions of one batch.</summary>
/// <param name="Size">B.</param>
/// <param name="Photos">Which photos, [B].</param>
/// <param name="Tokens">Caption tokens, [B, L].</param>
/// <param name="Length">L.</param>
/// <param name="Targets">As in <see cref="MiniClipBatch"/>, [B, B].</param>
internal sealed record CaptionBatch(int Size, long[] Photos, long[] Tokens, int Length, float[] Targets);

/// <summary>Makes batch n from nothing but the data, the options and n.</summary>
internal sealed class MiniClipBatches
{
    private const int Side = Cifar10.Side;
    private const int Pad = 4;
    private const int Patches = 64;

    private readonly MiniClipOptions _options;
    private readonly byte[] _photos; // [N, 32, 32, 3]
    private readonly long[][] _titles;
    private readonly long[][] _descriptions;
    private int[] _order = [];
    private int _orderEpoch = -1;

    public MiniClipBatches(Cifar10 data, CaptionCorpus captions, ClipTokenizer tokenizer, MiniClipOptions options)
    {
        _options = options;
        var labels = Enumerable.Range(0, options.Photos).Select(i => data.GetLabel(Cifar10Split.Train, i)).ToArray();
        _photos = new byte[options.Photos * Side * Side * 3];
        for (var i = 0; i < options.Photos; i++)
        {
            data.GetImage(Cifar10Split.Train, i).Pixels.CopyTo(_photos, i * Side * Side * 3);
        }

        long[] Ids(string text)
        {
            var ids = tokenizer.Tokenize(text);
            return ids[..(Array.IndexOf(ids, tokenizer.EndToken) + 1)];
        }

        _titles = [.. labels.Select((label, i) => Ids(captions.Title(i, label)))];
        _descriptions = [.. labels.Select((label, i) => Ids(captions.Description(i, label)))];
    }

    public int StepsPerEpoch => _options.Photos / _options.BatchSize;

    public MiniClipBatch Make(int step, int keep)
    {
        var members = Members(step);
        var random = SeededRandom.Create(_options.Seed, 2, step);
        var size = _options.BatchSize;
        var pixels = new float[size * 3 * Side * Side];
        var kept = new long[size * keep];
        Span<int> patches = stackalloc int[Patches];
        for (var b = 0; b < size; b++)
        {
            Augment(members[b], random, pixels.AsSpan(b * 3 * Side * Side, 3 * Side * Side));
            for (var i = 0; i < Patches; i++)
            {
                patches[i] = i;
            }

            random.Shuffle(patches);
            for (var i = 0; i < keep; i++)
            {
                kept[b * keep + i] = patches[i];
            }
        }

        var captions = Captions(step, members);
        return new(size, pixels, captions.Tokens, captions.Length, kept, captions.Targets);
    }

    /// <summary>Batch n without its pixels.</summary>
    public CaptionBatch MakeCaptions(int step) => Captions(step, Members(step));

    private ReadOnlySpan<int> Members(int step)
    {
        var epoch = step / StepsPerEpoch;
        if (epoch != _orderEpoch)
        {
            _order = [.. Enumerable.Range(0, _options.Photos)];
            SeededRandom.Create(_options.Seed, 1, epoch).Shuffle(_order);
            _orderEpoch = epoch;
        }

        return _order.AsSpan(step % StepsPerEpoch * _options.BatchSize, _options.BatchSize);
    }

    private CaptionBatch Captions(int step, ReadOnlySpan<int> members)
    {
        // One batch in eight has the long captions: mixing them would make every batch as long as the longest.
        var texts = step % 8 == 7 ? _descriptions : _titles;
        var chosen = new long[members.Length][];
        var photos = new long[members.Length];
        for (var b = 0; b < chosen.Length; b++)
        {
            (photos[b], chosen[b]) = (members[b], texts[members[b]]);
        }

        var length = chosen.Max(c => c.Length);
        var tokens = new long[chosen.Length * length];
        for (var b = 0; b < chosen.Length; b++)
        {
            chosen[b].CopyTo(tokens, b * length);
        }

        return new(chosen.Length, photos, tokens, length, EqualTextTargets(chosen));
    }

    /// <summary>Reflect-padded random crop and mirror image, normalised as CLIP does.</summary>
    private void Augment(int photo, Random random, Span<float> chw)
    {
        var source = _photos.AsSpan(photo * Side * Side * 3, Side * Side * 3);
        var dx = random.Next(2 * Pad + 1) - Pad;
        var dy = random.Next(2 * Pad + 1) - Pad;
        var mirror = random.Next(2) == 1;
        for (var y = 0; y < Side; y++)
        {
            var sy = Reflect(y + dy);
            for (var x = 0; x < Side; x++)
            {
                var sx = Reflect((mirror ? Side - 1 - x : x) + dx);
                var from = (sy * Side + sx) * 3;
                for (var c = 0; c < 3; c++)
                {
                    chw[(c * Side + y) * Side + x] =
                        (source[from + c] / 255f - ClipPreprocessor.DefaultMean[c]) / ClipPreprocessor.DefaultStd[c];
                }
            }
        }
    }

    private static int Reflect(int i) =>
        i < 0 ? -i
        : i >= Side ? 2 * Side - 2 - i
        : i;

    /// <summary>
    /// Two photos with the same caption are not each other's negatives (Yang et al. 2022, "Unified Contrastive Learning in Image-Text-Label
    /// Space", with the text itself for the label).
    /// </summary>
    private static float[] EqualTextTargets(long[][] texts)
    {
        var size = texts.Length;
        var targets = new float[size * size];
        for (var i = 0; i < size; i++)
        {
            var same = new List<int>();
            for (var j = 0; j < size; j++)
            {
                if (texts[i].AsSpan().SequenceEqual(texts[j]))
                {
                    same.Add(j);
                }
            }

            foreach (var j in same)
            {
                targets[i * size + j] = 1f / same.Count;
            }
        }

        return targets;
    }
}
