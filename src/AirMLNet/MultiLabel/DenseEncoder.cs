using System.Runtime.InteropServices;
using AirMLNet.Clip;
using AirMLNet.Layers;
using static TorchSharp.torch;

namespace AirMLNet.MultiLabel;

/// <summary>
/// Features of images and texts with one for every place or token, all of length 1, packed row by row: the global one [D], then the local
/// ones [N, D] (<c>docs/methods.md</c> §6.2). A row of zeros is a place that does not count.
/// </summary>
/// <param name="clip">The model; must live as long as this.</param>
/// <param name="positions">How a ResNet's global feature uses positions; a vision transformer always has them.</param>
/// <param name="size">Height and width that images are brought to, a multiple of the patch; null for the model's.</param>
internal sealed class DenseEncoder(ClipBackbone clip, DensePositions positions, int? size = null)
{
    /// <summary>Images that are read and encoded at a time.</summary>
    public const int MostAtOnce = 32;

    private const int TextBatch = 64;

    /// <summary>D.</summary>
    public int Dimension => clip.FeatureDimension;

    /// <summary>N of an image.</summary>
    public int Places => (Side * Side) + (positions == DensePositions.Regions ? 1 : 0);

    /// <summary>Places in a row or column of an image; what <see cref="Places"/> has beside their square stands before them.</summary>
    public int Side => Preprocessor.Size / clip.Model.Config.Vision.PatchSize;

    /// <summary>Makes the pixels: the model's, at the size that was asked for.</summary>
    public ClipPreprocessor Preprocessor { get; } = size is { } n ? clip.Preprocessor.WithSize(n) : clip.Preprocessor;

    /// <summary>Images of a batch; larger ones come in smaller batches.</summary>
    public int BatchSize
    {
        get
        {
            var (own, usual) = ((long)Preprocessor.Size * Preprocessor.Size, (long)clip.Preprocessor.Size * clip.Preprocessor.Size);
            return (int)Math.Clamp(ClipBatchSize.Choose(clip) * usual / own, 1, MostAtOnce);
        }
    }

    /// <summary>Values of an image's row, (1 + N)·D.</summary>
    public int RowLength => (1 + Places) * Dimension;

    public ClipBackbone Clip => clip;

    /// <summary>What the features depend on, for a cache.</summary>
    public string Settings =>
        $"{clip.WeightsSha256} {ClipFacts.Hash(clip)} {clip.Execution} {Preprocessor.Size} px {Read} {Places}x{Dimension} float16";

    // Only an attention pool has positions to leave out: other towers' features are the same without, and need not be kept twice.
    private DensePositions Read =>
        positions == DensePositions.None && clip.Model.ResNet is not ClipResNetTower ? DensePositions.Added : positions;

    /// <summary>Rows of preprocessed images.</summary>
    /// <param name="pixels">count·3·S·S values.</param>
    /// <param name="count">Number of images.</param>
    /// <param name="rows">Receives count·(1 + N)·D values.</param>
    public void Images(ReadOnlySpan<float> pixels, int count, Span<float> rows)
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var side = Preprocessor.Size;
        var input = Tensors.Of(pixels, [count, 3, side, side], clip.Device).to_type(clip.Model.logit_scale.dtype);
        Tensor all; // [B, 1 + N, D]
        if (clip.Model.ResNet is { } tower && positions == DensePositions.Regions)
        {
            var map = tower.Map(input);
            all = cat([tower.Pool(map).unsqueeze(1), tower.Regions(map)], 1);
        }
        else
        {
            var use = positions == DensePositions.None && clip.Model.ResNet is not null ? ClipPositions.None : ClipPositions.Bicubic;
            var dense = clip.Model.EncodeDense(input, use);
            // A vision transformer's own summary takes the place of the mean region.
            all =
                positions == DensePositions.Regions
                    ? cat([dense.Global.unsqueeze(1), dense.Global.unsqueeze(1), dense.Local], 1)
                    : cat([dense.Global.unsqueeze(1), dense.Local], 1);
        }
        Copy(ClipModel.Normalise(all.to_type(ScalarType.Float32)), rows);
    }

    /// <summary>Features of preprocessed images in float16.</summary>
    public Half[] Rows(ReadOnlyMemory<float> pixels, int count)
    {
        var values = new float[count * RowLength];
        Images(pixels.Span, count, values);
        return Array.ConvertAll(values, value => (Half)value);
    }

    /// <summary>A text's token ids, from its start to its end; one too long for the context is cut.</summary>
    public ReadOnlySpan<long> Tokens(string text)
    {
        var ids = clip.Tokenizer.Tokenize(text);
        return ids.AsSpan(0, Array.IndexOf(ids, clip.Tokenizer.EndToken, 1) + 1);
    }

    /// <summary>Texts of a batch.</summary>
    public int TextBatchSize => Math.Min(TextBatch, ClipBatchSize.Texts(clip));

    /// <summary>Rows of the texts of a batch, one after the other: of a text of n tokens (1 + n)·D values in float16.</summary>
    public Half[] Texts(IReadOnlyList<string> texts)
    {
        long[][] ids = [.. texts.Select(text => Tokens(text).ToArray())];
        var longest = ids.Max(text => text.Length);
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var padded = ids.SelectMany(text => text.Concat(Enumerable.Repeat(text[^1], longest - text.Length)));
        var input = tensor(padded.ToArray(), [texts.Count, longest], device: clip.Device);
        var (global, local) = clip.Model.EncodeTextDense(input);
        // TaI-DPT masks by the token 0, which is padding there, and hides a "!" with it.
        local = ClipModel.Normalise(local.to_type(ScalarType.Float32)).mul(input.ne(0).unsqueeze(-1)); // [B, L, D]
        var all = new float[texts.Count * (1 + longest) * Dimension];
        Copy(cat([ClipModel.Normalise(global.to_type(ScalarType.Float32)).unsqueeze(1), local], 1), all);
        var rows = new Half[ids.Sum(text => 1 + text.Length) * Dimension];
        var at = 0;
        foreach (var (t, text) in ids.Index())
        {
            foreach (var value in all.AsSpan(t * (1 + longest) * Dimension, (1 + text.Length) * Dimension))
            {
                rows[at++] = (Half)value;
            }
        }
        return rows;
    }

    private static void Copy(Tensor all, Span<float> rows)
    {
        var host = all.cpu().contiguous();
        MemoryMarshal.Cast<byte, float>(host.bytes).CopyTo(rows);
    }
}

/// <summary>Which features of an image are taken.</summary>
internal enum DensePositions
{
    /// <summary>TaI-DPT's: a ResNet's global feature is pooled without positions.</summary>
    None,

    /// <summary>The zero-shot baseline's: with positions.</summary>
    Added,

    /// <summary>DualCoOp's: positions added before the projections, and the mean of all places as the first region.</summary>
    Regions,
}
