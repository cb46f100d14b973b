using System.Globalization;
using AirMLNet.Clip;
using AirMLNet.Features;
using AirMLNet.Files;
using AirMLNet.Prompts;
using AirMLNet.Weights;
using Microsoft.ML;
using Microsoft.ML.Data;
using TorchSharp;

namespace AirMLNet.Benchmarks;

/// <summary>
/// One AiR run with text prompts (10 rounds of 150 epochs, 10 classes, 2,000 pseudo-labelled and 1,200 synthetic images)
/// against a plain PyTorch script that follows the published loop on the same features, in turns; and what it would cost to
/// encode the images anew in every epoch. AIRML_BENCH_EPOCHS sets the epochs per round that are really run (150: the whole
/// run); times of fewer are scaled, and said to be. AIRML_BENCH_THREADS, AIRML_BENCH_REPEATS and AIRML_BENCH_PYTHON change
/// what they name.
/// </summary>
internal static class AirBenchmark
{
    private const int Real = 2000,
        Synthetic = 1200,
        Rounds = 10,
        Epochs = 150,
        Batch = 64,
        Length = 16;
    private static readonly string[] Names = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

    public static void Run(string clip)
    {
        int epochs = Setting("AIRML_BENCH_EPOCHS", 2),
            threads = Setting("AIRML_BENCH_THREADS", torch.get_num_threads()),
            repeats = Setting("AIRML_BENCH_REPEATS", 3);
        torch.set_num_threads(threads);
        var ml = new MLContext(seed: 1);
        var images = ml.Data.LoadFromEnumerable(BenchmarkData.Images(Real + Synthetic));
        using var encoder = ml
            .Transforms.ClipFeature("Features", "ImagePath", new ClipFeatureOptions { ClipFolder = clip, KeepTrainingFeatures = false })
            .Fit(images);
        List<float[]> features = [];
        var encoding = BenchmarkData.Timed(() => features = Features.Read(encoder.Transform(images)));

        using var peer = PythonPeer.Start(Path.Combine(BenchmarkData.Root, "test", "Benchmarks", "Peer", "air.py"), threads);
        string[] load =
        [
            "load",
            Path.Combine(clip, "model.safetensors"),
            WriteFeatures(clip, features),
            threads.ToString(CultureInfo.InvariantCulture),
        ];
        Console.WriteLine(
            $"one AiR run: {Rounds} rounds of {Epochs} epochs, {Names.Length} classes, {Real} pseudo-labelled and {Synthetic} synthetic "
                + $"images, batches of {Batch} + {Batch}, {threads} thread{(threads == 1 ? "" : "s")} each"
        );
        if (peer is not null)
        {
            Console.WriteLine($"peer: {peer.Ask(load)}, whole contexts through the text tower");
        }

        List<double> own = [],
            other = [];
        var scale = Epochs / (double)epochs;
        Fit(features, clip, 1, 1); // what is made once per process exists now
        for (var repeat = 0; repeat < repeats; repeat++)
        {
            own.Add(scale * BenchmarkData.Timed(() => Fit(features, clip, Rounds, epochs)));
            if (peer is not null)
            {
                other.Add(
                    scale
                        * double.Parse(
                            peer.Ask("train", Text(Rounds), Text(epochs), Text(Batch)).Split('\t')[0],
                            CultureInfo.InvariantCulture
                        )
                );
            }
        }

        var seconds = BenchmarkData.Median(own);
        if (epochs != Epochs)
        {
            Console.WriteLine($"  {epochs} epochs per round were run; seconds are scaled by {scale:0.#}");
        }

        Console.WriteLine(
            $"  this library                        {seconds, 8:0.0} s, median of {repeats}; "
                + $"{1000 * seconds / (Rounds * Epochs * (double)((Real + Batch - 1) / Batch)):0.00} ms per step"
        );
        if (peer is not null)
        {
            Console.WriteLine(
                $"  plain PyTorch                       {BenchmarkData.Median(other), 8:0.0} s; "
                    + $"{BenchmarkData.Median(other) / seconds:0.00} times as long"
            );
        }

        var again = seconds + (Rounds * Epochs * encoding);
        Console.WriteLine(
            $"  images encoded again in each epoch  {again, 8:0} s, from one measured pass of {encoding:0.0} s; {again / seconds:0} times "
                + $"as long"
        );
    }

    /// <summary>One fit. Every round has 2,000 labels: what is measured is training, not which labels are chosen.</summary>
    private static void Fit(List<float[]> features, string clip, int rounds, int epochs)
    {
        var ml = new MLContext(seed: 1);
        var schema = SchemaDefinition.Create(typeof(Row));
        schema["Features"].ColumnType = new VectorDataViewType(NumberDataViewType.Single, features[0].Length);
        var view = ml.Data.LoadFromEnumerable(
            features.Select(
                (f, i) =>
                    new Row
                    {
                        Features = f,
                        PseudoName = i < Real ? Names[i % Names.Length] : "",
                        Name = i < Real ? "" : Names[i % Names.Length],
                        Origin = i < Real ? "real" : "synthetic",
                    }
            ),
            schema
        );
        foreach (var (column, source) in new[] { ("PseudoLabel", "PseudoName"), ("Label", "Name") })
        {
            view = ml
                .Transforms.Conversion.MapValueToKey(
                    column,
                    source,
                    keyData: ml.Data.LoadFromEnumerable(Names.Select(n => new ClassName { Name = n }))
                )
                .Fit(view)
                .Transform(view);
        }

        ml.MulticlassClassification.Trainers.PromptAdapter(
                new PromptAdapterOptions
                {
                    ClipFolder = clip,
                    ClassNames = Names,
                    TrueLabelColumn = "Label",
                    Rounds = rounds,
                    Epochs = epochs,
                    BatchSize = Batch,
                    PromptLength = Length,
                    PerClass = Real / Names.Length, // so that every round has as many labels
                    Labelled = labels =>
                    {
                        if (labels.Labels.Count != Real)
                        {
                            throw new InvalidOperationException($"Round {labels.Round} has {labels.Labels.Count} labels, the peer {Real}.");
                        }
                    },
                }
            )
            .Fit(view);
    }

    /// <summary>Features, labels and token ids for the peer.</summary>
    private static string WriteFeatures(string clip, List<float[]> features)
    {
        var backbone = ClipBackbone.Acquire(clip);
        try
        {
            using var scope = torch.NewDisposeScope();
            var (length, dimension) = (backbone.Tokenizer.ContextLength, features[0].Length);
            var ids = new long[Names.Length * length];
            var ends = new long[Names.Length];
            Array.Fill(ids, backbone.Tokenizer.PadToken);
            for (var c = 0; c < Names.Length; c++)
            {
                var name = backbone.Tokenizer.Encode(Names[c]);
                ids[c * length] = backbone.Tokenizer.StartToken;
                for (var i = 0; i < name.Length; i++)
                {
                    ids[(c * length) + 1 + Length + i] = name[i];
                }

                ids[(c * length) + 1 + Length + name.Length] = backbone.Tokenizer.EndToken;
                ends[c] = 1 + Length + name.Length;
            }

            long[] Labels(int start, int count) => [.. Enumerable.Range(start, count).Select(i => (long)(i % Names.Length))];
            torch.Tensor Part(int start, int count) =>
                torch.tensor(features.Skip(start).Take(count).SelectMany(f => f).ToArray(), [count, dimension]);
            var path = Path.Combine(BenchmarkData.Root, "artifacts", "bench", "air.safetensors");
            AtomicFile.Write(
                path,
                stream =>
                    Safetensors.Write(
                        stream,
                        new Dictionary<string, torch.Tensor>
                        {
                            ["real"] = Part(0, Real),
                            ["labels"] = torch.tensor(Labels(0, Real)),
                            ["synthetic"] = Part(Real, Synthetic),
                            ["classes"] = torch.tensor(Labels(Real, Synthetic)),
                            ["ids"] = torch.tensor(ids, [Names.Length, length]),
                            ["ends"] = torch.tensor(ends),
                            ["heads"] = torch.tensor(new long[] { backbone.Model.Config.Text.Heads }),
                        }
                    )
            );
            return path;
        }
        finally
        {
            backbone.Release();
        }
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static int Setting(string name, int standard) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.None, CultureInfo.InvariantCulture, out var value)
            ? value
            : standard;

    private sealed class Row
    {
        public float[] Features { get; set; } = [];
        public string PseudoName { get; set; } = "";
        public string Name { get; set; } = "";
        public string Origin { get; set; } = "";
    }

    private sealed class ClassName
    {
        public string Name { get; set; } = "";
    }
}
