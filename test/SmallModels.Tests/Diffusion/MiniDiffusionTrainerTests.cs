using AirMLNet.Diffusion;
using AirMLNet.Files;
using AirMLNet.Optimisation;
using AirMLNet.Options;
using AirMLNet.Testing;
using AirMLNet.Weights;
using static TorchSharp.torch;

namespace AirMLNet.SmallModels.Tests;

[TestClass]
public sealed class MiniDiffusionTrainerTests
{
    private static TemporaryFolder s_root = null!;

    [ClassInitialize]
    public static void WriteData(TestContext _)
    {
        s_root = new();
        TinyCifar10.Create(Path.Combine(s_root, "data"));
        TinyClip.Create(Path.Combine(s_root, "clip"));
    }

    [ClassCleanup]
    public static void RemoveData() => s_root.Dispose();

    private static MiniDiffusionOptions Options(string output) =>
        new()
        {
            DataFolder = Path.Combine(s_root, "data"),
            ClipFolder = Path.Combine(s_root, "clip"),
            OutputFolder = Path.Combine(s_root, output),
            Photos = 64,
            VaeSteps = 12,
            VaeBatchSize = 4,
            Steps = 12,
            BatchSize = 4,
            CheckpointEvery = 4,
            ScoredImages = 1,
        };

    [TestMethod]
    [DataRow("autoencoder")]
    [DataRow("UNet")]
    public void A_run_that_was_cut_ends_with_the_files_of_one_that_was_not(string stage)
    {
        using var data = Cifar10.Open(Path.Combine(s_root, "data"));
        MiniDiffusionOptions whole = Options("whole-" + stage),
            parts = Options("parts-" + stage);
        new MiniDiffusionTrainer(whole).Fit(data);

        // Progress is told after step 10; the last checkpoint is that of step 8.
        using var cut = new CancellationTokenSource();
        var interrupted = parts with
        {
            CancellationToken = cut.Token,
            Progress = new DirectProgress(p =>
            {
                if (p.Activity == stage)
                {
                    cut.Cancel();
                }
            }),
        };
        Assert.ThrowsExactly<OperationCanceledException>(() => new MiniDiffusionTrainer(interrupted).Fit(data));
        Assert.IsFalse(File.Exists(Path.Combine(parts.OutputFolder, "model_index.json")), "no model before the end");

        var told = new List<string>();
        new MiniDiffusionTrainer(parts with { Progress = new DirectProgress(p => told.Add($"{p.Activity} {p.Done}")) }).Fit(data);
        CollectionAssert.AreEqual(
            stage == "UNet" ? new[] { "UNet 10", "UNet 12" } : ["autoencoder 10", "autoencoder 12", "UNet 10", "UNet 12"],
            told
        );
        foreach (
            var file in Directory
                .GetFiles(whole.OutputFolder, "*", SearchOption.AllDirectories)
                .Select(f => Path.GetRelativePath(whole.OutputFolder, f))
                .Where(f => !f.StartsWith("checkpoint", StringComparison.Ordinal))
        )
        {
            Assert.AreEqual(
                FileHash.Sha256(Path.Combine(whole.OutputFolder, file)),
                FileHash.Sha256(Path.Combine(parts.OutputFolder, file)),
                file
            );
        }
    }

    [TestMethod]
    public void The_folder_is_a_Stable_Diffusion_of_latents_of_deviation_one_with_a_card()
    {
        var options = Options("model");
        var result = new MiniDiffusionTrainer(options).Train();
        Assert.AreEqual(10, result.Images);
        // Flat colours that differ by class: the probe knows all real ones, and no noise can be all classes at once.
        Assert.IsGreaterThan(0.9, result.Real.Probe);
        Assert.IsLessThan(0.5, result.Noise.Probe);
        var card = File.ReadAllText(Path.Combine(options.OutputFolder, "README.md"));
        Assert.Contains(FormattableString.Invariant($"{100 * result.Generated.Probe:F1} % | {100 * result.Generated.ZeroShot:F1} %"), card);
        Assert.IsFalse(Directory.Exists(Path.Combine(options.OutputFolder, "checkpoint")), "nothing but the model stays");
        using var model = StableDiffusionPipeline.Load(options.OutputFolder);
        Assert.AreEqual(32, model.NativeSize);
        Assert.AreNotEqual(0.18215, model.Vae.Config.ScalingFactor);
        Assert.AreEqual(
            (32, 32),
            model
                .Generate([new TextToImageRequest("a cat", 1)], new StableDiffusionOptions { Steps = 2 })
                .Select(i => (i.Width, i.Height))
                .Single()
        );
    }

    [TestMethod]
    public void A_checkpoint_of_other_settings_is_refused()
    {
        using var data = Cifar10.Open(Path.Combine(s_root, "data"));
        var options = Options("settings") with { VaeSteps = 1, Steps = 1 };
        new MiniDiffusionTrainer(options).Fit(data);
        Assert.Contains(
            "seed 1",
            Assert.ThrowsExactly<InvalidOperationException>(() => new MiniDiffusionTrainer(options with { Seed = 2 }).Fit(data)).Message
        );
        Assert.Contains(
            "steps 1",
            Assert.ThrowsExactly<InvalidOperationException>(() => new MiniDiffusionTrainer(options with { Steps = 2 }).Fit(data)).Message
        );
    }

    [TestMethod]
    public void A_loss_that_is_no_number_stops_the_run_names_the_step_and_keeps_the_checkpoint()
    {
        var options = Options("nan") with { CheckpointEvery = 2 };
        using var model = nn.Linear(2, 1);
        var stage = new MiniDiffusionStage(options, "UNet", "settings", steps: 9, batch: 1, learningRate: 0.1);
        using var input = ones(1, 2);
        var error = Assert.ThrowsExactly<ArithmeticException>(() =>
            stage.Run(model, step => model.forward(input).sum() * (step == 6 ? float.NaN : 1))
        );
        Assert.Contains("step 7", error.Message);
        using var weights = SafetensorsFile.Open(Path.Combine(options.OutputFolder, "checkpoint", "UNet", "weights.safetensors"));
        foreach (var name in weights.Entries.Keys)
        {
            using var saved = weights.GetTensor(name);
            Assert.IsTrue(saved.isfinite().all().item<bool>(), name);
        }
        // It goes on from step 6.
        var steps = new List<int>();
        stage.Run(
            model,
            step =>
            {
                steps.Add(step);
                return model.forward(input).sum();
            }
        );
        CollectionAssert.AreEqual(new[] { 6, 7, 8 }, steps);
    }

    [TestMethod]
    public void The_average_follows_the_weights_and_forgets_the_first_ones_soon()
    {
        using var model = nn.Linear(1, 1, hasBias: false);
        using var off = no_grad();
        model.weight!.fill_(0);
        using var average = new WeightAverage(model, 0.9);
        double expected = 0;
        for (var step = 0; step < 40; step++)
        {
            model.weight.fill_(step);
            average.Update();
            var decay = Math.Min(0.9, (1.0 + step) / (10 + step));
            expected = (decay * expected) + ((1 - decay) * step);
        }
        average.Apply();
        Assert.AreEqual(expected, model.weight.item<float>(), 1e-4);
    }
}
