using AirMLNet.Data;
using AirMLNet.Images;
using AirMLNet.Testing;
using AirMLNet.Weights;
using TorchSharp;

namespace AirMLNet.Tool.Tests;

/// <summary><c>airml synthesize</c> as a user calls it.</summary>
[TestClass]
public sealed class SynthesizeTests
{
    [TestMethod]
    public void ImagesOfAPromptAreMadeOnceAndMoreCanBeAskedFor()
    {
        using var folder = new TemporaryFolder();
        var model = TinyModels.Diffusion;

        var line = Airml.Run([.. Make(model, folder["out"]), "-n", "2"]).Succeeded();
        Assert.Contains("out: 2 images, all on ", line);
        var first = File.ReadAllBytes(folder["out/images/0001.png"]);
        File.Delete(folder["out/images/0000.png"]);
        File.WriteAllText(folder["out/images/0001.png.x.tmp"], "what an interruption may leave");
        var stamp = File.GetLastWriteTimeUtc(folder["out/images/0001.png"]);
        var again = Airml.Run([.. Make(model, folder["out"]), "-n", "3"]);

        Assert.Contains("out: 3 images", again.Succeeded());
        Assert.Contains("2 images made in", again.Error);
        Assert.Contains("1 were there", again.Error);
        Assert.AreEqual(stamp, File.GetLastWriteTimeUtc(folder["out/images/0001.png"]));
        // The same images as in one go, whatever was there and how many are made at a time.
        Airml.Run([.. Make(model, folder["whole"]), "-n", "3", "--batch", "3"]).Succeeded();
        for (var i = 0; i < 3; i++)
        {
            var (one, other) = (ImageFile.Load(folder[$"out/images/000{i}.png"]), ImageFile.Load(folder[$"whole/images/000{i}.png"]));
            Assert.IsTrue(one.Pixels.Zip(other.Pixels).All(p => Math.Abs(p.First - p.Second) <= 1));
        }

        CollectionAssert.AreEqual(first, File.ReadAllBytes(folder["out/images/0001.png"]));
        var sheet = ImageFile.Load(folder["out/contact-sheet.png"]);
        Assert.AreEqual((4 + (2 * 68), 4 + (2 * 68)), (sheet.Width, sheet.Height)); // two rows of two places, 16 pixels enlarged to 64
    }

    [TestMethod]
    public void ClassesGetAFolderEach()
    {
        using var folder = new TemporaryFolder();
        var longest = "Cup " + string.Concat(Enumerable.Repeat("of tea ", 40)).Trim();
        var classes = TinyData.Classes(folder["classes.txt"], "a/b", "Cat", longest);
        var made = Airml.Run(
            "synthesize",
            "--diffusion",
            TinyModels.Diffusion,
            "--classes",
            classes,
            "--domain",
            "Colours:",
            "-n",
            "2",
            "--steps",
            "2",
            "--size",
            "8x16",
            "-o",
            folder["out"],
            "--threads",
            "1"
        );
        made.Succeeded();
        // What no folder's name and no prompt can hold is said.
        Assert.Contains("1 of 3 texts are longer than the ", made.Error);
        Assert.Contains("1 class names are longer than 100 characters", made.Error);
        Assert.HasCount(6, SyntheticImageFolder.FromFolder(folder["out"], ["a/b", "Cat", longest]));

        Assert.AreEqual(2, Directory.GetFiles(folder["out/images/a_b"]).Length);
        var image = ImageFile.Load(folder["out/images/Cat/0001.png"]);
        Assert.AreEqual((8, 16), (image.Width, image.Height));
        Assert.Contains("Cat: Colours: Cat", File.ReadAllText(folder["out/synthesis.json"]));
    }

    [TestMethod]
    public void ALoraFileAdaptsTheModel()
    {
        using var folder = new TemporaryFolder();
        var model = TinyModels.Diffusion;
        const string layer = "unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_v";
        Safetensors.Write(
            folder["lora.safetensors"],
            new Dictionary<string, torch.Tensor>
            {
                [layer + ".lora_A.weight"] = torch.arange(64, torch.ScalarType.Float32).view(2, 32), // a normalised state sums to nothing
                [layer + ".lora_B.weight"] = torch.ones(32, 2),
            }
        );
        Safetensors.Write(folder["other.safetensors"], new Dictionary<string, torch.Tensor> { ["a"] = torch.ones(1) });

        Airml.Run(Make(model, folder["plain"])).Succeeded();
        Airml.Run([.. Make(model, folder["adapted"]), "--lora", folder["lora.safetensors"]]).Succeeded();

        CollectionAssert.AreNotEqual(
            File.ReadAllBytes(folder["plain/images/0000.png"]),
            File.ReadAllBytes(folder["adapted/images/0000.png"])
        );
        Airml.Run([.. Make(model, folder["plain"]), "--lora", folder["lora.safetensors"]]).Failed(1, "another lora");
        Airml
            .Run([.. Make(model, folder["x"]), "--lora", folder["other.safetensors"]])
            .Failed(1, "other.safetensors holds no LoRA for this model");
    }

    [TestMethod]
    public void WhatDoesNotFitIsSaidOnOneLine()
    {
        using var folder = new TemporaryFolder();
        var model = TinyModels.Copy(TinyModels.Diffusion, folder["model"]);
        var make = Make(model, folder["out"]);
        Airml.Run([.. make, "--size", "8y"]).Failed(2, "--size is '8y'");
        Airml.Run([.. make, "--size", "9"]).Failed(1, "Height = 9; expected a multiple of 2");
        Airml.Run([.. make, "--classes", "c.txt"]).Failed(2, "either --prompt or --classes");
        Airml.Run([.. make, "--scheduler", "best"]).Failed(2, "best", "euler");
        Airml.Run([.. make, "--precision", "float16"]).Failed(1, "Float16");
        Airml.Run([.. make, "--gpu", "7"]).Failed(1, "--gpu is 7");
        Airml.Run(Make(folder["none"], folder["out"])).Failed(1, "no model folder", "none");
        Assert.IsFalse(Directory.Exists(folder["out"]));
        Directory.Delete(Path.Combine(model, "vae"), true);
        Airml.Run(make).Failed(1, "lacks the component vae");
    }

    [TestMethod]
    public void AFolderIsNotAddedToInAnotherWay()
    {
        using var folder = new TemporaryFolder();
        var model = TinyModels.Diffusion;
        Airml.Run(Make(model, folder["out"])).Succeeded();
        Airml.Run([.. Make(model, folder["out"]), "--guidance", "3"]).Failed(1, "another guidance (\"7.5\", now \"3\")");
        Airml.Run([.. Make(model, folder["out"]), "--seed", "5"]).Failed(1, "another seed");
    }

    private static string[] Make(string model, string output) =>
        ["synthesize", "--diffusion", model, "--prompt", "a photo of a cat", "--steps", "3", "-o", output, "--threads", "1"];
}
