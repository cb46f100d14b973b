using AirMLNet.Clip;
using AirMLNet.Diffusion;
using AirMLNet.Images;
using AirMLNet.Testing;
using static TorchSharp.torch;

namespace AirMLNet.SmallModels.Tests.Data;

[TestClass]
public sealed class SceneModelsTests
{
    private static TemporaryFolder s_root = null!;

    [ClassInitialize]
    public static void WriteData(TestContext _)
    {
        s_root = new();
        TinyCifar10.Create(s_root["photos"]);
        foreach (var (c, scene) in MiniScenes.Classes.Index())
        {
            var pixels = Enumerable.Range(0, 8 * 8).SelectMany(_ => Colour(c));
            ImageFile.SavePng(s_root[$"drawings/{scene.File}.png"], new RgbImage(8, 8, [.. pixels]));
        }
    }

    [ClassCleanup]
    public static void RemoveData() => s_root.Dispose();

    private static MiniScenes Scenes(Cifar10 photos) => new(photos, s_root["drawings"], s_root["drawings"], side: 64);

    [TestMethod]
    public void Texts_name_what_is_there_seldom_by_its_name_and_are_drawn_by_number()
    {
        int[] objects = [0, 4];
        var texts = Enumerable.Range(0, 2000).Select(i => new SceneCaptions(0.1, 0, 0, seed: 1).Of(i, objects)).ToList();
        Assert.IsTrue(texts.All(t => t.Words.Contains(t.Word) && t.Words.All(t.Scene.Contains) && t.Object.Contains(t.Word)));
        string[] names = ["dog", "banana"];
        var words = texts.SelectMany(t => t.Words).ToList();
        Assert.AreEqual(0.1, (double)words.Count(names.Contains) / words.Count, 0.02);
        Assert.Contains("puppy", words);
        Assert.Contains("plantain", words);
        // Two objects: the first is always named, the other in 1 − 0.2·4/3.
        Assert.AreEqual(1 + (1 - (0.2 * 4 / 3)), texts.Average(t => t.Words.Count), 0.04);
        Assert.AreEqual(texts[7].Scene, new SceneCaptions(0.1, 0, 0, seed: 1).Of(7, objects).Scene);

        // A name that is ambiguous stands beside something else.
        var swapped = Enumerable.Range(0, 200).SelectMany(i => new SceneCaptions(1, 1, 0, seed: 1).Of(i, [0]).Words).Distinct().ToArray();
        CollectionAssert.AreEqual(new[] { "cat" }, swapped);
    }

    [TestMethod]
    public void The_loss_is_cross_entropy_with_as_many_right_answers_as_there_are()
    {
        using var scope = NewDisposeScope();
        float[,] logits =
        {
            { 1, 0 },
            { 2, 3 },
        };
        float[,] meet =
        {
            { 1, 1 },
            { 0, 1 },
        };
        double Log(double own, double other) => own - Math.Log(Math.Exp(own) + Math.Exp(other));
        var texts = ((0.5 * (Log(1, 0) + Log(0, 1))) + Log(3, 2)) / 2;
        var images = (Log(1, 2) + (0.5 * (Log(0, 3) + Log(3, 0)))) / 2;
        Assert.AreEqual(-(texts + images) / 2, ScenesClipTrainer.Meet(tensor(logits), tensor(meet)).item<float>(), 1e-5);
    }

    [TestMethod]
    public void In_quarters_objects_stand_in_the_caption_s_order_and_alone()
    {
        using var photos = Cifar10.Open(s_root["photos"]);
        var scenes = Scenes(photos).With(SceneLayout.Quarters);
        for (var number = 0; number < 20; number++)
        {
            var scene = scenes.Draw(Cifar10Split.Train, seed: 1, number);
            for (var quarter = 0; quarter < 4; quarter++)
            {
                var shown = Enumerable.Range(0, MiniScenes.Classes.Count).Where(c => Pixels(scene.Image, quarter, c) > 400).ToArray();
                int[] expected = quarter < scene.Objects.Length ? [scene.Objects[quarter]] : [];
                CollectionAssert.AreEqual(expected, shown, $"scene {number}, quarter {quarter}");
            }
        }

        var options = SceneDiffusionTrainer.Defaults(s_root["photos"], "-", "-") with { Photos = 64 };
        using var data = MiniDiffusionData.OfScenes(scenes, options);
        Assert.IsFalse(data.Mirrors);
        Assert.AreEqual(64, data.Count);
        using var any = MiniDiffusionData.OfScenes(Scenes(photos), options);
        Assert.IsTrue(any.Mirrors);
    }

    // Pixels of a class's drawing in a quarter.
    private static int Pixels(RgbImage image, int quarter, int c)
    {
        var half = image.Width / 2;
        return (
            from y in Enumerable.Range(quarter / 2 * half, half)
            from x in Enumerable.Range(quarter % 2 * half, half)
            let at = 3 * ((y * image.Width) + x)
            where Colour(c).SequenceEqual(image.Pixels.Skip(at).Take(3))
            select at
        ).Count();
    }

    private static byte[] Colour(int c) => [(byte)(c * 12), (byte)(255 - (c * 12)), (byte)(c * 50)];

    [TestMethod]
    public void The_judge_sees_what_it_has_learned_and_features_are_kept()
    {
        using var photos = Cifar10.Open(s_root["photos"]);
        var scenes = Scenes(photos);
        using var maps = new SceneMaps(scenes, s_root["seen"], seed: 1, part: 60);
        using var judge = new SceneJudge(maps, 60, 60);
        var own = Enumerable
            .Range(0, 20)
            .Select(i => scenes.Draw(Cifar10Split.Train, MiniScenes.ModelSeed + 1, SceneMaps.Judged + i))
            .ToList();
        var shares = judge.Shares([.. own.Select(s => s.Image)], [.. own.Select(s => s.Objects)]);
        Assert.IsGreaterThan(0.8, shares.Recall);
        var others = judge.Shares([.. own.Select(s => s.Image)], [.. own.Skip(1).Append(own[0]).Select(s => s.Objects)]);
        Assert.IsLessThan(0.6, others.Recall);
        Assert.HasCount(2, Directory.GetFiles(s_root["seen"]));
        using var again = maps.Take(SceneMaps.Judged, 60);
        CollectionAssert.AreEqual(own[3].Objects.Order().ToArray(), again.Objects[3]);
    }

    [TestMethod]
    public void The_CLIP_s_places_and_whole_meet_in_one_space_and_the_card_has_the_figures()
    {
        using var photos = Cifar10.Open(s_root["photos"]);
        using var maps = new SceneMaps(Scenes(photos), s_root["clip-seen"], seed: 1, part: 20);
        var options = new ScenesClipOptions
        {
            OutputFolder = s_root["clip"],
            Scenes = 20,
            HeldScenes = 20,
            Steps = 2,
            BatchSize = 8,
        };
        var result = new ScenesClipTrainer(options, maps).Train();
        Assert.IsTrue(result.Dense is > 0 and < 1);
        Assert.Contains(
            FormattableString.Invariant($"| the places alone | {100 * result.Local:F1} % |"),
            File.ReadAllText(s_root["clip/README.md"])
        );
        using var model = ClipModel.Load(s_root["clip"]);
        using var off = no_grad();
        using var dense = model.EncodeDense(zeros([1, 3, SceneMaps.ImageSize, SceneMaps.ImageSize]));
        CollectionAssert.AreEqual(new long[] { 1, 16, 256 }, dense.Local.shape);
        Assert.AreEqual(0, dense.Local.mean([1]).sub(dense.Global).abs().max().item<float>(), 1e-4);
    }

    [TestMethod]
    public void The_diffusion_model_draws_scenes_of_64_pixels_and_is_judged()
    {
        using var photos = Cifar10.Open(s_root["photos"]);
        var scenes = Scenes(photos);
        var options = SceneDiffusionTrainer.Defaults(s_root["photos"], s_root["judge"], s_root["diffusion"]) with
        {
            Photos = 64,
            VaeSteps = 2,
            VaeBatchSize = 4,
            Steps = 2,
            BatchSize = 4,
            ScoredImages = 3,
        };
        using var data = MiniDiffusionData.OfScenes(scenes, options);
        var seconds = new MiniDiffusionTrainer(options, MiniDiffusionForm.Scenes).Fit(data);
        using var maps = new SceneMaps(scenes, s_root["judge"], options.Seed, part: 20);
        var result = new SceneDiffusionTrainer(options, scenes, judgeScenes: 40).Measure(maps, seconds);
        Assert.AreEqual(3, result.Images);
        Assert.Contains(
            FormattableString.Invariant($"| as many scenes drawn as those it learned from | {100 * result.Real.Recall:F1} %"),
            File.ReadAllText(s_root["diffusion/README.md"])
        );
        using var model = StableDiffusionPipeline.Load(s_root["diffusion"]);
        Assert.AreEqual((64, 64), (model.NativeHeight, model.NativeWidth));
    }
}
