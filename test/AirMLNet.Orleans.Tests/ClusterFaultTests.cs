using AirMLNet.Testing;
using TorchSharp;

namespace AirMLNet.Cluster.Tests;

/// <summary>Images made on real silos of which one is killed, and a cluster that is killed whole while its Redis stays.</summary>
[TestClass]
public sealed class ClusterFaultTests
{
    [TestMethod]
    public async Task KillingASiloThatMakesImages_GivesTheFilesOfOneProcess()
    {
        using var test = new TestCluster();
        var job = Job(test, "images", pieces: 12);
        test.Start(2);
        await test.ConnectAsync();
        var begun = await test.Cluster.SubmitAsync(job, cancellation: test.Deadline.Token);
        test.ByAddress(begun.Keeper).Says("began piece", 2).Kill();

        var status = await test.Cluster.RunAsync(job, cancellation: test.Deadline.Token);

        Assert.AreEqual(status.Pieces, status.DoneBy.Values.Sum());
        Assert.IsLessThanOrEqualTo(1, status.Returned);
        AssertAsAlone(test, job);
    }

    [TestMethod]
    public async Task AClusterThatIsKilledWhole_GoesOnWithWhatIsNotDone()
    {
        using var test = new TestCluster();
        var job = Job(test, "images", pieces: 12);
        var first = test.Start(2);
        await test.ConnectAsync();
        await test.Cluster.SubmitAsync(job, cancellation: test.Deadline.Token);
        // Of both together: on a busy machine one may have done all the work before the other begins.
        Assert.IsTrue(SpinWait.SpinUntil(() => first.Sum(s => s.Lines("finished piece").Count()) >= 3, TimeSpan.FromMinutes(2)));
        Array.ForEach(first, s => s.Kill());
        var done = first.SelectMany(s => Pieces(s, "finished piece")).ToArray();
        Assert.IsLessThan(job.Pieces, done.Length, "it was killed too late to say anything");

        var second = test.Start(2);
        var status = await test.Cluster.RunAsync(job, cancellation: test.Deadline.Token);

        Assert.IsTrue(status.IsComplete);
        Assert.AreEqual(status.Pieces, status.DoneBy.Values.Sum());
        Assert.IsLessThanOrEqualTo(2, status.Returned);
        // Of each killed silo the last piece may have been finished and not yet been told.
        var again = second.SelectMany(s => Pieces(s, "began piece")).Intersect(done).ToArray();
        Assert.IsLessThanOrEqualTo(2, again.Length, test.ToString());
        AssertAsAlone(test, job);
    }

    private static SynthesisJob Job(TestCluster test, string output, int pieces)
    {
        File.WriteAllLines(test.Folder["prompts.txt"], Enumerable.Range(0, 12).Select(i => $"a photo of {i} cats"));
        return new()
        {
            Diffusion = TinyModels.Diffusion,
            PromptsFile = test.Folder["prompts.txt"],
            Output = test.Folder[output],
            ImagesPerPrompt = 4,
            Steps = 16, // a piece takes long enough to be killed within
            BatchSize = 2,
            Pieces = pieces,
        };
    }

    private static IEnumerable<string> Pieces(SiloProcess silo, string begins) =>
        silo.Lines(begins).Select(l => l.Text[(l.Text.IndexOf(begins, StringComparison.Ordinal) + begins.Length)..].Trim().Split(' ')[0]);

    /// <summary>The same files with the same bytes as one process makes, and no others.</summary>
    private static void AssertAsAlone(TestCluster test, SynthesisJob job)
    {
        var threads = torch.get_num_threads();
        torch.set_num_threads(1);
        try
        {
            using var work = new SynthesisWork(job with { Output = test.Folder["alone"], Pieces = 1 }, new(null));
            work.Do(1, default);
            work.Join(default);
        }
        finally
        {
            torch.set_num_threads(threads);
        }

        var (alone, cluster) = (Files(test.Folder["alone"]), Files(job.Output));
        CollectionAssert.AreEqual(alone.Keys.ToArray(), cluster.Keys.ToArray(), test.ToString());
        Assert.IsGreaterThanOrEqualTo(48, alone.Count);
        foreach (var (name, bytes) in alone)
        {
            CollectionAssert.AreEqual(bytes, cluster[name], name);
        }
    }

    private static SortedDictionary<string, byte[]> Files(string folder) =>
        new(
            Directory
                .EnumerateFiles(folder, "*", SearchOption.AllDirectories)
                .ToDictionary(f => Path.GetRelativePath(folder, f), File.ReadAllBytes),
            StringComparer.Ordinal
        );
}
