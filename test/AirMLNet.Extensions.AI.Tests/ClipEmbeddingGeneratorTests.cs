using AirMLNet.Clip;
using AirMLNet.Images;
using AirMLNet.Testing;
using Microsoft.Extensions.AI;

namespace AirMLNet.Extensions.AI.Tests;

/// <summary>What both generators have in common, and each by itself: the values, the order, who waits, and who is refused.</summary>
[TestClass]
public sealed class ClipEmbeddingGeneratorTests
{
    private const float Rounding = 1e-5f;
    private static readonly string[] Texts = ["a red photo", "the sea", "", "Größe 😀", "a very small dog", "of the of the", "x"];

    [TestMethod]
    public async Task Texts_GetTheFeaturesOfTheModel_InTheirOrder_WithLengthOne()
    {
        using var generator = ClipTextEmbeddingGenerator.Load(TinyModels.Clip, new() { BatchSize = 3 });
        var made = await generator.GenerateAsync(Texts);

        var backbone = generator.GetRequiredService<ClipBackbone>();
        using var features = backbone.EncodeTexts(Texts);
        AreNear(features.data<float>().ToArray(), made);
        foreach (var embedding in made)
        {
            Assert.AreEqual("tiny-clip", embedding.ModelId);
            Assert.AreEqual(1, embedding.Vector.ToArray().Sum(v => v * v), 1e-5);
        }

        var tokens = Texts.Sum(text => backbone.Tokenizer.Encode(text).Length + 2);
        Assert.AreEqual(tokens, made.Usage?.InputTokenCount, "start and end are read as well");
        Assert.AreEqual(tokens, made.Usage?.TotalTokenCount);
        Assert.IsNull((await generator.GenerateAsync([])).Usage);
    }

    [TestMethod]
    public async Task Images_GetTheFeaturesOfTheModel_WhateverTheirMediaTypeSays()
    {
        using var folder = new TemporaryFolder();
        var files = TinyClip.WriteImages(folder, 7).Select(image => image.Path).ToArray();
        using var generator = ClipImageEmbeddingGenerator.Load(TinyModels.Clip, new() { BatchSize = 3 });
        var made = await generator.GenerateAsync(
            files.Select((file, i) => new DataContent(File.ReadAllBytes(file), i == 2 ? "application/octet-stream" : "image/png"))
        );

        var backbone = generator.GetRequiredService<ClipBackbone>();
        var features = new float[files.Length * backbone.FeatureDimension];
        var pixels = files.SelectMany(file => backbone.Preprocessor.Preprocess(ImageFile.Load(file))).ToArray();
        backbone.EncodeImages(pixels, files.Length, features);
        AreNear(features, made);
        Assert.IsNull(made.Usage);
    }

    /// <summary>The package's own extension methods find their way, which they do not with one class for both inputs.</summary>
    [TestMethod]
    public async Task BothTowers_ShareOneSetOfWeights_AndOneSpace()
    {
        using var texts = ClipTextEmbeddingGenerator.Load(TinyModels.Clip);
        using var images = ClipImageEmbeddingGenerator.Load(TinyModels.Clip);
        Assert.AreSame(texts.GetService<ClipBackbone>(), images.GetService<ClipBackbone>());

        var text = await texts.GenerateVectorAsync("a photo");
        var image = await images.GenerateVectorAsync(Picture(0));
        Assert.AreEqual(text.Length, image.Length);
    }

    [TestMethod]
    public void Services_AreTheMetadata_TheModel_AndTheGenerator()
    {
        using var generator = ClipTextEmbeddingGenerator.Load(TinyModels.Clip);
        var metadata = generator.GetRequiredService<EmbeddingGeneratorMetadata>();
        Assert.AreEqual(
            ("AirMLNet", "tiny-clip", (int?)TinyClip.FeatureDimension),
            (metadata.ProviderName, metadata.DefaultModelId, metadata.DefaultModelDimensions)
        );
        Assert.AreSame(generator, generator.GetService<IEmbeddingGenerator<string, Embedding<float>>>());
        Assert.IsNull(generator.GetService<IEmbeddingGenerator<DataContent, Embedding<float>>>());
        Assert.IsNull(generator.GetService(typeof(EmbeddingGeneratorMetadata), "key"));
    }

    [TestMethod]
    public async Task ManyThreads_GetEachItsOwn()
    {
        using var texts = ClipTextEmbeddingGenerator.Load(TinyModels.Clip, new() { BatchSize = 2, Parallel = 3 });
        using var images = ClipImageEmbeddingGenerator.Load(TinyModels.Clip, new() { BatchSize = 2, Parallel = 3 });
        var pictures = Enumerable.Range(0, 12).Select(Picture).ToArray();
        var ofTexts = Vectors(await texts.GenerateAsync(Texts));
        var ofImages = Vectors(await images.GenerateAsync(pictures));

        var wrong = await Task.WhenAll(
            Enumerable
                .Range(0, 64)
                .Select(i =>
                    Task.Run(async () =>
                    {
                        var (text, picture) = (i % (Texts.Length - 2), i % (pictures.Length - 4));
                        var some = Vectors(await texts.GenerateAsync(Texts[text..(text + 3)]));
                        var others = Vectors(await images.GenerateAsync(pictures[picture..(picture + 5)]));
                        return Difference(some, ofTexts[text..(text + 3)]) + Difference(others, ofImages[picture..(picture + 5)]);
                    })
                )
        );
        Assert.IsLessThan(Rounding, wrong.Max());
    }

    [TestMethod]
    public async Task ARequestThatIsCancelled_EndsBetweenBatches_AndAtItsTurn()
    {
        using var generator = ClipTextEmbeddingGenerator.Load(TinyModels.Clip, new() { BatchSize = 1, Parallel = 1 });
        using var first = new CancellationTokenSource();
        using var second = new CancellationTokenSource();
        // A hundred thousand encodings take minutes: who ends at once was cancelled.
        var long1 = generator.GenerateAsync(Enumerable.Repeat("a", 100_000), cancellationToken: first.Token);
        var waiting = generator.GenerateAsync(Enumerable.Repeat("b", 100_000), cancellationToken: second.Token);
        second.Cancel();
        await Assert.ThrowsAsync<OperationCanceledException>(() => waiting);
        Assert.IsFalse(long1.IsCompleted);
        first.Cancel();
        await Assert.ThrowsAsync<OperationCanceledException>(() => long1);

        Assert.HasCount(1, await generator.GenerateAsync(["still there"]), "a cancelled request gives its turn back");
        await Assert.ThrowsAsync<OperationCanceledException>(() => generator.GenerateAsync([], cancellationToken: first.Token));
    }

    [TestMethod]
    public async Task WhatIsNoImage_IsNamed()
    {
        using var generator = ClipImageEmbeddingGenerator.Load(TinyModels.Clip, new() { BatchSize = 2, MaxMegapixels = 1 });
        DataContent[] three = [Picture(0), Picture(1), new(new byte[] { 1, 2, 3 }, "image/png")];
        var e = await Assert.ThrowsExactlyAsync<UnreadableImageException>(() => generator.GenerateAsync(three));
        Assert.StartsWith("image 3: ", e.Message);
        Assert.AreEqual(Assert.ThrowsExactly<UnreadableImageException>(() => ImageFile.Decode([1, 2, 3], "image 3")).Message, e.Message);

        three[2].Name = "holiday.png";
        e = await Assert.ThrowsExactlyAsync<UnreadableImageException>(() => generator.GenerateAsync(three));
        Assert.AreEqual("holiday.png", e.ImagePath);

        var large = TinyClip.Picture(0, new Random(1), 1001, 1000);
        e = await Assert.ThrowsExactlyAsync<UnreadableImageException>(() => generator.GenerateAsync([Content(large)]));
        Assert.Contains("at most 1 megapixels", e.Message);
        Assert.HasCount(2, await generator.GenerateAsync(three[..2]), "a request that failed gives its turn back");
    }

    [TestMethod]
    public async Task WhatTheModelCannotDo_IsRefused()
    {
        using var generator = ClipTextEmbeddingGenerator.Load(TinyModels.Clip, new() { Truncate = false });
        async Task Refused(string part, IEnumerable<string> values, EmbeddingGenerationOptions? options = null) =>
            Assert.Contains(
                part,
                (await Assert.ThrowsExactlyAsync<ArgumentException>(() => generator.GenerateAsync(values, options))).Message
            );

        await Refused("ModelId = 'other'; this generator's model is 'tiny-clip'", ["a"], new() { ModelId = "other" });
        await Refused("Dimensions = 7; embeddings of tiny-clip have 24", ["a"], new() { Dimensions = 7 });
        await Refused("values[1] is null", ["a", null!]);
        await Refused("the model takes 40", [new string('x', 100)]);
        Assert.HasCount(1, await generator.GenerateAsync(["a"], new() { ModelId = "tiny-clip", Dimensions = 24 }));

        using var cutting = ClipTextEmbeddingGenerator.Load(TinyModels.Clip);
        Assert.HasCount(1, await cutting.GenerateAsync([new string('x', 100)]));
        Assert.Contains("BatchSize = -1", Assert.Throws<ArgumentException>(() => new ClipEmbeddingOptions { BatchSize = -1 }).Message);
        Assert.Contains("Parallel = 0", Assert.Throws<ArgumentException>(() => new ClipEmbeddingOptions { Parallel = 0 }).Message);
        Assert.Contains(
            "MaxMegapixels = 0",
            Assert.Throws<ArgumentException>(() => new ClipEmbeddingOptions { MaxMegapixels = 0 }).Message
        );
        Assert.Throws<ArgumentException>(() =>
            ClipTextEmbeddingGenerator.Load(TinyModels.Clip, new() { Precision = ClipPrecision.Float16 })
        );
    }

    [TestMethod]
    public async Task Precision_AndActivation_ChangeTheEmbeddings()
    {
        using var plain = ClipTextEmbeddingGenerator.Load(TinyModels.Clip);
        using var half = ClipTextEmbeddingGenerator.Load(TinyModels.Clip, new() { Precision = ClipPrecision.BFloat16 });
        using var gelu = ClipTextEmbeddingGenerator.Load(TinyModels.Clip, new() { Activation = ClipActivation.Gelu });
        using var quick = ClipTextEmbeddingGenerator.Load(TinyModels.Clip, new() { Activation = ClipActivation.QuickGelu });
        var exact = Vectors(await plain.GenerateAsync(Texts));
        Assert.IsInRange(Rounding, 0.05f, Difference(exact, Vectors(await half.GenerateAsync(Texts))));
        Assert.IsGreaterThan(Rounding, Difference(Vectors(await gelu.GenerateAsync(Texts)), Vectors(await quick.GenerateAsync(Texts))));
    }

    [TestMethod]
    public void AFolderWithoutATokenizer_DoesForImagesAlone()
    {
        using var folder = new TemporaryFolder();
        var clip = TinyModels.Copy(TinyModels.Clip, folder["clip"]);
        File.Delete(Path.Combine(clip, "vocab.json"));
        Assert.ThrowsExactly<FileNotFoundException>(() => ClipTextEmbeddingGenerator.Load(clip));
        using var images = ClipImageEmbeddingGenerator.Load(clip);
        Assert.AreEqual("clip", images.Metadata.DefaultModelId);
    }

    [TestMethod]
    public async Task ADisposedGenerator_RefusesRequests_AndEndsThoseUnderWay()
    {
        using var folder = new TemporaryFolder();
        var clip = TinyModels.Copy(TinyModels.Clip, folder["clip"]);
        var generator = ClipTextEmbeddingGenerator.Load(clip, new() { BatchSize = 1, Parallel = 1 });
        var backbone = generator.GetRequiredService<ClipBackbone>();
        var underWay = generator.GenerateAsync(Enumerable.Repeat("a", 200));
        generator.Dispose();
        generator.Dispose();
        await Assert.ThrowsExactlyAsync<ObjectDisposedException>(() => generator.GenerateAsync(["b"]));
        Assert.IsNull(generator.GetService<ClipBackbone>());
        Assert.HasCount(200, await underWay);

        Assert.ThrowsExactly<InvalidOperationException>(backbone.Release, "the last request gave the model back");
        using var again = ClipTextEmbeddingGenerator.Load(clip);
        Assert.AreNotSame(backbone, again.GetService<ClipBackbone>());
    }

    private static DataContent Picture(int @class) => Content(TinyClip.Picture(@class, new Random(@class)));

    private static DataContent Content(RgbImage image)
    {
        using var folder = new TemporaryFolder();
        ImageFile.SavePng(folder["image.png"], image);
        return new DataContent(File.ReadAllBytes(folder["image.png"]), "image/png");
    }

    private static float[][] Vectors(IEnumerable<Embedding<float>> made) => [.. made.Select(embedding => embedding.Vector.ToArray())];

    private static float Difference(float[][] some, float[][] others)
    {
        Assert.HasCount(some.Length, others);
        return some.Zip(others).Max(pair => pair.First.Zip(pair.Second).Max(values => Math.Abs(values.First - values.Second)));
    }

    private static void AreNear(float[] expected, IReadOnlyCollection<Embedding<float>> made)
    {
        var dimension = expected.Length / made.Count;
        Assert.IsLessThan(Rounding, Difference([.. expected.Chunk(dimension)], Vectors(made)));
        Assert.IsGreaterThan(100 * Rounding, Difference(Vectors(made.Take(1)), Vectors(made.Skip(1).Take(1))), "values tell them apart");
    }
}
