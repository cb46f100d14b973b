using System.Reflection;
using System.Text.Json.Nodes;
using AirMLNet.Clip;
using AirMLNet.Diffusion;
using AirMLNet.Files;
using AirMLNet.Llava;
using AirMLNet.Testing;

namespace AirMLNet.Tests.Files;

/// <summary>Goes through every table of refused keys that the library has, with the reader of its format.</summary>
[TestClass]
public sealed class RefusedKeyTests
{
    // A file that is fine, and what reads it.
    private static readonly Dictionary<string, (string Content, Action<string> Read)> Formats = new()
    {
        ["ClipConfigFile.RefusedKeys"] = (new ClipConfig().ToJson(), p => ClipConfigFile.Read(p)),
        ["ClipConfigFile.RefusedTextKeys"] = (ClipConfigFile.WriteText(new()), p => ClipConfigFile.ReadText(p)),
        ["OpenClipConfig.RefusedKeys"] = (
            """{ "embed_dim": 8, "vision_cfg": {}, "text_cfg": { "tokenizer_kwargs": {} } }""",
            p => ClipConfigFile.Read(p)
        ),
        ["UNet2DConditionConfig.RefusedKeys"] = (new UNet2DConditionConfig().ToJson(), p => UNet2DConditionConfig.Load(p)),
        ["AutoencoderKLConfig.RefusedKeys"] = (new AutoencoderKLConfig().ToJson(), p => AutoencoderKLConfig.Load(p)),
        ["SchedulerConfig.RefusedKeys"] = Scheduler(SchedulerKind.Ddpm),
        ["SchedulerConfig.RefusedPndmKeys"] = Scheduler(SchedulerKind.Pndm),
        ["SchedulerConfig.RefusedSolverKeys"] = Scheduler(SchedulerKind.DpmSolverMultistep),
        ["SchedulerConfig.RefusedDdpmKeys"] = Scheduler(SchedulerKind.Ddpm),
        ["SchedulerConfig.RefusedSigmaKeys"] = Scheduler(SchedulerKind.EulerDiscrete),
        ["ClipPreprocessing.RefusedKeys"] = (
            """{ "crop_size": 32 }""",
            p => ClipPreprocessing.HuggingFace(ConfigFile.Open(p), new(32, null))
        ),
        ["ClipPreprocessing.RefusedOpenClipKeys"] = ("{}", p => ClipPreprocessing.FromOpenClip(ConfigFile.Open(p), new(32, null))),
        ["ClipPreprocessing.RefusedTimmKeys"] = ("{}", p => ClipPreprocessing.Timm(ConfigFile.Open(p))),
        ["FastTokenizerFile.RefusedKeys"] = (
            """
            { "model": { "type": "BPE", "end_of_word_suffix": "</w>", "vocab": {}, "merges": [] }, "post_processor": {}, "normalizer": { "type": "Lowercase" },
              "pre_tokenizer": { "type": "Split", "pattern": { "Regex": "'s|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+" } } }
            """,
            p => FastTokenizerFile.Read(p)
        ),
        ["ClipTokenizerFiles.RefusedKeys"] = ("{}", p => ClipTokenizerFiles.CheckClass(Path.GetDirectoryName(p)!)),
        ["PeftConfig.RefusedKeys"] = ("""{ "lora_alpha": 8 }""", p => PeftConfig.Read(p)),
        ["LlavaNextConfig.RefusedKeys"] = (
            """
            {
              "image_grid_pinpoints": [[64, 64]], "vision_config": { "image_size": 32, "patch_size": 8 },
              "text_config": { "hidden_size": 8, "num_attention_heads": 2, "num_key_value_heads": 1, "rope_parameters": {} }
            }
            """,
            p => LlavaNextConfig.Load(p)
        ),
        ["LlavaImageProcessor.RefusedKeys"] = (
            "{}",
            p =>
                LlavaImageProcessor.Check(
                    p,
                    new LlavaNextConfig
                    {
                        ImageGridPinpoints =
                        [
                            [224, 224],
                        ],
                        Text = new(),
                    }
                )
        ),
        ["LlamaTokenizerFile.RefusedKeys"] = (TinyLlava.Tokenizer(["a"], []).ToJsonString(), p => LlamaTokenizerFile.Read(p)),
    };

    private readonly TemporaryFolder _folder = new();

    public static IEnumerable<object[]> Tables =>
        from type in typeof(ClipModel).Assembly.GetTypes()
        from table in type.GetFields(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic)
        where table.FieldType == typeof(RefusedKey[])
        select new object[] { $"{type.Name}.{table.Name}", table };

    [TestCleanup]
    public void Delete() => _folder.Dispose();

    [TestMethod]
    public void EveryFormatIsHere() => CollectionAssert.AreEquivalent(Formats.Keys, Tables.Select(t => t[0]).ToArray());

    [TestMethod]
    [DynamicData(nameof(Tables))]
    public void ValuesThatAreNotBuiltAreRefusedByName_AndTheOthersRead(string name, FieldInfo field)
    {
        var read = Formats[name].Read;
        read(Write(name, null, null));
        foreach (var entry in (RefusedKey[])field.GetValue(null)!)
        {
            var (key, list) = (entry.Key, entry.IsList);
            foreach (var value in new JsonNode[] { "no such value", 12345, true, false }.Where(v => !entry.Allows(v)))
            {
                var file = Write(name, key, list ? new JsonArray(value) : value);
                var message = Assert.ThrowsExactly<InvalidDataException>(() => read(file), $"{key} = {value}").Message;
                Assert.StartsWith($"{file}: {key} is ", message);
                Assert.Contains("which is not supported; ", message);
                Assert.EndsWith(entry.Why, message);
            }
            foreach (var value in entry.Supported.Where(_ => !list))
            {
                read(Write(name, key, value));
            }
            Assert.EndsWith(".", entry.Why, key);
        }
    }

    private string Write(string name, string? key, JsonNode? value)
    {
        var root = (JsonObject)JsonNode.Parse(Formats[name].Content)!;
        if (key is not null)
        {
            var parts = key.Split('.');
            var section = parts[..^1].Aggregate(root, (outer, part) => (JsonObject)outer[part]!);
            section[parts[^1]] = value!.DeepClone();
        }
        var path = Path.Combine(_folder, "config.json");
        File.WriteAllText(path, root.ToJsonString());
        return path;
    }

    private static (string, Action<string>) Scheduler(SchedulerKind kind) =>
        (new SchedulerConfig { Kind = kind }.ToJson(), p => SchedulerConfig.Load(p));
}
