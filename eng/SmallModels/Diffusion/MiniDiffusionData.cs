using AirMLNet.Clip;
using AirMLNet.Images;
using AirMLNet.Optimisation;
using static TorchSharp.torch;

namespace AirMLNet.SmallModels;

/// <summary>The pictures of the training as a tensor, and captions for them.</summary>
/// <param name="pictures">[N, 3, S, S], bytes; from now on this one's.</param>
/// <param name="caption">The caption of a draw, the first number, for a picture, the second.</param>
/// <param name="mirrors">Whether a caption is true of the mirror image too.</param>
internal sealed class MiniDiffusionData(Tensor pictures, Func<int, int, string> caption, bool mirrors = true) : IDisposable
{
    private readonly Dictionary<string, long[]> _ids = new(StringComparer.Ordinal);

    /// <summary>Photos of CIFAR-10, captions as of text on the web.</summary>
    public static MiniDiffusionData OfPhotos(Cifar10 data, MiniDiffusionOptions options)
    {
        var corpus = new CaptionCorpus(options.NameShare, options.WrongShare, options.Seed, kindShare: options.KindShare);
        return new(
            Pictures(options.Photos, Cifar10.Side, i => data.GetImage(Cifar10Split.Train, i)),
            (draw, photo) => corpus.Title(draw, data.GetLabel(Cifar10Split.Train, photo))
        );
    }

    /// <summary>
    /// Scenes of the training drawings that no data set holds, captions that name every object, in reading order where that is the layout,
    /// else in any.
    /// </summary>
    public static MiniDiffusionData OfScenes(MiniScenes scenes, MiniDiffusionOptions options)
    {
        var objects = new int[options.Photos][];
        var ordered = scenes.Layout == SceneLayout.Quarters;
        var pictures = Pictures(
            options.Photos,
            scenes.Side,
            i =>
            {
                options.CancellationToken.ThrowIfCancellationRequested();
                var scene = scenes.Draw(Cifar10Split.Train, MiniScenes.ModelSeed + options.Seed, i);
                objects[i] = scene.Objects;
                return scene.Image;
            }
        );
        return new(
            pictures,
            (draw, scene) =>
            {
                var random = SeededRandom.Create(options.Seed, 30, draw);
                int[] order = [.. objects[scene]];
                if (!ordered)
                {
                    random.Shuffle(order);
                }
                return MiniScenes.Caption(order, random, leftOut: 0);
            },
            mirrors: !ordered
        );
    }

    private static Tensor Pictures(int count, int side, Func<int, RgbImage> image)
    {
        var area = 3 * side * side;
        var bytes = new byte[count * area];
        for (var i = 0; i < count; i++)
        {
            image(i).Pixels.CopyTo(bytes, i * area);
        }
        using var scope = NewDisposeScope();
        return tensor(bytes, [count, side, side, 3]).permute(0, 3, 1, 2).contiguous().DetachFromDisposeScope();
    }

    /// <summary>Whether mirror images are as good as the pictures themselves.</summary>
    public bool Mirrors => mirrors;

    /// <summary>Number of pictures.</summary>
    public int Count => (int)pictures.size(0);

    /// <summary>One caption of each picture, to learn a vocabulary from.</summary>
    public IEnumerable<string> Captions => Enumerable.Range(0, Count).Select(i => caption(i, i));

    /// <summary>Pictures in −1..1.</summary>
    /// <param name="rows">[B] int64.</param>
    /// <param name="mirrored">Whether left is right.</param>
    /// <returns>[B, 3, S, S].</returns>
    public Tensor Photos(Tensor rows, bool mirrored)
    {
        using var scope = NewDisposeScope();
        var photos = pictures.index_select(0, rows).to_type(ScalarType.Float32).div_(127.5).sub_(1);
        return (mirrored ? photos.flip(3) : photos).MoveToOuterDisposeScope();
    }

    /// <summary>Token ids of captions that are drawn anew in each step.</summary>
    /// <param name="tokenizer">Of the model's own vocabulary.</param>
    /// <param name="members">The pictures of the step.</param>
    /// <param name="step">The step.</param>
    /// <param name="empty">Which captions are left empty, for guidance.</param>
    /// <returns>[B, L] int64.</returns>
    public Tensor Tokens(ClipTokenizer tokenizer, int[] members, int step, bool[] empty)
    {
        var ids = members.SelectMany(
            (member, row) =>
            {
                var text = empty[row] ? "" : caption((step * members.Length) + row, member);
                return _ids.TryGetValue(text, out var known) ? known : _ids[text] = tokenizer.Tokenize(text);
            }
        );
        return tensor(ids.ToArray(), [members.Length, tokenizer.ContextLength]);
    }

    /// <summary>Which pictures a step sees: each epoch has its own order.</summary>
    public int[] Members(int seed, int stream, int step, int batch)
    {
        var perEpoch = Math.Max(1, Count / batch);
        var order = Enumerable.Range(0, Count).ToArray();
        SeededRandom.Create(seed, stream, step / perEpoch).Shuffle(order);
        return order[(step % perEpoch * batch)..Math.Min(Count, ((step % perEpoch) + 1) * batch)];
    }

    public void Dispose() => pictures.Dispose();
}
