using AirMLNet.Embedding;
using AirMLNet.Features;
using AirMLNet.Images;
using AirMLNet.Testing;
using Microsoft.ML;
using TorchSharp;

namespace AirMLNet.Cluster.Tests;

/// <summary>Real silos, each a process, and a real Redis: silos are killed and join while they work.</summary>
[TestClass]
public sealed class ClusterTests
{
    private static readonly TimeSpan LongestStall = TimeSpan.FromSeconds(10);

    /// <summary>The silo that is killed counts the job, too, so that its count must come back from Redis.</summary>
    [TestMethod]
    public async Task KillingTheKeeperOfAnEmbedding_GivesTheBytesOfOneProcess_WithAShortStall()
    {
        using var test = new TestCluster();
        var images = WriteImages(test.Folder["images"], 288);
        EmbeddingJob job = new()
        {
            Images = images,
            Clip = TinyModels.Clip,
            Output = test.Folder["cluster.safetensors"],
            ChunkSize = 8,
            BatchSize = 8,
            Pieces = 18,
        };
        test.Start(2);
        await test.ConnectAsync();
        var begun = await test.Cluster.SubmitAsync(job, cancellation: test.Deadline.Token);
        var keeper = test.ByAddress(begun.Keeper);
        keeper.Says("began piece", 2);
        var killed = keeper.Kill();

        var status = await test.Cluster.RunAsync(job, cancellation: test.Deadline.Token);

        Assert.IsTrue(status.IsComplete);
        Assert.AreEqual(status.Pieces, status.DoneBy.Values.Sum());
        Assert.IsLessThanOrEqualTo(1, status.Returned);
        var survivor = test.ByAddress(status.Keeper);
        Assert.AreNotSame(keeper, survivor);
        TimeSpan[] moments = [killed, .. survivor.Lines("finished piece").Select(l => l.At).Where(at => at > killed)];
        var stall = moments.Zip(moments.Skip(1), (before, after) => after - before).Max();
        Console.WriteLine($"stall {stall.TotalSeconds:0.0} s, handed out again {status.Returned}\n{test}");
        Assert.IsLessThanOrEqualTo(LongestStall, stall, test.ToString());
        CollectionAssert.AreEqual(InOneProcess(job, test.Folder["alone.safetensors"]), File.ReadAllBytes(job.Output));
        Assert.HasCount(job.Pieces, Directory.GetFiles(test.Folder, "cluster.shard-*"));
        Assert.IsEmpty(Directory.GetDirectories(test.Folder, "*.parts"));
    }

    /// <summary>
    /// The captioner answers when the test says so: what each silo is at is known at every moment.
    /// </summary>
    [TestMethod]
    public async Task AThirdSiloTakesWork_AndWhatAKilledOneHeldIsDoneOnce()
    {
        using var test = new TestCluster();
        using var gate = new ManualResetEventSlim();
        using var asked = new SemaphoreSlim(0);
        using var server = new CaptionServer
        {
            BeforeAnswer = _ =>
            {
                asked.Release();
                gate.Wait(test.Deadline.Token);
            },
        };
        var images = TinyClip.WriteImages(test.Folder["images"], 24);
        DescriptionJob job = new()
        {
            Images = test.Folder["images"],
            Output = test.Folder["texts.jsonl"],
            WorkFolder = test.Folder["work"],
            Server = server.Address.ToString(),
            Model = "eyes",
            Pieces = 12,
            ParallelCalls = 1,
        };
        test.Start(2);
        await test.ConnectAsync();
        await test.Cluster.SubmitAsync(job, cancellation: test.Deadline.Token);
        await Asked(2);
        test.Start(1);
        await Asked(1); // while the first two are at their first pieces

        var status = await test.Cluster.StatusAsync(job.Id(), test.Deadline.Token);
        Assert.HasCount(3, status.Held.Values.Distinct());
        Assert.AreEqual(0, status.Done);
        test.ByAddress(status.Keeper).Kill();
        gate.Set();
        status = await test.Cluster.RunAsync(job, cancellation: test.Deadline.Token);

        Assert.AreEqual(1, status.Returned, test.ToString());
        Assert.AreEqual(job.Pieces + 1, status.DoneBy.Values.Sum());
        Assert.HasCount(2, status.DoneBy, test.ToString());
        var lines = images.Select(i => $$"""{"image":"{{Path.GetFileName(i.Path)}}","text":"{{Answer(i.Path)}}"}""" + "\n");
        Assert.AreEqual(string.Concat(lines), File.ReadAllText(job.Output));
        Assert.HasCount(images.Length, Directory.GetFiles(job.WorkFolder, "*.txt", SearchOption.AllDirectories));
        Assert.HasCount(images.Length + 1, server.Seen); // the killed silo's question was asked again, and no other

        async Task Asked(int times)
        {
            for (var i = 0; i < times; i++)
            {
                await asked.WaitAsync(test.Deadline.Token);
            }
        }
    }

    private static string Answer(string path) =>
        CaptionServer.Describe(ImageFile.Load(path), "Describe the object in the photo concisely, less than 20 words.");

    /// <summary>Pictures that take a while to decode, in a few kinds: names differ, and neighbours do.</summary>
    private static string WriteImages(string folder, int count)
    {
        Directory.CreateDirectory(folder);
        var random = new Random(3);
        byte[][] kinds = [.. Enumerable.Range(0, 5).Select(k => ImageCodec.EncodePng(TinyClip.Picture(k, random, 300, 280)))];
        for (var i = 0; i < count; i++)
        {
            File.WriteAllBytes(Path.Combine(folder, $"image{i:000}.png"), kinds[i % 5]);
        }

        return folder;
    }

    private static byte[] InOneProcess(EmbeddingJob job, string output)
    {
        var threads = torch.get_num_threads();
        torch.set_num_threads(1);
        try
        {
            new ImageFolderEncoder(
                new MLContext(1),
                new ImageFolderEncoderOptions
                {
                    Images = job.Images,
                    Output = output,
                    ChunkSize = job.ChunkSize,
                    Clip = new ClipFeatureOptions
                    {
                        ClipFolder = job.Clip,
                        BatchSize = job.BatchSize,
                        Threads = 1,
                    },
                }
            ).Run();
        }
        finally
        {
            torch.set_num_threads(threads);
        }

        return File.ReadAllBytes(output);
    }
}
