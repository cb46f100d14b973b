using AirMLNet.Diffusion;
using AirMLNet.Images;
using AirMLNet.Options;
using AirMLNet.Testing;
using AirMLNet.Weights;
using static TorchSharp.torch;

namespace AirMLNet.Tests.Diffusion;

/// <summary>Fine-tuning by LoRA on a tiny model.</summary>
[TestClass]
public sealed class LoraTrainerTests
{
    private static TemporaryFolder _root = null!;

    [ClassInitialize]
    public static void Write(TestContext _) => _root = new();

    [ClassCleanup]
    public static void Delete() => _root.Dispose();

    private static LoraTrainingOptions Options { get; } =
        new()
        {
            Lora = new() { Rank = 4 },
            Steps = 6,
            BatchSize = 4,
            LearningRate = 1e-2,
            WarmUpSteps = 2,
            CheckpointEvery = 2,
        };

    [TestMethod]
    public void TheLossFalls_AndOnlyTheAdaptersAreTrained()
    {
        using var model = StableDiffusionPipeline.Load(TinyModels.Diffusion);
        var before = model
            .UNet.state_dict()
            .Concat(model.Vae.state_dict())
            .Concat(model.TextEncoder.state_dict())
            .Select(p => p.Value.bytes.ToArray())
            .ToList();
        List<ProgressReport> reports = [];
        var result = new LoraTrainer(model, Options with { Steps = 60, Progress = new DirectProgress(reports.Add) }).Train(
            Examples(),
            NewFolder(),
            1
        );
        Assert.IsLessThan(0.95 * result.LossBefore!.Value, result.LossAfter!.Value);
        Assert.HasCount(60, reports);
        Assert.AreEqual((60L, 60L), (reports[^1].Done, reports[^1].Total));
        Assert.IsTrue(model.Lora!.UNet.Values.All(a => a.Up.abs().max().item<float>() > 0));
        var after = model
            .UNet.state_dict()
            .Concat(model.Vae.state_dict())
            .Concat(model.TextEncoder.state_dict())
            .Select(p => p.Value.bytes.ToArray())
            .ToList();
        for (var i = 0; i < before.Count; i++)
        {
            CollectionAssert.AreEqual(before[i], after[i]);
        }

        Assert.IsTrue(model.UNet.parameters().All(p => p.requires_grad)); // as it was
        Assert.IsFalse(Directory.Exists(Path.Combine(Path.GetDirectoryName(result.File)!, "checkpoint")));
    }

    [TestMethod]
    public void TheTextEncoderIsTrainedToo_WhereAsked()
    {
        using var model = StableDiffusionPipeline.Load(TinyModels.Diffusion);
        new LoraTrainer(
            model,
            Options with
            {
                Lora = new() { Rank = 2, TextEncoderTargets = ["q_proj", "v_proj"] },
            }
        ).Train(Examples(), NewFolder(), 1);
        Assert.HasCount(2, model.Lora!.TextEncoder);
        Assert.IsTrue(model.Lora.TextEncoder.Values.All(a => a.Up.abs().max().item<float>() > 0));
    }

    [TestMethod]
    public void AModelInBFloat16IsTrainedByAdaptersInFloat32()
    {
        using var model = StableDiffusionPipeline.Load(TinyModels.Diffusion, precision: ScalarType.BFloat16);
        var result = new LoraTrainer(model, Options with { Steps = 40 }).Train(Examples(), NewFolder(), 1);
        Assert.IsLessThan(result.LossBefore!.Value, result.LossAfter!.Value);
        Assert.IsTrue(model.Lora!.UNet.Values.All(a => a.Up.dtype == ScalarType.Float32 && a.Down.dtype == ScalarType.Float32));
        Assert.IsTrue(model.UNet.parameters().All(p => p.dtype == ScalarType.BFloat16));
    }

    [TestMethod]
    public void AnInterruptedTrainingEndsWithTheSameFile()
    {
        using var model = StableDiffusionPipeline.Load(TinyModels.Diffusion);
        var (whole, parts) = (NewFolder(), NewFolder());
        var options = Options with { PromptDropout = 0.3, Crops = 2 };
        new LoraTrainer(model, options).Train(Examples(), whole, 7);
        foreach (var last in new[] { 3, 5 }) // in the middle between two checkpoints
        {
            using var stop = new CancellationTokenSource();
            var trainer = new LoraTrainer(
                model,
                options with
                {
                    CancellationToken = stop.Token,
                    Progress = new DirectProgress(r =>
                    {
                        if (r.Done == last)
                        {
                            stop.Cancel();
                        }
                    }),
                }
            );
            Assert.ThrowsExactly<OperationCanceledException>(() => trainer.Train(Examples(), parts, 7));
            Assert.IsFalse(File.Exists(Path.Combine(parts, LoraTrainer.FileName)));
            Assert.IsNull(model.Lora);
        }

        List<int> steps = [];
        new LoraTrainer(model, options with { Progress = new DirectProgress(r => steps.Add((int)r.Done)) }).Train(Examples(), parts, 7);
        CollectionAssert.AreEqual(new[] { 5, 6 }, steps);
        Assert.AreEqual(Tensors(whole), Tensors(parts)); // the time it took is in the header
    }

    [TestMethod]
    public void AFinishedTrainingIsTakenAsItIs_AndAnotherOneRefused()
    {
        using var model = StableDiffusionPipeline.Load(TinyModels.Diffusion);
        var folder = NewFolder();
        var first = new LoraTrainer(model, Options).Train(Examples(), folder, 1);
        var bytes = File.ReadAllBytes(first.File);
        var pixels = Pixels(model);
        model.UnloadLora();
        var second = new LoraTrainer(model, Options with { CheckpointEvery = 5 }).Train(Examples(), folder, 1);
        Assert.IsNull(second.LossAfter);
        Assert.AreEqual(first.Seconds, second.Seconds);
        CollectionAssert.AreEqual(pixels, Pixels(model));
        CollectionAssert.AreEqual(bytes, File.ReadAllBytes(first.File));
        foreach (
            var other in new Action[]
            {
                () => new LoraTrainer(model, Options with { Steps = 7 }).Train(Examples(), folder, 1),
                () => new LoraTrainer(model, Options).Train(Examples(), folder, 2),
                () => new LoraTrainer(model, Options).Train(Examples(6), folder, 1),
                () => new LoraTrainer(model, Options).Train(Examples(prompt: "a painting of"), folder, 1),
            }
        )
        {
            Assert.Contains("other images or settings", Assert.ThrowsExactly<InvalidOperationException>(other).Message);
        }
    }

    [TestMethod]
    public void PartsOfAStepGiveTheSameToRounding()
    {
        using var model = StableDiffusionPipeline.Load(TinyModels.Diffusion);
        var (one, three) = (NewFolder(), NewFolder());
        new LoraTrainer(model, Options with { Steps = 3 }).Train(Examples(), one, 1);
        new LoraTrainer(model, Options with { Steps = 3, AccumulationSteps = 3 }).Train(Examples(), three, 1);
        using var a = SafetensorsFile.Open(Path.Combine(one, LoraTrainer.FileName));
        using var b = SafetensorsFile.Open(Path.Combine(three, LoraTrainer.FileName));
        foreach (var name in a.Entries.Keys)
        {
            // AdamW divides by the gradient's size, so rounding in a tiny gradient shows as a part of the rate.
            Assert.IsLessThan(2e-3, (a.GetTensor(name) - b.GetTensor(name)).abs().max().item<float>(), name);
        }
    }

    [TestMethod]
    public void EveryOptionMatters()
    {
        using var model = StableDiffusionPipeline.Load(TinyModels.Diffusion);
        HashSet<string> files = [];
        LoraTrainingOptions[] all =
        [
            Options,
            Options with
            {
                BatchSize = 3,
            },
            Options with
            {
                LearningRate = 2e-2,
            },
            Options with
            {
                WarmUpSteps = 0,
            },
            Options with
            {
                Decay = LearningRateDecay.Constant,
            },
            Options with
            {
                Beta1 = 0.5,
            },
            Options with
            {
                Beta2 = 0.9,
            },
            Options with
            {
                WeightDecay = 0.3,
            },
            Options with
            {
                GradientClip = 0.01,
            },
            Options with
            {
                HorizontalFlip = false,
            },
            Options with
            {
                Crops = 3,
            },
            Options with
            {
                PromptDropout = 0.5,
            },
            Options with
            {
                Lora = new() { Rank = 4, Alpha = 8 },
            },
        ];
        foreach (var options in all)
        {
            var folder = NewFolder();
            new LoraTrainer(model, options with { Steps = 4 }).Train(Examples(), folder, 1);
            files.Add(Tensors(folder));
        }

        Assert.HasCount(all.Length, files);
    }

    [TestMethod]
    public void ALossThatIsNoNumberStopsTheTraining_AndTheCheckpointStays()
    {
        using var model = StableDiffusionPipeline.Load(TinyModels.Diffusion);
        var folder = NewFolder();
        var trainer = new LoraTrainer(
            model,
            Options with
            {
                Progress = new DirectProgress(r =>
                {
                    using var off = no_grad();
                    // As a learning rate that is too high would do in the end.
                    if (r.Done == 3)
                    {
                        model.Lora!.UNet.Values.First().Up.fill_(float.NaN);
                    }
                }),
            }
        );
        var e = Assert.ThrowsExactly<ArithmeticException>(() => trainer.Train(Examples(), folder, 1));
        Assert.Contains("loss is NaN in step 4", e.Message);
        Assert.Contains("checkpoint of step 2 stays", e.Message);
        using var saved = SafetensorsFile.Open(Path.Combine(folder, "checkpoint", "weights.safetensors"));
        Assert.IsTrue(saved.Entries.Keys.All(name => saved.GetTensor(name).isfinite().all().item<bool>()));
        Assert.IsFalse(File.Exists(Path.Combine(folder, LoraTrainer.FileName)));
        new LoraTrainer(model, Options).Train(Examples(), folder, 1); // goes on from step 2
    }

    [TestMethod]
    public void ADiskThatIsFullLosesNothing()
    {
        using var model = StableDiffusionPipeline.Load(TinyModels.Diffusion);
        var folder = NewFolder();
        using (var stop = new CancellationTokenSource())
        {
            var trainer = new LoraTrainer(
                model,
                Options with
                {
                    CancellationToken = stop.Token,
                    Progress = new DirectProgress(r =>
                    {
                        if (r.Done == 2)
                        {
                            stop.Cancel();
                        }
                    }),
                }
            );
            Assert.ThrowsExactly<OperationCanceledException>(() => trainer.Train(Examples(), folder, 1));
        }

        // A file where the next checkpoint's folder has to go: it cannot be written, as on a full disk.
        File.WriteAllText(Path.Combine(folder, "checkpoint.new"), "");
        Assert.Throws<IOException>(() => new LoraTrainer(model, Options).Train(Examples(), folder, 1));
        File.Delete(Path.Combine(folder, "checkpoint.new"));
        List<int> steps = [];
        new LoraTrainer(model, Options with { Progress = new DirectProgress(r => steps.Add((int)r.Done)) }).Train(Examples(), folder, 1);
        Assert.AreEqual(3, steps[0]);
    }

    [TestMethod]
    public void BadImagesAreNamedBeforeAnythingIsWritten()
    {
        using var model = StableDiffusionPipeline.Load(TinyModels.Diffusion);
        var folder = NewFolder();
        var path = Path.Combine(_root, "none.png");
        LoraExample[] bad = [.. Examples(), new(path, () => ImageFile.Load(path), "a cat")];
        Assert.Contains(
            path,
            Assert.ThrowsExactly<UnreadableImageException>(() => new LoraTrainer(model, Options).Train(bad, folder, 1)).Message
        );
        Assert.ThrowsExactly<ArgumentException>(() => new LoraTrainer(model, Options).Train([], folder, 1));
        Assert.IsEmpty(Directory.GetFileSystemEntries(folder));
    }

    [TestMethod]
    public void NothingIsLeaked()
    {
        using var model = StableDiffusionPipeline.Load(TinyModels.Diffusion);
        new LoraTrainer(model, Options).Train(Examples(), NewFolder(), 1);
        model.UnloadLora();
        var live = LiveTensors.Count;
        new LoraTrainer(model, Options).Train(Examples(), NewFolder(), 1);
        model.UnloadLora();
        Assert.AreEqual(live, LiveTensors.Count);
    }

    private static byte[] Pixels(StableDiffusionPipeline model) =>
        model.Generate([new("a red picture", 1)], new() { Steps = 3 }).Single().Pixels;

    private static LoraExample[] Examples(int count = 7, string prompt = "a photo of") =>
        [
            .. Enumerable
                .Range(0, count)
                .Select(i => new LoraExample($"picture {i}", () => TinyClip.Picture(i % 3, new Random(i)), $"{prompt} {i % 3}")),
        ];

    private static string NewFolder() => Directory.CreateDirectory(Path.Combine(_root, Guid.NewGuid().ToString("N"))).FullName;

    private static string Tensors(string folder)
    {
        using var file = SafetensorsFile.Open(Path.Combine(folder, LoraTrainer.FileName));
        return string.Join("\n", file.Entries.Keys.Order(StringComparer.Ordinal).Select(n => n + Convert.ToHexString(file.GetBytes(n))));
    }
}
