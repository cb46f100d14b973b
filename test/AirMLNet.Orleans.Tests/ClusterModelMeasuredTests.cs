using System.Globalization;
using AirMLNet.Testing;

namespace AirMLNet.Cluster.Tests;

/// <summary>
/// The simulation beside real silos: one workload on one, two and three of them. The times are written out and not judged, as a busy
/// machine has others; docs/scale.md has those of a quiet one.
/// </summary>
[TestClass]
public sealed class ClusterModelMeasuredTests
{
    private const int Pieces = 15,
        ImagesPerPiece = 4,
        Calls = 2;

    // Seconds of the captioner's answer. The longer, the more what is measured is the cluster, and the less how busy this machine is.
    private static readonly double Answer = double.Parse(
        Environment.GetEnvironmentVariable("AIRML_ANSWER_SECONDS") ?? "0.15",
        CultureInfo.InvariantCulture
    );

    public TestContext TestContext { get; set; } = null!;

    /// <summary>What a piece costs beside its images is taken from one silo; two and three are predicted.</summary>
    [TestMethod]
    public async Task TwoAndThreeSilos_ShareTheWorkload()
    {
        using var test = new TestCluster();
        using var server = new CaptionServer { BeforeAnswer = _ => Thread.Sleep(TimeSpan.FromSeconds(Answer)) };
        TinyClip.WriteImages(test.Folder["images"], Pieces * ImagesPerPiece);
        test.Start(1);
        await test.ConnectAsync();
        var one = await Measure(1);
        var model = new ClusterModel
        {
            Silos = 1,
            Pieces = Pieces,
            ImagesPerPiece = ImagesPerPiece,
            PerSilo = Calls / Answer,
            Overhead = (one - (Pieces * ImagesPerPiece * Answer / Calls)) / (Pieces + 1), // the last one joins
        };
        Assert.IsGreaterThan(0, model.Overhead);
        Assert.AreEqual(one, model.Run().Seconds, 0.01);
        for (var silos = 2; silos <= 3; silos++)
        {
            test.Start(1);
            var (measured, predicted) = (await Measure(silos), (model with { Silos = silos }).Run().Seconds);
            TestContext.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{silos} silos: predicted {predicted:0.00} s, measured {measured:0.00} s ({(predicted / measured) - 1:+0.0%;-0.0%}); "
                        + $"one {one:0.00} s, overhead {model.Overhead:0.000} s a piece"
                )
            );
        }

        // From when the first piece is begun until the last, which joins, is finished.
        async Task<double> Measure(int silos)
        {
            var before = test.Clock.Elapsed;
            DescriptionJob job = new()
            {
                Images = test.Folder["images"],
                Output = test.Folder[$"texts-{silos}.jsonl"],
                WorkFolder = test.Folder[$"work-{silos}"],
                Server = server.Address.ToString(),
                Model = "eyes",
                Pieces = Pieces,
                ParallelCalls = Calls,
            };
            var status = await test.Cluster.RunAsync(job, cancellation: test.Deadline.Token);
            Assert.HasCount(silos, status.DoneBy, test.ToString());
            Assert.AreEqual(0, status.Returned);
            return (test.Lines("finished piece", before).Max() - test.Lines("began piece", before).Min()).TotalSeconds;
        }
    }
}
