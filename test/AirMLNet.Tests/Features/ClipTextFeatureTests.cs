using AirMLNet.Features;
using AirMLNet.Options;
using AirMLNet.Testing;
using Microsoft.ML;

namespace AirMLNet.Tests.Features;

[TestClass]
public sealed class ClipTextFeatureTests
{
    [TestMethod]
    public void Batches_give_what_the_model_gives_for_each_text()
    {
        using var f = new StageFixture(1);
        string[] texts = [.. Enumerable.Range(0, 11).Select(i => $"a photo of {new string('x', i)}")];
        var data = f.Context.Data.LoadFromEnumerable(texts.Select(t => new TextRow { Text = t }).ToArray());

        using var stage = f
            .Context.Transforms.ClipTextFeature("Features", "Text", new ClipTextFeatureOptions { ClipFolder = f.ClipFolder, BatchSize = 4 })
            .Fit(data);
        var features = StageFixture.Vectors(stage.Transform(data), "Features");

        var expected = stage.Backbone.EncodeTexts(texts).data<float>().ToArray();
        for (var i = 0; i < texts.Length; i++)
        {
            Assert.AreEqual(1, features[i].Sum(v => (double)v * v), 1e-5);
            for (var d = 0; d < stage.FeatureDimension; d++)
            {
                Assert.AreEqual(expected[i * stage.FeatureDimension + d], features[i][d], 1e-5f);
            }
        }
    }

    [TestMethod]
    public void A_text_finds_the_image_that_the_dot_product_says()
    {
        using var f = new StageFixture(5);
        var images = f.Features().Fit(f.Data).Transform(f.Data);
        var query = f.Context.Data.LoadFromEnumerable(new[] { new TextRow { Text = "the red photo" } });
        var text = StageFixture.Vectors(
            f.Context.Transforms.ClipTextFeature("Features", "Text", f.ClipFolder).Fit(query).Transform(query),
            "Features"
        )[0];

        double[] cosines = [.. StageFixture.Vectors(images, "Features").Select(i => i.Zip(text, (a, b) => (double)a * b).Sum())];

        Assert.IsTrue(cosines.All(c => c is >= -1.0001 and <= 1.0001));
        Assert.IsGreaterThan(1, cosines.Distinct().Count());
    }

    [TestMethod]
    public void A_text_that_is_too_long_is_an_error_of_its_row_where_cutting_is_off()
    {
        using var f = new StageFixture(1);
        var data = f.Context.Data.LoadFromEnumerable(
            new[]
            {
                new TextRow { Text = "a" },
                new TextRow { Text = new string('x', 200) },
                new TextRow { Text = "b" },
            }
        );
        using var stage = f
            .Context.Transforms.ClipTextFeature(
                "Features",
                "Text",
                new ClipTextFeatureOptions { ClipFolder = f.ClipFolder, Truncate = false }
            )
            .Fit(data);

        Assert.Contains(
            "the model takes 40",
            Assert.ThrowsExactly<ArgumentException>(() => StageFixture.Vectors(stage.Transform(data), "Features")).Message
        );
    }

    [TestMethod]
    public void Progress_and_cancellation_are_heard()
    {
        using var f = new StageFixture(1);
        var data = f.Context.Data.LoadFromEnumerable(Enumerable.Range(0, 5).Select(i => new TextRow { Text = $"{i}" }).ToArray());
        using var source = new CancellationTokenSource();
        var stop = new Stop(source);
        using var stage = f
            .Context.Transforms.ClipTextFeature(
                "Features",
                "Text",
                new ClipTextFeatureOptions
                {
                    ClipFolder = f.ClipFolder,
                    BatchSize = 2,
                    Progress = stop,
                    CancellationToken = source.Token,
                }
            )
            .Fit(data);

        Assert.ThrowsExactly<OperationCanceledException>(() => StageFixture.Vectors(stage.Transform(data), "Features"));
        Assert.AreEqual(2, stop.Done);
    }

    private sealed class Stop(CancellationTokenSource source) : IProgress<ProgressReport>
    {
        public long Done { get; private set; }

        public void Report(ProgressReport value)
        {
            Done = value.Done;
            source.Cancel();
        }
    }

    private sealed class TextRow
    {
        public string Text { get; set; } = "";
    }
}
