using System.Text.Json;
using AirMLNet.Testing;

namespace AirMLNet.Tool.Tests;

/// <summary><c>airml train lora</c> as a user calls it.</summary>
[TestClass]
public sealed class TrainLoraTests
{
    [TestMethod]
    public void TheAdapterOfSomeImagesIsForSynthesize()
    {
        using var folder = new TemporaryFolder();
        var model = TinyModels.Diffusion;
        var images = TinyData.Images(folder["photos"], byClass: true);
        string[] train =
        [
            "train",
            "lora",
            images,
            "--diffusion",
            model,
            "--steps",
            "4",
            "--lr",
            "0.01",
            "--rank",
            "2",
            "--batch",
            "3",
            "--text-encoder",
            "--threads",
            "1",
        ];
        using (var json = JsonDocument.Parse(Airml.Run([.. train, "-o", folder["lora"], "--json"]).Succeeded()))
        {
            Assert.AreEqual(12, json.RootElement.GetProperty("images").GetInt32());
            Assert.IsGreaterThan(0, json.RootElement.GetProperty("lossAfter").GetDouble());
        }

        Assert.Contains("was there already", Airml.Run([.. train, "-o", folder["lora"]]).Succeeded());
        Airml.Run([.. train, "-o", folder["lora"], "--prompt", "a picture"]).Failed(1, "made with other images or settings");
        var file = folder["lora/pytorch_lora_weights.safetensors"];
        string[] make = ["synthesize", "--diffusion", model, "--prompt", "a photo of a red", "--steps", "2", "--threads", "1"];
        Airml.Run([.. make, "-o", folder["plain"]]).Succeeded();
        Airml.Run([.. make, "--lora", file, "-o", folder["adapted"]]).Succeeded();
        CollectionAssert.AreNotEqual(
            File.ReadAllBytes(folder["plain/images/0000.png"]),
            File.ReadAllBytes(folder["adapted/images/0000.png"])
        );
    }

    [TestMethod]
    public void WhatIsWrongIsSaidOnOneLine()
    {
        using var folder = new TemporaryFolder();
        var model = TinyModels.Diffusion;
        var images = TinyData.Images(folder["photos"]);
        string[] train = ["train", "lora", images, "--diffusion", model, "-o", folder["lora"]];
        Airml.Run(train).Failed(1, "photos"); // images in no class folder, and no --prompt
        Airml.Run([.. train, "--prompt", "a", "--rank", "0"]).Failed(2, "--rank");
        Airml.Run([.. train, "--prompt", "a", "--precision", "float16"]).Failed(2, "float16");
        Airml.Run([.. train, "--prompt", "a", "--gpu", "9"]).Failed(1, "--gpu is 9");
        Assert.IsFalse(Directory.Exists(folder["lora"]));
    }
}
