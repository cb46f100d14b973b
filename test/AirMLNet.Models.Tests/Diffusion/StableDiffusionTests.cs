using AirMLNet.Diffusion;
using AirMLNet.Images;
using AirMLNet.Options;
using AirMLNet.Testing;
using static TorchSharp.torch;

namespace AirMLNet.Tests.Diffusion;

[TestClass]
public sealed class StableDiffusionTests
{
    private static string Model => TinyModels.Diffusion;

    [TestMethod]
    public void AnImageOfABatchIsTheImageAlone()
    {
        using var model = StableDiffusionPipeline.Load(Model);
        TextToImageRequest[] requests = [new("a cat", 1), new("a dog", 2, "grass"), new("a cat", 3), new("a ship", 1)];
        foreach (var kind in new[] { SchedulerKind.Ddim, SchedulerKind.Pndm, SchedulerKind.EulerDiscrete })
        {
            var options = new StableDiffusionOptions
            {
                Steps = 4,
                Scheduler = kind,
                Eta = 0.5,
            };

            using var scope = NewDisposeScope();

            var together = Pictures(model, requests, options with { BatchSize = 4 });
            var alone = Pictures(model, requests, options with { BatchSize = 1 });
            var threes = Pictures(model, requests, options with { BatchSize = 3 });

            Assert.IsLessThan(1e-4f, Difference(together, alone), kind.ToString());
            Assert.IsLessThan(1e-4f, Difference(together, threes), kind.ToString());
            Assert.IsGreaterThan(1e-2f, Difference(together[0], together[2])); // another seed
            Assert.IsGreaterThan(1e-3f, Difference(together[0], together[3])); // another prompt
        }
    }

    [TestMethod]
    public void TheUNetGivesTheSameForABatchAndForOneAlone()
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        using var generator = new Generator(5);
        using var model = StableDiffusionPipeline.Load(Model);
        var sample = randn([3, 4, 8, 8], generator: generator);
        var text = randn([3, 32, 32], generator: generator);
        var times = tensor(new long[] { 999, 500, 1 });
        var all = model.UNet.Forward(sample, times, text);
        for (var i = 0; i < 3; i++)
        {
            var one = model.UNet.Forward(sample.narrow(0, i, 1), times.narrow(0, i, 1), text.narrow(0, i, 1));
            Assert.IsLessThan(1e-4, (one - all.narrow(0, i, 1)).abs().max().item<float>());
        }
    }

    [TestMethod]
    public void PreparedConditionsChangeNothing()
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        using var generator = new Generator(6);
        using var model = StableDiffusionPipeline.Load(Model);
        var sample = randn([2, 4, 9, 7], generator: generator); // odd sizes: halves are rounded up
        var text = randn([2, 32, 32], generator: generator);
        // Texts 0, 0, 1, 1 with images 0, 1, 0, 1.
        var plain = model.UNet.Forward(sample.repeat(2, 1, 1, 1), tensor(new double[] { 321 }), text.repeat_interleave(2, 0));
        using var conditions = model.UNet.Prepare(text, [0, 0, 1, 1], [500, 321]);
        var prepared = model.UNet.Forward(sample, 1, conditions);
        var whole = model.UNet.Forward(sample.repeat(2, 1, 1, 1), 1, conditions);
        Assert.IsLessThan(1e-5, (prepared - plain).abs().max().item<float>());
        Assert.IsLessThan(1e-5, (whole - plain).abs().max().item<float>());
    }

    [TestMethod]
    public void GenerationKeepsNoTensors()
    {
        using var model = StableDiffusionPipeline.Load(Model);
        var options = new StableDiffusionOptions
        {
            Steps = 3,
            Scheduler = SchedulerKind.Pndm,
            BatchSize = 2,
        };
        _ = model.Generate([new("a cat", 1), new("a dog", 1), new("a dog", 2)], options).ToList();
        var before = LiveTensors.Count;
        _ = model.Generate([new("a cat", 1), new("a dog", 1), new("a dog", 2)], options).ToList();
        Assert.AreEqual(before, LiveTensors.Count);
    }

    [TestMethod]
    public void ProgressIsReportedAndCancellationEndsWithinAStep()
    {
        using var model = StableDiffusionPipeline.Load(Model);
        using var source = new CancellationTokenSource();
        List<ProgressReport> reports = [];
        var options = new StableDiffusionOptions
        {
            Steps = 5,
            Progress = new DirectProgress(p =>
            {
                reports.Add(p);
                if (p.Activity == "image 2 of 3, step 2 of 5")
                {
                    source.Cancel();
                }
            }),
        };
        List<RgbImage> images = [];
        Assert.ThrowsExactly<OperationCanceledException>(() =>
        {
            foreach (var image in model.Generate([new("a", 1), new("b", 1), new("c", 1)], options, source.Token))
            {
                images.Add(image);
            }
        });
        Assert.HasCount(1, images);
        Assert.AreEqual((16, 16), (images[0].Width, images[0].Height));
        // Five steps and the decoding of the first image, and two steps of the second.
        Assert.AreEqual(new ProgressReport("StableDiffusion", "image 2 of 3, step 2 of 5", 6 + 2, 3 * 6), reports[^1]);
    }

    [TestMethod]
    public void SizesOptionsAndPrecisionAreChecked()
    {
        using var model = StableDiffusionPipeline.Load(Model);
        var wide = model
            .Generate(
                [new("a", 1)],
                new StableDiffusionOptions
                {
                    Steps = 2,
                    Height = 10,
                    Width = 24,
                }
            )
            .Single();
        Assert.AreEqual((24, 10), (wide.Width, wide.Height));
        Assert.Contains(
            "Height = 9; expected a multiple of 2",
            Assert.ThrowsExactly<ArgumentException>(() => model.Generate([new("a", 1)], new StableDiffusionOptions { Height = 9 })).Message
        );
        Assert.Contains(
            "Steps = 0; expected 1..1000",
            Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new StableDiffusionOptions { Steps = 0 }).Message
        );
        Assert.Contains(
            "Float16",
            Assert.ThrowsExactly<ArgumentException>(() => StableDiffusionPipeline.Load(Model, null, ScalarType.Float16)).Message
        );
        using var half = StableDiffusionPipeline.Load(Model, null, ScalarType.BFloat16);
        var image = half.Generate([new("a", 1)], new StableDiffusionOptions { Steps = 2 }).Single();
        var exact = model.Generate([new("a", 1)], new StableDiffusionOptions { Steps = 2 }).Single();
        Assert.IsLessThan(24, image.Pixels.Zip(exact.Pixels).Max(p => Math.Abs(p.First - p.Second)));
    }

    [TestMethod]
    public void EveryOptionChangesTheImage()
    {
        using var model = StableDiffusionPipeline.Load(Model);
        var standard = new StableDiffusionOptions { Steps = 4 };
        byte[] Pixels(StableDiffusionOptions options, string? negative = null) =>
            model.Generate([new("a cat", 1, negative)], options).Single().Pixels;
        var before = Pixels(standard);
        CollectionAssert.AreEqual(before, Pixels(standard));
        foreach (
            var other in new[]
            {
                standard with
                {
                    Steps = 5,
                },
                standard with
                {
                    Guidance = 3,
                },
                standard with
                {
                    Guidance = 1,
                },
                standard with
                {
                    Scheduler = SchedulerKind.EulerDiscrete,
                },
                standard with
                {
                    Eta = 1,
                },
            }
        )
        {
            CollectionAssert.AreNotEqual(before, Pixels(other), other.ToString());
        }
        CollectionAssert.AreNotEqual(before, Pixels(standard, "dog"));
    }

    [TestMethod]
    public void DamagedWeightsAreReportedInsteadOfABlackImage()
    {
        using var model = StableDiffusionPipeline.Load(Model);
        using (no_grad())
        {
            model.UNet.parameters().First().fill_(float.NaN);
        }
        Assert.Contains(
            "not numbers",
            Assert.ThrowsExactly<ArithmeticException>(() => model.Generate([new("a", 1)], new() { Steps = 1 }).ToList()).Message
        );
    }

    private static Tensor Pictures(StableDiffusionPipeline model, TextToImageRequest[] requests, StableDiffusionOptions options) =>
        cat([.. new StableDiffusionRun(model, requests, options, default).Pictures()], 0);

    private static float Difference(Tensor a, Tensor b) => (a - b).abs().max().item<float>();
}
