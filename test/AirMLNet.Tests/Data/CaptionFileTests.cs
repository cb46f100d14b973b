using System.Text;
using AirMLNet.Data;
using AirMLNet.Testing;
using Microsoft.ML;

namespace AirMLNet.Tests.Data;

[TestClass]
public sealed class CaptionFileTests
{
    private readonly TemporaryFolder _folder = new();

    [TestCleanup]
    public void Delete() => _folder.Dispose();

    [TestMethod]
    [DataRow(
        "c.json",
        """{"images":[],"annotations":[{"image_id":7,"id":1,"caption":"a cat "},{"image_id":8,"id":2,"caption":"a dog"}]}""",
        "7:a cat|8:a dog"
    )]
    [DataRow(
        "c.jsonl",
        "{\"image_id\":\"x1\",\"caption\":\"a cat\"}\n\n{\"image_id\":\"x2\",\"caption\":\"a dog\"}\n",
        "x1:a cat|x2:a dog"
    )]
    [DataRow(
        "c.csv",
        "image,caption\r\n1.png,\"a \"\"big\"\" cat,\nasleep\"\r\n2.png,a dog\r\n",
        "1.png:a \"big\" cat,\nasleep|2.png:a dog"
    )]
    [DataRow("c.csv", "image,caption\n1.png,a 5\" nail\n2.png,a dog\n", "1.png:a 5\" nail|2.png:a dog")]
    [DataRow("c.tsv", "image\tcaption\n1.png\ta cat, asleep\n2.png\t\"a\tdog\"\n", "1.png:a cat, asleep|2.png:a\tdog")]
    [DataRow("c.txt", "a cat\n\n a dog\n", ":a cat|:a dog")]
    [DataRow("c.txt", "a cat\r a dog\r", ":a cat|:a dog")]
    [DataRow("c.token", "1.jpg#0\ta cat .\n1.jpg#1\tcats\n\n2 b.jpg#0\ta dog\n", "1.jpg:a cat .|1.jpg:cats|2 b.jpg:a dog")]
    [DataRow("captions.txt", "image,caption\n1.jpg,\"a cat, asleep\"\n2.jpg,a dog\n", "1.jpg:a cat, asleep|2.jpg:a dog")]
    public void EveryFormIsRead(string name, string content, string expected)
    {
        File.WriteAllText(_folder[name], content);
        Assert.AreEqual(expected, string.Join('|', CaptionFile.Read(_folder[name]).Select(r => $"{r.ImageId}:{r.Caption}")));
    }

    [TestMethod]
    [DataRow("c.json", "{\n\"annotations\": [\n{]}", "line 3 is not valid JSON")]
    [DataRow("c.json", """{"annotations":[{"image_id":7,"bbox":[1,2,3,4]}]}""", "these are instances, not captions")]
    [DataRow("c.json", "[1]", "COCO captions were expected")]
    [DataRow("c.json", """{"annotations":{}}""", "COCO captions were expected")]
    [DataRow("c.json", """{"annotations":["a cat"]}""", "annotation 0 has no caption")]
    [DataRow("c.json", """{"annotations":[{"caption":"a ship \ud800 x"}]}""", "annotation 0 has no caption that is a text")]
    [DataRow("c.jsonl", "{\"caption\":\"a \\ud800\"}", "line 1 has no \"caption\"")]
    [DataRow("c.jsonl", "{\"caption\":\"a\"}\n{\"caption\":", "line 2 is not valid JSON")]
    [DataRow("c.jsonl", "{\"caption\":\"a\"}\n{\"text\":\"b\"}", "line 2 has no \"caption\"")]
    [DataRow("c.csv", "caption,image\na cat,1\na dog", "line 3 has 1 fields; expected 2")]
    [DataRow("c.csv", "text\na cat", "line 1 was expected to name a column \"caption\"")]
    [DataRow("c.csv", "caption\n\"a cat", "line 2: a quoted field does not end")]
    [DataRow("c.txt", "1.jpg#0\ta cat\na dog", "line 2 names no image")]
    [DataRow("c.txt", "\n \n", "holds no captions")]
    public void ADamagedFile_NamesItsLine(string name, string content, string expected)
    {
        File.WriteAllText(_folder[name], content);
        var e = Assert.ThrowsExactly<InvalidDataException>(() => CaptionFile.Read(_folder[name]));
        Assert.Contains(expected, e.Message);
        Assert.Contains(name, e.Message);
    }

    [TestMethod]
    public void AnotherEncoding_IsSaid()
    {
        File.WriteAllBytes(_folder["latin.txt"], [.. "a cat\na caf"u8, 0xE9, .. "\n"u8]);
        Assert.Contains(
            "line 2: byte 6 of the line (0xE9) is not UTF-8",
            Assert.ThrowsExactly<InvalidDataException>(() => CaptionFile.Read(_folder["latin.txt"])).Message
        );
        File.WriteAllText(_folder["wide.txt"], "a cat", Encoding.Unicode);
        Assert.AreEqual("a cat", CaptionFile.Read(_folder["wide.txt"])[0].Caption);
        File.WriteAllText(_folder["bom.txt"], "a cat", new UTF8Encoding(encoderShouldEmitUTF8Identifier: true));
        Assert.AreEqual("a cat", CaptionFile.Read(_folder["bom.txt"])[0].Caption);
    }

    /// <summary>Lines of an open field were joined one by one, which takes hours for a long file.</summary>
    [TestMethod]
    public void AStrayQuote_IsFoundBeforeTheEndOfTheFile()
    {
        File.WriteAllLines(
            _folder["c.csv"],
            ["image,caption", "1.png,\"a cat", .. Enumerable.Range(0, 20_000).Select(i => $"{i}.png,a dog")]
        );
        var before = GC.GetAllocatedBytesForCurrentThread();
        var e = Assert.ThrowsExactly<InvalidDataException>(() => CaptionFile.Read(_folder["c.csv"]));
        Assert.Contains("line 2: a quoted field does not end", e.Message);
        Assert.IsLessThan(64L << 20, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [TestMethod]
    public void OneCaptionOfEachImage_IsDrawnByTheSeed()
    {
        File.WriteAllLines(_folder["c.csv"], ["image,caption", .. Enumerable.Range(0, 40).Select(i => $"{i % 4},caption {i}")]);
        var ml = new MLContext(seed: 1);
        string[] Draw(int seed) =>
            [
                .. StageFixture
                    .Column<ReadOnlyMemory<char>>(ml.Data.LoadCaptions(_folder["c.csv"], onePerImage: true, seed), "Caption")
                    .Select(c => c.ToString()),
            ];
        Assert.HasCount(4, Draw(1));
        CollectionAssert.AreEqual(Draw(1), Draw(1));
        CollectionAssert.AreNotEqual(Draw(1), Draw(2));
        Assert.HasCount(40, StageFixture.Column<ReadOnlyMemory<char>>(ml.Data.LoadCaptions(_folder["c.csv"]), "Caption"));
    }
}
