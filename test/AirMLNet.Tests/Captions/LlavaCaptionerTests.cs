using AirMLNet.Captions;
using AirMLNet.Images;
using AirMLNet.Llava;
using AirMLNet.Testing;

namespace AirMLNet.Tests.Captions;

[TestClass]
public sealed class LlavaCaptionerTests
{
    private readonly TemporaryFolder _folder = new();

    [TestCleanup]
    public void Delete() => _folder.Dispose();

    [TestMethod]
    public async Task ManyAskAtOnceAndEachGetsTheAnswerToItsOwnImage()
    {
        TinyLlava.Create(_folder["m"]);
        using var captioner = LlavaCaptioner.Load(_folder["m"], options: new() { MaxTokens = 8, Template = "{}<image>" });
        static CaptionRequest Request(int i) =>
            new(
                $"{i}.png",
                CaptionKind.Image,
                "Describe the object in the photo concisely, less than 20 words.",
                () => new RgbImage(40, 30, [.. Enumerable.Range(0, 3600).Select(p => (byte)((p * (i + 1)) + (60 * i)))])
            );
        List<string> alone = [];
        for (var i = 0; i < 6; i++)
        {
            alone.Add(await captioner.DescribeAsync(Request(i)));
        }

        var together = await Task.WhenAll(Enumerable.Range(0, 6).Select(i => captioner.DescribeAsync(Request(i))));

        CollectionAssert.AreEqual(alone, together);
        Assert.IsGreaterThan(1, alone.Distinct().Count());
    }

    [TestMethod]
    [DataRow("config.json", null)]
    [DataRow("preprocessor_config.json", null)]
    [DataRow("tokenizer.json", null)]
    [DataRow("generation_config.json", "{ \"eos_token_id\": 2 }")]
    public void AChangedFileBesideTheWeights_IsAnotherModel(string name, string? content)
    {
        TinyLlava.Create(_folder["m"]);
        string Identity()
        {
            using var captioner = LlavaCaptioner.Load(_folder["m"]);
            return captioner.Identity;
        }

        var before = Identity();
        Assert.AreEqual(before, Identity());
        var file = Path.Combine(_folder["m"], name);
        File.WriteAllText(file, content ?? File.ReadAllText(file) + "\n");
        Assert.AreNotEqual(before, Identity());
        // Where the files lie is nothing to the texts.
        Directory.Move(_folder["m"], _folder["moved"]);
        File.WriteAllText(Path.Combine(_folder["moved"], "README.md"), "# A model");
        using var moved = LlavaCaptioner.Load(_folder["moved"]);
        var there = moved.Identity;
        Directory.Move(_folder["moved"], _folder["m"]);
        Assert.AreEqual(Identity(), there);
    }

    [TestMethod]
    public async Task TextsAreKeptUnderAnIdentityThatHoldsModelAndSampling_AndCancellationEndsTheWork()
    {
        TinyLlava.Create(_folder["m"]);
        using var captioner = LlavaCaptioner.Load(_folder["m"], options: new() { MaxTokens = 8 });
        using var longer = LlavaCaptioner.Load(_folder["m"], options: new() { MaxTokens = 9 });
        using var other = LlavaCaptioner.Load(_folder["m"], options: new() { MaxTokens = 8, Template = "USER: <image> {}" });
        using var model = LlavaNext.Load(_folder["m"]);

        Assert.HasCount(3, new[] { captioner.Identity, longer.Identity, other.Identity }.Distinct().ToArray());
        Assert.Contains(model.WeightsSha256, captioner.Identity);
        using var stop = new CancellationTokenSource();
        await stop.CancelAsync();
        var request = new CaptionRequest("a.png", CaptionKind.Image, "What?", () => new RgbImage(32, 32, new byte[3072]));
        await Assert.ThrowsAsync<OperationCanceledException>(() => captioner.DescribeAsync(request, stop.Token));
    }
}
