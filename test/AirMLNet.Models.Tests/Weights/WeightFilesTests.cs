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
        File.WriteAllText(_folder["pytorch_model.bin"], "x");
        Assert.Contains("Python pickles", Assert.ThrowsExactly<FileNotFoundException>(() => WeightFiles.Find(_folder, Names)).Message);
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
