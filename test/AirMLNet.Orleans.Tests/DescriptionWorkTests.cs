using AirMLNet.Pipeline;
using AirMLNet.Testing;

namespace AirMLNet.Cluster.Tests;

/// <summary>A silo that waits for a captioner.</summary>
[TestClass]
public sealed class DescriptionWorkTests
{
    /// <summary>A silo said nothing of it, for up to an hour.</summary>
    [TestMethod]
    public void ALongWait_IsSaid()
    {
        using var folder = new TemporaryFolder();
        using var server = new CaptionServer { Spoil = (_, _) => ("429 Too Many Requests", "Retry-After: 40\r\n", "{}") };
        TinyClip.WriteImages(folder["images"], 1);
        var job = Job(folder, server, pieces: 1);
        List<string> said = [];
        using var stop = new CancellationTokenSource();
        using var work = JobWork.Open(
            job,
            new DeviceChoice(null),
            threads: 0,
            text =>
            {
                said.Add(text);
                stop.Cancel();
            }
        );

        Assert.Throws<OperationCanceledException>(() => work.Do(1, stop.Token));

        Assert.Contains("asking again in 40 s, as the server wants", said.Single());
    }

    /// <summary>The joined file had one image twice and another not at all.</summary>
    [TestMethod]
    public void ImagesThatCameMeanwhile_AreNotJoined()
    {
        using var folder = new TemporaryFolder();
        using var server = new CaptionServer();
        TinyClip.WriteImages(folder["images"], 4);
        var job = Job(folder, server, pieces: 2);
        using (var before = JobWork.Open(job, new DeviceChoice(null), threads: 0, _ => { }))
        {
            before.Do(1, CancellationToken.None);
        }

        File.Copy(Directory.GetFiles(folder["images"]).Order(StringComparer.Ordinal).Last(), folder["images/+.png"]);
        using var after = JobWork.Open(job, new DeviceChoice(null), threads: 0, _ => { });
        after.Do(2, CancellationToken.None);

        var e = Assert.ThrowsExactly<InvalidDataException>(() => after.Join(CancellationToken.None));
        Assert.Contains("images came or went meanwhile", e.Message);
        Assert.IsFalse(File.Exists(job.Output));
    }

    private static DescriptionJob Job(TemporaryFolder folder, CaptionServer server, int pieces) =>
        new()
        {
            Images = folder["images"],
            Output = folder["texts.jsonl"],
            WorkFolder = folder["work"],
            Server = server.Address.ToString(),
            Model = "eyes",
            Pieces = pieces,
        };
}
