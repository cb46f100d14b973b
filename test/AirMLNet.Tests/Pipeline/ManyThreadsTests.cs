using AirMLNet.Testing;
using Microsoft.ML;
using TorchSharp;

namespace AirMLNet.Tests.Pipeline;

/// <summary>One fitted model, used by many threads at once: what docs/serving.md promises.</summary>
[TestClass]
[DoNotParallelize] // counts tensors of the whole process
public sealed class ManyThreadsTests
{
    [TestMethod]
    public async Task EnginesOfOneModel_OnManyThreads_GiveTheSameAnswers_AndHoldNoWeights()
    {
        using var f = new StageFixture(images: 12);
        using var model = f.Chain().Fit(f.Data);
        var ml = new MLContext();
        // Otherwise the first engine that is disposed takes the model with it.
        var shared = new PredictionEngineOptions { OwnsTransformer = false };
        using var first = ml.Model.CreatePredictionEngine<PictureRow, PictureScore>(model, shared);
        var expected = f.Rows.Select(row => first.Predict(row).Score).ToArray();

        var before = await LiveTensors.SettledTotal();
        var engines = Enumerable
            .Range(0, 8)
            .Select(_ => ml.Model.CreatePredictionEngine<PictureRow, PictureScore>(model, shared))
            .ToArray();
        Assert.AreEqual(before, torch.Tensor.TotalCount);

        var wrong = 0;
        Parallel.For(
            0,
            engines.Length,
            new ParallelOptions { MaxDegreeOfParallelism = engines.Length },
            e =>
            {
                for (var i = 0; i < 3 * f.Rows.Length; i++)
                {
                    var row = (i + e) % f.Rows.Length;
                    if (Distance(engines[e].Predict(f.Rows[row]).Score, expected[row]) > 1e-5f)
                    {
                        Interlocked.Increment(ref wrong);
                    }
                }

                engines[e].Dispose();
            }
        );
        Assert.AreEqual(0, wrong);
        CollectionAssert.AreEqual(expected[0], first.Predict(f.Rows[0]).Score, "an engine that is disposed leaves the model to the others");
    }

    [TestMethod]
    public void Transform_OnManyThreads_GivesTheSameAnswers()
    {
        using var f = new StageFixture(images: 12);
        using var model = f.Chain().Fit(f.Data);
        var expected = StageFixture.Vectors(model.Transform(f.Data), "Score");
        var answers = new float[8][][];
        Parallel.For(
            0,
            answers.Length,
            new ParallelOptions { MaxDegreeOfParallelism = answers.Length },
            i => answers[i] = StageFixture.Vectors(model.Transform(new MLContext().Data.LoadFromEnumerable(f.Rows)), "Score")
        );
        foreach (var answer in answers)
        {
            Assert.HasCount(expected.Length, answer);
            Assert.IsLessThan(1e-5f, answer.Zip(expected).Max(pair => Distance(pair.First, pair.Second)));
        }
    }

    private static float Distance(float[] some, float[] others) => some.Zip(others).Max(pair => Math.Abs(pair.First - pair.Second));
}
