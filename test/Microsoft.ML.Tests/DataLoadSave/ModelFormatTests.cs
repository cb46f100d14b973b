using System.IO.Compression;
using System.Text;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms;

namespace Microsoft.ML.Tests.Data;

/// <summary>Model files are those of the official packages: each part is read here by hand, after the description of the format.</summary>
[TestClass]
public class ModelFormatTests
{
    private readonly MLContext _ml = new(1);

    [TestMethod]
    public void Part_has_the_header_strings_loader_and_tail_of_the_format()
    {
        Part part = Parts(_ml.Transforms.CopyColumns("Out", "Length"))["TransformerChain/Transform_000/Model.key"];
        Assert.AreEqual("ML\0MODEL", Encoding.ASCII.GetString(part.Raw, 0, 8));
        Assert.AreEqual("LEDOM\0LM", Encoding.ASCII.GetString(part.Raw, part.Raw.Length - 8, 8));
        Assert.AreEqual(0x00010002u, part.HeaderVersion);
        Assert.AreEqual("COPYCOLT", part.Signature);
        Assert.AreEqual(0x00010001u, part.Version);
        Assert.AreEqual("CopyTransform", part.Loader);
        Assert.AreEqual("Microsoft.ML.Data, Version=1.0.0.0, Culture=neutral, PublicKeyToken=cc7b13ffcd2ddd51", part.Assembly);
        CollectionAssert.AreEqual(new[] { "Out", "Length" }, part.Strings);
        CollectionAssert.AreEqual(Bytes(1, 0, 1), part.Model);
    }

    [TestMethod]
    public void Chain_lists_scopes_and_folders()
    {
        Dictionary<string, Part> parts = Parts(_ml.Transforms.CopyColumns("A", "Length").Append(_ml.Transforms.CopyColumns("B", "A"), TransformerScope.Scoring));
        Part chain = parts["TransformerChain/Model.key"];
        Assert.AreEqual("XF\0CHAIN", chain.Signature);
        Assert.AreEqual("TransformerChain", chain.Loader);
        CollectionAssert.AreEqual(Bytes(2, (int)TransformerScope.Everything, (int)TransformerScope.Scoring), chain.Model);
        Assert.IsTrue(parts.ContainsKey("TransformerChain/Transform_001/Model.key"));
    }

    [TestMethod]
    public void Text_key_values_are_strings_of_the_vocabulary_part()
    {
        Dictionary<string, Part> parts = Parts(_ml.Transforms.Conversion.MapValueToKey("Key", "Name"));
        Part mapping = parts["TransformerChain/Transform_000/Model.key"];
        Assert.AreEqual("TERMTRNF", mapping.Signature);
        Assert.AreEqual(0x00010003u, mapping.Version);
        Assert.AreEqual("TermTransform", mapping.Loader);
        CollectionAssert.AreEqual((byte[])[.. Bytes(1, 0, 1), 0], mapping.Model);
        Part vocabulary = parts["TransformerChain/Transform_000/Vocabulary/Model.key"];
        Assert.AreEqual("TERM\0MAN", vocabulary.Signature);
        Assert.AreEqual(0x00010002u, vocabulary.Version);
        Assert.AreEqual("TermManager", vocabulary.Loader);
        CollectionAssert.AreEqual(new[] { "rose", "lily", "tulip" }, vocabulary.Strings);
        CollectionAssert.AreEqual((byte[])[.. Bytes(1), 0, .. Bytes(3, 0, 1, 2)], vocabulary.Model);
        Assert.AreEqual($"# Number of terms = 3{Environment.NewLine}0\trose{Environment.NewLine}1\tlily{Environment.NewLine}2\ttulip{Environment.NewLine}", parts["TransformerChain/Transform_000/Vocabulary/Terms.txt"].Text);
    }

    [TestMethod]
    public void Other_key_values_are_a_codec_and_its_block()
    {
        Part vocabulary = Parts(_ml.Transforms.Conversion.MapValueToKey("Key", "Length", maximumNumberOfKeys: 2, addKeyValueAnnotationsAsText: true))["TransformerChain/Transform_000/Vocabulary/Model.key"];
        CollectionAssert.AreEqual(
            (byte[])[.. Bytes(1), 1, 6, .. "Single"u8, 0, .. Bytes(2), .. BitConverter.GetBytes(0f), .. BitConverter.GetBytes(1f)],
            vocabulary.Model);
    }

    [TestMethod]
    public void Concatenation_has_names_and_aliases()
    {
        Part part = Parts(_ml.Transforms.Concatenate("F", "Length", "Width"))["TransformerChain/Transform_000/Model.key"];
        Assert.AreEqual("CONCAT\0F", part.Signature);
        Assert.AreEqual(0x00010003u, part.Version);
        Assert.AreEqual("ConcatTransform", part.Loader);
        Assert.AreEqual("ConcatFunction", part.LoaderAlt);
        CollectionAssert.AreEqual(new[] { "F", "Length", "Width" }, part.Strings);
        CollectionAssert.AreEqual(Bytes(1, 0, 2, 1, -1, 2, -1), part.Model);
    }

    [TestMethod]
    public void Norm_has_mean_norm_and_scale()
    {
        Part part = Parts(_ml.Transforms.Concatenate("F", "Length", "Width")
            .Append(_ml.Transforms.NormalizeLpNorm("N", "F", LpNormNormalizingEstimatorBase.NormFunction.L1, ensureZeroMean: true)))["TransformerChain/Transform_001/Model.key"];
        Assert.AreEqual("GCNORMAF", part.Signature);
        Assert.AreEqual("GcnTransform", part.Loader);
        Assert.AreEqual("Microsoft.ML.Transforms, Version=1.0.0.0, Culture=neutral, PublicKeyToken=cc7b13ffcd2ddd51", part.Assembly);
        CollectionAssert.AreEqual((byte[])[.. Bytes(1, 0, 1), 1, 2, .. BitConverter.GetBytes(1f)], part.Model);
    }

    [TestMethod]
    public void Key_to_value_and_selection_have_their_layout()
    {
        Dictionary<string, Part> parts = Parts(_ml.Transforms.Conversion.MapValueToKey("Key", "Name")
            .Append(_ml.Transforms.Conversion.MapKeyToValue("Back", "Key"))
            .Append(_ml.Transforms.DropColumns("Width")));
        Part back = parts["TransformerChain/Transform_001/Model.key"];
        Assert.AreEqual("KEY2VALT KeyToValueTransform", $"{back.Signature} {back.Loader}");
        CollectionAssert.AreEqual(Bytes(1, 0, 1), back.Model);
        Part drop = parts["TransformerChain/Transform_002/Model.key"];
        Assert.AreEqual("SELCOLST SelectColumnsTransform", $"{drop.Signature} {drop.Loader}");
        CollectionAssert.AreEqual((byte[])[0, 0, 0, .. Bytes(1, 0)], drop.Model);
    }

    [TestMethod]
    public void Schema_entry_is_a_binary_file_without_rows()
    {
        Part schema = Parts(_ml.Transforms.CopyColumns("Out", "Length"))["Schema"];
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        try
        {
            File.WriteAllBytes(path, schema.Raw);
            IDataView view = _ml.Data.LoadFromBinary(path);
            Assert.AreEqual(0, view.GetRowCount());
            Assert.AreEqual(_ml.Data.LoadFromEnumerable(Flower.Some()).Schema.ToString(), view.Schema.ToString());
        }
        finally
        {
            File.Delete(path);
        }
    }

    [TestMethod]
    public void Entry_that_would_explode_is_refused_and_names_with_dots_are_never_files()
    {
        using var stream = new MemoryStream();
        _ml.Model.Save(new TransformerChain<ITransformer>(_ml.Transforms.CopyColumns("Out", "Length").Fit(_ml.Data.LoadFromEnumerable(Flower.Some()))), null, stream);
        using (var archive = new ZipArchive(stream, ZipArchiveMode.Update, leaveOpen: true))
        {
            using (Stream evil = archive.CreateEntry("../../../evil.txt").Open())
                evil.Write("x"u8);
            archive.GetEntry("TransformerChain/Transform_000/Model.key")!.Delete();
            using Stream bomb = archive.CreateEntry("TransformerChain/Transform_000/Model.key", CompressionLevel.SmallestSize).Open();
            var zeros = new byte[1 << 20];
            for (int i = 0; i < 80; i++)
                bomb.Write(zeros);
        }
        stream.Position = 0;
        FormatException e = Assert.ThrowsExactly<FormatException>(() => _ml.Model.Load(stream, out _));
        Assert.Contains("Transform_000", e.Message);
    }

    private Dictionary<string, Part> Parts(IEstimator<ITransformer> estimator)
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Flower.Some());
        using var stream = new MemoryStream();
        ITransformer model = estimator.Fit(data);
        // A chain, so that every part has the same place.
        _ml.Model.Save(model is IEnumerable<ITransformer> ? model : new TransformerChain<ITransformer>(model), data.Schema, stream);
        using var archive = new ZipArchive(stream, ZipArchiveMode.Read);
        return archive.Entries.ToDictionary(entry => entry.FullName, entry =>
        {
            using var content = new MemoryStream();
            using (Stream source = entry.Open())
                source.CopyTo(content);
            return new Part(content.ToArray());
        });
    }

    private static byte[] Bytes(params int[] numbers) => [.. numbers.SelectMany(BitConverter.GetBytes)];

    /// <summary>One entry of the zip; the header is read only when it is asked for, because not every entry has one.</summary>
    internal sealed class Part(byte[] raw)
    {
        public byte[] Raw => raw;

        public string Text => Encoding.UTF8.GetString(raw);

        public uint HeaderVersion => BitConverter.ToUInt32(raw, 0x08);

        public string Signature => Encoding.ASCII.GetString(raw, 0x40, 8);

        public uint Version => BitConverter.ToUInt32(raw, 0x48);

        public string Loader => Encoding.ASCII.GetString(raw, 0x50, 24).TrimEnd('\0');

        public string LoaderAlt => Encoding.ASCII.GetString(raw, 0x68, 24).TrimEnd('\0');

        public byte[] Model => raw[(int)Offset(0x10)..(int)(Offset(0x10) + Offset(0x18))];

        public string Assembly => Encoding.Unicode.GetString(raw, (int)Offset(0x90), BitConverter.ToInt32(raw, 0x98));

        /// <summary>The table gives the end of each string in bytes; the strings are UTF-16.</summary>
        public string[] Strings
        {
            get
            {
                Assert.AreEqual(Offset(0x10) + Offset(0x18), Offset(0x20));
                Assert.AreEqual(Offset(0x20) + Offset(0x28), Offset(0x30));
                var strings = new string[Offset(0x28) / 8];
                long start = 0;
                for (int i = 0; i < strings.Length; i++)
                {
                    long end = Offset((int)Offset(0x20) + (i * 8));
                    strings[i] = Encoding.Unicode.GetString(raw, (int)(Offset(0x30) + start), (int)(end - start));
                    start = end;
                }
                return strings;
            }
        }

        private long Offset(int at) => BitConverter.ToInt64(raw, at);
    }
}
