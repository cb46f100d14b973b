using System.IO.Compression;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms;

namespace Microsoft.ML.Tests.Data;

[TestClass]
public class ModelFileTests
{
    private readonly MLContext _ml = new(1);

    private (IDataView Data, ITransformer Model) Fit()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Flower.Some());
        ITransformer model = _ml.Transforms.Conversion.MapValueToKey("Key", "Name")
            .Append(_ml.Transforms.Concatenate("F", "Length", "Width"))
            .Append(_ml.Transforms.NormalizeLpNorm("N", "F"))
            .Append(_ml.Transforms.CustomMapping<Flower, Shout>(Shout.Map, nameof(Shout)))
            .Append(_ml.Transforms.CopyColumns("Copy", "Key"))
            .Append(_ml.Transforms.Conversion.MapKeyToValue("Back", "Copy"))
            .Append(_ml.Transforms.DropColumns("Width")).Fit(data);
        return (data, model);
    }

    private byte[] Saved()
    {
        (IDataView data, ITransformer model) = Fit();
        using var stream = new MemoryStream();
        _ml.Model.Save(model, data.Schema, stream);
        return stream.ToArray();
    }

    [TestMethod]
    public void Loaded_chain_gives_the_same_schema_and_values()
    {
        (IDataView data, ITransformer model) = Fit();
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        try
        {
            _ml.Model.Save(model, data.Schema, path);
            var other = new MLContext();
            ITransformer loaded = other.Model.Load(path, out DataViewSchema schema);
            Assert.AreEqual(data.Schema.ToString(), schema.ToString());
            Assert.AreEqual(model.GetOutputSchema(data.Schema).ToString(), loaded.GetOutputSchema(schema).ToString());
            DataDebuggerPreview expected = model.Transform(data).Preview();
            DataDebuggerPreview actual = loaded.Transform(data).Preview();
            for (int row = 0; row < expected.RowView.Length; row++)
            {
                for (int column = 0; column < expected.Schema.Count; column++)
                    Assert.AreEqual(Text(expected.RowView[row].Values[column].Value), Text(actual.RowView[row].Values[column].Value));
            }
        }
        finally
        {
            File.Delete(path);
        }

        static string Text(object value) => value is VBuffer<float> vector ? string.Join(" ", vector.DenseValues()) : value.ToString()!;
    }

    [TestMethod]
    public void Zip_has_the_official_layout_and_is_the_same_every_time()
    {
        byte[] saved = Saved();
        CollectionAssert.AreEqual(saved, Saved());
        using var archive = new ZipArchive(new MemoryStream(saved));
        string[] names = [.. archive.Entries.Select(entry => entry.FullName).Order(StringComparer.Ordinal)];
        Assert.Contains("TransformerChain/Model.key", names);
        Assert.Contains("TransformerChain/Transform_000/Model.key", names);
        Assert.Contains("TransformerChain/Transform_006/Model.key", names);
        Assert.Contains("Schema", names);
        Assert.Contains("TrainingInfo/Version.txt", names);
        using Stream stream = archive.GetEntry("TransformerChain/Model.key")!.Open();
        var magic = new byte[8];
        stream.ReadExactly(magic);
        Assert.AreEqual("ML\0MODEL", System.Text.Encoding.ASCII.GetString(magic));
    }

    [TestMethod]
    public void Annotations_of_the_input_schema_are_saved()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Flower.Some());
        IDataView keyed = _ml.Transforms.Conversion.MapValueToKey("Name").Fit(data).Transform(data);
        ITransformer model = _ml.Transforms.Conversion.MapKeyToValue("Name").Fit(keyed);
        using var stream = new MemoryStream();
        _ml.Model.Save(model, keyed.Schema, stream);
        stream.Position = 0;
        _ml.Model.Load(stream, out DataViewSchema schema);
        VBuffer<ReadOnlyMemory<char>> names = default;
        schema["Name"].GetKeyValues(ref names);
        Assert.AreEqual("rose,lily,tulip", string.Join(",", names.DenseValues()));
    }

    [TestMethod]
    public void File_cut_anywhere_is_refused_with_a_format_error()
    {
        byte[] saved = Saved();
        for (int length = 0; length < saved.Length; length += 97)
        {
            using var stream = new MemoryStream(saved, 0, length);
            Assert.ThrowsExactly<FormatException>(() => _ml.Model.Load(stream, out _), $"cut at {length}");
        }
    }

    [TestMethod]
    public void Changed_bytes_never_give_anything_but_a_format_error_or_a_model()
    {
        byte[] saved = Saved();
        var rand = new Random(4);
        for (int i = 0; i < 400; i++)
        {
            var copy = (byte[])saved.Clone();
            for (int j = 0; j < 3; j++)
                copy[rand.Next(copy.Length)] = (byte)rand.Next(256);
            try
            {
                _ml.Model.Load(new MemoryStream(copy), out _);
            }
            catch (FormatException)
            {
            }
        }
    }

    [TestMethod]
    public void Changed_model_bytes_inside_a_whole_zip_are_refused_or_read()
    {
        byte[] saved = Saved();
        var rand = new Random(5);
        for (int i = 0; i < 300; i++)
        {
            using var target = new MemoryStream();
            using (var source = new ZipArchive(new MemoryStream(saved)))
            using (var archive = new ZipArchive(target, ZipArchiveMode.Create, leaveOpen: true))
            {
                int victim = rand.Next(source.Entries.Count);
                for (int e = 0; e < source.Entries.Count; e++)
                {
                    using var content = new MemoryStream();
                    using (Stream stream = source.Entries[e].Open())
                        stream.CopyTo(content);
                    byte[] bytes = content.ToArray();
                    for (int j = 0; e == victim && j < 3; j++)
                        bytes[rand.Next(bytes.Length)] = (byte)rand.Next(256);
                    using Stream output = archive.CreateEntry(source.Entries[e].FullName).Open();
                    output.Write(bytes);
                }
            }
            target.Position = 0;
            try
            {
                _ml.Model.Load(target, out _);
            }
            catch (Exception e) when (e is FormatException or InvalidOperationException)
            {
                // Documented: a corrupt file, or a contract that nothing provides.
            }
        }
    }

    [TestMethod]
    public void Unknown_loader_is_named()
    {
        using var stream = new MemoryStream();
        _ml.Model.Save(new Stranger("Nobody.Knows"), null, stream);
        stream.Position = 0;
        FormatException e = Assert.ThrowsExactly<FormatException>(() => _ml.Model.Load(stream, out _));
        Assert.Contains("Nobody.Knows", e.Message);
    }

    [TestMethod]
    public void Newer_model_version_is_refused()
    {
        using var stream = new MemoryStream();
        _ml.Model.Save(new Stranger(null), null, stream);
        stream.Position = 0;
        FormatException e = Assert.ThrowsExactly<FormatException>(() => _ml.Model.Load(stream, out _));
        Assert.Contains("newer", e.Message);
    }

    [TestMethod]
    public void Failed_save_leaves_nothing_and_keeps_the_old_file()
    {
        string folder = Directory.CreateTempSubdirectory().FullName;
        try
        {
            string path = Path.Combine(folder, "model.zip");
            File.WriteAllText(path, "old");
            IDataView data = _ml.Data.LoadFromEnumerable(Flower.Some());
            ITransformer model = _ml.Transforms.CustomMapping<Flower, Shout>(Shout.Map, null).Fit(data);
            Assert.ThrowsExactly<InvalidOperationException>(() => _ml.Model.Save(model, data.Schema, path));
            Assert.AreEqual("old", File.ReadAllText(path));
            Assert.HasCount(1, Directory.GetFiles(folder));
            using var stream = new MemoryStream();
            Assert.ThrowsExactly<InvalidOperationException>(() => _ml.Model.Save(model, data.Schema, stream));
            Assert.AreEqual(0, stream.Length);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [TestMethod]
    public void Streams_strings_and_sub_models_come_back()
    {
        using var stream = new MemoryStream();
        _ml.Model.Save(new Bag { Text = "héllo", Bytes = [1, 2, 3] }, null, stream);
        stream.Position = 0;
        var bag = (Bag)_ml.Model.Load(stream, out DataViewSchema? schema);
        Assert.IsNull(schema);
        Assert.AreEqual("héllo", bag.Text);
        CollectionAssert.AreEqual(new byte[] { 1, 2, 3 }, bag.Bytes);
    }

    internal sealed class Shout
    {
        public string Loud { get; set; } = "";

        public static void Map(Flower source, Shout target) => target.Loud = source.Name.ToUpperInvariant();
    }

    [CustomMappingFactoryAttribute(nameof(Shout))]
    internal sealed class ShoutFactory : CustomMappingFactory<Flower, Shout>
    {
        public override Action<Flower, Shout> GetMapping() => Shout.Map;
    }

    /// <summary>Saves itself under a loader that nobody has, or as a newer chain.</summary>
    private sealed class Stranger(string? assembly) : TestTransformer
    {
        public override void Save(ModelSaveContext ctx)
        {
            ctx.CheckAtModel();
            ctx.SetVersionInfo(assembly is null
                ? new VersionInfo("XF CHAIN", 0x00090001, 0x00090001, 0x00010001, null, "TransformerChain")
                : new VersionInfo("STRANGER", 1, 1, 1, assembly, "StrangerTransform"));
        }
    }
}
