using AirMLNet.Features;
using AirMLNet.Images;
using AirMLNet.Options;
using AirMLNet.Testing;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Tests.Features;

[TestClass]
public sealed class ClipFeatureTests
{
    [TestMethod]
    public void ThreadsOfAStage_AreNotLeftToOthers()
    {
        using var f = new StageFixture(3);
        var before = TorchSharp.torch.get_num_threads();
        var options = new ClipFeatureOptions { ClipFolder = f.ClipFolder, Threads = before + 1 };
        using var stage = f.Context.Transforms.ClipFeature("Features", "ImagePath", options).Fit(f.Data);
        StageFixture.Vectors(stage.Transform(f.Data), "Features");
        Assert.AreEqual(before, TorchSharp.torch.get_num_threads());
    }

    [TestMethod]
    public void Features_HaveLengthOne_AndDoNotDependOnTheBatch()
    {
        using var f = new StageFixture(10);
        var one = StageFixture.Vectors(f.Features(batch: 1).Fit(f.Data).Transform(f.Data), "Features");
        var seven = StageFixture.Vectors(f.Features(batch: 7).Fit(f.Data).Transform(f.Data), "Features");
        for (var i = 0; i < one.Length; i++)
        {
            Assert.HasCount(TinyClip.FeatureDimension, one[i]);
            Assert.AreEqual(1, one[i].Sum(v => v * v), 1e-4);
            for (var d = 0; d < one[i].Length; d++)
            {
                Assert.AreEqual(one[i][d], seven[i][d], 1e-5f, $"row {i}");
            }
        }
    }

    [TestMethod]
    public void OtherColumns_StayWithTheirRows()
    {
        using var f = new StageFixture(20);
        var view = f.Features(batch: 3).Fit(f.Data).Transform(f.Data);
        using var cursor = view.GetRowCursor(view.Schema);
        var name = cursor.GetGetter<ReadOnlyMemory<char>>(view.Schema["Name"]);
        ReadOnlyMemory<char> value = default;
        for (var i = 0; i < f.Rows.Length; i++)
        {
            Assert.IsTrue(cursor.MoveNext());
            name(ref value);
            Assert.AreEqual(f.Rows[i].Name, value.ToString());
            Assert.AreEqual(i, cursor.Position);
        }
        Assert.IsFalse(cursor.MoveNext());
    }

    [TestMethod]
    public void AnUnreadableImage_FailsAtItsOwnRow_AndNamesTheFile()
    {
        using var f = new StageFixture(12);
        var view = f.Features(batch: 4).Fit(f.Data).Transform(f.Data);
        var whole = File.ReadAllBytes(f.Rows[6].ImagePath);
        File.WriteAllBytes(f.Rows[6].ImagePath, whole[..(whole.Length / 2)]);
        using var cursor = view.GetRowCursor([view.Schema["Features"]]);
        var getter = cursor.GetGetter<VBuffer<float>>(view.Schema["Features"]);
        VBuffer<float> value = default;
        for (var i = 0; i < 12; i++)
        {
            Assert.IsTrue(cursor.MoveNext());
            if (i == 6)
            {
                var e = Assert.ThrowsExactly<UnreadableImageException>(() => getter(ref value));
                Assert.Contains(f.Rows[6].Name, e.Message);
            }
            else
            {
                getter(ref value);
                Assert.AreEqual(1, value.DenseValues().Sum(v => v * v), 1e-4);
            }
        }
    }

    [TestMethod]
    public void Images_AreEncodedOnlyWhenFeaturesAreAskedFor()
    {
        using var f = new StageFixture(8);
        var stage = f.Features().Fit(f.Data);
        Assert.AreEqual(0L, stage.EncodedImages);
        StageFixture.Column<ReadOnlyMemory<char>>(stage.Transform(f.Data), "Name");
        Assert.AreEqual(0L, stage.EncodedImages);
        StageFixture.Vectors(stage.Transform(f.Data), "Features");
        Assert.AreEqual(8L, stage.EncodedImages);
    }

    [TestMethod]
    public void ReadingAhead_StaysWithinThreeBatches()
    {
        using var f = new StageFixture(1);
        var read = 0;
        IEnumerable<PictureRow> Rows()
        {
            for (var i = 0; i < 1000; i++)
            {
                read = i + 1;
                yield return f.Rows[0];
            }
        }
        var data = f.Context.Data.LoadFromEnumerable(Rows());
        var view = f.Features(batch: 5).Fit(data).Transform(data);
        using var cursor = view.GetRowCursor([view.Schema["Features"]]);
        for (var i = 0; i < 20; i++)
        {
            cursor.MoveNext();
        }

        Assert.IsLessThanOrEqualTo(20 + 3 * 5, read);
    }

    [TestMethod]
    public void MLImageInput_GivesTheSameFeaturesAsPaths()
    {
        using var f = new StageFixture(5);
        var expected = StageFixture.Vectors(f.Features().Fit(f.Data).Transform(f.Data), "Features");
        var images = f.Context.Data.LoadFromEnumerable(
            f.Rows.Select(r => new ImageRowOfMemory { Image = MLImages.FromRgb(ImageFile.Load(r.ImagePath)) }).ToArray()
        );
        var stage = f.Context.Transforms.ClipFeature("Features", "Image", f.ClipFolder).Fit(images);
        var found = StageFixture.Vectors(stage.Transform(images), "Features");
        for (var i = 0; i < 5; i++)
        {
            CollectionAssert.AreEqual(expected[i], found[i]);
        }
    }

    [TestMethod]
    public void AChainFit_EncodesEachImageOnce_AndScoringOtherDataKeepsNothing()
    {
        using var f = new StageFixture();
        var model = f.Chain().Fit(f.Data);
        var stage = (ClipFeatureTransformer)model.First();
        Assert.AreEqual((long)f.Rows.Length, stage.EncodedImages);

        var other = f.Context.Data.LoadFromEnumerable(f.Rows);
        var scored = model.Transform(other);
        StageFixture.Vectors(scored, "Score");
        StageFixture.Vectors(scored, "Score");
        Assert.AreEqual(3L * f.Rows.Length, stage.EncodedImages);
    }

    [TestMethod]
    public void ACacheCheckpoint_AlsoEncodesEachImageOnce()
    {
        using var f = new StageFixture();
        var chain = f
            .Context.Transforms.ClipFeature(
                "Features",
                "ImagePath",
                new ClipFeatureOptions { ClipFolder = f.ClipFolder, KeepTrainingFeatures = false }
            )
            .AppendCacheCheckpoint(f.Context)
            .Append(f.Context.Transforms.PseudoLabel("PseudoLabel", "Features", f.PseudoLabels()))
            .Append(f.Context.Transforms.PrototypeClassifier("PrototypeScore", "Features"));
        Assert.AreEqual((long)f.Rows.Length, ((ClipFeatureTransformer)chain.Fit(f.Data).First()).EncodedImages);
    }

    [TestMethod]
    public void ACancelledToken_StopsThePass()
    {
        using var f = new StageFixture(10);
        using var source = new CancellationTokenSource();
        var stage = f
            .Context.Transforms.ClipFeature(
                "Features",
                "ImagePath",
                new ClipFeatureOptions
                {
                    ClipFolder = f.ClipFolder,
                    BatchSize = 2,
                    CancellationToken = source.Token,
                }
            )
            .Fit(f.Data);
        var view = stage.Transform(f.Data);
        using var cursor = view.GetRowCursor([view.Schema["Features"]]);
        Assert.IsTrue(cursor.MoveNext());
        source.Cancel();
        Assert.Throws<OperationCanceledException>(() =>
        {
            while (cursor.MoveNext()) { }
        });
    }

    [TestMethod]
    public void ACancelledContext_StopsThePass()
    {
        using var f = new StageFixture(10);
        var view = f.Features(batch: 2).Fit(f.Data).Transform(f.Data);
        typeof(MLContext)
            .GetMethod(
                "CancelExecution",
                System.Reflection.BindingFlags.Instance | System.Reflection.BindingFlags.NonPublic | System.Reflection.BindingFlags.Public
            )!
            .Invoke(f.Context, null);
        Assert.Throws<OperationCanceledException>(() => StageFixture.Vectors(view, "Features"));
    }

    [TestMethod]
    public void Progress_CountsTheImages()
    {
        using var f = new StageFixture(10);
        var reports = new List<ProgressReport>();
        var stage = f
            .Context.Transforms.ClipFeature(
                "Features",
                "ImagePath",
                new ClipFeatureOptions
                {
                    ClipFolder = f.ClipFolder,
                    BatchSize = 4,
                    Progress = new DirectProgress(reports.Add),
                }
            )
            .Fit(f.Data);
        StageFixture.Vectors(stage.Transform(f.Data), "Features");
        CollectionAssert.AreEqual(new long[] { 4, 8, 10 }, reports.Select(r => r.Done).ToArray());
    }

    private sealed class ImageRowOfMemory
    {
        [PictureType]
        public MLImage? Image { get; set; }
    }

    /// <summary>A column of MLImage values.</summary>
    private sealed class PictureType : StructuredDataViewType
    {
        public PictureType()
            : base(typeof(MLImage)) { }

        public override bool Equals(DataViewType? other) => other is PictureType;
    }

    [AttributeUsage(AttributeTargets.Property)]
    private sealed class PictureTypeAttribute : DataViewTypeAttribute
    {
        public override bool Equals(DataViewTypeAttribute? other) => other is PictureTypeAttribute;

        public override void Register() => DataViewTypeManager.Register(new PictureType(), typeof(MLImage), this);
    }

    [TestMethod]
    public void The_stage_s_limit_can_be_set()
    {
        using var f = new StageFixture(1);
        File.WriteAllBytes(f.Rows[0].ImagePath, Parts.PngWithoutPixels(1200, 1000));
        string Message(int megapixels)
        {
            using var stage = f
                .Context.Transforms.ClipFeature(
                    "Features",
                    "ImagePath",
                    new ClipFeatureOptions { ClipFolder = f.ClipFolder, MaxMegapixels = megapixels }
                )
                .Fit(f.Data);
            return Assert.ThrowsExactly<UnreadableImageException>(() => StageFixture.Vectors(stage.Transform(f.Data), "Features")).Message;
        }

        Assert.Contains("at most 1 megapixels", Message(1));
        Assert.DoesNotContain("megapixels", Message(2)); // then only its pixels are missing
    }

    [TestMethod]
    [DataRow(20_000, 2)]
    [DataRow(1, 500)]
    public void Very_wide_and_very_narrow_files_have_features(int width, int height)
    {
        using var f = new StageFixture(1);
        ImageFile.SavePng(f.Rows[0].ImagePath, new RgbImage(width, height, new byte[3 * width * height]));
        var features = StageFixture.Vectors(f.Features().Fit(f.Data).Transform(f.Data), "Features")[0];
        Assert.AreEqual(1, features.Sum(v => (double)v * v), 1e-5);
    }
}
