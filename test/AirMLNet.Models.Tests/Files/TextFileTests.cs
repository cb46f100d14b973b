using System.Diagnostics;
using System.Text;
using AirMLNet.Files;
using AirMLNet.Testing;

namespace AirMLNet.Tests.Files;

[TestClass]
public sealed class TextFileTests
{
    [TestMethod]
    public void EveryEncodingWithAMarkIsRead()
    {
        foreach (
            var encoding in new Encoding[]
            {
                new UTF8Encoding(true),
                new UnicodeEncoding(false, true),
                new UnicodeEncoding(true, true),
                new UTF32Encoding(),
            }
        )
        {
            Assert.AreEqual("caf\u00e9\nx", TextFile.Decode("f", [.. encoding.GetPreamble(), .. encoding.GetBytes("caf\u00e9\nx")]));
        }

        Assert.AreEqual("caf\u00e9", TextFile.Decode("f", Encoding.UTF8.GetBytes("caf\u00e9")));
    }

    [TestMethod]
    public void OtherEncodingsAreRefusedWithLineAndByte()
    {
        var message = Refused([.. "dog\ncaf"u8, 0xe9, .. "\n"u8]);
        Assert.Contains("list.txt, line 2: byte 4 of the line (0xE9)", message);
        Assert.Contains("Windows-1252", message);
        Assert.Contains("line 2: there is a byte order mark", Refused([.. "dog\n"u8, 0xef, 0xbb, 0xbf, .. "cat"u8]));
        Assert.Contains("zero byte", Refused(Encoding.Unicode.GetBytes("cat\n")));
    }

    private static string Refused(byte[] bytes) =>
        Assert.ThrowsExactly<InvalidDataException>(() => TextFile.Decode("list.txt", bytes)).Message;

    /// <summary>As a shell gives the output of a program: without a length, and only once.</summary>
    [TestMethod]
    public void A_pipe_is_read()
    {
        if (!OperatingSystem.IsLinux())
        {
            Assert.Inconclusive("pipes have names on Linux");
        }

        using var folder = new TemporaryFolder();
        using var writer = Process.Start(
            "/bin/sh",
            ["-c", $"mkfifo '{folder["pipe"]}' && touch '{folder["there"]}' && printf 'ship\\ncat\\n' > '{folder["pipe"]}'"]
        );
        Assert.IsTrue(SpinWait.SpinUntil(() => File.Exists(folder["there"]), TimeSpan.FromSeconds(30)));
        CollectionAssert.AreEqual(new[] { "ship", "cat" }, TextFile.ReadLines(folder["pipe"]));
    }
}
