using System.Text.Json.Nodes;
using AirMLNet.Diffusion;
using AirMLNet.Testing;
using AirMLNet.Weights;
using static TorchSharp.torch;

namespace AirMLNet.Tests.Diffusion;

/// <summary>Folders that cannot be used are refused with the reason, before weights are read.</summary>
[TestClass]
public sealed class DiffusionFolderTests
{
    private readonly TemporaryFolder _root = new();
    private string _model = "";

    [TestInitialize]
    public void Copy() => _model = TinyModels.Copy(TestData.Path("golden/sd-tiny"), _root["model"]);

    [TestCleanup]
    public void Delete() => _root.Dispose();

    [TestMethod]
    public void WhatIsNoModelIsSaidSo()
    {
        Assert.Contains(
            "none",
            Assert.ThrowsExactly<DirectoryNotFoundException>(() => StableDiffusionPipeline.Load(Path.Combine(_root, "none"))).Message
        );
        Assert.Contains(
            "it has no model_index.json",
            Assert.ThrowsExactly<FileNotFoundException>(() => StableDiffusionPipeline.Load(_root)).Message
        );
    }

    [TestMethod]
    [DataRow("unet")]
    [DataRow("vae")]
    [DataRow("text_encoder")]
    [DataRow("scheduler")]
    public void AMissingComponentIsNamed(string component)
    {
        Directory.Delete(Path.Combine(_model, component), true);
        Assert.Contains(
            $"lacks the component {component}",
            Assert.ThrowsExactly<FileNotFoundException>(() => StableDiffusionPipeline.Load(_model)).Message
        );
        Change("model_index.json", json => json[component] = new JsonArray(null, null));
        Assert.Contains($"has no {component}", Refused());
    }

    [TestMethod]
    public void OtherModelsAreRefusedByName()
    {
        Change("model_index.json", json => json["_class_name"] = "StableDiffusionXLPipeline");
        Assert.Contains("has no text_encoder_2", Refused());
        Change(
            "model_index.json",
            json =>
            {
                json["_class_name"] = "StableDiffusionPipeline";
                json["text_encoder_2"] = new JsonArray("transformers", "CLIPTextModelWithProjection");
            }
        );
        Assert.Contains("text_encoder_2, which only StableDiffusionXLPipeline has", Refused());
        Change(
            "model_index.json",
            json =>
            {
                json.Remove("text_encoder_2");
                json["_class_name"] = "FluxPipeline";
            }
        );
        Assert.Contains("\"FluxPipeline\", which is not supported", Refused());
    }

    /// <summary>diffusers takes the class from the index and the settings from the scheduler's own file.</summary>
    [TestMethod]
    public void TheSchedulersClassIsThatOfTheIndex()
    {
        Change("model_index.json", json => json["scheduler"] = new JsonArray("diffusers", "EulerDiscreteScheduler"));
        using (var model = StableDiffusionPipeline.Load(_model))
        {
            Assert.AreEqual(SchedulerKind.EulerDiscrete, model.Scheduler.Config.Kind);
        }
        Change("scheduler/scheduler_config.json", json => json["_class_name"] = "HeunDiscreteScheduler");
        using (var model = StableDiffusionPipeline.Load(_model))
        {
            Assert.AreEqual(SchedulerKind.EulerDiscrete, model.Scheduler.Config.Kind);
        }
        Change("model_index.json", json => json["scheduler"] = new JsonArray("diffusers", "HeunDiscreteScheduler"));
        var message = Refused();
        Assert.Contains("model_index.json: scheduler is a HeunDiscreteScheduler", message);
        Assert.Contains("DDPMScheduler", message);
        using var asked = StableDiffusionPipeline.Load(_model, scheduler: SchedulerKind.Ddim);
        Assert.AreEqual(SchedulerKind.Ddim, asked.Scheduler.Config.Kind);
    }

    [TestMethod]
    public void WidthsThatDoNotFitAreNamedInBothFiles()
    {
        Change("unet/config.json", json => json["cross_attention_dim"] = 64);
        var message = Refused();
        Assert.Contains("cross_attention_dim is 64", message);
        Assert.Contains("hidden_size", message);
        Change("unet/config.json", json => json["cross_attention_dim"] = 32);
        Change("vae/config.json", json => json["latent_channels"] = 16);
        Assert.Contains("the VAE has 16 latent_channels", Refused());
    }

    [TestMethod]
    [DataRow("class_embed_type", "\"timestep\"")]
    [DataRow("addition_embed_type", "\"text_time\"")]
    [DataRow("resnet_time_scale_shift", "\"scale_shift\"")]
    [DataRow("mid_block_type", "\"UNetMidBlock2D\"")]
    [DataRow("down_block_types", "[\"AttnDownBlock2D\", \"DownBlock2D\"]")]
    [DataRow("act_fn", "\"gelu\"")]
    [DataRow("num_class_embeds", "10")]
    [DataRow("dual_cross_attention", "true")]
    [DataRow("block_out_channels", "[16, 30]")]
    [DataRow("attention_head_dim", "[4, 5]")]
    [DataRow("norm_eps", "0")]
    public void UNetSettingsThatAreNotBuiltAreRefusedByName(string key, string value)
    {
        Change("unet/config.json", json => json[key] = JsonNode.Parse(value));
        Assert.Contains(key, Refused());
    }

    /// <summary>As nota-ai/bk-sdm-tiny and segmind/tiny-sd have it; a missing key is the block that other models have.</summary>
    [TestMethod]
    public void AUNetWithoutAMiddleBlockHasNone()
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        var file = Path.Combine(_model, "unet", "diffusion_pytorch_model.safetensors");
        Change("unet/config.json", json => json["mid_block_type"] = null);
        Assert.Contains("left over: mid_block.", Refused());
        Dictionary<string, Tensor> tensors;
        using (var stream = File.OpenRead(file))
        {
            tensors = Safetensors.Read(stream, file);
        }
        foreach (var name in tensors.Keys.Where(n => n.StartsWith("mid_block.", StringComparison.Ordinal)).ToList())
        {
            tensors.Remove(name);
        }
        Safetensors.Write(file, tensors);

        using var model = StableDiffusionPipeline.Load(_model);
        List<string> stages = [];
        var text = randn(1, 5, model.UNet.Config.CrossAttentionDim);
        var output = model.UNet.Forward(randn(1, 4, 8, 8), tensor(new[] { 3L }), text, observe: (stage, _) => stages.Add(stage));

        CollectionAssert.AreEqual(new long[] { 1, 4, 8, 8 }, output.shape);
        Assert.IsFalse(stages.Any(s => s.StartsWith("mid_block", StringComparison.Ordinal)));
        Assert.IsFalse(model.UNet.LinearLayers.Keys.Any(n => n.StartsWith("mid_block", StringComparison.Ordinal)));
        model.UNet.Save(_root["again"], ScalarType.Float32);
        using var again = UNet2DConditionModel.Load(_root["again"]);
        Assert.AreEqual(model.UNet.Config, again.Config);
        Change("unet/config.json", json => json.Remove("mid_block_type"));
        Assert.Contains("missing: mid_block.", Refused());
    }

    /// <summary>diffusers takes a number, or height and width.</summary>
    [TestMethod]
    [DataRow("8", 8, 8)]
    [DataRow("[8, 8]", 8, 8)]
    [DataRow("[4, 6]", 4, 6)]
    [DataRow("null", 64, 64)]
    public void ASizeIsANumberOrHeightAndWidth(string value, int height, int width)
    {
        Change("unet/config.json", json => json["sample_size"] = JsonNode.Parse(value));
        Change("vae/config.json", json => json["sample_size"] = JsonNode.Parse(value));
        using var model = StableDiffusionPipeline.Load(_model);
        var pixels = model.Vae.Config.Downscaling;
        Assert.AreEqual((height * pixels, width * pixels), (model.NativeHeight, model.NativeWidth));
        model.UNet.Save(_root["again"], ScalarType.Float32);
        Assert.AreEqual(model.UNet.Config, UNet2DConditionConfig.Load(_root["again", "config.json"]));
    }

    [TestMethod]
    [DataRow("[8, 8, 8]")]
    [DataRow("[0, 8]")]
    [DataRow("\"large\"")]
    public void ASizeThatIsNoneIsRefused(string value)
    {
        Change("unet/config.json", json => json["sample_size"] = JsonNode.Parse(value));
        Assert.Contains("sample_size is", Refused());
        Assert.Contains("a height and a width", Refused());
    }

    [TestMethod]
    public void ImagesAreOfTheModelsHeightAndWidth()
    {
        var folder = TinyModels.Copy(TinyModels.Diffusion, _root["tiny"]);
        var file = Path.Combine(folder, "unet", "config.json");
        File.WriteAllText(file, File.ReadAllText(file).Replace("\"sample_size\": 8", "\"sample_size\": [4, 6]", StringComparison.Ordinal));
        using var model = StableDiffusionPipeline.Load(folder);
        var image = model.Generate([new("a cat", 1)], new() { Steps = 1 }).Single();
        Assert.AreEqual((model.NativeWidth, model.NativeHeight), (image.Width, image.Height));
        Assert.IsGreaterThan(image.Height, image.Width);
    }

    /// <summary>A tokenizer whose ids mean other words may have fewer than the text encoder.</summary>
    [TestMethod]
    public void ATokenizerOfAnotherModelIsRefused()
    {
        var folder = TinyModels.Copy(TinyModels.Diffusion, _root["tiny"]);
        var other = TinyClip.Create(_root["other"]);
        foreach (var name in new[] { "vocab.json", "merges.txt", "tokenizer_config.json" })
        {
            File.Copy(Path.Combine(other, name), Path.Combine(folder, "tokenizer", name), overwrite: true);
        }
        var message = Assert.ThrowsExactly<InvalidDataException>(() => StableDiffusionPipeline.Load(folder)).Message;
        Assert.StartsWith(Path.Combine(folder, "tokenizer"), message);
        Assert.Contains("does not belong to the model", message);
    }

    /// <summary>As other libraries and other classes write them.</summary>
    [TestMethod]
    public void SettingsThatMeanTheSameAreTaken()
    {
        Change("unet/config.json", json => json["only_cross_attention"] = new JsonArray(false, false));
        Change("scheduler/scheduler_config.json", json => json["algorithm_type"] = "deis");
        using var model = StableDiffusionPipeline.Load(_model, scheduler: SchedulerKind.DpmSolverMultistep);
        Assert.AreEqual(SchedulerKind.DpmSolverMultistep, model.Scheduler.Config.Kind);
    }

    [TestMethod]
    public void WeightsThatDoNotFitAreListed()
    {
        var file = Path.Combine(_model, "unet", "diffusion_pytorch_model.safetensors");
        Dictionary<string, Tensor> tensors;
        using (var stream = File.OpenRead(file))
        {
            tensors = Safetensors.Read(stream, file);
        }
        tensors.Remove("conv_in.bias");
        tensors["conv_out.weight"] = zeros(4, 16, 1, 1);
        tensors["extra.weight"] = zeros(1);
        Safetensors.Write(file, tensors);
        var message = Refused();
        Assert.Contains("missing: conv_in.bias", message);
        Assert.Contains("conv_out.weight is [4, 16, 1, 1], not [4, 16, 3, 3]", message);
        Assert.Contains("left over: extra.weight", message);
    }

    [TestMethod]
    public void ModelsAreWrittenAsTheyAreRead()
    {
        using var model = StableDiffusionPipeline.Load(_model);
        var copy = Path.Combine(_root, "copy");
        StableDiffusionPipeline.Save(copy, model.UNet, model.Vae, model.TextEncoder, model.Scheduler, null, ScalarType.Float32);
        using var again = StableDiffusionPipeline.Load(copy);
        Assert.AreEqual(model.UNet.Config, again.UNet.Config);
        Assert.AreEqual(model.Vae.Config, again.Vae.Config);
        Assert.AreEqual(model.Scheduler.Config, again.Scheduler.Config);
        foreach (
            var (before, after) in new[]
            {
                (model.UNet.state_dict(), again.UNet.state_dict()),
                (model.Vae.state_dict(), again.Vae.state_dict()),
                (model.TextEncoder.state_dict(), again.TextEncoder.state_dict()),
            }
        )
        {
            CollectionAssert.AreEqual(before.Keys, after.Keys);
            Assert.IsTrue(before.All(p => p.Value.eq(after[p.Key]).all().item<bool>()));
        }
        Assert.Contains("Int64", Assert.ThrowsExactly<ArgumentException>(() => model.UNet.Save(copy, ScalarType.Int64)).Message);
    }

    [TestMethod]
    public void PromptsWithoutATokenizerAreRefused()
    {
        using var model = StableDiffusionPipeline.Load(_model);
        Assert.Contains(
            "has no tokenizer",
            Assert.ThrowsExactly<InvalidOperationException>(() => model.Generate([new("a cat", 1)]).ToList()).Message
        );
    }

    private string Refused() => Assert.ThrowsExactly<InvalidDataException>(() => StableDiffusionPipeline.Load(_model)).Message;

    private void Change(string name, Action<JsonObject> change)
    {
        var path = Path.Combine(_model, name);
        var json = (JsonObject)JsonNode.Parse(File.ReadAllText(path))!;
        change(json);
        File.WriteAllText(path, json.ToJsonString());
    }
}
