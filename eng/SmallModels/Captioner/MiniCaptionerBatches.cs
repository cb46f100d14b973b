using AirMLNet.Captions;
using AirMLNet.Images;
using AirMLNet.Layers;
using AirMLNet.Llava;
using AirMLNet.Optimisation;
using static TorchSharp.torch;

namespace AirMLNet.SmallModels;

/// <summary>The photos or collages of a step, with questions and answers.</summary>
/// <param name="Pixels">[B, tiles, 3, S, S].</param>
/// <param name="Height">Height of each image in pixels.</param>
/// <param name="Width">Width of each.</param>
/// <param name="Before">[L₀], the ids before the image.</param>
/// <param name="After">[B, L₁], the ids after it: question, answer, end, and the end's id again to equal length.</param>
/// <param name="Targets">[B, L₁], what follows each; −100 where it is not to be learned.</param>
internal sealed record MiniCaptionerBatch(Tensor Pixels, int Height, int Width, Tensor Before, Tensor After, Tensor Targets);

/// <summary>Makes the batch of a step from nothing but data, options and the number of the step.</summary>
internal sealed class MiniCaptionerBatches
{
    private const string Before = "[INST] <image>";
    private const int GroupSize = 4;
    private const double SameClass = 0.8;

    // Of eight steps two have collages, of which a sequence is more than twice as long, and one the question for the class.
    private const int Cycle = 8;

    private readonly MiniCaptionerOptions _options;
    private readonly LlamaTokenizer _tokenizer;
    private readonly LlavaImageProcessor _processor;
    private readonly PhotoTexts _texts;
    private readonly RgbImage[] _photos;
    private readonly int[] _labels;
    private readonly PhotoLook[] _looks;
    private readonly int[][] _ofClass;

    public MiniCaptionerBatches(Cifar10 data, LlamaTokenizer tokenizer, LlavaImageProcessor processor, MiniCaptionerOptions options)
    {
        (_options, _tokenizer, _processor) = (options, tokenizer, processor);
        _texts = new PhotoTexts(options.Seed);
        var all = Enumerable.Range(0, options.Photos).ToList();
        _photos = [.. all.Select(i => data.GetImage(Cifar10Split.Train, i))];
        _labels = [.. all.Select(i => data.GetLabel(Cifar10Split.Train, i))];
        _looks = [.. _photos.Select(PhotoLook.Of)];
        _ofClass = [.. Cifar10.ClassNames.Select((_, c) => all.Where(i => _labels[i] == c).ToArray())];
    }

    /// <summary>The batch of a step, in the caller's dispose scope.</summary>
    public MiniCaptionerBatch Make(int step)
    {
        var isGroup = step % (Cycle / 2) == 1;
        var size = isGroup ? Math.Max(1, _options.BatchSize / 2) : _options.BatchSize;
        var random = SeededRandom.Create(_options.Seed, 60, step);
        List<RgbImage> images = [];
        List<PhotoText> texts = [];
        for (var i = 0; i < size; i++)
        {
            var index = (step * _options.BatchSize) + i;
            var photo = random.Next(_photos.Length);
            if (isGroup)
            {
                var members = Group(photo, random);
                images.Add(GroupCollage.Of([.. members.Select(m => _photos[m])]));
                texts.Add(_texts.DescribeGroup(index, _labels[photo], Common(members)));
            }
            else
            {
                images.Add(random.Next(2) == 0 ? _photos[photo] : Mirrored(_photos[photo]));
                texts.Add(step % Cycle == 3 ? _texts.Choose(index, _labels[photo]) : _texts.Describe(index, _labels[photo], _looks[photo]));
            }
        }

        return Batch(images, texts);
    }

    /// <summary>Images of one size with questions, and answers where they are known.</summary>
    public MiniCaptionerBatch Batch(IReadOnlyList<RgbImage> images, IReadOnlyList<PhotoText> texts)
    {
        var size = _processor.Size;
        var tiles = 0;
        var pixels = images
            .SelectMany(image =>
            {
                var (values, count) = _processor.Process(image);
                tiles = count;
                return values;
            })
            .ToArray();
        var end = _tokenizer.Id("</s>")!.Value;
        var rows = texts
            .Select(t =>
            {
                var question = _tokenizer.Encode($"\n{t.Question} [/INST]", frame: false);
                return (Question: question.Length, Ids: (int[])[.. question, .. Answer(t.Answer, end)]);
            })
            .ToList();
        var length = rows.Max(r => r.Ids.Length);
        var (ids, targets) = (new long[rows.Count * length], new long[rows.Count * length]);
        Array.Fill(ids, end);
        Array.Fill(targets, -100);
        for (var i = 0; i < rows.Count; i++)
        {
            for (var j = 0; j < rows[i].Ids.Length; j++)
            {
                ids[(i * length) + j] = rows[i].Ids[j];
                if (j >= rows[i].Question)
                {
                    targets[(i * length) + j - 1] = rows[i].Ids[j];
                }
            }
        }

        long[] before = [.. _tokenizer.Encode(Before).SkipLast(1).Select(id => (long)id)];
        return new(
            Tensors.Of(pixels, [images.Count, tiles, 3, size, size]),
            images[0].Height,
            images[0].Width,
            tensor(before),
            tensor(ids, [rows.Count, length]),
            tensor(targets, [rows.Count, length])
        );
    }

    private IEnumerable<int> Answer(string answer, int end) =>
        answer.Length == 0 ? [] : _tokenizer.Encode(answer, frame: false).Append(end);

    private int[] Group(int photo, Random random)
    {
        var own = _ofClass[_labels[photo]];
        int[] members =
        [
            photo,
            .. Enumerable
                .Range(1, GroupSize - 1)
                .Select(_ => random.NextDouble() < SameClass ? own[random.Next(own.Length)] : random.Next(_photos.Length)),
        ];
        random.Shuffle(members);
        return members;
    }

    private PhotoLook Common(int[] members)
    {
        int Most(Func<PhotoLook, int> what) => members.GroupBy(m => what(_looks[m])).MaxBy(g => g.Count())!.Key;
        return new(Most(l => l.Colour), Most(l => l.Background), 0.5);
    }

    private static RgbImage Mirrored(RgbImage image)
    {
        var pixels = new byte[image.Pixels.Length];
        for (var y = 0; y < image.Height; y++)
        {
            for (var x = 0; x < image.Width; x++)
            {
                image.Pixels.AsSpan(3 * ((y * image.Width) + x), 3).CopyTo(pixels.AsSpan(3 * ((y * image.Width) + image.Width - 1 - x), 3));
            }
        }

        return new(image.Width, image.Height, pixels);
    }
}
