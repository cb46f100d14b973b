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
        DescriptionJob job = new()
        {
            Images = folder["images"],
            Output = folder["texts.jsonl"],
            WorkFolder = folder["work"],
            Server = server.Address.ToString(),
            Model = "eyes",
            Pieces = 1,
        };
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
}
