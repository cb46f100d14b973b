using AirMLNet.Diffusion;
using AirMLNet.Files;
using AirMLNet.Images;
using AirMLNet.Optimisation;
using AirMLNet.Options;
using AirMLNet.Testing;
using AirMLNet.Weights;
using TorchSharp;
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
    }

    [ClassCleanup]
    public static void RemoveData() => s_root.Dispose();

    private static MiniDiffusionOptions Options(string output) =>
        new()
        {
            DataFolder = Path.Combine(s_root, "data"),
            JudgeFolder = Path.Combine(s_root, "judge"),
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
        using var data = Cifar10.Open(options.DataFolder);
        var trainer = new MiniDiffusionTrainer(options);
        var result = trainer.Measure(data, new ColourJudge(data), trainer.Fit(data));
        Assert.AreEqual(10, result.Images);
        // Flat colours that differ by class: the judge knows all real ones, and no noise can be all classes at once.
        Assert.AreEqual(1, result.Real);
        Assert.IsLessThan(0.5, result.Noise);
        Assert.AreEqual(result.Generated, result.OfClass.Average(), 1e-9);
        var card = File.ReadAllText(Path.Combine(options.OutputFolder, "README.md"));
        Assert.Contains(FormattableString.Invariant($"| generated | {100 * result.Generated:F1} %"), card);
        Assert.Contains(" --steps 12\n", card);
        Assert.IsFalse(Directory.Exists(Path.Combine(options.OutputFolder, "checkpoint")), "nothing but the model stays");
        using var model = StableDiffusionPipeline.Load(options.OutputFolder);
        Assert.AreEqual((32, 32), (model.NativeHeight, model.NativeWidth));
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
            "names 0.6",
            Assert
                .ThrowsExactly<InvalidOperationException>(() => new MiniDiffusionTrainer(options with { NameShare = 0.5 }).Fit(data))
                .Message
        );
    }

    [TestMethod]
    public void A_run_made_longer_before_its_rate_falls_is_the_same_as_one_that_was_planned_so_long()
    {
        double[] rates = [.. Enumerable.Range(0, 90).Select(step => LearningRateSchedule.Trapezoid(2, step, 120, 4, 0.25))];
        CollectionAssert.AreEqual(rates, Enumerable.Range(0, 90).Select(s => LearningRateSchedule.Trapezoid(2, s, 200, 4, 0.25)).ToArray());
        CollectionAssert.AreEqual(new[] { 0.5, 1, 1.5, 2, 2 }, rates[..5]);
        Assert.AreEqual(1, LearningRateSchedule.Trapezoid(2, 105, 120, 4, 0.25), 1e-12);
        Assert.AreEqual(0, LearningRateSchedule.Trapezoid(2, 120, 120, 4, 0.25));
    }

    [TestMethod]
    public void A_twin_in_bfloat16_computes_gradients_for_weights_in_float32()
    {
        using var scope = NewDisposeScope();
        double[] Trained(bool twin)
        {
            using var generator = new Generator(4);
            using var model = nn.Linear(3, 1);
            using var other = nn.Linear(3, 1);
            using (no_grad())
            {
                foreach (var parameter in model.parameters())
                {
                    parameter.normal_(0, 1, generator);
                }
            }
            other.to(ScalarType.BFloat16);
            var computing = twin ? other : model;
            var input = randn([16, 3], generator: generator).to_type(computing.weight!.dtype);
            new MiniDiffusionStage(Options($"twin-{twin}"), "UNet", "settings", steps: 40, batch: 16, learningRate: 0.05).Run(
                model,
                computing,
                _ => computing.forward(input).to_type(ScalarType.Float32).sub(1).square().mean()
            );
            Assert.AreEqual(ScalarType.Float32, model.weight!.dtype);
            return [.. model.parameters().SelectMany(p => p.to_type(ScalarType.Float64).flatten().data<double>().ToArray())];
        }
        double[] exact = Trained(false),
            half = Trained(true);
        for (var i = 0; i < exact.Length; i++)
        {
            Assert.AreEqual(exact[i], half[i], 0.03, $"weight {i}");
        }
    }

    [TestMethod]
    public void A_loss_that_is_no_number_stops_the_run_names_the_step_and_keeps_the_checkpoint()
    {
        var options = Options("nan") with { CheckpointEvery = 2 };
        using var model = nn.Linear(2, 1);
        var stage = new MiniDiffusionStage(options, "UNet", "settings", steps: 9, batch: 1, learningRate: 0.1);
        using var input = ones(1, 2);
        var error = Assert.ThrowsExactly<ArithmeticException>(() =>
            stage.Run(model, model, step => model.forward(input).sum() * (step == 6 ? float.NaN : 1))
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

    /// <summary>Knows a class by the mean colour of its first photo.</summary>
    private sealed class ColourJudge(Cifar10 data) : IImageJudge
    {
        public double TestAccuracy => 1;

        public double Share(IReadOnlyList<RgbImage> images, IReadOnlyList<int> labels)
        {
            double[][] classes = [.. Enumerable.Range(0, 10).Select(i => Colour(data.GetImage(Cifar10Split.Train, i)))];
            return images
                .Zip(labels, (image, label) => Array.IndexOf(classes, classes.MinBy(c => Distance(c, Colour(image)))) == label ? 1.0 : 0)
                .Average();
        }

        private static double[] Colour(RgbImage image)
        {
            double[] mean = [.. Enumerable.Range(0, 3).Select(c => image.Pixels.Where((_, i) => i % 3 == c).Average(v => (double)v))];
            return [.. mean.Select(v => v - mean.Min())]; // the shade is of the photo, not of the class
        }

        private static double Distance(double[] a, double[] b) => a.Zip(b, (x, y) => (x - y) * (x - y)).Sum();
    }
}
