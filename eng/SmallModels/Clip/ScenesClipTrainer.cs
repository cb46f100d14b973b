using System.Diagnostics;
using AirMLNet.Clip;
using AirMLNet.Evaluation;
using AirMLNet.Layers;
using AirMLNet.Optimisation;
using AirMLNet.Options;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace AirMLNet.SmallModels;

/// <summary>How <see cref="ScenesClipTrainer"/> makes a CLIP. The defaults are those of the committed <c>models/scenes-clip</c>.</summary>
internal sealed record ScenesClipOptions
{
    /// <summary>Where the finished model goes.</summary>
    public required string OutputFolder { get; init; }

    /// <summary>Scenes to learn from, a multiple of 500.</summary>
    public int Scenes { get; init; } = 4000;

    /// <summary>Scenes that it is measured on, a multiple of 500.</summary>
    public int HeldScenes { get; init; } = 1000;

    /// <summary>Steps.</summary>
    public int Steps { get; init; } = 900;

    /// <summary>Scenes in a step.</summary>
    public int BatchSize { get; init; } = 64;

    /// <summary>Share of words that are the class's own name.</summary>
    public double NameShare { get; init; } = 0.03;

    /// <summary>Share of names that stand beside a similar thing.</summary>
    public double AmbiguousShare { get; init; } = 0.5;

    /// <summary>Share of words for something that is not there.</summary>
    public double WrongShare { get; init; } = 0.1;

    /// <summary>The only seed.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>LibTorch threads.</summary>
    public int Threads { get; init; } = 1;

    /// <summary>Ends the training between two steps; the features that are done stay.</summary>
    public CancellationToken CancellationToken { get; init; }

    /// <summary>Told the steps.</summary>
    public IProgress<ProgressReport>? Progress { get; init; }
}

/// <summary>What was measured of a CLIP for scenes, on scenes of the training drawings that it has not seen; 0 to 1.</summary>
/// <param name="Dense">mAP by the best places and the whole, "a photo of a {name}."</param>
/// <param name="Global">By the whole alone.</param>
/// <param name="Local">By the places alone.</param>
/// <param name="Words">As <paramref name="Dense"/>, by the first other word for each class that the captions of training used.</param>
/// <param name="Gap">Distance of the mean image feature and the mean text feature, both of length 1 before: the modality gap.</param>
/// <param name="Seconds">Of training.</param>
/// <param name="Parameters">Weights.</param>
internal sealed record ScenesClipResult(
    double Dense,
    double Global,
    double Local,
    double Words,
    double Gap,
    double Seconds,
    long Parameters
);

/// <summary>
/// Makes a CLIP whose places, not only whole images, meet texts: a published ResNet-18 that is not changed, a projection of every place
/// and a text tower, which learn from scenes with texts. Whole images meet texts of the scene (Radford et al. 2021); the places, by their
/// softmax, meet texts of one object, as T2I-PAL's local branch reads them (docs/methods.md §6.3, Eq. 3).
/// </summary>
internal sealed class ScenesClipTrainer(ScenesClipOptions options, SceneMaps maps)
{
    private const int ContextLength = 40;
    private const int Merges = 700;
    private const int Width = 256;
    private const double Kappa = 40;
    private const double LearningRate = 1e-3;
    private const int WarmupSteps = 50;

    /// <summary>Trains, writes the model folder with its card, and measures it.</summary>
    public ScenesClipResult Train()
    {
        Directory.CreateDirectory(options.OutputFolder);
        using var threads = new ThreadCount(options.Threads);
        using var scope = NewDisposeScope();
        using var seen = maps.Take(0, options.Scenes, Told("looking at scenes", options.Scenes), options.CancellationToken);
        var captions = new SceneCaptions(options.NameShare, options.AmbiguousShare, options.WrongShare, options.Seed);
        var vocabulary = BytePairLearner.Learn(
            seen.Objects.Select((o, i) => captions.Of(i, o).Scene).Concat(MiniScenes.Classes.SelectMany(c => c.Words)),
            Merges,
            ContextLength,
            options.OutputFolder
        );
        using var generator = new Generator((ulong)options.Seed);
        using var model = new ClipModel(ResNetClipFiles.Config(vocabulary, ContextLength, SceneMaps.ImageSize, Width), generator);
        ResNet18Package.Fill(ResNet18Package.Network, model);
        var clock = Stopwatch.StartNew();
        Optimise(model, seen, captions, ClipTokenizer.Load(options.OutputFolder));
        var seconds = clock.Elapsed.TotalSeconds;
        model.eval();
        ResNetClipFiles.Write(model, options.OutputFolder);
        using var held = maps.Take(SceneMaps.Judged, options.HeldScenes, Told("looking at scenes", options.HeldScenes));
        var result = Measure(held) with { Seconds = seconds };
        ScenesClipCard.Write(options, result);
        return result;
    }

    private Action<int> Told(string activity, int total) =>
        done => options.Progress?.Report(new("ScenesClipTrainer", activity, done, total));

    private void Optimise(ClipModel model, SeenScenes seen, SceneCaptions captions, ClipTokenizer tokenizer)
    {
        Parameter[] learned =
        [
            .. model
                .named_parameters()
                .Where(p => !p.name.StartsWith(ResNet18Package.Trunk, StringComparison.Ordinal))
                .Select(p => p.parameter),
        ];
        var projection = ((ClipTimmTower)model.ResNet!).Projection;
        using var optimizer = optim.AdamW(
            [
                new AdamW.ParamGroup(learned.Where(p => p.dim() >= 2), LearningRate, 0.9, 0.98, weight_decay: 0.1),
                new AdamW.ParamGroup(learned.Where(p => p.dim() < 2), LearningRate, 0.9, 0.98, weight_decay: 0),
            ],
            lr: LearningRate
        );
        for (var step = 0; step < options.Steps; step++)
        {
            options.CancellationToken.ThrowIfCancellationRequested();
            foreach (var group in optimizer.ParamGroups)
            {
                group.LearningRate = LearningRateSchedule.RampedCosine(LearningRate, step, options.Steps, WarmupSteps);
            }
            using var inner = NewDisposeScope();
            var random = SeededRandom.Create(options.Seed, 41, step);
            int[] members = [.. Enumerable.Range(0, options.BatchSize).Select(_ => random.Next(seen.Count))];
            SceneTexts[] texts = [.. members.Select((m, i) => captions.Of((step * members.Length) + i, seen.Objects[m]))];
            var rows = seen.Places.index_select(0, tensor(members.Select(m => (long)m).ToArray())); // [B, P, 512]
            var places = projection.Project(rows); // [B, P, E]
            var whole = functional.normalize(places.mean([1]), dim: 1); // [B, E]
            var scenes = Encode(model, tokenizer, [.. texts.Select(t => t.Scene)]); // [B, E]
            var objects = Encode(model, tokenizer, [.. texts.Select(t => t.Object)]); // [B, E]
            var scale = model.logit_scale.exp();
            var same = Targets(texts, (image, text) => texts[image].Scene == texts[text].Scene);
            var named = Targets(texts, (image, text) => texts[image].Words.Contains(texts[text].Word));
            var loss = Meet(whole.matmul(scenes.t()).mul(scale), same).add(Meet(Local(places, objects).mul(scale), named));
            optimizer.zero_grad();
            loss.backward();
            nn.utils.clip_grad_norm_(learned, 1.0);
            optimizer.step();
            ContrastiveLoss.ClampScale(model.logit_scale);
            if (step % 10 == 9 || step == options.Steps - 1)
            {
                options.Progress?.Report(
                    new("ScenesClipTrainer", "projection and text tower", step + 1, options.Steps, MiniClipLoss.Finite(loss, step))
                );
            }
        }
    }

    private static Tensor Encode(ClipModel model, ClipTokenizer tokenizer, string[] texts)
    {
        long[][] ids = [.. texts.Select(text => tokenizer.Tokenize(text))];
        var length = ids.Max(t => Array.IndexOf(t, tokenizer.EndToken, 1)) + 1;
        return functional.normalize(
            model.EncodeText(tensor(ids.SelectMany(t => t.Take(length)).ToArray(), [texts.Length, length])),
            dim: 1
        );
    }

    /// <summary>The cosine of each image's places to each text, weighted by their softmax.</summary>
    /// <param name="places">[B, P, E].</param>
    /// <param name="texts">[T, E], normalised.</param>
    /// <returns>[B, T].</returns>
    private static Tensor Local(Tensor places, Tensor texts)
    {
        var cosines = functional.normalize(places, dim: 2).matmul(texts.t()); // [B, P, T]
        return cosines.mul(Kappa).softmax(1).mul(cosines).sum([1]);
    }

    private static Tensor Targets(SceneTexts[] texts, Func<int, int, bool> meet) =>
        tensor(
            Enumerable
                .Range(0, texts.Length)
                .SelectMany(i => Enumerable.Range(0, texts.Length).Select(t => meet(i, t) ? 1f : 0f))
                .ToArray(),
            [texts.Length, texts.Length]
        );

    /// <summary>Cross-entropy both ways, with as many right answers as there are.</summary>
    /// <param name="logits">[images, texts].</param>
    /// <param name="meet">1 where an image and a text meet; one or more in each row and column.</param>
    internal static Tensor Meet(Tensor logits, Tensor meet)
    {
        var toTexts = meet.div(meet.sum([1], true)).mul(functional.log_softmax(logits, 1)).sum([1]).mean();
        var toImages = meet.div(meet.sum([0], true)).mul(functional.log_softmax(logits, 0)).sum([0]).mean();
        return toTexts.add(toImages).div(-2);
    }

    /// <summary>Measures the folder as it was written.</summary>
    private ScenesClipResult Measure(SeenScenes held)
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var clip = ClipBackbone.Acquire(options.OutputFolder);
        try
        {
            var labels = held.Labels(); // [N, C]
            var places = ((ClipTimmTower)clip.Model.ResNet!).Projection.Project(held.Places); // [N, P, E]
            var whole = functional.normalize(places.mean([1]), dim: 1); // [N, E]
            Tensor Texts(Func<SceneClass, string> word) =>
                clip.EncodeTexts([.. MiniScenes.Classes.Select(c => $"a photo of a {word(c)}.")]); // [C, E]
            var names = Texts(c => c.Name);
            var words = Texts(c => SceneCaptions.OtherWord(c));
            Tensor Both(Tensor texts) => whole.matmul(texts.t()).add(Local(places, texts));
            var scenes = clip.EncodeTexts([.. held.Objects.Select((o, i) => MiniScenes.Caption(o, SeededRandom.Create(1, 42, i)))]);
            return new(
                Precision(Both(names), labels),
                Precision(whole.matmul(names.t()), labels),
                Precision(Local(places, names), labels),
                Precision(Both(words), labels),
                whole.mean([0]).sub(scenes.mean([0])).norm().item<float>(),
                0,
                clip.Model.parameters().Sum(p => p.numel())
            );
        }
        finally
        {
            clip.Release();
        }
    }

    private static double Precision(Tensor scores, Tensor labels) =>
        Enumerable
            .Range(0, (int)scores.size(1))
            .Average(c =>
                AveragePrecision.Published(
                    scores.select(1, c).contiguous().data<float>().ToArray(),
                    [.. labels.select(1, c).contiguous().data<float>().ToArray().Select(l => l > 0)]
                )
            );
}
