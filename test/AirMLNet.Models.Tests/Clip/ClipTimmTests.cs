using AirMLNet.Clip;
using AirMLNet.Testing;
using static TorchSharp.torch;

namespace AirMLNet.Tests.Clip;

[TestClass]
public sealed class ClipTimmTests
{
    private static readonly ClipTextConfig Text = new()
    {
        HiddenSize = 8,
        IntermediateSize = 32,
        Heads = 1,
        Layers = 1,
        ContextLength = 12,
        VocabularySize = 40,
        Activation = ClipActivation.Gelu,
    };

    private readonly TemporaryFolder _folder = new();

    [TestCleanup]
    public void Delete() => _folder.Dispose();

    private static ClipConfig Config(int imageSize = 64) =>
        new()
        {
            ProjectionDim = 16,
            Vision = new ClipResNetConfig(64, 2, 2, 2, 2) { IsBasic = true }.Tower(imageSize),
            Text = Text,
        };

    [TestMethod]
    public void A_model_with_timms_resnet18_is_saved_and_loaded_in_OpenClips_form()
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        using var model = new ClipModel(Config());
        model.Save(_folder, ScalarType.Float32);

        var json = File.ReadAllText(Path.Combine(_folder, "open_clip_config.json"));
        Assert.Contains("\"timm_model_name\": \"resnet18\"", json);
        using var again = ClipModel.Load(_folder);
        Assert.AreEqual(model.Config.Vision, again.Config.Vision);
        var pixels = randn([2, 3, 64, 64], generator: new Generator(2));
        Assert.IsTrue(again.EncodeImage(pixels).equal(model.EncodeImage(pixels)).all().item<bool>());
    }

    [TestMethod]
    public void Parameters_have_the_names_of_OpenClips_TimmModel()
    {
        using var model = new ClipModel(Config());
        string[] names = [.. model.state_dict().Keys.Where(k => k.StartsWith("visual.", StringComparison.Ordinal))];
        foreach (
            var name in new[]
            {
                "visual.trunk.conv1.weight",
                "visual.trunk.bn1.running_var",
                "visual.trunk.layer1.1.bn2.bias",
                "visual.trunk.layer4.0.downsample.0.weight",
                "visual.trunk.layer4.0.downsample.1.running_mean",
                "visual.head.proj.weight",
            }
        )
        {
            Assert.Contains(name, names);
        }
        // 20 convolutions, each with the four of its normalisation, and the projection.
        Assert.HasCount((20 * 5) + 1, names);
        Assert.AreEqual(
            11_176_512 + (16 * 512),
            names.Where(n => !n.Contains("running", StringComparison.Ordinal)).Sum(n => model.state_dict()[n].numel())
        );
    }

    [TestMethod]
    public void A_model_keeps_its_statistics_beyond_the_dispose_scope_it_was_built_in()
    {
        ClipModel model;
        using (NewDisposeScope())
        {
            model = new ClipModel(Config());
        }
        using (model)
        {
            model.Save(_folder, ScalarType.Float32);
        }
        using var again = ClipModel.Load(_folder);
        Assert.AreEqual(1, again.state_dict()["visual.trunk.bn1.running_var"].min().item<float>());
    }

    [TestMethod]
    public void The_image_feature_is_the_mean_of_those_of_the_places()
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        using var model = new ClipModel(Config());
        var dense = model.EncodeDense(randn([2, 3, 96, 64], generator: new Generator(2)));
        CollectionAssert.AreEqual(new long[] { 2, 6, 16 }, dense.Local.shape);
        Assert.IsLessThan(
            1e-4f,
            dense.Local.mean([1]).sub(dense.Global).abs().max().item<float>() / dense.Global.abs().max().item<float>()
        );
    }

    [TestMethod]
    [DataRow("\"timm_model_name\": \"resnet50\"", "resnet50")]
    [DataRow("\"timm_model_name\": \"resnet18\", \"timm_pool\": \"abs_attn\"", "timm_pool")]
    [DataRow("\"timm_model_name\": \"resnet18\", \"timm_proj\": \"mlp\"", "timm_proj")]
    [DataRow("\"timm_model_name\": \"resnet18\", \"timm_proj_bias\": true", "timm_proj_bias")]
    public void What_is_not_built_is_refused_by_name(string vision, string named)
    {
        var file = Path.Combine(_folder, "open_clip_config.json");
        File.WriteAllText(file, $$"""{ "embed_dim": 16, "vision_cfg": { {{vision}}, "image_size": 64 }, "text_cfg": { } }""");
        var error = Assert.ThrowsExactly<InvalidDataException>(() => ClipConfig.Load(_folder));
        Assert.Contains(named, error.Message);
        Assert.Contains(file, error.Message);
    }

    [TestMethod]
    public void Pool_and_projection_have_defaults()
    {
        File.WriteAllText(
            Path.Combine(_folder, "open_clip_config.json"),
            """{ "embed_dim": 16, "vision_cfg": { "timm_model_name": "resnet34", "timm_pool": "", "image_size": 96 }, "text_cfg": { } }"""
        );
        var vision = ClipConfig.Load(_folder)!.Vision;
        Assert.AreEqual(new ClipResNetConfig(64, 3, 4, 6, 3) { IsBasic = true }, vision.ResNet);
        Assert.AreEqual((512, 96, 9), (vision.HiddenSize, vision.ImageSize, vision.Patches));
    }

    [TestMethod]
    public void Weights_without_a_configuration_ask_for_one()
    {
        using (var model = new ClipModel(Config()))
        {
            model.Save(_folder, ScalarType.Float16);
        }
        File.Delete(Path.Combine(_folder, "open_clip_config.json"));
        Assert.Contains("open_clip_config.json", Assert.ThrowsExactly<InvalidDataException>(() => ClipModel.Load(_folder)).Message);
    }

    [TestMethod]
    public void A_shape_that_timm_has_no_name_for_is_not_written()
    {
        var config = Config() with { Vision = new ClipResNetConfig(64, 2, 2, 2, 3) { IsBasic = true }.Tower(64) };
        Assert.Contains("timm", Assert.ThrowsExactly<NotSupportedException>(() => config.ToJson()).Message);
    }
}
