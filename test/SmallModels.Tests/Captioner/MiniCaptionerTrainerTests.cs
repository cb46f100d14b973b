using AirMLNet.Images;
using AirMLNet.Llava;
using AirMLNet.Options;
using AirMLNet.Testing;

namespace AirMLNet.SmallModels.Tests;

[TestClass]
public sealed class MiniCaptionerTrainerTests
{
    private static TemporaryFolder s_root = null!;

    [ClassInitialize]
    public static void WriteData(TestContext _)
    {
        s_root = new();
        TinyCifar10.Create(Path.Combine(s_root, "data"));
    }

    [ClassCleanup]
    public static void RemoveData() => s_root.Dispose();

    private static MiniCaptionerOptions Options(string output) =>
        new()
        {
            DataFolder = Path.Combine(s_root, "data"),
            ClipFolder = TinyData.MiniClip(),
            OutputFolder = Path.Combine(s_root, output),
            Photos = 64,
            Steps = 12,
            BatchSize = 4,
            CheckpointEvery = 4,
            ScoredPhotos = 10,
        };

    [TestMethod]
    public void ARunThatWasCutEndsWithTheFilesOfOneThatWasNot_AndTheFolderLoadsAsAPublishedOne()
    {
        using var data = Cifar10.Open(Path.Combine(s_root, "data"));
        MiniCaptionerOptions whole = Options("whole"),
            parts = Options("parts");
        new MiniCaptionerTrainer(whole).Fit(data);

        // Progress is told after step 10; the last checkpoint is that of step 8.
        using var cut = new CancellationTokenSource();
        var interrupted = parts with { CancellationToken = cut.Token, Progress = new DirectProgress(_ => cut.Cancel()) };
        Assert.ThrowsExactly<OperationCanceledException>(() => new MiniCaptionerTrainer(interrupted).Fit(data));
        Assert.IsFalse(File.Exists(Path.Combine(parts.OutputFolder, "model.safetensors")), "no model before the end");
        new MiniCaptionerTrainer(parts).Fit(data);

        string[] files = ["model.safetensors", "config.json", "tokenizer.json", "preprocessor_config.json", "generation_config.json"];
        foreach (var file in files)
        {
            CollectionAssert.AreEqual(
                File.ReadAllBytes(Path.Combine(whole.OutputFolder, file)),
                File.ReadAllBytes(Path.Combine(parts.OutputFolder, file)),
                file
            );
        }

        using var model = LlavaNext.Load(whole.OutputFolder, options: new() { MaxTokens = 3 });
        var result = new MiniCaptionerEvaluation(whole).Measure(data, 1);
        MiniCaptionerFiles.WriteCard(whole, result);
        Assert.AreEqual(10, result.Photos);
        Assert.Contains("| texts that name only a kind of thing |", File.ReadAllText(Path.Combine(whole.OutputFolder, "README.md")));
        Assert.IsNotNull(model.Answer(new RgbImage(64, 40, new byte[64 * 40 * 3]), "What is it?"));
    }

    [TestMethod]
    public void TheVocabularyGivesBackWhatItWasLearnedFrom_AndWhatItWasNot()
    {
        string[] corpus = ["A small white jet on a grey background.", "[INST] \nWhich jet is it? [/INST] A jet."];
        using var folder = new TemporaryFolder();

        var count = LlamaVocabulary.Learn(corpus, 20, folder);

        var tokenizer = LlamaTokenizer.Load(folder);
        Assert.AreEqual(count, tokenizer.Count);
        Assert.AreEqual(count - 1, tokenizer.Id("<image>"));
        foreach (var text in corpus.Append("Ünseen ⚓ text\n"))
        {
            Assert.AreEqual(text, tokenizer.Decode(tokenizer.Encode(text)));
        }

        Assert.IsNotNull(tokenizer.Id("▁jet")); // the most frequent word is a token
        Assert.HasCount(2, tokenizer.Encode("jet"));
    }

    [TestMethod]
    public void TextsNameTheirClassExceptForTheShareThatIsWrong()
    {
        var texts = new PhotoTexts(1);
        var look = new PhotoLook(5, 6, 0.2);
        var named = Enumerable.Range(0, 2000).Select(i => PhotoTexts.Named(texts.Describe(i, 0, look).Answer)).ToList();

        // A wrong one is drawn from all ten classes.
        Assert.AreEqual(PhotoTexts.WrongShare * 0.9 * 0.9, named.Count(n => n > 0) / 2000.0, 0.015);
        Assert.AreEqual(0.1, named.Count(n => n < 0) / 2000.0, 0.02);
        Assert.AreEqual(texts.Choose(3, 4), texts.Choose(3, 4));
        Assert.AreEqual("deer", texts.Choose(3, 4).Answer);
        Assert.Contains("airplane", texts.Choose(3, 4).Question);
    }

    [TestMethod]
    public void ColoursAreThoseOfThePixels()
    {
        // A black square of 16 x 16 pixels on blue.
        var pixels = new byte[3 * 32 * 32];
        for (var i = 0; i < 1024; i++)
        {
            var isThing = i % 32 is >= 8 and < 24 && i / 32 is >= 8 and < 24;
            pixels[(3 * i) + 2] = (byte)(isThing ? 0 : 200);
        }

        var look = PhotoLook.Of(new RgbImage(32, 32, pixels));

        Assert.AreEqual("black", PhotoLook.Colours[look.Colour]);
        Assert.AreEqual("blue", PhotoLook.Colours[look.Background]);
        Assert.AreEqual(0.25, look.Share, 1e-9);
        Assert.AreEqual("small ", look.Size);
    }
}
