using AirMLNet.Testing;
using AirMLNet.Verification;
using AirMLNet.Weights;
using static TorchSharp.torch;

namespace AirMLNet.Tests.Verification;

[TestClass]
public sealed class CaseVerifierTests
{
    private readonly TemporaryFolder _folder = new();

    [TestCleanup]
    public void Delete() => _folder.Dispose();

    [TestMethod]
    [DataRow("clip-vit-tiny", 2 * 28)]
    [DataRow("openclip-vit-tiny", 3 * 5)]
    [DataRow("clip-rn-tiny", 31)]
    [DataRow("preprocess", 16)]
    [DataRow("text-encoder-sd-tiny", 8)]
    [DataRow("vae-tiny", 10)]
    [DataRow("unet-tiny", 16 + (4 * 14))]
    [DataRow("schedulers", 119)]
    [DataRow("sd-tiny", 11)]
    [DataRow("unet-sdxl-tiny", 37)]
    [DataRow("sdxl-tiny", 18)]
    [DataRow("unet-sd2-tiny", 30)]
    [DataRow("sd2-tiny", 15)]
    [DataRow("lora-wild-tiny", 50)]
    [DataRow("collage-tiny", 12)]
    [DataRow("latteclip-tiny", 524 + 40)]
    [DataRow("reclip-tiny", 110)]
    [DataRow("t2ipal-tiny", 188)]
    [DataRow("tai-dpt-tiny", 45)]
    [DataRow("dualcoop-tiny", 46)]
    [DataRow("multilabel-metrics", 63)]
    [DataRow("llava-next-tiny", 14)]
    [DataRow("losses", 48)]
    public void ReferenceCasePasses(string name, int rows)
    {
        var report = CaseVerifier.Verify(TestData.Path("golden/" + name));

        Assert.AreEqual(name, report.Case);
        Assert.IsTrue(report.Passed, string.Join(Environment.NewLine, report.Lines()));
        Assert.HasCount(rows, report.Rows);
    }

    [TestMethod]
    public void Equals_the_reference_on_every_text()
    {
        var report = CaseVerifier.Verify(TestData.Path("golden/tokenizer"));
        Assert.IsTrue(report.Passed, string.Join('\n', report.Rows));
    }

    [TestMethod]
    public void TheKindIsReadOffTheFilesAndWrongValuesFail()
    {
        Copy(
            "clip-vit-tiny",
            io =>
            {
                io["out.image_features"].add_(1e-2);
                io["out.text_features"].select(0, 0).fill_(float.NaN);
                io["out.logits_per_image"] = zeros([2, 2]);
                io["grad.logit_scale"].mul_(1.01);
                io["out.surprise"] = zeros([1]);
                io["grad.no.such.weight"] = zeros([1]);
            }
        );

        var report = CaseVerifier.Verify(_folder);

        Assert.IsFalse(report.Passed);
        var failed = report.Rows.Where(r => !r.Pass).Select(r => r.Output.Split(' ')[0]).Distinct().ToList();
        CollectionAssert.AreEquivalent(
            new[]
            {
                "out.image_features",
                "out.text_features",
                "out.logits_per_image",
                "grad.logit_scale",
                "out.surprise",
                "grad.no.such.weight",
            },
            failed
        );
        StringAssert.Contains(report.Rows.First(r => r.Output.StartsWith("out.surprise", StringComparison.Ordinal)).Note, "not known");
    }

    [TestMethod]
    public void AnUnknownKindIsAnError()
    {
        File.WriteAllText(Path.Combine(_folder, "config.json"), """{"model_type":"siglip"}""");

        var error = Assert.ThrowsExactly<InvalidDataException>(() => CaseVerifier.Verify(_folder));

        StringAssert.Contains(error.Message, "siglip");
        StringAssert.Contains(error.Message, "Known kinds");
        Assert.ThrowsExactly<DirectoryNotFoundException>(() => CaseVerifier.Verify(Path.Combine(_folder, "none")));
    }

    [TestMethod]
    public void TokenizerCasePasses()
    {
        var report = CaseVerifier.Verify(TestData.Path("golden/tokenizer"));

        Assert.IsTrue(report.Passed, string.Join(Environment.NewLine, report.Lines()));
        Assert.IsGreaterThanOrEqualTo(8, report.Rows.Count);
    }

    private void Copy(string golden, Action<Dictionary<string, Tensor>> change)
    {
        var source = TestData.Path("golden/" + golden);
        foreach (var file in Directory.GetFiles(source).Where(f => Path.GetFileName(f) != "io.safetensors"))
        {
            File.Copy(file, Path.Combine(_folder, Path.GetFileName(file)));
        }
        using var scope = NewDisposeScope();
        using var io = SafetensorsFile.Open(Path.Combine(source, "io.safetensors"));
        var tensors = io.Entries.Keys.ToDictionary(k => k, k => io.GetTensor(k));
        change(tensors);
        Safetensors.Write(Path.Combine(_folder, "io.safetensors"), tensors);
    }
}
