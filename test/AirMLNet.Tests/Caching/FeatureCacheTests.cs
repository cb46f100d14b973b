using AirMLNet.Caching;
using AirMLNet.Clip;
using AirMLNet.Features;
using AirMLNet.Images;
using AirMLNet.Testing;
using Microsoft.ML;
using Microsoft.ML.Runtime;

namespace AirMLNet.Tests.Caching;

[TestClass]
public sealed class FeatureCacheTests
{
    private static ClipFeatureTransformer Fit(StageFixture f, ClipFeatureOptions options) =>
        new MLContext(seed: 1).Transforms.ClipFeature("Features", "ImagePath", options with { BatchSize = 5 }).Fit(f.Data);

    private static float[][] Read(ClipFeatureTransformer stage, IDataView data) => StageFixture.Vectors(stage.Transform(data), "Features");

    private static ClipFeatureOptions InFolder(StageFixture f, int megabytes = 0) =>
        new()
        {
            ClipFolder = f.ClipFolder,
            CacheFolder = Path.Combine(f.Root, "cache"),
            CacheMegabytes = megabytes,
        };

    private static string[] Shards(StageFixture f) =>
        [
            .. Directory
                .EnumerateFiles(Path.Combine(f.Root, "cache"), "*.features", SearchOption.AllDirectories)
                .Order(StringComparer.Ordinal),
        ];

    private static void AreSame(float[][] expected, float[][] found)
    {
        Assert.HasCount(expected.Length, found);
        for (var i = 0; i < expected.Length; i++)
        {
            CollectionAssert.AreEqual(expected[i], found[i], $"row {i}");
        }
    }

    /// <summary>As another process would see the folder: through an instance that has seen nothing.</summary>
    private static FeatureCache Anew(StageFixture f) =>
        new(new(Path.Combine(f.Root, "cache"), 1), Path.GetFileName(Path.GetDirectoryName(Shards(f)[0])!), TinyClip.FeatureDimension);

    private static UInt128 KeyOf(StageFixture f, int row) => ImageContent.Read(f.Rows[row].ImagePath, ImageFile.MaxPixels).Key();

    [TestMethod]
    public void WhatOneFitEncoded_AnotherFinds()
    {
        using var f = new StageFixture(12);
        var first = Fit(f, InFolder(f));
        var encoded = Read(first, f.Data);
        var second = Fit(f, InFolder(f));
        AreSame(encoded, Read(second, f.Data));
        AreSame(encoded, Read(second, f.Context.Data.LoadFromEnumerable(f.Rows)));
        Assert.AreEqual(12L, first.EncodedImages);
        Assert.AreEqual(0L, second.EncodedImages);
    }

    [TestMethod]
    public void CrossValidationOfAChain_EncodesEachImageOnce()
    {
        using var f = new StageFixture(24);
        var ml = new MLContext(seed: 3);
        var keyed = ml.Transforms.Conversion.MapValueToKey("Label", "Number").Fit(f.Data).Transform(f.Data);
        var chain = ml
            .Transforms.ClipFeature("Features", "ImagePath", InFolder(f) with { BatchSize = 7 })
            .Append(ml.MulticlassClassification.Trainers.LbfgsMaximumEntropy());
        var folds = ml.MulticlassClassification.CrossValidate(keyed, chain, numberOfFolds: 3);
        var calls = folds.Sum(fold => ((ClipFeatureTransformer)((IEnumerable<ITransformer>)fold.Model).First()).EncodedImages);
        Assert.AreEqual(24L, calls);
        Assert.HasCount(3, folds);
    }

    [TestMethod]
    public void OneRowAtATime_SharesTheCache()
    {
        using var f = new StageFixture(6);
        using var stage = Fit(f, InFolder(f));
        using var engine = new MLContext().Model.CreatePredictionEngine<PictureRow, PictureScore>(stage);
        var scores = f.Rows.Select(row => engine.Predict(row).Features.ToArray()).ToArray();
        stage.Dispose();
        var second = Fit(f, InFolder(f));
        AreSame(scores, Read(second, f.Data));
        Assert.AreEqual(0L, second.EncodedImages);
    }

    [TestMethod]
    public void TheLog_TellsTheHits()
    {
        using var f = new StageFixture(6);
        Read(Fit(f, InFolder(f)), f.Data);
        var ml = new MLContext();
        List<string> said = [];
        ml.Log += (_, e) => said.Add(e.Message);
        Read(ml.Transforms.ClipFeature("Features", "ImagePath", InFolder(f)).Fit(f.Data), f.Data);
        Assert.IsTrue(said.Any(s => s.Contains("6 of 6 images were in the cache", StringComparison.Ordinal)), string.Join('\n', said));
    }

    [TestMethod]
    public void AChangedFile_IsEncodedAgain_AndARenamedOneIsNot()
    {
        using var f = new StageFixture(6);
        Read(Fit(f, InFolder(f)), f.Data);
        ImageFile.SavePng(f.Rows[2].ImagePath, new RgbImage(8, 8, new byte[192]));
        var moved = f.Rows[3].ImagePath + ".moved.png";
        File.Move(f.Rows[3].ImagePath, moved);
        f.Rows[3].ImagePath = moved;
        var second = Fit(f, InFolder(f));
        var found = Read(second, f.Data);
        Assert.AreEqual(1L, second.EncodedImages);
        AreSame(
            Read(Fit(f, new() { ClipFolder = f.ClipFolder }), f.Data)[2..3].Select(Rounded).ToArray(),
            found[2..3].Select(Rounded).ToArray()
        );
    }

    private static float[] Rounded(float[] values) => [.. values.Select(v => MathF.Round(v, 4))];

    [TestMethod]
    public void Precision_Preprocessing_Activation_AndLimit_HaveKeysOfTheirOwn()
    {
        using var f = new StageFixture(3, ownModel: true);
        string Key(ClipExecution execution, long pixels)
        {
            var backbone = ClipBackbone.Acquire(f.ClipFolder, execution: execution);
            try
            {
                return FeatureCache.KeyOf(backbone, pixels);
            }
            finally
            {
                backbone.Release();
            }
        }

        List<string> keys =
        [
            Key(new(), 1000),
            Key(new(), 2000),
            Key(new() { Precision = ClipPrecision.BFloat16 }, 1000),
            Key(new() { Activation = ClipActivation.Gelu }, 1000),
        ];
        File.WriteAllText(
            Path.Combine(f.ClipFolder, "preprocessor_config.json"),
            $$"""{"size": {{TinyClip.ImageSize}}, "crop_size": {{TinyClip.ImageSize}}, "image_mean": [0.1, 0.2, 0.3], "image_std": [0.5, 0.5, 0.5]}"""
        );
        keys.Add(Key(new(), 1000));
        CollectionAssert.AllItemsAreUnique(keys);
    }

    [TestMethod]
    public void InMemory_TheOldestLeaves()
    {
        var cache = new FeatureCache(new(null, 1), "model", dimension: 65_536); // 256 KiB each: three fit
        var feature = new float[65_536];
        for (var i = 0; i < 5; i++)
        {
            cache.Begin().Add((UInt128)i, feature);
        }

        var pass = cache.Begin();
        CollectionAssert.AreEqual(
            new[] { false, false, true, true, true },
            Enumerable.Range(0, 5).Select(i => pass.TryGet((UInt128)i, feature)).ToArray()
        );
    }

    [TestMethod]
    public void InMemory_FitsShare()
    {
        using var f = new StageFixture(6, ownModel: true);
        ImageFile.SavePng(f.Rows[0].ImagePath, new RgbImage(5, 7, new byte[105])); // what no other test has encoded
        var options = new ClipFeatureOptions { ClipFolder = f.ClipFolder, CacheMegabytes = 3 };
        var first = Fit(f, options);
        Read(first, f.Data);
        var second = Fit(f, options);
        Read(second, f.Data);
        Assert.IsGreaterThan(0L, first.EncodedImages);
        Assert.AreEqual(0L, second.EncodedImages);
    }

    [TestMethod]
    public void AFullFolder_LosesItsOldestFiles()
    {
        using var folder = new TemporaryFolder();
        var cache = new FeatureCache(new(folder.Path, 1), "model", dimension: 1024);
        var feature = new float[1024];
        for (var i = 0; i < 1024; i++) // 4 MiB
        {
            feature[0] = i;
            cache.Begin().Add((UInt128)i, feature);
        }
        cache.Flush();
        var size = Directory.EnumerateFiles(folder.Path, "*", SearchOption.AllDirectories).Sum(p => new FileInfo(p).Length);
        Assert.IsLessThanOrEqualTo(1L << 20, size);
    }

    [TestMethod]
    public void HalvesOfFiles_AreDeletedInAllFolders_AndOtherFilesAreNot()
    {
        using var folder = new TemporaryFolder();
        string left = folder["another", "a.shard.0123456789abcdef01234567.tmp"],
            own = folder["another", "notes.tmp"];
        foreach (var path in new[] { left, own })
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, "old");
            File.SetLastWriteTimeUtc(path, DateTime.UtcNow.AddDays(-2));
        }
        var cache = new FeatureCache(new(folder.Path, 1), "model", dimension: 8);
        cache.Begin().Add(1, new float[8]);
        cache.Flush();
        Assert.IsFalse(File.Exists(left));
        Assert.IsTrue(File.Exists(own));
    }

    [TestMethod]
    public void ADamagedFile_IsNotBelieved()
    {
        using var f = new StageFixture(6);
        var encoded = Read(Fit(f, InFolder(f)), f.Data);
        var path = Shards(f)[0];
        var whole = File.ReadAllBytes(path);
        var feature = new float[TinyClip.FeatureDimension];
        int Hits()
        {
            var pass = Anew(f).Begin();
            return Enumerable.Range(0, 6).Count(i => pass.TryGet(KeyOf(f, i), feature) && feature.SequenceEqual(encoded[i]));
        }

        Assert.AreEqual(6, Hits());
        for (var at = 0; at < whole.Length; at += 61)
        {
            var damaged = whole.ToArray();
            damaged[at] ^= 0x10;
            File.WriteAllBytes(path, damaged);
            var pass = Anew(f).Begin();
            for (var i = 0; i < 6; i++)
            {
                Assert.IsTrue(!pass.TryGet(KeyOf(f, i), feature) || feature.SequenceEqual(encoded[i]), $"byte {at}, row {i}");
            }
        }
        File.WriteAllBytes(path, whole[..^9]);
        Assert.AreEqual(0, Hits());
    }

    [TestMethod]
    public void AFileInThePlaceOfTheFolder_StopsNobody()
    {
        using var f = new StageFixture(6);
        File.WriteAllText(Path.Combine(f.Root, "cache"), "in the way");
        var ml = new MLContext();
        List<string> warnings = [];
        ml.Log += (_, e) =>
        {
            if (e.Kind == ChannelMessageKind.Warning)
            {
                warnings.Add(e.Message);
            }
        };
        var stage = ml.Transforms.ClipFeature("Features", "ImagePath", InFolder(f)).Fit(f.Data);
        Assert.HasCount(6, Read(stage, f.Data));
        Assert.HasCount(6, Read(stage, f.Data));
        Assert.HasCount(1, warnings);
        Assert.Contains("nothing more is kept", warnings[0]);
    }

    [TestMethod]
    public void TwoWritersAtOnce_LoseNothing()
    {
        using var f = new StageFixture(1);
        Read(Fit(f, InFolder(f)), f.Data); // makes the folder
        FeatureCache[] writers = [Anew(f), Anew(f)];
        Parallel.For(
            0,
            600,
            i =>
            {
                var feature = new float[TinyClip.FeatureDimension];
                feature[0] = i / 2;
                writers[i % 2].Begin().Add((UInt128)(i / 2) + 1, feature);
            }
        );
        Parallel.ForEach(writers, w => w.Flush());
        var pass = Anew(f).Begin();
        var found = new float[TinyClip.FeatureDimension];
        for (var i = 0; i < 300; i++)
        {
            Assert.IsTrue(pass.TryGet((UInt128)i + 1, found), $"{i}");
            Assert.AreEqual(i, found[0]);
        }
    }

    [TestMethod]
    public void ManySmallFiles_BecomeOne()
    {
        using var f = new StageFixture(1);
        Read(Fit(f, InFolder(f)), f.Data);
        var cache = Anew(f);
        var feature = new float[TinyClip.FeatureDimension];
        for (var i = 0; i < 100; i++)
        {
            feature[0] = i;
            cache.Begin().Add((UInt128)i + 1, feature);
            cache.Flush();
        }

        Assert.IsLessThan(70, Shards(f).Length);
        foreach (var pass in new[] { cache.Begin(), Anew(f).Begin() })
        {
            for (var i = 0; i < 100; i++)
            {
                Assert.IsTrue(pass.TryGet((UInt128)i + 1, feature), $"{i}");
                Assert.AreEqual(i, feature[0]);
            }
        }
    }

    [TestMethod]
    public void APass_DoesNotSeeWhatItAddsItself()
    {
        var cache = new FeatureCache(new(null, 1), "model", dimension: 2);
        var feature = new float[2];
        var pass = cache.Begin();
        pass.Add(1, feature);
        Assert.IsFalse(pass.TryGet(1, feature)); // whether it would is a matter of time
        Assert.IsTrue(cache.Begin().TryGet(1, feature));
    }

    [TestMethod]
    public void AnUnreadableImage_FailsAsWithoutACache()
    {
        using var f = new StageFixture(4);
        File.WriteAllText(f.Rows[1].ImagePath, "no image");
        for (var i = 0; i < 2; i++)
        {
            var e = Assert.ThrowsExactly<UnreadableImageException>(() => Read(Fit(f, InFolder(f)), f.Data));
            Assert.Contains(f.Rows[1].Name, e.Message);
        }
    }
}
