using static TorchSharp.torch;

namespace AirMLNet.MultiLabel;

/// <summary>
/// How near learned class vectors are to what shows or names the class (T2I-PAL, Table VI; <c>docs/methods.md</c> §8): the mean over rows
/// of the mean cosine between the attended feature v of a class and its local class vector, over the classes that are there.
/// </summary>
/// <param name="Captions">To captions.</param>
/// <param name="Images">To images.</param>
/// <param name="Adapted">To images whose attended feature has the adapter's share added, norm(v + A·F); null without an adapter.</param>
internal sealed record ModalityGap(double Captions, double Images, double? Adapted)
{
    /// <summary>Rows of each kind that are looked at.</summary>
    public const int MostRows = 2000;

    private const int Batch = 128;

    /// <summary>Measures a model; rows without a label do not count.</summary>
    /// <param name="model">Any but DualCoOp's, which has no such vectors.</param>
    /// <param name="captions">Texts and their labels.</param>
    /// <param name="images">Features and the labels of their first rows.</param>
    /// <param name="cancellation">Checked before each batch.</param>
    public static ModalityGap Of(
        MultiLabelPromptAdapterTransformer model,
        (IReadOnlyList<string> Texts, IReadOnlyList<float[]> Labels) captions,
        (IDenseRows Rows, IReadOnlyList<float[]> Labels) images,
        CancellationToken cancellation
    )
    {
        using var off = no_grad();
        using var texts = new DenseTexts(model.Encoder, captions.Texts).InMemory(cancellation);
        var told = Means(texts, captions.Labels, masked: true, model.Options.Kappa);
        var shown = Means(images.Rows, images.Labels, masked: false, kappa: null);
        return new(told.Plain!.Value, shown.Plain!.Value, shown.Adapted);

        (double? Plain, double? Adapted) Means(IDenseRows source, IReadOnlyList<float[]> labels, bool masked, double? kappa)
        {
            List<double> plain = [],
                adapted = [];
            int[] used = [.. Enumerable.Range(0, labels.Count).Where(i => labels[i].Contains(1f))];
            foreach (var chunk in used.Chunk(Batch))
            {
                cancellation.ThrowIfCancellationRequested();
                using var scope = NewDisposeScope();
                var batch = DenseBatch.Take(source, chunk, model.Encoder.Dimension, masked, model.Backbone.Device);
                var (without, with) = model.AttendedCosines(batch, kappa);
                Add(plain, without, chunk);
                if (with is not null)
                {
                    Add(adapted, with, chunk);
                }
            }
            return (plain.Count > 0 ? plain.Average() : double.NaN, adapted.Count > 0 ? adapted.Average() : null);

            void Add(List<double> means, Tensor cosines, int[] chunk)
            {
                var values = cosines.cpu().contiguous().data<float>().ToArray().Chunk(model.ClassNames.Count);
                means.AddRange(values.Zip(chunk, (row, i) => row.Where((_, c) => labels[i][c] == 1).Average(v => (double)v)));
            }
        }
    }
}
