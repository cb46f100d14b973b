using AirMLNet.Clip;
using AirMLNet.Testing;
using AirMLNet.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace AirMLNet.Tests.Clip;

[TestClass]
public sealed class ClipResNetTests
{
    private static readonly string Golden = TestData.Path("golden/clip-rn-tiny");
    private readonly TemporaryFolder _folder = new();
    private DisposeScope? _scope;

    [TestInitialize]
    public void Create()
    {
        _scope = NewDisposeScope();
    }

    [TestCleanup]
    public void Delete()
    {
        _scope!.Dispose();
        _folder.Dispose();
    }

    [TestMethod]
    public void The_architecture_is_read_off_the_shapes()
    {
        Weights("model.safetensors");

        using var model = ClipModel.Load(_folder);

        Assert.AreEqual(ClipConfig.Load(Golden)!.Vision, model.Config.Vision);
        Assert.AreEqual(new ClipResNetConfig(8, 1, 2, 1, 1), model.Config.Vision.ResNet);
        CheckFeatures(model, 1e-4);
    }

    [TestMethod]
    public void OpenClip_describes_a_ResNet_by_a_list_of_layers()
    {
        Weights("open_clip_model.safetensors");
        File.WriteAllText(
            Path.Combine(_folder, "open_clip_config.json"),
            """
            { "model_cfg": { "embed_dim": 32, "quick_gelu": true, "vision_cfg": { "image_size": 96, "layers": [1, 2, 1, 1], "width": 8, "patch_size": null },
              "text_cfg": { "context_length": 77, "vocab_size": 300, "width": 64, "heads": 1, "layers": 1 } } }
            """
        );

        using var model = ClipModel.Load(_folder);

        Assert.AreEqual(4, model.Config.Vision.Heads); // 32 · width / 64
        CheckFeatures(model, 1e-4);
    }

    [TestMethod]
    [DataRow(ScalarType.Float32, 1e-5)]
    [DataRow(ScalarType.BFloat16, 0.1)]
    [DataRow(ScalarType.Float16, 0.02)]
    public void A_saved_model_loads_again(ScalarType type, double tolerance)
    {
        using (var model = Load())
        {
            model.Save(_folder, type);
        }

        Assert.IsTrue(File.Exists(Path.Combine(_folder, "open_clip_model.safetensors")));
        using var again = ClipModel.Load(_folder);
        using var original = Load();
        Assert.AreEqual(original.Config.Vision, again.Config.Vision);
        using var off = no_grad();
        var pixels = Pixels("in.pixel_values");
        var (want, got) = (original.EncodeImage(pixels), again.EncodeImage(pixels));
        Assert.IsLessThanOrEqualTo(tolerance, got.sub(want).abs().max().item<float>() / want.abs().max().item<float>());
    }

    [TestMethod]
    public void Shards_load_like_one_file()
    {
        var all = Tensors();
        var names = all.Keys.Order(StringComparer.Ordinal).ToList();
        var half = names.Count / 2;
        for (var shard = 0; shard < 2; shard++)
        {
            Safetensors.Write(
                Path.Combine(_folder, $"model-{shard + 1:00000}-of-00002.safetensors"),
                names.Where((_, i) => i < half == (shard == 0)).ToDictionary(n => n, n => all[n])
            );
        }

        var map = names.Select((n, i) => $"\"{n}\": \"model-{(i < half ? 1 : 2):00000}-of-00002.safetensors\"");
        File.WriteAllText(Path.Combine(_folder, "model.safetensors.index.json"), $"{{ \"weight_map\": {{ {string.Join(", ", map)} }} }}");

        using var model = ClipModel.Load(_folder);
        CheckFeatures(model, 1e-4);
    }

    [TestMethod]
    public void One_error_names_what_is_missing_left_over_and_misshapen()
    {
        var tensors = Tensors();
        File.Copy(Path.Combine(Golden, "config.json"), Path.Combine(_folder, "config.json"));
        tensors.Remove("visual.layer2.1.bn2.running_var");
        tensors["visual.layer9.0.conv1.weight"] = zeros([1]);
        tensors["visual.attnpool.c_proj.bias"] = zeros([31]);
        Safetensors.Write(Path.Combine(_folder, "model.safetensors"), tensors);

        var message = Assert.ThrowsExactly<InvalidDataException>(() => ClipModel.Load(_folder)).Message;

        StringAssert.Contains(message, "1 missing: visual.layer2.1.bn2.running_var");
        StringAssert.Contains(message, "1 left over: visual.layer9.0.conv1.weight");
        StringAssert.Contains(message, "visual.attnpool.c_proj.bias is [31], not [32]");
    }

    [TestMethod]
    public void A_new_model_computes_and_learns()
    {
        var config = ClipModelTests.Small with { Vision = new ClipResNetConfig(4, 1, 1, 1, 1).Tower(64) };
        using var generator = new Generator(3);
        using var model = new ClipModel(config, generator);

        var features = model.EncodeImage(randn([2, 3, 64, 64], generator: generator));
        features.square().sum().backward();

        CollectionAssert.AreEqual(new long[] { 2, 12 }, features.shape);
        Assert.IsGreaterThan(
            0,
            model.named_parameters().Single(p => p.name == "visual.conv1.weight").parameter.grad!.abs().sum().item<float>()
        );
    }

    [TestMethod]
    public void What_needs_a_vision_transformer_says_so()
    {
        using var model = Load();
        StringAssert.Contains(Assert.ThrowsExactly<InvalidOperationException>(() => model.Vision).Message, "ResNet");
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentException>(() => model.EncodeImage(zeros([1, 3, 64, 64]))).Message,
            "[B, 3, 96, 96]"
        );
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentException>(() => model.EncodeDense(zeros([1, 3, 16, 64]))).Message,
            "at least 32"
        );
    }

    private static ClipModel Load()
    {
        using var files = WeightFiles.Open(Path.Combine(Golden, "weights_openai.safetensors"));
        return ClipModel.Load(ClipConfig.Load(Golden), files, null);
    }

    private static Tensor Pixels(string name)
    {
        using var io = SafetensorsFile.Open(Path.Combine(Golden, "io.safetensors"));
        return io.GetTensor(name);
    }

    private static void CheckFeatures(ClipModel model, double tolerance)
    {
        using var off = no_grad();
        ClipModelTests.AssertClose(Pixels("out.image_features"), model.EncodeImage(Pixels("in.pixel_values")), tolerance);
        ClipModelTests.AssertClose(Pixels("out.text_features"), model.EncodeText(Pixels("in.input_ids")), tolerance);
    }

    private static Dictionary<string, Tensor> Tensors()
    {
        using var source = SafetensorsFile.Open(Path.Combine(Golden, "weights_openai.safetensors"));
        return source.Entries.Keys.ToDictionary(k => k, k => source.GetTensor(k));
    }

    private void Weights(string name) => File.Copy(Path.Combine(Golden, "weights_openai.safetensors"), Path.Combine(_folder, name));
}
