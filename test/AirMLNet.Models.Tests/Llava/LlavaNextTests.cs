using AirMLNet.Clip;
using AirMLNet.Images;
using AirMLNet.Llava;
using AirMLNet.Testing;

namespace AirMLNet.Tests.Llava;

[TestClass]
public sealed class LlavaNextTests
{
    private static readonly RgbImage Image = new(50, 40, [.. Enumerable.Range(0, 6000).Select(i => (byte)(i * 7))]);
    private readonly TemporaryFolder _folder = new();

    [TestCleanup]
    public void Delete() => _folder.Dispose();

    [TestMethod]
    [DataRow(ClipPrecision.Float32)]
    [DataRow(ClipPrecision.BFloat16)]
    public void AnswersAreTheSameEachTimeAndDependOnImageAndQuestion(ClipPrecision precision)
    {
        TinyLlava.Create(_folder["m"], shards: 2);
        LlavaNext Load(string template) =>
            LlavaNext.Load(
                _folder["m"],
                options: new()
                {
                    Precision = precision,
                    MaxTokens = 12,
                    Template = template,
                }
            );
        // Random weights look at the last tokens only.
        using var model = Load("<image>{}");
        using var imageLast = Load("{}<image>");

        var answer = model.Answer(Image, "What is it?");

        Assert.AreNotEqual("", answer);
        Assert.AreEqual(answer, model.Answer(Image, "What is it?"));
        Assert.AreNotEqual(answer, model.Answer(Image, "How many are there"));
        Assert.AreNotEqual(imageLast.Answer(Image, "What?"), imageLast.Answer(new RgbImage(50, 40, new byte[6000]), "What?"));
        Assert.AreEqual("m", model.Name);
        Assert.HasCount(64, model.WeightsSha256);
    }

    [TestMethod]
    public void AnAnswerEndsWithGenerationConfigsEnd()
    {
        TinyLlava.Create(_folder["m"]);
        string Answer(string ends)
        {
            File.WriteAllText(_folder["m", "generation_config.json"], $$"""{ "eos_token_id": {{ends}} }""");
            using var model = LlavaNext.Load(_folder["m"], options: new() { MaxTokens = 12 });
            return model.Answer(Image, "What is it?");
        }

        var all = Answer("[2]");

        Assert.AreNotEqual(all, Answer($"[2, {string.Join(", ", Enumerable.Range(3, 256))}]"));
        Assert.Contains(
            "eos_token_id is \"none\"; it must be a whole number",
            Assert.ThrowsExactly<InvalidDataException>(() => Answer("\"none\"")).Message
        );
    }

    [TestMethod]
    public void WhatDoesNotFitIsNamed()
    {
        TinyLlava.Create(_folder["m"]);
        using (var model = LlavaNext.Load(_folder["m"]))
        {
            Assert.Contains(
                "holds <image>",
                Assert.ThrowsExactly<ArgumentException>(() => model.Answer(Image, "Where is <image>?")).Message
            );
            Assert.Contains(
                "the model reads 512",
                Assert.ThrowsExactly<ArgumentException>(() => model.Answer(Image, new string('x', 500))).Message
            );
            using var stop = new CancellationTokenSource();
            stop.Cancel();
            Assert.Throws<OperationCanceledException>(() => model.Answer(Image, "What is it?", stop.Token));
        }

        Assert.Contains(
            "Float16, which only GPUs compute in",
            Assert
                .ThrowsExactly<ArgumentException>(() => LlavaNext.Load(_folder["m"], options: new() { Precision = ClipPrecision.Float16 }))
                .Message
        );
        Assert.ThrowsExactly<ArgumentException>(() => new LlavaNextOptions { Template = "USER: {}" });
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new LlavaNextOptions { MaxTokens = 0 });
        File.WriteAllText(_folder["m", "tokenizer.json"], TinyLlava.Tokenizer([], [], image: 300).ToJsonString());
        Assert.Contains(
            "<image> has the id 300 in tokenizer.json; it must be image_token_index of config.json (259)",
            Assert.ThrowsExactly<InvalidDataException>(() => LlavaNext.Load(_folder["m"])).Message
        );
        File.Delete(_folder["m", "tokenizer.json"]);
        Assert.ThrowsExactly<FileNotFoundException>(() => LlavaNext.Load(_folder["m"]));
        Assert.ThrowsExactly<DirectoryNotFoundException>(() => LlavaNext.Load(_folder["none"]));
    }

    [TestMethod]
    [DataRow(
        """{ "crop_size": { "height": 30, "width": 30 } }""",
        "crop_size is {\"height\":30,\"width\":30}; it must be vision_config.image_size"
    )]
    [DataRow("""{ "image_grid_pinpoints": [[32, 32]] }""", "image_grid_pinpoints is [[32,32]]; it must be as in config.json")]
    [DataRow("""{ "rescale_factor": 1 }""", "rescale_factor is 1; it must be 1/255")]
    [DataRow("""{ "resample": 2 }""", "resample is 2, which is not supported; 3 is.")]
    public void AProcessorThatIsNotBuiltIsRefusedByName(string content, string message)
    {
        TinyLlava.Create(_folder["m"]);
        File.WriteAllText(_folder["m", "preprocessor_config.json"], content);

        Assert.Contains(message, Assert.ThrowsExactly<InvalidDataException>(() => LlavaNext.Load(_folder["m"])).Message);
    }
}
