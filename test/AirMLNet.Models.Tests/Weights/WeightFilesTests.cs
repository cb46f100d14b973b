using AirMLNet.Testing;
using AirMLNet.Weights;
using static TorchSharp.torch;

namespace AirMLNet.Tests.Weights;

/// <summary>Weights are found however they are sharded and whichever variant is there.</summary>
[TestClass]
public sealed class WeightFilesTests
{
    private static readonly WeightFileNames Names = new("UNet", "model.safetensors", "other.safetensors");
    private readonly TemporaryFolder _folder = new();

    [TestCleanup]
    public void Delete() => _folder.Dispose();

    [TestMethod]
    [DataRow("model.safetensors.index.json")]
    [DataRow("model.safetensors.index.fp16.json")]
    [DataRow("model.fp16.safetensors.index.json")]
    [DataRow("other.safetensors.index.bf16.json")]
    public void ShardsOfAVariantAreRead(string index)
    {
        Write("m-1.safetensors", "a");
        Write("m-2.safetensors", "b");
        File.WriteAllText(_folder[index], """{ "weight_map": { "a": "m-1.safetensors", "b": "m-2.safetensors" } }""");
        Has("a", "b");
    }

    [TestMethod]
    [DataRow("model.fp16.safetensors")]
    [DataRow("model.non_ema.safetensors")]
    public void AVariantIsRead(string name)
    {
        Write(name, "a");
        Write("unrelated.safetensors", "x");
        Has("a");
    }

    [TestMethod]
    public void OfSeveralVariantsTheMostExactIsRead_AndThePlainFileFirst()
    {
        Write("model.bf16.safetensors", "bf16");
        Write("model.fp16.safetensors", "fp16");
        Has("fp16");
        Write("model.safetensors", "plain");
        Has("plain");
    }

    [TestMethod]
    public void ShardsWithoutAListAreReadWhereAllAreThere()
    {
        Write("model-00001-of-00002.safetensors", "a");
        Assert.Contains("1 of the 2 shards", Assert.ThrowsExactly<FileNotFoundException>(() => WeightFiles.Find(_folder, Names)).Message);
        Write("model-00002-of-00002.safetensors", "b");
        Has("a", "b");
    }

    [TestMethod]
    [DataRow(float.NaN)]
    [DataRow(float.NegativeInfinity)]
    public void ValuesThatAreNoNumbers_AreRefusedByTheirTensor(float value)
    {
        using (var weight = tensor([1, value, 3]))
        {
            Safetensors.Write(_folder["model.safetensors"], new Dictionary<string, Tensor> { ["some.weight"] = weight });
        }

        using var files = WeightFiles.Find(_folder, Names);
        Assert.Contains(
            "\"some.weight\" holds values that are not numbers",
            Assert.ThrowsExactly<InvalidDataException>(() => files.Get("some.weight")).Message
        );
    }

    [TestMethod]
    public void AListMustNotReachOutside_AndPicklesAreRefusedWithASentence()
    {
        File.WriteAllText(_folder["model.safetensors.index.json"], """{ "weight_map": { "a": "../x.safetensors" } }""");
        Assert.Contains("is not a file name", Assert.ThrowsExactly<InvalidDataException>(() => WeightFiles.Find(_folder, Names)).Message);
        File.WriteAllText(_folder["model.safetensors.index.json"], """{ "weight_map": { "a": "x", "a": "y" } }""");
        Assert.Contains("is not a valid index", Assert.ThrowsExactly<InvalidDataException>(() => WeightFiles.Find(_folder, Names)).Message);
        File.Delete(_folder["model.safetensors.index.json"]);
        File.WriteAllText(_folder["pytorch_model.bin"], "PK\u0003\u0004");
        Assert.Contains("Python pickles", Assert.ThrowsExactly<FileNotFoundException>(() => WeightFiles.Find(_folder, Names)).Message);
    }

    /// <summary>The advice is for the file that is there: every shard becomes a shard, and other programs' files are no pickles.</summary>
    [TestMethod]
    public void TheAdviceForPicklesFitsThem()
    {
        string Said() => Assert.ThrowsExactly<FileNotFoundException>(() => WeightFiles.Find(_folder, Names)).Message;
        File.WriteAllText(_folder["openvino_model.bin"], "OpenVINO");
        Assert.DoesNotContain("Python pickles", Said());
        Assert.Contains("weights are read as safetensors only", Said());
        foreach (var shard in new[] { "00002-of-00002", "00001-of-00002" })
        {
            File.WriteAllBytes(_folder[$"pytorch_model-{shard}.bin"], [0x80, 2, 0, 0]);
        }
        Assert.Contains("holds its weights only as pytorch_model-00001-of-00002.bin, pytorch_model-00002-of-00002.bin.", Said());
        Assert.Contains(
            "torch.load(\"pytorch_model-00001-of-00002.bin\", weights_only=True), \"model-00001-of-00002.safetensors\")",
            Said()
        );
        Assert.EndsWith("So each of them.", Said());
    }

    [TestMethod]
    public void AFolderAroundTheModelsIsSaidSo()
    {
        Directory.CreateDirectory(_folder["0_CLIPModel"]);
        Write(Path.Combine("0_CLIPModel", "model.safetensors"), "a");
        File.WriteAllText(_folder["modules.json"], "[]");
        Assert.EndsWith(
            "Its folder 0_CLIPModel has such a file: name that folder.",
            Assert.ThrowsExactly<FileNotFoundException>(() => WeightFiles.Find(_folder, Names)).Message
        );
        Directory.CreateDirectory(_folder["cache", "snapshots", "abc"]);
        Write(Path.Combine("cache", "snapshots", "abc", "model.safetensors"), "a");
        Assert.Contains(
            $"Its folder {Path.Combine("snapshots", "abc")} has such a file",
            Assert.ThrowsExactly<FileNotFoundException>(() => WeightFiles.Find(_folder["cache"], Names)).Message
        );
        Assert.EndsWith(
            "modules.json is a file; name the model folder that it lies in.",
            Assert.ThrowsExactly<DirectoryNotFoundException>(() => WeightFiles.Find(_folder["modules.json"], Names)).Message
        );
    }

    [TestMethod]
    public void WhatIsNoFileIsRefusedWithoutReadingIt()
    {
        File.WriteAllText(_folder["model.safetensors"], "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 605157884\n");
        Assert.Contains(
            "is a pointer of Git LFS",
            Assert.ThrowsExactly<SafetensorsException>(() => WeightFiles.Find(_folder, Names)).Message
        );
        File.WriteAllText(_folder["model.safetensors"], "");
        Assert.Contains("the file is empty", Assert.ThrowsExactly<InvalidDataException>(() => WeightFiles.Find(_folder, Names)).Message);
        File.Delete(_folder["model.safetensors"]);
        File.CreateSymbolicLink(_folder["model.safetensors"], "../../blobs/abc");
        Assert.Contains(
            "is a link to ../../blobs/abc, which does not exist",
            Assert.ThrowsExactly<FileNotFoundException>(() => WeightFiles.Find(_folder, Names)).Message
        );
    }

    /// <summary>A pipe that nobody writes to: reading would wait for ever.</summary>
    [TestMethod]
    [Timeout(60_000)]
    [OSCondition(ConditionMode.Exclude, OperatingSystems.Windows)]
    public void APipeIsRefused()
    {
        using (var made = System.Diagnostics.Process.Start("mkfifo", [_folder["model.safetensors"]]))
        {
            made.WaitForExit();
        }
        Assert.Contains("the file is empty", Assert.ThrowsExactly<InvalidDataException>(() => WeightFiles.Find(_folder, Names)).Message);
    }

    /// <summary>torch.compile, Lightning and others put a word of their own before every name.</summary>
    [TestMethod]
    [DataRow("_orig_mod.")]
    [DataRow("module._orig_mod.")]
    [DataRow("model.clip.")]
    [DataRow("")]
    public void WhatAllNamesBeginWithIsTakenOff(string wrapper)
    {
        Safetensors.Write(
            _folder["model.safetensors"],
            new Dictionary<string, Tensor>
            {
                [wrapper + "visual.proj"] = ones(1),
                [wrapper + "visual.conv1.weight"] = ones(1),
                [wrapper + "logit_scale"] = ones(1),
            }
        );
        using (var files = WeightFiles.Find(_folder, Names))
        {
            files.TakeOffWrapper("visual");
            CollectionAssert.AreEquivalent(new[] { "visual.proj", "visual.conv1.weight", "logit_scale" }, files.Names.ToArray());
        }
        Safetensors.Write(_folder["model.safetensors"], new Dictionary<string, Tensor> { [wrapper + "visual.proj"] = ones(1) });
        using var one = WeightFiles.Find(_folder, Names);
        one.TakeOffWrapper("visual");
        CollectionAssert.AreEquivalent(new[] { "visual.proj" }, one.Names.ToArray());
    }

    [TestMethod]
    public void NoMetadataIsEmptyMetadata()
    {
        var json = """{"__metadata__":null}"""u8.ToArray();
        File.WriteAllBytes(_folder["model.safetensors"], [(byte)json.Length, 0, 0, 0, 0, 0, 0, 0, .. json]);
        using var files = WeightFiles.Find(_folder, Names);
        Assert.IsEmpty(files.Metadata);
    }

    private void Write(string file, string tensor) =>
        Safetensors.Write(_folder[file], new Dictionary<string, Tensor> { [tensor] = ones(1) });

    private void Has(params string[] names)
    {
        using var files = WeightFiles.Find(_folder, Names);
        CollectionAssert.AreEquivalent(names, files.Names.ToArray());
    }
}
