using System.Globalization;
using AirMLNet.Clip;
using AirMLNet.Files;
using AirMLNet.FineTuning;
using AirMLNet.Images;
using AirMLNet.MultiLabel;
using AirMLNet.Prototypes;
using AirMLNet.Weights;
using TorchSharp;

namespace AirMLNet.Benchmarks;

/// <summary>
/// An epoch of LatteCLIP on photos and texts about them, decoding included, and an epoch of T2I-PAL on features of captions and images,
/// each against a plain PyTorch loop of the same model on the same data, in turns. AIRML_BENCH_THREADS, AIRML_BENCH_REPEATS and
/// AIRML_BENCH_PYTHON change what they name.
/// </summary>
internal static class TrainingBenchmark
{
    private const int Photos = 512,
        PhotoBatch = 128,
        Rows = 2000,
        RowBatch = 256,
        Places = 64,
        Tokens = 24,
        Length = 16;

    private static readonly string[] Names = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];
    private static readonly string[] Labels =
    [
        .. Names,
        "apple",
        "banana",
        "bus",
        "bear",
        "bicycle",
        "boat",
        "cow",
        "hot dog",
        "pizza",
        "tree",
    ];

    public static void Run(string clip)
    {
        int threads = BenchmarkData.Setting("AIRML_BENCH_THREADS", torch.get_num_threads()),
            repeats = BenchmarkData.Setting("AIRML_BENCH_REPEATS", 5);
        torch.set_num_threads(threads);
        var paths = BenchmarkData.Images(Photos).Select(row => row.ImagePath).ToArray();
        var backbone = ClipBackbone.Acquire(clip);
        try
        {
            var data = new TrainingData(backbone);
            using var peer = PythonPeer.Start(Path.Combine(BenchmarkData.Root, "test", "Benchmarks", "Peer", "training.py"), threads);
            if (peer is not null)
            {
                var asked = peer.Ask("load", Path.Combine(clip, "model.safetensors"), data.Write(), Text(threads));
                Console.WriteLine($"training, {threads} thread{(threads == 1 ? "" : "s")} each; peer: {asked}");
            }

            var turns = new Turns();
            turns.Add("latteclip", Photos, () => FineTune(clip, paths, data, backbone.Tokenizer.ContextLength));
            turns.Add("labels", Rows, () => Learn(backbone, data));
            if (peer is not null)
            {
                double Asked(params string[] words) => double.Parse(peer.Ask(words).Split('\t')[0], CultureInfo.InvariantCulture);
                turns.Add("latteclip, peer", Photos, () => Asked("finetune", Path.GetDirectoryName(paths[0])!, "1", Text(PhotoBatch)));
                turns.Add("labels, peer", Rows, () => Asked("labels", "1", Text(RowBatch)));
            }

            turns.Run(repeats);
            Console.WriteLine($"  LatteCLIP, {Photos} photos in batches of {PhotoBatch}, two texts of each: {Line("latteclip")}");
            Console.WriteLine($"  T2I-PAL, {Rows} captions with an image of each in batches of {RowBatch}: {Line("labels")}");

            string Line(string name) =>
                $"{turns.Rate(name):0} rows/s"
                + (peer is null ? "" : $", PyTorch {turns.Rate(name + ", peer"):0}, ratio {turns.Ratio(name, name + ", peer"):0.00}");
        }
        finally
        {
            backbone.Release();
        }
    }

    private static void FineTune(string clip, string[] paths, TrainingData data, int length)
    {
        using var scope = torch.NewDisposeScope();
        using var model = ClipModel.Load(clip, torch.CPU, null);
        torch.Tensor ids = torch.tensor(data.ClassIds, [Names.Length, 1, length]),
            initial;
        using (torch.no_grad())
        {
            initial = ReClipStep.ClassVectors(model, ids);
        }

        using var objective = new LatteObjective(
            initial,
            ids.select(1, 0).contiguous(),
            data.ZeroShot,
            new(data.ImageIds, data.All),
            new(data.GroupIds, data.All),
            new MixerRule(),
            GroupTextSource.SameClass,
            seed: 1
        );
        var images = new FineTuneImages(i => ImageFile.Load(paths[i]), ClipPreprocessor.Load(clip), new RandomCrop(), seed: 1);
        FineTuneTrainer.Run(
            model,
            Photos,
            images,
            objective,
            new FineTunePlan
            {
                Epochs = 1,
                BatchSize = PhotoBatch,
                Chunk = PhotoBatch,
                Schedule = new FineTuneSchedule { LearningRate = 1e-7 },
                Seed = 1,
            }
        );
    }

    private static void Learn(ClipBackbone backbone, TrainingData data)
    {
        var options = new MultiLabelPromptAdapterOptions
        {
            ClipFolder = "-",
            ClassNames = Labels,
            PromptLength = Length,
            Epochs = 1,
            WarmUpEpochs = 0,
            BatchSize = RowBatch,
            AdapterStart = AdapterStart.Noise,
        };
        new MultiLabelTrainer(backbone, options, seed: 1).Train(data.Set);
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>What both learn from.</summary>
    private sealed class TrainingData
    {
        private readonly ClipBackbone _clip;
        private readonly Half[] _captions,
            _images;
        private readonly float[][] _labels;

        public TrainingData(ClipBackbone clip)
        {
            _clip = clip;
            var random = new Random(1);
            string Sentence(int row) => $"a photo of a {Names[row % Names.Length]} on the grass, number {random.Next(100)}";
            long[] Ids(IEnumerable<string> texts) => ClassTexts.Ids(clip.Tokenizer, [.. texts]);
            ImageIds = Ids(Enumerable.Range(0, Photos).Select(Sentence));
            GroupIds = Ids(Enumerable.Range(0, Photos).Select(Sentence));
            ClassIds = Ids(Names.Select(name => $"a photo of a {name}."));
            ZeroShot = [.. Enumerable.Range(0, Photos).Select(i => i % Names.Length)];
            All = [.. Enumerable.Repeat(true, Photos)];
            Half[] Features(int places)
            {
                var values = new Half[Rows * (1 + places) * clip.FeatureDimension];
                for (var i = 0; i < values.Length; i++)
                {
                    values[i] = (Half)(random.NextDouble() - 0.5);
                }

                return values;
            }

            (_captions, _images) = (Features(Tokens), Features(Places));
            _labels = [.. Enumerable.Range(0, Rows).Select(_ => Labels.Select(_ => random.Next(10) == 0 ? 1f : 0f).ToArray())];
            Set = new(
                [.. _labels.Select((labels, i) => new MultiLabelItem(labels, i, [i]))],
                new MemoryRows([.. _captions.Chunk((1 + Tokens) * clip.FeatureDimension)], Tokens),
                new MemoryRows([.. _images.Chunk((1 + Places) * clip.FeatureDimension)], Places)
            );
        }

        public long[] ImageIds { get; }

        public long[] GroupIds { get; }

        public long[] ClassIds { get; }

        public int[] ZeroShot { get; }

        public bool[] All { get; }

        public MultiLabelTrainingSet Set { get; }

        /// <summary>The same for the peer.</summary>
        /// <returns>A safetensors file.</returns>
        public string Write()
        {
            var length = _clip.Tokenizer.ContextLength;
            var prompts = new List<long>();
            foreach (var name in Labels)
            {
                int[] rest = [.. _clip.Tokenizer.Encode(name + "."), _clip.Tokenizer.EndToken];
                prompts.Add(_clip.Tokenizer.StartToken);
                prompts.AddRange(new long[Length]);
                prompts.AddRange(rest.Select(id => (long)id));
                prompts.AddRange(Enumerable.Repeat((long)_clip.Tokenizer.PadToken, length - 1 - Length - rest.Length));
            }

            using var scope = torch.NewDisposeScope();
            torch.Tensor Number(long number) => torch.tensor([number], dtype: torch.int64);
            torch.Tensor Features(Half[] rows, int places) => torch.tensor(rows, [Rows, 1 + places, _clip.FeatureDimension]);
            var tensors = new Dictionary<string, torch.Tensor>
            {
                ["image_ids"] = torch.tensor(ImageIds, [Photos, length]),
                ["group_ids"] = torch.tensor(GroupIds, [Photos, length]),
                ["class_ids"] = torch.tensor(ClassIds, [Names.Length, length]),
                ["labels"] = torch.tensor(ZeroShot.Select(c => (long)c).ToArray()),
                ["prompt_ids"] = torch.tensor(prompts.ToArray(), [Labels.Length, length]),
                ["caption_rows"] = Features(_captions, Tokens),
                ["image_rows"] = Features(_images, Places),
                ["multi_labels"] = torch.tensor(_labels.SelectMany(l => l).ToArray(), [Rows, Labels.Length]),
                ["heads"] = Number(_clip.Model.Config.Text.Heads),
                ["quick"] = Number(_clip.Model.Config.Text.Activation == ClipActivation.QuickGelu ? 1 : 0),
            };
            var path = Path.Combine(BenchmarkData.Root, "artifacts", "bench", "training.safetensors");
            AtomicFile.Write(path, stream => Safetensors.Write(stream, tensors));
            return path;
        }
    }
}
