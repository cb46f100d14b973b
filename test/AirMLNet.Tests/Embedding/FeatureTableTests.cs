using System.Buffers.Binary;
using System.Text;
using AirMLNet.Embedding;
using AirMLNet.Testing;

namespace AirMLNet.Tests.Embedding;

/// <summary>Files of features that say of themselves what they do not hold.</summary>
[TestClass]
public sealed class FeatureTableTests
{
    private readonly TemporaryFolder _folder = new();

    [TestCleanup]
    public void Delete() => _folder.Dispose();

    [TestMethod]
    public void FeaturesOfAnotherKindOrLength_AreRefused()
    {
        Assert.HasCount(1, FeatureTable.Read(Write("F32", 8, "2")).Part.Paths);
        Assert.Contains(
            "no file of features",
            Assert.ThrowsExactly<InvalidDataException>(() => FeatureTable.Read(Write("F64", 16, "2"))).Message
        );
        Assert.Contains(
            "features of 2 numbers, but it says 3",
            Assert.ThrowsExactly<InvalidDataException>(() => FeatureTable.Read(Write("F32", 8, "3"))).Message
        );
    }

    /// <summary>A shard with a path of another folder was joined as if it were of this one.</summary>
    [TestMethod]
    public void AListOfPathsThatWasChanged_IsRefused()
    {
        var path = _folder["made.safetensors"];
        FeatureTable
            .Format(path)
            .Write(path, new(1, ["cat/1.png"], new Dictionary<string, string> { ["x"] = "y" }, [new(["cat/1.png"], [1])]));
        Assert.AreEqual("x", FeatureTable.Read(path).Metadata.Single().Key);
        var bytes = File.ReadAllBytes(path);
        bytes[bytes.AsSpan().LastIndexOf("cat/1.png"u8)] = (byte)'b';
        File.WriteAllBytes(path, bytes);
        Assert.Contains(
            $"{path}: its paths are not those it was written with",
            Assert.ThrowsExactly<InvalidDataException>(() => FeatureTable.Read(path)).Message
        );
    }

    /// <summary>One row of two numbers.</summary>
    private string Write(string type, int bytes, string dimension)
    {
        var header = Encoding.UTF8.GetBytes(
            $$$"""
            {"__metadata__":{"dimension":"{{{dimension}}}"},"features":{"dtype":"{{{type}}}","shape":[1,2],"data_offsets":[0,{{{bytes}}}]},
             "paths":{"dtype":"U8","shape":[2],"data_offsets":[{{{bytes}}},{{{bytes + 2}}}]}}
            """
        );
        var length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
        var path = _folder["features.safetensors"];
        File.WriteAllBytes(path, [.. length, .. header, .. new byte[bytes], .. "a\n"u8]);
        return path;
    }
}
