using AirMLNet.Clip;

namespace AirMLNet.Cluster.Tests;

/// <summary>What a job may say, and how it is written.</summary>
[TestClass]
public sealed class ClusterJobTests
{
    private static readonly ClusterJob[] Jobs =
    [
        new EmbeddingJob
        {
            Images = "/i",
            Clip = "/c",
            Output = "/o.npy",
            Precision = ClipPrecision.BFloat16,
            Pieces = 7,
        },
        new SynthesisJob
        {
            Diffusion = "/d",
            PromptsFile = "/p.txt",
            Output = "/o",
            Guidance = 3.5,
        },
        new DescriptionJob
        {
            Images = "/i",
            Output = "/o.jsonl",
            WorkFolder = "/w",
            Server = "http://captioner:8000/v1",
            Model = "eyes",
        },
    ];

    [TestMethod]
    public void AJobIsTheSame_AfterJson_AndItsNameSaysWhatItIs()
    {
        foreach (var job in Jobs)
        {
            var read = ClusterJob.FromJson(job.ToJson());
            Assert.AreEqual(job, read);
            Assert.AreEqual(job.Id(), read.Id());
            Assert.AreNotEqual(job.Id(), (job with { Pieces = job.Pieces + 1 }).Id());
        }

        Assert.HasCount(Jobs.Length, Jobs.Select(j => j.Id()).Distinct());
    }

    [TestMethod]
    [DataRow("""{"images": "/i"}""", "kind")]
    [DataRow("""{"kind": "embed", "images": "i", "clip": "/c", "output": "/o.npy"}""", "Images = 'i'; expected an absolute path")]
    [DataRow("""{"kind": "embed", "images": "/i", "clip": "/c", "output": "/o.txt"}""", ".safetensors, .npy")]
    [DataRow("""{"kind": "embed", "images": "/i", "clip": "/c", "output": "/o.npy", "pieces": 0}""", "Pieces = 0; expected 1..100000")]
    [DataRow("""{"kind": "synthesize", "diffusion": "/d", "output": "/o", "sharpness": 1}""", "sharpness")]
    [DataRow("""{"kind": "dance"}""", "dance")]
    [DataRow("", "JSON")]
    public void WhatIsWrong_IsNamed(string json, string part)
    {
        var thrown = Assert.ThrowsExactly<FormatException>(() => ClusterJob.FromJson(json));
        Assert.Contains(part, thrown.Message);
    }
}
