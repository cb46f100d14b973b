using AirMLNet.Captions;
using AirMLNet.Images;
using AirMLNet.Layers;
using AirMLNet.Llava;
using static TorchSharp.torch;

namespace AirMLNet.SmallModels;

/// <summary>Lets a finished mini-captioner describe photos of the test set, and counts what it gets right.</summary>
internal sealed class MiniCaptionerEvaluation(MiniCaptionerOptions options)
{
    private const int Batch = 50;
    private const int MaxTokens = 77;

    public MiniCaptionerResult Measure(Cifar10 data, double seconds)
    {
        using var threads = new ThreadCount(options.Threads);
        using var scope = NewDisposeScope();
        using var model = LlavaNextModel.Load(options.OutputFolder);
        var tokenizer = LlamaTokenizer.Load(options.OutputFolder);
        var processor = LlavaImageProcessor.Load(options.OutputFolder, model.Config);
        var batches = new MiniCaptionerBatches(data, tokenizer, processor, options);
        var count = options.ScoredPhotos;
        var labels = Enumerable.Range(0, count).Select(i => data.GetLabel(Cifar10Split.Test, i)).ToArray();
        RgbImage Photo(int i) => data.GetImage(Cifar10Split.Test, i);
        var texts = Answers(count, Photo, CaptionPrompts.Image("object"));
        var named = texts.Select(PhotoTexts.Named).ToArray();
        var chosen = Answers(count, Photo, PhotoTexts.Question(Cifar10.ClassNames));

        // Groups of four photos of one class, as they follow in the test set.
        var groups = Enumerable
            .Range(0, count)
            .GroupBy(i => labels[i])
            .SelectMany(g => g.Chunk(4).Where(c => c.Length == 4).Select(c => (Label: g.Key, Members: c)))
            .ToList();
        var groupTexts = Answers(groups.Count, i => GroupCollage.Of([.. groups[i].Members.Select(Photo)]), CaptionPrompts.Group("object"));
        double Share(IEnumerable<bool> right, int of) => of == 0 ? 0 : (double)right.Count(r => r) / of;
        return new(
            Share(named.Select((n, i) => n == labels[i]), count),
            Share(named.Select(n => n < 0), count),
            Share(chosen.Select((t, i) => t == Cifar10.ClassNames[labels[i]]), count),
            Share(groupTexts.Select((t, i) => PhotoTexts.Named(t) == groups[i].Label), groups.Count),
            count,
            groups.Count,
            texts.Distinct(StringComparer.Ordinal).Count(),
            seconds,
            model.parameters().Sum(p => p.numel())
        );

        string[] Answers(int number, Func<int, RgbImage> image, string question)
        {
            List<string> answers = [];
            for (var start = 0; start < number; start += Batch)
            {
                options.CancellationToken.ThrowIfCancellationRequested();
                using var inner = NewDisposeScope();
                using var off = no_grad();
                var size = Math.Min(Batch, number - start);
                var batch = batches.Batch(
                    [.. Enumerable.Range(start, size).Select(image)],
                    [.. Enumerable.Repeat(new PhotoText(question, ""), size)]
                );
                var ids = LlavaGreedy.Continue(
                    model.Language,
                    MiniCaptionerTrainer.Prompt(model, batch),
                    null,
                    model.Config.Text.EosTokenId,
                    MaxTokens,
                    options.CancellationToken
                );
                for (var i = 0; i < size; i++)
                {
                    answers.Add(tokenizer.Decode(ids[i].data<long>().ToArray().Select(id => (int)id)).Trim());
                }
            }

            return [.. answers];
        }
    }
}
