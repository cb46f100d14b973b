using System.Buffers.Binary;
using System.Text;
using AirMLNet.Testing;
using AirMLNet.Weights;
using static TorchSharp.torch;

namespace AirMLNet.Tests.Weights;

[TestClass]
public sealed class SafetensorsTests
{
    private readonly TemporaryFolder _folder = new();

    private string WeightFile => _folder["x.safetensors"];

    [TestCleanup]
    public void Delete() => _folder.Dispose();

    [TestMethod]
    public void Every_type_and_shape_survives_a_round_trip()
    {
        using var scope = NewDisposeScope();
        var tensors = new Dictionary<string, Tensor>
        {
            ["scalar"] = tensor(2.5f),
            ["empty"] = zeros(0, 3),
            ["transposed"] = arange(6, dtype: ScalarType.Float64).view(2, 3).t(),
        };
        foreach (
            var type in new[]
            {
                ScalarType.Float16,
                ScalarType.BFloat16,
                ScalarType.Int64,
                ScalarType.Int32,
                ScalarType.Int16,
                ScalarType.Int8,
                ScalarType.Byte,
                ScalarType.Bool,
            }
        )
        {
            tensors[type.ToString()] = tensor(new float[] { 0, 1, 1, 0 }, [2, 2]).to_type(type);
        }

        Safetensors.Write(WeightFile, tensors, new Dictionary<string, string> { ["format"] = "pt" });
        using var file = SafetensorsFile.Open(WeightFile);
        using var stream = File.OpenRead(WeightFile);
        var streamed = Safetensors.Read(stream, "stream");
        Assert.AreEqual("pt", file.Metadata["format"]);
        Assert.HasCount(tensors.Count, file.Entries);
        foreach (var (name, want) in tensors)
        {
            foreach (var got in new[] { file.GetTensor(name), streamed[name] })
            {
                Assert.AreEqual(want.dtype, got.dtype, name);
                CollectionAssert.AreEqual(want.shape, got.shape, name);
                Assert.IsTrue(want.eq(got).all().item<bool>(), name);
            }
        }
    }

    /// <summary>What PyTorch saved and someone renamed; a length of 640 begins like a pickle and is none.</summary>
    [TestMethod]
    [DataRow(new byte[] { 0x50, 0x4b, 3, 4, 0, 0, 8, 8, 0, 0 })]
    [DataRow(new byte[] { 0x80, 2, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20 })]
    public void A_renamed_pickle_is_named_with_what_to_do(byte[] bytes)
    {
        File.WriteAllBytes(WeightFile, bytes);
        var message = Assert.ThrowsExactly<SafetensorsException>(() => SafetensorsFile.Open(WeightFile)).Message;
        Assert.Contains("Python pickles", message);
        Assert.Contains("torch.load(\"x.safetensors\", weights_only=True)", message);
        var header = "{}".PadRight(640);
        File.WriteAllBytes(WeightFile, [0x80, 2, 0, 0, 0, 0, 0, 0, .. Encoding.ASCII.GetBytes(header)]);
        using var file = SafetensorsFile.Open(WeightFile);
        Assert.IsEmpty(file.Entries);
    }

    [TestMethod]
    public void Half_precision_is_widened_when_asked()
    {
        using var scope = NewDisposeScope();
        Safetensors.Write(WeightFile, new Dictionary<string, Tensor> { ["x"] = tensor(new[] { 1.5f, -2 }).to_type(ScalarType.Float16) });
        using var file = SafetensorsFile.Open(WeightFile);
        CollectionAssert.AreEqual(new[] { 1.5f, -2 }, file.GetTensor("x", ScalarType.Float32).data<float>().ToArray());
    }

    [TestMethod]
    [DataRow("""{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}""", "takes 8 bytes", DisplayName = "shape and length disagree")]
    [DataRow("""{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", "outside", DisplayName = "past the end")]
    [DataRow("""{"x":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}""", "outside", DisplayName = "backwards")]
    [DataRow("""{"x":{"dtype":"F8","shape":[1],"data_offsets":[0,4]}}""", "F8", DisplayName = "unknown type")]
    [DataRow("""{"x":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}""", "shape", DisplayName = "negative length")]
    [DataRow(
        """{"x":{"dtype":"F32","shape":[4294967296,4294967296,4294967296],"data_offsets":[0,4]}}""",
        "takes",
        DisplayName = "overflowing shape"
    )]
    [DataRow(
        """{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""",
        "twice",
        DisplayName = "listed twice"
    )]
    [DataRow(
        """{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"y":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""",
        "begins at",
        DisplayName = "overlap"
    )]
    [DataRow("""{"x":{"shape":[1],"data_offsets":[0,4]}}""", "dtype", DisplayName = "no type")]
    [DataRow("""{}""", "4 bytes of data", DisplayName = "data of no tensor")]
    [DataRow("""[1]""", "header", DisplayName = "not an object")]
    [DataRow("""{"x":""", "header", DisplayName = "cut JSON")]
    public void A_corrupt_header_is_refused_by_name(string header, string expected)
    {
        Write(header, 4);
        var e = Assert.ThrowsExactly<SafetensorsException>(() => SafetensorsFile.Open(WeightFile));
        Assert.Contains(WeightFile, e.Message);
        Assert.Contains(expected, e.Message);
    }

    [TestMethod]
    [DataRow(1UL << 60)]
    [DataRow(ulong.MaxValue)]
    [DataRow(0UL)]
    [DataRow(1000UL)]
    public void An_impossible_header_length_is_refused_before_memory_is_taken(ulong length)
    {
        var bytes = new byte[100];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, length);
        File.WriteAllBytes(WeightFile, bytes);
        Assert.Contains("header", Assert.ThrowsExactly<SafetensorsException>(() => SafetensorsFile.Open(WeightFile)).Message);
        Assert.ThrowsExactly<SafetensorsException>(() => Safetensors.Read(new MemoryStream(bytes), "stream"));
    }

    [TestMethod]
    public void Mutated_and_truncated_files_are_read_or_refused_and_nothing_else()
    {
        using var scope = NewDisposeScope();
        Safetensors.Write(WeightFile, new Dictionary<string, Tensor> { ["a"] = zeros(3, 2), ["b"] = ones(4).to_type(ScalarType.Float16) });
        var whole = File.ReadAllBytes(WeightFile);
        var random = new Random(7);
        var refused = 0;
        for (var n = 0; n < 3000; n++)
        {
            var bytes = n % 3 == 0 ? whole[..random.Next(whole.Length)] : (byte[])whole.Clone();
            for (var k = random.Next(4); k >= 0 && bytes.Length > 0; k--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            try
            {
                foreach (var tensor in Safetensors.Read(new MemoryStream(bytes), "stream").Values)
                {
                    tensor.Dispose();
                }
            }
            catch (SafetensorsException)
            {
                refused++;
            }
        }

        Assert.IsGreaterThan(1000, refused);
    }

    [TestMethod]
    public void A_failed_write_leaves_the_old_file_and_nothing_beside_it()
    {
        using var scope = NewDisposeScope();
        Safetensors.Write(WeightFile, new Dictionary<string, Tensor> { ["a"] = ones(2) });
        var before = File.ReadAllBytes(WeightFile);
        Assert.ThrowsExactly<NotSupportedException>(() =>
            Safetensors.Write(WeightFile, new Dictionary<string, Tensor> { ["a"] = zeros([2], ScalarType.ComplexFloat32) })
        );
        CollectionAssert.AreEqual(before, File.ReadAllBytes(WeightFile));
        Assert.HasCount(1, Directory.GetFiles(Path.GetDirectoryName(WeightFile)!));
    }

    private void Write(string header, int dataBytes)
    {
        var json = Encoding.UTF8.GetBytes(header);
        var bytes = new byte[8 + json.Length + dataBytes];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, json.Length);
        json.CopyTo(bytes, 8);
        File.WriteAllBytes(WeightFile, bytes);
    }
}
