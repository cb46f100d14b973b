using System.Buffers.Binary;
using System.IO.Compression;
using AirMLNet.Pipeline;
using AirMLNet.Testing;

namespace AirMLNet.Tests.Pipeline;

[TestClass]
public sealed class ModelZipTests
{
    private readonly TemporaryFolder _folder = new();

    [TestCleanup]
    public void Delete() => _folder.Dispose();

    /// <summary>Each of them is allowed, all together fill a disk.</summary>
    [TestMethod]
    public void Many_files_that_are_blown_up_together_are_refused()
    {
        var path = Zip(zip =>
        {
            var zeros = new byte[1 << 20];
            for (var file = 0; file < 3; file++)
            {
                using var stream = zip.CreateEntry($"x{file}", CompressionLevel.Fastest).Open();
                for (var i = 0; i < 100; i++)
                {
                    stream.Write(zeros);
                }
            }
        });
        Assert.Contains("its files are said to have 314572800 bytes", Refused(path));
    }

    /// <summary>A list of files that all name one place in the zip.</summary>
    [TestMethod]
    public void Files_that_lie_over_one_another_are_refused()
    {
        var content = new byte[1000];
        new Random(1).NextBytes(content);
        var path = Zip(zip =>
        {
            for (var file = 0; file < 3; file++)
            {
                using var stream = zip.CreateEntry($"x{file}", CompressionLevel.NoCompression).Open();
                stream.Write(file == 0 ? content : "1"u8);
            }
        });
        var bytes = File.ReadAllBytes(path);
        // Every entry of the list is led to the first file: sizes at 20 and 24, the place at 42.
        for (var at = 0; (at = IndexOf(bytes, at)) >= 0; at += 46)
        {
            BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(at + 20), 1000);
            BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(at + 24), 1000);
            BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(at + 42), 0);
        }
        File.WriteAllBytes(path, bytes);
        Assert.Contains("more bytes than the zip", Refused(path));

        static int IndexOf(byte[] bytes, int from) => bytes.AsSpan(from).IndexOf("PK\u0001\u0002"u8) is >= 0 and var at ? from + at : -1;
    }

    [TestMethod]
    public void Names_that_differ_in_case_alone_are_refused()
    {
        var path = Zip(zip =>
        {
            zip.CreateEntry("a/Model.key").Open().Dispose();
            zip.CreateEntry("a/model.key").Open().Dispose();
        });
        Assert.Contains("differs in upper and lower case alone", Refused(path));
    }

    /// <summary>Services replace the model's file by a move.</summary>
    [TestMethod]
    public void What_was_looked_at_is_read_where_another_file_takes_the_name()
    {
        var path = Zip(zip => zip.CreateEntry("first").Open().Dispose());
        using var stream = ModelZip.Open(path);
        var other = Zip(zip => zip.CreateEntry("../outside").Open().Dispose());
        File.Move(other, path, overwrite: true);
        using var read = new ZipArchive(stream);
        Assert.AreEqual("first", read.Entries.Single().FullName);
    }

    private string Zip(Action<ZipArchive> fill)
    {
        var path = _folder[$"{Directory.GetFiles(_folder).Length}.zip"];
        using var zip = ZipFile.Open(path, ZipArchiveMode.Create);
        fill(zip);
        return path;
    }

    private static string Refused(string path) => Assert.ThrowsExactly<FormatException>(() => ModelZip.Open(path)).Message;
}
