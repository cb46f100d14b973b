using AirMLNet.Clip;
using AirMLNet.Diffusion;
using AirMLNet.Testing;
using AirMLNet.Weights;
using TorchSharp;

namespace AirMLNet.Tests.Fuzzing;

/// <summary>Damaged files of models are read or refused with the documented exceptions (eng/fuzz.sh; docs/fuzz.md).</summary>
[TestClass]
public sealed class ReaderFuzzTests
{
    private readonly TemporaryFolder _folder = new();

    public TestContext TestContext { get; set; } = null!;

    [TestCleanup]
    public void Delete() => _folder.Dispose();

    [TestMethod]
    public void Safetensors_are_read_or_refused()
    {
        var seed = File.ReadAllBytes(TestData.Path("golden/lora-wild-tiny/lora/diffusers_metadata_patterns.safetensors"));
        var mutator = new StructuredMutator(1);
        Report(
            FuzzRun.Run(
                "safetensors",
                () => mutator.Safetensors(seed),
                bytes =>
                    Refused<SafetensorsException>(() =>
                    {
                        using var scope = torch.NewDisposeScope();
                        AirMLNet.Weights.Safetensors.Read(new MemoryStream(bytes), "f");
                    })
            )
        );
    }

    [TestMethod]
    public void LoraFiles_are_read_or_refused()
    {
        using var unet = UNet2DConditionModel.Load(TestData.Path("golden/lora-wild-tiny/unet"));
        using var text = ClipTextModel.Load(TestData.Path("golden/lora-wild-tiny/text_encoder"));
        byte[][] seeds =
        [
            .. Directory.GetFiles(TestData.Path("golden/lora-wild-tiny/lora")).Order(StringComparer.Ordinal).Select(File.ReadAllBytes),
        ];
        var mutator = new StructuredMutator(2);
        var file = _folder["lora.safetensors"];
        Report(
            FuzzRun.Run(
                "lora",
                () => mutator.Safetensors(mutator.Pick(seeds)),
                bytes =>
                {
                    File.WriteAllBytes(file, bytes);
                    return Refused<SafetensorsException>(() => LoraAdapters.Load(file, unet, text).Dispose());
                }
            )
        );
    }

    [TestMethod]
    public void Configurations_are_read_or_refused()
    {
        const string Xl = "golden/sdxl-tiny/";
        (string Seed, Action<string> Read)[] formats =
        [
            (Text(Xl + "unet/config.json"), p => UNet2DConditionConfig.Load(p)),
            (Text(Xl + "vae/config.json"), p => AutoencoderKLConfig.Load(p)),
            (Text(Xl + "text_encoder_2/config.json"), p => ClipConfigFile.ReadText(p, projected: true)),
            (Text(Xl + "scheduler/scheduler_config.json"), p => NoiseScheduler.Load(p)),
            (Text("golden/sd2-tiny/scheduler/scheduler_config.json"), p => Schedule(NoiseScheduler.Load(p))),
            (Text(Xl + "model_index.json"), p => ModelIndex.Read(p)),
            (Text("golden/clip-vit-tiny/config.json"), p => ClipConfigFile.Read(p)),
            (Text("golden/openclip-vit-tiny/open_clip_config.json"), p => ClipConfigFile.Read(p)),
            (Text("golden/unet-tiny/lora/adapter_config.json"), p => PeftConfig.Read(p)),
            (
                """{ "crop_size": 32, "size": { "shortest_edge": 40 }, "resample": 3, "image_mean": [0.1, 0.2, 0.3], "do_rescale": true }""",
                p => ClipPreprocessor.Load(Path.GetDirectoryName(p)!)
            ),
        ];
        var mutator = new StructuredMutator(3);
        var file = _folder["config.json"];
        Action<string> read = _ => { };
        Report(
            FuzzRun.Run(
                "configurations",
                () =>
                {
                    var format = mutator.Pick(formats);
                    read = format.Read;
                    return mutator.Json(System.Text.Encoding.UTF8.GetBytes(format.Seed));
                },
                bytes =>
                {
                    File.WriteAllBytes(file, bytes);
                    return Refused<InvalidDataException>(() => read(file));
                }
            )
        );
    }

    [TestMethod]
    public void Tokenizers_are_read_or_refused()
    {
        string[] names = ["vocab.json", "merges.txt", "tokenizer_config.json"];
        var seeds = names.ToDictionary(n => n, n => File.ReadAllBytes(ClipTokenizerFiles.Find(TinyData.MiniClip(), n)!));
        foreach (var (name, content) in seeds)
        {
            File.WriteAllBytes(_folder[name], content);
        }

        var mutator = new StructuredMutator(4);
        var hit = "";
        Report(
            FuzzRun.Run(
                "tokenizers",
                () =>
                {
                    hit = mutator.Pick(names);
                    return hit == "merges.txt" ? mutator.Lines(seeds[hit]) : mutator.Json(seeds[hit]);
                },
                bytes =>
                {
                    File.WriteAllBytes(_folder[hit], bytes);
                    try
                    {
                        return Refused<InvalidDataException>(() => ClipTokenizer.LoadPadded(_folder).Tokenize("a photo of a cat"));
                    }
                    finally
                    {
                        File.WriteAllBytes(_folder[hit], seeds[hit]);
                    }
                }
            )
        );
    }

    [TestMethod]
    public void Shards_lists_are_read_or_refused()
    {
        File.Copy(TestData.Path("golden/sdxl-tiny/vae/diffusion_pytorch_model.safetensors"), _folder["a.safetensors"]);
        var mutator = new StructuredMutator(5);
        var seed = System.Text.Encoding.UTF8.GetBytes(
            """{ "metadata": {}, "weight_map": { "x": "a.safetensors", "y": "a.safetensors" } }"""
        );
        Report(
            FuzzRun.Run(
                "shards",
                () => mutator.Json(seed),
                bytes =>
                {
                    File.WriteAllBytes(_folder["model.safetensors.index.json"], bytes);
                    return Refused<FileNotFoundException>(() =>
                        WeightFiles.Locate(_folder, new("CLIP", "model.safetensors", "b.safetensors"))
                    );
                }
            )
        );
    }

    // More steps than the file has times, or than its offset leaves, would be the caller's fault, not the file's.
    private static void Schedule(NoiseScheduler scheduler)
    {
        try
        {
            scheduler.Start(Math.Min(5, scheduler.Config.NumTrainTimesteps)).Dispose();
        }
        catch (ArgumentOutOfRangeException e) when (e.Message.Contains("steps_offset", StringComparison.Ordinal))
        {
            // Said in words.
        }
    }

    private void Report(string line)
    {
        TestContext.WriteLine(line);
        Assert.Contains(" read, ", line);
    }

    /// <summary>True where it is read; false where it is refused with what is documented.</summary>
    private static bool Refused<TOther>(Action read)
        where TOther : Exception
    {
        try
        {
            read();
            return true;
        }
        catch (Exception e) when (e is InvalidDataException or TOther)
        {
            return e.Message.Length == 0 ? throw new InvalidOperationException("an error without a message", e) : false;
        }
    }

    private static string Text(string golden) => File.ReadAllText(TestData.Path(golden));
}
