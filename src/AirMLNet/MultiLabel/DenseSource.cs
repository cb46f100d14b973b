using AirMLNet.Clip;
using AirMLNet.Images;

namespace AirMLNet.MultiLabel;

/// <summary>Rows of features that can be made: of images, or of texts.</summary>
internal abstract class DenseSource
{
    /// <summary>Number of rows.</summary>
    public abstract int Count { get; }

    /// <summary>N, the places of a row, or the tokens of the longest.</summary>
    public abstract int Places { get; }

    /// <summary>What is encoded and how, for people.</summary>
    public abstract string Description { get; }

    /// <summary>What the features depend on beside what is encoded.</summary>
    public abstract string Settings { get; }

    /// <summary>What is encoded, in its order.</summary>
    public abstract IEnumerable<string> Contents { get; }

    /// <summary>Values before a row; at <see cref="Count"/> those of all rows.</summary>
    public abstract long Start(int row);

    /// <summary>Makes rows, in float16, some at a time; the memory is used again.</summary>
    /// <param name="first">The first row.</param>
    /// <param name="count">How many.</param>
    /// <param name="cancellation">Checked before each batch.</param>
    public abstract IEnumerable<ReadOnlyMemory<Half>> Encode(int first, int count, CancellationToken cancellation);

    /// <summary>All rows, in memory.</summary>
    /// <param name="cancellation">Checked before each batch.</param>
    public MemoryRows InMemory(CancellationToken cancellation)
    {
        List<Half[]> rows = [];
        for (var part = 0; part < Count; part += DenseFeatureCache.PartRows)
        {
            foreach (var several in Encode(part, Math.Min(DenseFeatureCache.PartRows, Count - part), cancellation))
            {
                for (var rest = several; !rest.IsEmpty; )
                {
                    var length = (int)(Start(rows.Count + 1) - Start(rows.Count));
                    rows.Add(rest[..length].ToArray());
                    rest = rest[length..];
                }
            }
        }
        return new(rows, Places);
    }
}

/// <summary>Rows of image files.</summary>
/// <param name="encoder">Encodes them.</param>
/// <param name="paths">The files.</param>
internal sealed class DenseImages(DenseEncoder encoder, IReadOnlyList<string> paths) : DenseSource
{
    public override int Count => paths.Count;

    public override int Places => encoder.Places;

    public override string Description => $"{Count} images of 1 + {Places} features of {encoder.Dimension}";

    public override string Settings => encoder.Settings;

    public override IEnumerable<string> Contents => paths;

    public override long Start(int row) => (long)row * encoder.RowLength;

    public override IEnumerable<ReadOnlyMemory<Half>> Encode(int first, int count, CancellationToken cancellation)
    {
        var ready = new Queue<Half[]>();
        var batcher = new ImageBatcher(
            encoder.Preprocessor,
            encoder.BatchSize,
            (pixels, n) => ready.Enqueue(encoder.Rows(pixels, n)),
            cancellation
        );
        for (var i = first; i < first + count; i++)
        {
            var path = paths[i];
            batcher.Add(() => ImageFile.Load(path));
            while (ready.TryDequeue(out var rows))
            {
                yield return rows;
            }
        }
        batcher.Complete();
        while (ready.TryDequeue(out var rows))
        {
            yield return rows;
        }
    }
}

/// <summary>Rows of texts, each as long as its text: what comes after the end does not count and is not kept.</summary>
internal sealed class DenseTexts : DenseSource
{
    private readonly DenseEncoder _encoder;
    private readonly IReadOnlyList<string> _texts;
    private readonly long[] _starts;

    /// <param name="encoder">Encodes them.</param>
    /// <param name="texts">The texts; one too long for the context is cut.</param>
    public DenseTexts(DenseEncoder encoder, IReadOnlyList<string> texts)
    {
        // Tokens are counted here and made again in each batch, so that the ids of all texts need not be in memory.
        (_encoder, _texts) = (encoder, texts);
        _starts = new long[texts.Count + 1];
        for (var t = 0; t < texts.Count; t++)
        {
            var tokens = encoder.Tokens(texts[t]).Length;
            Places = Math.Max(Places, tokens);
            _starts[t + 1] = _starts[t] + ((1L + tokens) * encoder.Dimension);
        }
    }

    public override int Count => _texts.Count;

    public override int Places { get; }

    public override string Description => $"{Count} texts of 1 + {Places} features of {_encoder.Dimension} at most";

    public override string Settings => $"{_encoder.Settings} {_encoder.Clip.Tokenizer.Sha256}";

    public override IEnumerable<string> Contents => _texts;

    public override long Start(int row) => _starts[row];

    public override IEnumerable<ReadOnlyMemory<Half>> Encode(int first, int count, CancellationToken cancellation)
    {
        for (var start = first; start < first + count; start += _encoder.TextBatchSize)
        {
            cancellation.ThrowIfCancellationRequested();
            yield return _encoder.Texts([
                .. Enumerable.Range(start, Math.Min(_encoder.TextBatchSize, first + count - start)).Select(t => _texts[t]),
            ]);
        }
    }
}
