using AirMLNet.Clip;
using AirMLNet.Images;
using AirMLNet.Testing;

namespace AirMLNet.Tests.Clip;

/// <summary>What model folders say of preprocessing is done, or refused by name.</summary>
[TestClass]
public sealed class ClipPreprocessingTests
{
    private readonly TemporaryFolder _folder = new();

    [TestCleanup]
    public void Delete() => _folder.Dispose();

    [TestMethod]
    public void ASizeLargerThanTheCropIsResizedToAndCut()
    {
        var made = Load("preprocessor_config.json", """{ "size": { "shortest_edge": 40 }, "crop_size": 32 }""");
        var image = Picture(100, 60);
        CollectionAssert.AreEqual(PilResize.Bicubic(image, 66, 40, 17, 4, 32, 32).Pixels, made.ResizeAndCrop(image).Pixels);
    }

    [TestMethod]
    [DataRow("preprocessor_config.json", """{ "size": { "height": 32, "width": 32 }, "do_center_crop": false }""")]
    [DataRow("preprocessor_config.json", """{ "size": 32, "image_processor_type": "SiglipImageProcessor" }""")]
    [DataRow("preprocessor_config.json", """{ "size": 32, "crop_size": 24, "image_processor_type": "SiglipImageProcessor" }""")]
    [DataRow("preprocessor_config.json", """{ "size": 32, "crop_size": 40, "image_processor_type": "ViTImageProcessor", "resample": 3 }""")]
    [DataRow("processor_config.json", """{ "image_processor": { "size": { "height": 32, "width": 32 } } }""")]
    [DataRow("open_clip_config.json", """{ "preprocess_cfg": { "size": [32, 32], "resize_mode": "squash" } }""")]
    [DataRow("config.json", """{ "pretrained_cfg": { "input_size": [3, 32, 32], "crop_pct": 1.0, "crop_mode": "squash" } }""")]
    public void ASquareMadeOfEveryImageIsSquashed(string name, string json)
    {
        var image = Picture(100, 60);
        CollectionAssert.AreEqual(PilResize.Bicubic(image, 32, 32).Pixels, Load(name, json).ResizeAndCrop(image).Pixels);
    }

    [TestMethod]
    public void AProcessorThatDoesNotCropDoesWhereItIsAskedTo()
    {
        var made = Load(
            "preprocessor_config.json",
            """{ "size": 40, "crop_size": 32, "do_center_crop": true, "image_processor_type": "SiglipImageProcessor" }"""
        );
        var image = Picture(100, 60);
        CollectionAssert.AreEqual(PilResize.Bicubic(image, 40, 40, 4, 4, 32, 32).Pixels, made.ResizeAndCrop(image).Pixels);
    }

    /// <summary>transformers 5 writes one file and reads the older one only where the newer says nothing of images.</summary>
    [TestMethod]
    public void TheNewerFileHasTheLastWord()
    {
        File.WriteAllText(_folder["preprocessor_config.json"], """{ "size": 48, "crop_size": 48 }""");
        Assert.AreEqual(32, Load("processor_config.json", """{ "image_processor": { "size": 32, "crop_size": 32 } }""").Size);
        Assert.AreEqual(48, Load("processor_config.json", """{ "processor_class": "CLIPProcessor" }""").Size);
    }

    [TestMethod]
    public void TheLongestSideIsFittedAndTheRestIsFilled()
    {
        var made = Load("open_clip_config.json", """{ "preprocess_cfg": { "size": 32, "resize_mode": "longest", "fill_color": 7 } }""");
        var image = Picture(100, 60);
        var pixels = made.ResizeAndCrop(image).Pixels;
        var inner = PilResize.Bicubic(image, 32, 19);
        CollectionAssert.AreEqual(inner.Pixels, pixels[(3 * 32 * 6)..(3 * 32 * 25)]);
        Assert.IsTrue(pixels[..(3 * 32 * 6)].All(p => p == 7) && pixels[(3 * 32 * 25)..].All(p => p == 7));
    }

    [TestMethod]
    public void TimmResizesByItsShareOfTheCrop()
    {
        var made = Load(
            "config.json",
            """{ "pretrained_cfg": { "input_size": [3, 32, 32], "crop_pct": 0.9, "interpolation": "bilinear" } }"""
        );
        var image = Picture(70, 70);
        CollectionAssert.AreEqual(
            PilResize.Resize(PilFilter.Bilinear, image, 35, 35, 2, 2, 32, 32).Pixels,
            made.ResizeAndCrop(image).Pixels
        );
    }

    [TestMethod]
    [DataRow(0, 1)]
    [DataRow(1, 2)]
    [DataRow(2, 3)]
    [DataRow(3, 4)]
    [DataRow(4, 5)]
    [DataRow(5, 0)]
    public void EveryFilterIsAnotherAndKeepsGrey(int number, int other)
    {
        RgbImage Resized(int filter, RgbImage image) =>
            Load("preprocessor_config.json", $$"""{ "size": 16, "crop_size": 16, "resample": {{filter}} }""").ResizeAndCrop(image);
        var image = Picture(61, 47);
        CollectionAssert.AreNotEqual(Resized(other, image).Pixels, Resized(number, image).Pixels);
        var grey = new RgbImage(50, 50, [.. Enumerable.Repeat((byte)99, 7500)]);
        Assert.IsTrue(Resized(number, grey).Pixels.All(p => p == 99));
    }

    [TestMethod]
    [DataRow("""{ "do_rescale": false, "do_normalize": false }""", 200f)]
    [DataRow("""{ "do_normalize": false }""", 200 / 255f)]
    [DataRow("""{ "rescale_factor": 0.01, "do_normalize": false }""", 2f)]
    [DataRow("""{ "rescale_factor": 0.00392156862745098, "image_mean": [0, 0, 0], "image_std": [0.5, 0.5, 0.5] }""", 400 / 255f)]
    public void ScalingIsAsTheFileSays(string json, float expected)
    {
        var image = new RgbImage(224, 224, [.. Enumerable.Repeat((byte)200, 3 * 224 * 224)]);
        Assert.AreEqual(expected, Load("preprocessor_config.json", json).Preprocess(image)[0], 1e-6f);
    }

    /// <summary>What a class of transformers does where its file leaves a key out.</summary>
    [TestMethod]
    [DataRow("CLIPImageProcessor", false, 0.48145466f, 0.26862954f)]
    [DataRow("ChineseCLIPImageProcessor", false, 0.48145466f, 0.26862954f)]
    [DataRow("SiglipImageProcessor", false, 0.5f, 0.5f)]
    [DataRow("ViTImageProcessor", true, 0.5f, 0.5f)]
    public void EachClassHasDefaultsOfItsOwn(string type, bool bilinear, float mean, float std)
    {
        var made = Load("preprocessor_config.json", $$"""{ "image_processor_type": "{{type}}", "size": { "height": 32, "width": 32 } }""");
        var image = Picture(100, 60);
        var pixels = PilResize.Resize(bilinear ? PilFilter.Bilinear : PilFilter.Bicubic, image, 32, 32, 0, 0, 32, 32).Pixels;
        Assert.AreEqual(((pixels[0] / 255f) - mean) / std, made.Preprocess(image)[0], 1e-6f);
    }

    [TestMethod]
    [DataRow("preprocessor_config.json", """{ "size": 16, "image_mean": 0.25, "image_std": 0.5 }""")]
    [DataRow("open_clip_config.json", """{ "preprocess_cfg": { "size": 16, "mean": 0.25, "std": 0.5, "interpolation": "random" } }""")]
    public void OneNumberIsForAllChannels_AndRandomIsBicubic(string name, string json)
    {
        var image = Picture(40, 40);
        var pixels = PilResize.Bicubic(image, 16, 16).Pixels;
        var made = Load(name, json).Preprocess(image);
        Assert.AreEqual(((pixels[0] / 255f) - 0.25f) / 0.5f, made[0], 1e-6f);
        Assert.AreEqual(((pixels[2] / 255f) - 0.25f) / 0.5f, made[2 * 16 * 16], 1e-6f);
    }

    [TestMethod]
    public void WhatIsNotResizedIsCutOrPadded()
    {
        var made = Load("preprocessor_config.json", """{ "do_resize": false, "crop_size": 4 }""");
        var small = made.ResizeAndCrop(new RgbImage(2, 2, [.. Enumerable.Repeat((byte)50, 12)])).Pixels;
        Assert.AreEqual(50, small[3 * ((1 * 4) + 1)]);
        Assert.AreEqual(0, small[0]);
        Assert.AreEqual(16, made.ResizeAndCrop(Picture(9, 9)).Pixels.Length / 3);
    }

    [TestMethod]
    [DataRow("preprocessor_config.json", """{ "do_center_crop": false, "size": { "shortest_edge": 32 } }""", "do_center_crop")]
    [DataRow("preprocessor_config.json", """{ "resample": 9 }""", "resample")]
    [DataRow("preprocessor_config.json", """{ "size": { "longest_edge": 32 } }""", "size")]
    [DataRow("preprocessor_config.json", """{ "size": { "height": 32, "width": 48 } }""", "size")]
    [DataRow("preprocessor_config.json", """{ "do_pad": true }""", "do_pad")]
    [DataRow("preprocessor_config.json", """{ "crop_pct": 0.9 }""", "crop_pct")]
    [DataRow("preprocessor_config.json", """{ "image_processor_type": "ConvNextImageProcessor" }""", "ConvNextImageProcessor")]
    [DataRow("preprocessor_config.json", """{ "rescale_factor": 0 }""", "rescale_factor")]
    [DataRow("open_clip_config.json", """{ "preprocess_cfg": { "interpolation": "nearest-ish" } }""", "interpolation")]
    [DataRow("preprocessor_config.json", """{ "size": 0 }""", "size")]
    [DataRow("preprocessor_config.json", """{ "size": 1000000000 }""", "size")]
    [DataRow("preprocessor_config.json", """{ "image_mean": [0.5] }""", "image_mean")]
    [DataRow("preprocessor_config.json", """{ "image_std": [0, 0.5, 0.5] }""", "image_std")]
    [DataRow("preprocessor_config.json", """{ "image_std": 0 }""", "image_std")]
    [DataRow("open_clip_config.json", """{ "preprocess_cfg": { "resize_mode": "other" } }""", "resize_mode")]
    [DataRow("config.json", """{ "pretrained_cfg": { "crop_mode": "border" } }""", "crop_mode")]
    public void WhatIsNotBuiltIsRefusedByName(string name, string json, string key)
    {
        var message = Assert.ThrowsExactly<InvalidDataException>(() => Load(name, json)).Message;
        Assert.Contains(name, message);
        Assert.Contains(key, message);
    }

    [TestMethod]
    public void AnotherSizeKeepsTheProportionOfTheCrop()
    {
        File.WriteAllText(_folder["preprocessor_config.json"], """{ "size": 40, "crop_size": 32 }""");
        Assert.AreEqual(64, ClipPreprocessor.Load(_folder, 64).Size);
        Assert.Contains(" 80 ", ClipPreprocessor.Load(_folder, 64).Description);
    }

    private ClipPreprocessor Load(string name, string json)
    {
        File.WriteAllText(_folder[name], json);
        return ClipPreprocessor.Load(_folder);
    }

    private static RgbImage Picture(int width, int height)
    {
        var pixels = new byte[3 * width * height];
        new Random(5).NextBytes(pixels);
        return new(width, height, pixels);
    }
}
