using System.Globalization;
using System.Text.Json.Nodes;
using AirMLNet.Clip;
using AirMLNet.Testing;
using AirMLNet.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace AirMLNet.Tests.Clip;

/// <summary>Images of another size than the weights were trained with: OpenCLIP resizes positions, transformers refuses them.</summary>
[TestClass]
public sealed class ClipPositionTests
{
    private readonly TemporaryFolder _folder = new();
    private DisposeScope? _scope;

    [TestInitialize]
    public void Create() => _scope = NewDisposeScope();

    [TestCleanup]
    public void Delete()
    {
        _scope!.Dispose();
        _folder.Dispose();
    }

    /// <summary>The figures are of torch.nn.functional.interpolate with antialias=True in PyTorch 1.13, which OpenCLIP calls.</summary>
    [TestMethod]
    [DataRow(2, 3, "0.956958 0.982414 1.00787 -0.074606 0.061956 0.198517 -1.10617 -0.858503 -0.610836")]
    [DataRow(4, 2, "0.301405 -0.37095 0.429223 0.329127")]
    [DataRow(
        3,
        5,
        "0.938154 1.078461 1.050482 -0.333809 -1.250306 0.370394 0.337492 0.221859 -0.1608 -0.401761 -0.512521 -0.767606 -0.961397 "
            + "0.139199 0.892668 -0.676659 -0.708778 -0.591317 0.368382 0.992513 -0.684364 -0.542844 -0.209618 0.486214 0.910268"
    )]
    public void ImagePositionsAreResizedAsOpenClipDoes(int side, int other, string figures)
    {
        // The class token's first, then sin(i² + 1) of each place, which the second column has four times.
        var values = Enumerable.Range(0, side * side).Select(i => Math.Sin((i * i) + 1)).Prepend(9).ToArray();
        var positions = stack([tensor(values, ScalarType.Float32), tensor(values, ScalarType.Float32).mul(4)], 1); // [1 + S², 2]
        long[] wanted = [1 + (other * other), 2];

        Assert.IsTrue(ClipPositionGrid.Images.Fits(positions.shape, wanted));
        var made = ClipPositionGrid.Images.Fit(positions, wanted);

        AssertAre("9 " + figures, made.select(1, 0));
        AssertAre("9 " + figures, made.select(1, 1).div(4));
        Assert.IsFalse(ClipPositionGrid.Images.Fits([6, 2], wanted));
        Assert.IsFalse(ClipPositionGrid.Images.Fits([5, 3], wanted));
    }

    [TestMethod]
    [DataRow(3, "0.86408 -0.958924 -0.822272")]
    [DataRow(8, "0.841471 0.871145 0.792534 -0.375105 -0.829267 -0.569953 -0.778795 -0.961397")]
    public void TextPositionsAreResizedAsOpenClipDoes(int length, string figures)
    {
        var positions = tensor(Enumerable.Range(0, 5).Select(i => Math.Sin((i * i) + 1)).ToArray(), ScalarType.Float32).unsqueeze(1);
        AssertAre(figures, ClipPositionGrid.Texts.Fit(positions, [length, 1]).squeeze(1));
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void AnOpenClipFolderOfAnotherSizeIsLoaded_AndSaysSo(bool custom)
    {
        OpenClip(96, 40, custom);

        using var model = ClipModel.Load(_folder["open"]);

        Assert.AreEqual(96, model.Config.Vision.ImageSize);
        Assert.Contains("image positions resized from 4 x 4 to 6 x 6, as OpenCLIP does", model.Choices);
        Assert.Contains("text positions resized from 77 to 40, as OpenCLIP does", model.Choices);
        Tensor own;
        using (var file = SafetensorsFile.Open(_folder["open", "open_clip_model.safetensors"]))
        {
            own = file.GetTensor("visual.positional_embedding", ScalarType.Float32);
        }
        var made = model.state_dict()["vision_model.embeddings.position_embedding.weight"];
        CollectionAssert.AreEqual(new[] { 37L, own.size(1) }, made.shape);
        Assert.IsTrue(made.allclose(ClipPositionGrid.Images.Fit(own, made.shape)));
        Assert.IsTrue(model.EncodeImage(zeros(1, 3, 96, 96)).isfinite().all().item<bool>());
        OpenClip(64, 77, custom);
        using var same = ClipModel.Load(_folder["open"]);
        Assert.DoesNotContain("resized", same.Choices);
    }

    [TestMethod]
    public void ATransformersFolderOfAnotherSizeIsRefusedWithTheRightOne()
    {
        var golden = TestData.Path("golden/openclip-vit-tiny");
        var json = (JsonObject)JsonNode.Parse(File.ReadAllText(Path.Combine(golden, "config.json")))!;
        json["vision_config"]!["image_size"] = 96;
        Directory.CreateDirectory(_folder["hf"]);
        File.WriteAllText(_folder["hf", "config.json"], json.ToJsonString());
        File.Copy(Path.Combine(golden, "weights.safetensors"), _folder["hf", "model.safetensors"]);

        var message = Assert.ThrowsExactly<InvalidDataException>(() => ClipModel.Load(_folder["hf"])).Message;

        Assert.Contains("model.safetensors: the weights have positions of 4 x 4 patches", message);
        Assert.Contains("image_size is 96", message);
        Assert.Contains("image_size must be 64", message);
    }

    /// <summary>Patches are cut without a rest: what does not fill one is not seen, as in both originals.</summary>
    [TestMethod]
    public void ASizeThatPatchesDoNotDivideIsCut()
    {
        var config = ClipModelTests.Small with { Vision = ClipModelTests.Small.Vision with { ImageSize = 14 } };
        using var model = new ClipModel(config);
        using var plain = new ClipModel(ClipModelTests.Small);
        model.Save(_folder["cut"], ScalarType.Float32);
        using var again = ClipModel.Load(_folder["cut"]);
        var pixels = ClipModelTests.Pixels(2); // [2, 3, 12, 12]
        var larger = nn.functional.pad(pixels, [0, 2, 0, 2], PaddingModes.Constant, 7);

        Assert.AreEqual(9, model.Config.Vision.Patches);
        Assert.IsTrue(again.EncodeImage(larger).allclose(plain.EncodeImage(pixels), 1e-5, 1e-6));
        var dense = again.EncodeDense(larger);
        Assert.AreEqual((3L, 3L), (dense.Height, dense.Width));
        Assert.IsTrue(dense.Global.allclose(plain.EncodeImage(pixels), 1e-5, 1e-6));
    }

    /// <summary>In OpenCLIP the model's own size has the last word.</summary>
    [TestMethod]
    [DataRow("{ \"image_size\": 32 }", 32)]
    [DataRow("{}", 224)]
    public void TheSizeOfPreprocessCfgIsNotTheModels(string vision, int size)
    {
        File.WriteAllText(
            _folder["open_clip_config.json"],
            $$"""{ "model_cfg": { "embed_dim": 8, "vision_cfg": {{vision}}, "text_cfg": {} }, "preprocess_cfg": { "size": 64, "mean": 0 } }"""
        );
        Assert.AreEqual(size, ClipPreprocessor.Load(_folder).Size);
    }

    private void OpenClip(int image, int context, bool custom)
    {
        var golden = TestData.Path("golden/openclip-vit-tiny");
        var json = (JsonObject)JsonNode.Parse(File.ReadAllText(Path.Combine(golden, "open_clip_config.json")))!;
        json["model_cfg"]!["vision_cfg"]!["image_size"] = image;
        json["model_cfg"]!["text_cfg"]!["context_length"] = context;
        Directory.CreateDirectory(_folder["open"]);
        File.WriteAllText(_folder["open", "open_clip_config.json"], json.ToJsonString());
        var weights = custom ? "weights_openclip_customtext.safetensors" : "weights_openclip.safetensors";
        File.Copy(Path.Combine(golden, weights), _folder["open", "open_clip_model.safetensors"], overwrite: true);
    }

    private static void AssertAre(string figures, Tensor values)
    {
        var want = figures.Split(' ').Select(f => float.Parse(f, CultureInfo.InvariantCulture)).ToArray();
        var got = ClipModelTests.Values(values);
        Assert.HasCount(want.Length, got);
        foreach (var (a, b) in want.Zip(got))
        {
            Assert.AreEqual(a, b, 1e-5f, figures);
        }
    }
}
