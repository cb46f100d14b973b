using System.Diagnostics;
using System.Globalization;
using AirMLNet.Clip;
using AirMLNet.MultiLabel;
using AirMLNet.Options;
using AirMLNet.Testing;
using Microsoft.ML;
using TorchSharp;

namespace AirMLNet.Tests.Soak;

/// <summary>Memory over many steps, rows, engines, cancellations and hours (eng/soak.sh; docs/robustness.md).</summary>
[TestClass]
[DoNotParallelize] // looks at the memory of the process
public sealed class SoakTests
{
    private const long Mebibyte = 1 << 20;

    public TestContext TestContext { get; set; } = null!;

    public static IEnumerable<object[]> Trainers => SoakTrainers.Names.Select(n => new object[] { n });

    [TestMethod]
    [DynamicData(nameof(Trainers))]
    public void Steps_HoldNothing(string trainer)
    {
        using var trainers = new SoakTrainers();
        var meter = new StepMeter(SoakRun.Steps);
        trainers.Run(trainer, SoakRun.Steps, meter.Step, default);

        TestContext.WriteLine($"soak: {trainer}: step {meter.Early}: {meter.First}; step {meter.Seen}: {meter.Last}");
        Assert.AreEqual(SoakRun.Steps, meter.Seen);
        Assert.AreEqual(meter.First.Tensors, meter.Last.Tensors);
        if (SoakRun.IsLong)
        {
            Assert.IsLessThan(8 * Mebibyte, meter.Last.Managed - meter.First.Managed);
            Assert.IsLessThan(48 * Mebibyte, meter.Last.Resident - meter.First.Resident);
        }
    }

    /// <summary>Ten rows for each step: 100,000 of a long run.</summary>
    [TestMethod]
    public void Transform_HoldsABatch()
    {
        using var f = new StageFixture();
        using var model = f.Chain().Fit(f.Data);
        var rows = 10 * SoakRun.Steps;
        var view = f.Context.Data.LoadFromEnumerable(Enumerable.Range(0, rows).Select(i => f.Rows[i % f.Rows.Length]));
        var scored = model.Transform(view);
        using var cursor = scored.GetRowCursor([scored.Schema["Score"]]);
        var getter = cursor.GetGetter<Microsoft.ML.Data.VBuffer<float>>(scored.Schema["Score"]);
        Microsoft.ML.Data.VBuffer<float> score = default;
        Held first = default,
            most = default;
        var seen = 0;
        while (cursor.MoveNext())
        {
            getter(ref score);
            if (++seen == rows / 10)
            {
                first = Held.Now();
            }
            else if (seen % (rows / 20) == 0 && seen > rows / 10 && Held.Now() is var now && now.Resident > most.Resident)
            {
                most = now;
            }
        }

        TestContext.WriteLine($"soak: Transform of {rows} rows: row {rows / 10}: {first}; most afterwards: {most}");
        Assert.AreEqual(rows, seen);
        Assert.HasCount(3, score.GetValues().ToArray());
        Assert.AreEqual(first.Tensors, most.Tensors);
        if (SoakRun.IsLong)
        {
            Assert.IsLessThan(48 * Mebibyte, most.Resident - first.Resident);
        }
    }

    /// <summary>Six images of each caption, 600,000 of a long run: features lie in files, memory has a path for each image.</summary>
    [TestMethod]
    public void AFitOnManyImages_HoldsNoFeatures()
    {
        using var f = new StageFixture();
        Fit(6); // what is made once per process exists now
        var few = Fit(6 * SoakRun.Steps);
        var many = Fit(60 * SoakRun.Steps);
        var perImage = (many.Managed - few.Managed) / (54.0 * SoakRun.Steps);
        TestContext.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"soak: a fit on {6 * SoakRun.Steps} images: {few}; on {60 * SoakRun.Steps}: {many}; {perImage:0} managed bytes an image"
            )
        );
        Assert.AreEqual(few.Tensors, many.Tensors);
        Assert.IsLessThan(400, perImage);

        Held Fit(int images)
        {
            Held held = default;
            var rows = Enumerable
                .Range(0, images)
                .Select(i => new SoakTrainers.MultiLabelRow
                {
                    ImagePath = f.Rows[i % f.Rows.Length].ImagePath,
                    Caption = $"{StageFixture.Names[i / 6 % 3]} number {i / 6}",
                    Labels = [.. StageFixture.Names.Select((_, c) => c == i / 6 % 3 ? 1f : 0)],
                });
            var options = new MultiLabelPromptAdapterOptions
            {
                ClipFolder = f.ClipFolder,
                ClassNames = StageFixture.Names,
                PromptLength = 3,
                Epochs = 1,
                BatchSize = 512,
                WarmUpEpochs = 0,
                FeatureCacheFolder = Path.Combine(f.Root, $"features-{images}"),
                Progress = new DirectProgress(r => held = r.Activity == "training" ? Held.Now() : held),
            };
            f.Context.MultiLabelClassification().Trainers.PromptAdapter(options).Fit(f.Context.Data.LoadFromEnumerable(rows)).Dispose();
            return held;
        }
    }

    [TestMethod]
    public void EightEngines_AndEightLoadedModels_ShareOneSetOfWeights()
    {
        using var f = new StageFixture(8, ownModel: true);
        var weights = Enlarge(f.ClipFolder);
        using var model = f.Context.Transforms.ZeroShot("ImagePath", f.ClipFolder, StageFixture.Names).Fit(f.Data);
        var zip = Path.Combine(f.Root, "model.zip");
        f.Context.Model.Save(model, f.Data.Schema, zip);
        var shared = new PredictionEngineOptions { OwnsTransformer = false };
        List<PredictionEngine<PictureRow, PictureScore>> engines = [];
        List<ITransformer> models = [];

        var one = AfterPredicting(1);
        var eight = AfterPredicting(8);
        models.AddRange(Enumerable.Range(0, 8).Select(_ => new MLContext().Model.Load(zip, out var _)));
        engines.AddRange(models.Select(m => f.Context.Model.CreatePredictionEngine<PictureRow, PictureScore>(m, shared)));
        var loaded = AfterPredicting(16);

        TestContext.WriteLine(
            $"soak: weights of {weights / Mebibyte} MiB: 1 engine: {one}; 8 engines: {eight}; and 8 loaded models with one each: {loaded}"
        );
        Assert.IsLessThan(weights / 2, eight.Resident - one.Resident);
        Assert.IsLessThan(weights, loaded.Resident - one.Resident);
        engines.ForEach(e => e.Dispose());
        models.ForEach(m => (m as IDisposable)?.Dispose());

        Held AfterPredicting(int count)
        {
            while (engines.Count < count)
            {
                engines.Add(f.Context.Model.CreatePredictionEngine<PictureRow, PictureScore>(model, shared));
            }

            for (var i = 0; i < 5; i++)
            {
                Parallel.ForEach(engines, e => e.Predict(f.Rows[0]));
            }

            return Held.Now();
        }
    }

    [TestMethod]
    public void CancelledAtAnyMoment_NothingIsLeft()
    {
        var times = SoakRun.IsLong ? 200 : 16;
        using var trainers = new SoakTrainers();
        var random = new Random(6);
        var took = new Dictionary<string, double>();
        foreach (var name in SoakTrainers.Names)
        {
            // Twice: what is made once per process is not part of the time.
            for (var i = 0; i < 2; i++)
            {
                var clock = Stopwatch.StartNew();
                trainers.Run(name, 10, () => { }, default);
                took[name] = clock.Elapsed.TotalMilliseconds;
            }
        }

        var before = Held.Now();
        var cancelled = 0;
        for (var i = 0; i < times; i++)
        {
            var name = SoakTrainers.Names[i % SoakTrainers.Names.Length];
            // Long runs: at any moment, from a thread of the timer's. Short ones: in a step that is drawn, so that no clock decides.
            using var source = SoakRun.IsLong
                ? new CancellationTokenSource(TimeSpan.FromMilliseconds(random.NextDouble() * took[name]))
                : new CancellationTokenSource();
            var left = SoakRun.IsLong ? int.MaxValue : random.Next(1, 6);
            try
            {
                trainers.Run(
                    name,
                    10,
                    () =>
                    {
                        if (--left == 0)
                        {
                            var other = new Thread(source.Cancel);
                            other.Start();
                            other.Join();
                        }
                    },
                    source.Token
                );
            }
            catch (OperationCanceledException)
            {
                cancelled++;
            }

            Assert.AreEqual(before.Tensors, LiveTensors.Count, $"{name}, cancelled {cancelled} times");
        }

        var after = Held.Now();
        TestContext.WriteLine($"soak: {cancelled} of {times} runs cancelled by another thread: before {before}; after {after}");
        Assert.IsGreaterThan(times / 4, cancelled);
        if (SoakRun.IsLong)
        {
            Assert.IsLessThan(48 * Mebibyte, after.Resident - before.Resident);
        }
    }

    /// <summary>Fitting, scoring, saving, loading and predicting, again and again.</summary>
    [TestMethod]
    public async Task ALongTime_HoldsNothing()
    {
        var clock = Stopwatch.StartNew();
        var (rounds, nextLine) = (0, 1.0);
        Held first = default;
        Once(); // what is made once per process exists now
        Once();
        var before = await LiveTensors.SettledTotal();
        Once();
        var perRound = torch.Tensor.TotalCount - before; // one for each new Parameter, of which nothing is left: see LiveTensors
        do
        {
            Once();
            rounds++;
            // A fifth of the time is for what grows until it is large enough.
            if (first == default && clock.Elapsed >= SoakRun.Time / 5)
            {
                first = Held.Now();
                (before, rounds) = (torch.Tensor.TotalCount, 0);
            }

            if (clock.Elapsed.TotalMinutes >= nextLine)
            {
                nextLine++;
                TestContext.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{clock.Elapsed.TotalMinutes:0}: {Held.Now()}"));
            }
        } while (clock.Elapsed < SoakRun.Time);

        var last = Held.Now();
        TestContext.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"soak: {clock.Elapsed.TotalMinutes:0} minutes, {rounds} rounds after a fifth of them: then {first}; at the end {last}"
            )
        );
        Assert.AreEqual(first.Tensors, last.Tensors);
        Assert.AreEqual(before + (rounds * perRound), torch.Tensor.TotalCount);
        if (SoakRun.IsLong)
        {
            Assert.IsLessThan(48 * Mebibyte, last.Resident - first.Resident);
        }

        static void Once()
        {
            using var f = new StageFixture();
            var zip = Path.Combine(f.Root, "model.zip");
            using (var model = f.Chain().Fit(f.Data))
            {
                f.Context.Model.Save(model, f.Data.Schema, zip);
                Assert.HasCount(24, StageFixture.Vectors(model.Transform(f.Data), "Score"));
            }

            var ml = new MLContext();
            using var engine = ml.Model.CreatePredictionEngine<PictureRow, PictureScore>(ml.Model.Load(zip, out _));
            Assert.HasCount(3, engine.Predict(f.Rows[0]).Score);
        }
    }

    /// <summary>Gives the model an image tower of 19 million weights, which shows beside what else a process holds.</summary>
    private static long Enlarge(string folder)
    {
        ClipConfig config;
        using (var tiny = ClipModel.Load(folder))
        {
            config = tiny.Config with
            {
                Vision = tiny.Config.Vision with { HiddenSize = 512, IntermediateSize = 2048, Layers = 6, Heads = 8 },
            };
        }

        using var generator = new torch.Generator(1);
        using var model = new ClipModel(config, generator);
        model.Save(folder, torch.ScalarType.Float32);
        return Directory.GetFiles(folder, "*.safetensors").Sum(p => new FileInfo(p).Length);
    }
}
