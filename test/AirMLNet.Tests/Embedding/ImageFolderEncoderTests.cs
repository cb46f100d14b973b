using AirMLNet.Clip;
using AirMLNet.Embedding;
using AirMLNet.Features;
using AirMLNet.Files;
using AirMLNet.Images;
using AirMLNet.Options;
using AirMLNet.Testing;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Tests.Embedding;

[TestClass]
public sealed class ImageFolderEncoderTests
{
    private StageFixture _f = null!;
    private string _output = "";

    [TestInitialize]
    public void Create()
    {
        _f = new StageFixture(23);
        _output = Path.Combine(_f.Root, "out", "features.safetensors");
    }

    [TestCleanup]
    public void Delete() => _f.Dispose();

    [TestMethod]
    public void Features_are_those_of_the_stage_in_the_order_of_the_names()
    {
        Assert.AreEqual(23, Encoder(Options()).Run());

        var (part, metadata) = FeatureTable.Read(_output);
        CollectionAssert.AreEqual(_f.Rows.Select(r => r.Name).ToArray(), part.Paths.ToArray());
        float[] expected = [.. StageFixture.Vectors(_f.Features().Fit(_f.Data).Transform(_f.Data), "Features").SelectMany(v => v)];
        for (var i = 0; i < expected.Length; i++)
        {
            Assert.AreEqual(expected[i], part.Values[i], 1e-5f);
        }

        Assert.AreEqual(FileHash.Sha256(Path.Combine(_f.ClipFolder, "model.safetensors")), metadata["model_sha256"]);
        Assert.HasCount(1, Directory.GetFileSystemEntries(Path.GetDirectoryName(_output)!));
    }

    [TestMethod]
    public void An_interrupted_run_goes_on_and_ends_with_the_same_bytes()
    {
        Encoder(Options()).Run();
        var whole = File.ReadAllBytes(_output);
        File.Delete(_output);
        using var source = new CancellationTokenSource();
        var encoded = 0;

        Assert.Throws<OperationCanceledException>(() =>
            Encoder(
                    Options() with
                    {
                        CancellationToken = source.Token,
                        Progress = new DirectProgress(p =>
                        {
                            if (p.Done == 12)
                            {
                                source.Cancel();
                            }
                        }),
                    }
                )
                .Run()
        );
        Assert.IsFalse(File.Exists(_output));
        Assert.HasCount(2, Directory.GetFiles(_output + ".parts", "*.safetensors"));

        Encoder(Options() with { Clip = Options().Clip with { Progress = new DirectProgress(_ => encoded++) } }).Run();

        CollectionAssert.AreEqual(whole, File.ReadAllBytes(_output));
        Assert.AreEqual(2 + 2 + 1, encoded, "three chunks of 5, 5 and 3 images were left, in batches of 4");
    }

    [TestMethod]
    public void An_image_that_was_changed_meanwhile_is_encoded_anew()
    {
        var changed = _f.Rows[0].ImagePath;
        File.WriteAllBytes(changed, Bitmap(200));
        using var source = new CancellationTokenSource();
        var stop = new DirectProgress(p =>
        {
            if (p.Done == 12)
            {
                source.Cancel();
            }
        });
        Assert.Throws<OperationCanceledException>(() =>
            Encoder(Options() with { CancellationToken = source.Token, Progress = stop }).Run()
        );

        // Another picture of as many bytes.
        File.WriteAllBytes(changed, Bitmap(10));
        File.SetLastWriteTimeUtc(changed, new DateTime(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        Encoder(Options()).Run();
        var gone = File.ReadAllBytes(_output);
        File.Delete(_output);
        Encoder(Options()).Run();
        CollectionAssert.AreEqual(File.ReadAllBytes(_output), gone);
    }

    [TestMethod]
    public void A_link_that_leads_nowhere_is_named_and_left_out_where_that_is_asked_for()
    {
        var broken = Path.Combine(Path.GetDirectoryName(_f.Rows[0].ImagePath)!, "broken.png");
        File.CreateSymbolicLink(broken, "nowhere.png");
        Assert.Contains(broken, Assert.ThrowsExactly<UnreadableImageException>(() => Encoder(Options()).Run()).Message);

        List<string> warnings = [];
        Assert.AreEqual(23, Encoder(Options() with { SkipUnreadable = true, Warn = warnings.Add }).Run());
        Assert.Contains(broken, warnings.Single());
    }

    // 4×4 pixels of one grey, without compression.
    private static byte[] Bitmap(byte grey)
    {
        var bytes = new byte[54 + 48];
        "BM"u8.CopyTo(bytes);
        (bytes[2], bytes[10], bytes[14], bytes[18], bytes[22], bytes[26], bytes[28]) = (102, 54, 40, 4, 4, 1, 24);
        bytes.AsSpan(54).Fill(grey);
        return bytes;
    }

    [TestMethod]
    [DataRow(".safetensors")]
    [DataRow(".npy")]
    [DataRow(".idv")]
    [DataRow(".csv")]
    public void Shards_merge_to_the_bytes_of_one_run(string format)
    {
        string one = Path.ChangeExtension(Path.Combine(_f.Root, "one.x"), format),
            merged = Path.ChangeExtension(Path.Combine(_f.Root, "merged.x"), format);
        Encoder(Options() with { Output = one }).Run();
        foreach (var shard in new[] { 3, 1, 2 })
        {
            Encoder(Options() with { Output = merged, Shard = new(shard, 3) }).Run();
        }

        Assert.AreEqual(23, Encoder(Options() with { Output = merged, Shard = new(1, 3) }).Merge());

        // ML.NET compresses the columns of a binary view in parallel and writes each when it is ready: its bytes may differ, its rows not.
        if (format == ".idv")
        {
            CollectionAssert.AreEqual(Rows(one), Rows(merged));
        }
        else
        {
            CollectionAssert.AreEqual(File.ReadAllBytes(one), File.ReadAllBytes(merged));
        }
    }

    private static string[] Rows(string idv)
    {
        var view = new MLContext().Data.LoadFromBinary(idv);
        return
        [
            .. StageFixture
                .Column<ReadOnlyMemory<char>>(view, "ImagePath")
                .Zip(
                    StageFixture.Vectors(view, "Features"),
                    (path, feature) => $"{path} {string.Join(' ', feature.Select(BitConverter.SingleToUInt32Bits))}"
                ),
        ];
    }

    [TestMethod]
    public void Npy_and_csv_have_the_form_that_others_read()
    {
        string npy = Path.Combine(_f.Root, "f.npy"),
            csv = Path.Combine(_f.Root, "f.csv");
        Encoder(Options() with { Output = npy }).Run();
        Encoder(Options() with { Output = csv }).Run();

        var bytes = File.ReadAllBytes(npy);
        var header = bytes[8] | bytes[9] << 8;
        Assert.AreEqual(0, (10 + header) % 64);
        Assert.Contains(
            "'descr': '<f4', 'fortran_order': False, 'shape': (23, 24)",
            System.Text.Encoding.ASCII.GetString(bytes, 10, header)
        );
        Assert.HasCount(10 + header + 23 * 24 * 4, bytes);
        Assert.HasCount(23, File.ReadAllLines(Path.Combine(_f.Root, "f.paths.txt")));
        var lines = File.ReadAllLines(csv);
        Assert.HasCount(24, lines);
        Assert.StartsWith("path,f0,f1,", lines[0]);
        Assert.AreEqual(
            BitConverter.ToSingle(bytes, 10 + header),
            float.Parse(lines[1].Split(',')[1], System.Globalization.CultureInfo.InvariantCulture)
        );
    }

    [TestMethod]
    public void An_unreadable_image_stops_the_run_or_is_left_out()
    {
        File.WriteAllBytes(_f.Rows[7].ImagePath, [1, 2, 3]);
        Assert.Contains(_f.Rows[7].Name, Assert.ThrowsExactly<UnreadableImageException>(() => Encoder(Options()).Run()).Message);
        Assert.IsFalse(File.Exists(_output));
        List<string> warnings = [];

        Assert.AreEqual(22, Encoder(Options() with { SkipUnreadable = true, Warn = warnings.Add }).Run());

        Assert.Contains(_f.Rows[7].Name, warnings.Single());
        CollectionAssert.DoesNotContain(FeatureTable.Read(_output).Part.Paths.ToArray(), _f.Rows[7].Name);
    }

    [TestMethod]
    public void Where_no_image_can_be_read_there_is_an_error()
    {
        foreach (var row in _f.Rows)
        {
            File.WriteAllBytes(row.ImagePath, [1, 2, 3]);
        }

        var options = Options() with { SkipUnreadable = true };
        for (var time = 0; time < 2; time++) // another run says the same
        {
            var message = Assert.ThrowsExactly<InvalidDataException>(() => Encoder(options).Run()).Message;
            Assert.Contains($"None of the 23 images in '{options.Images}' can be read; the first: ", message);
            Assert.IsFalse(File.Exists(_output));
        }

        // A shard without images has nothing that could be read.
        Assert.AreEqual(0, Encoder(options with { Shard = new(1, 100) }).Run());
    }

    [TestMethod]
    public void Shards_of_other_images_or_with_a_row_twice_are_refused_in_words()
    {
        Encoder(Options() with { Shard = new(1, 2) }).Run();
        Encoder(Options() with { Shard = new(2, 2) }).Run();
        string[] files = [FeatureMerge.FileOf(_output, new(1, 2)), FeatureMerge.FileOf(_output, new(2, 2))];
        var (part, metadata) = FeatureTable.Read(files[1]);
        FeatureTable
            .Format(files[1])
            .Write(files[1], new(part.Values.Length / part.Paths.Count, [.. part.Paths, part.Paths[0]], metadata, [Twice(part)]));
        var twice = Assert.ThrowsExactly<InvalidDataException>(() => Encoder(Options() with { Shard = new(1, 2) }).Merge()).Message;
        Assert.Contains($"{files[1]} has a feature of '{part.Paths[0]}', which must be there once", twice);
        Assert.IsFalse(File.Exists(_output));

        FeatureTable
            .Format(files[1])
            .Write(files[1], new(part.Values.Length / part.Paths.Count, ["other/1.png", .. part.Paths.Skip(1)], metadata, [Foreign(part)]));
        var foreign = Assert.ThrowsExactly<InvalidDataException>(() => Encoder(Options() with { Shard = new(1, 2) }).Merge()).Message;
        Assert.Contains($"{files[1]} has a feature of 'other/1.png', which is none of the images", foreign);

        File.Copy(files[0], files[1], overwrite: true);
        twice = Assert.ThrowsExactly<InvalidDataException>(() => Encoder(Options() with { Shard = new(1, 2) }).Merge()).Message;
        Assert.Contains($"{files[0]} and {files[1]} both have a feature of", twice);

        File.Delete(_f.Rows[0].ImagePath);
        Encoder(Options() with { Shard = new(2, 2) }).Run();
        var other = Assert.ThrowsExactly<InvalidDataException>(() => FeatureMerge.Agreed(files)).Message;
        Assert.Contains($"{files[1]} was made of other images than {files[0]}; delete the one that is wrong", other);
        // Whoever knows the images knows which one is: the first, which was made before.
        other = Assert.ThrowsExactly<InvalidDataException>(() => Encoder(Options() with { Shard = new(2, 2) }).Merge()).Message;
        Assert.Contains($"{files[0]}: its shard was made of other images than ", other);
        Encoder(Options() with { Shard = new(2, 2), ChunkSize = 6 }).Run();
        other = Assert.ThrowsExactly<InvalidDataException>(() => FeatureMerge.Agreed(files)).Message;
        Assert.Contains($"{files[1]} was made of other images and with another chunk than {files[0]}; delete", other);

        static FeaturePart Foreign(FeaturePart part) => part with { Paths = ["other/1.png", .. part.Paths.Skip(1)] };

        static FeaturePart Twice(FeaturePart part) =>
            new([.. part.Paths, part.Paths[0]], [.. part.Values, .. part.Values[..(part.Values.Length / part.Paths.Count)]]);
    }

    [TestMethod]
    public void Parts_of_another_run_are_refused_by_what_differs()
    {
        Encoder(Options() with { Shard = new(1, 2) }).Run();
        Encoder(Options() with { Shard = new(2, 2), Clip = Options().Clip with { Precision = ClipPrecision.BFloat16 } }).Run();
        Assert.Contains(
            "another precision",
            Assert.ThrowsExactly<InvalidDataException>(() => Encoder(Options() with { Shard = new(1, 2) }).Merge()).Message
        );

        Assert.Contains(
            "1 of 3 shards are missing",
            Assert
                .ThrowsExactly<FileNotFoundException>(() =>
                {
                    Encoder(Options() with { Shard = new(1, 3) }).Run();
                    Encoder(Options() with { Shard = new(3, 3) }).Run();
                    Encoder(Options() with { Shard = new(1, 3) }).Merge();
                })
                .Message
        );

        Encoder(Options() with { Shard = new(2, 3) }).Run();
        File.Delete(_f.Rows[0].ImagePath);
        Assert.Contains(
            "other images",
            Assert.ThrowsExactly<InvalidDataException>(() => Encoder(Options() with { Shard = new(1, 3) }).Merge()).Message
        );
    }

    [TestMethod]
    public void Bad_options_are_named()
    {
        Assert.Contains(
            ".safetensors, .npy, .csv",
            Assert.ThrowsExactly<ArgumentException>(() => Encoder(Options() with { Output = "x.txt" })).Message
        );
        Assert.Contains("ChunkSize = 0", Assert.Throws<ArgumentException>(() => Options() with { ChunkSize = 0 }).Message);
    }

    private ImageFolderEncoderOptions Options() =>
        new()
        {
            Images = Path.Combine(_f.Root, "images"),
            Output = _output,
            ChunkSize = 5,
            Clip = new ClipFeatureOptions { ClipFolder = _f.ClipFolder, BatchSize = 4 },
        };

    private ImageFolderEncoder Encoder(ImageFolderEncoderOptions options) => new(new MLContext(1), options);

    [TestMethod]
    public void A_binary_view_goes_on_in_a_pipeline()
    {
        string idv = Path.Combine(_f.Root, "f.idv"),
            table = Path.Combine(_f.Root, "f.safetensors");
        Encoder(Options() with { Output = idv }).Run();
        Encoder(Options() with { Output = table }).Run();
        var view = _f.Context.Data.LoadFromBinary(idv);
        Assert.AreEqual(new VectorDataViewType(NumberDataViewType.Single, TinyClip.FeatureDimension), view.Schema["Features"].Type);
        (var part, _) = FeatureTable.Read(table);
        CollectionAssert.AreEqual(part.Paths.ToArray(), view.GetColumn<string>("ImagePath").ToArray());
        CollectionAssert.AreEqual(part.Values, view.GetColumn<float[]>("Features").SelectMany(f => f).ToArray());
    }
}
