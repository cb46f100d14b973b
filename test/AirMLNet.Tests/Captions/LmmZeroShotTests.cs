using AirMLNet.Captions;
using AirMLNet.Recipes;
using AirMLNet.Testing;
using Microsoft.ML;

namespace AirMLNet.Tests.Captions;

/// <summary>A language model's answers as classes (methods §5.5).</summary>
[TestClass]
public sealed class LmmZeroShotTests
{
    [TestMethod]
    [DataRow("cat", 0)]
    [DataRow(" Cat. ", 0)]
    [DataRow("A cat", 0)]
    [DataRow("**River**", 1)]
    [DataRow("Sea or Lake", 2)]
    [DataRow("sea-or-lake!", 2)]
    [DataRow("The category is cat", -1)]
    [DataRow("cats", -1)]
    [DataRow("", -1)]
    public void AnAnswerIsTheClassWhoseNameItIs(string answer, int expected) =>
        Assert.AreEqual(expected, new AnswerMatch(["cat", "River", "Sea_or_Lake"]).Of(answer));

    [TestMethod]
    public void TheQuestionIsThePapers() =>
        Assert.AreEqual(
            "Select the most appropriate category for the image from the following options:annual crop, river. Write only the "
                + "category name.",
            AnswerMatch.Question(["annual_crop", "river"])
        );

    [TestMethod]
    public void ImagesGetTheirAnswers_AndThoseThatNameNoClassAreReported()
    {
        using var f = new StageFixture(9);
        List<string> log = [];
        f.Context.Log += (_, e) =>
        {
            lock (log)
            {
                log.Add(e.Message);
            }
        };
        var captioner = new Answers(f.Rows.ToDictionary(r => r.ImagePath, r => r.Number == 2 ? "navy" : StageFixture.Names[r.Number]));
        var task = new AdaptationTask
        {
            ClipFolder = f.ClipFolder,
            ClassNames = StageFixture.Names,
            Captions = new() { Captioner = captioner, WorkFolder = Path.Combine(f.Root, "answers") },
        };
        var model = Recipe.LmmZeroShot.Stages(f.Context, task).Fit(f.Data);
        Assert.AreEqual(0, captioner.Asked); // nothing is learned
        var scored = model.Transform(f.Data);
        var predicted = StageFixture.Column<uint>(scored, "PredictedLabel");
        var scores = StageFixture.Vectors(scored, "Score");
        for (var i = 0; i < f.Rows.Length; i++)
        {
            var expected = f.Rows[i].Number == 2 ? 0 : f.Rows[i].Number + 1;
            Assert.AreEqual((uint)expected, predicted[i]);
            Assert.AreEqual(expected == 0 ? 0f : 1f, scores[i].Sum());
        }
        Assert.AreEqual(9, captioner.Asked); // each image once, though two columns were read
        Assert.IsTrue(log.Exists(m => m.Contains("3 of 9 answers name no class", StringComparison.Ordinal)), string.Join('\n', log));
        var last = (LmmZeroShotTransformer)((Microsoft.ML.Data.TransformerChain<ITransformer>)model).LastTransformer;
        Assert.AreEqual(1 / 3.0, last.Unmatched, 1e-9);

        var e = Assert.ThrowsExactly<InvalidOperationException>(() =>
            f.Context.Model.Save(model, f.Data.Schema, Path.Combine(f.Root, "model.zip"))
        );
        Assert.Contains("nothing to save", e.Message);
    }

    private sealed class Answers(Dictionary<string, string> byPath) : ICaptioner
    {
        private int _asked;

        public int Asked => _asked;

        public string Identity => "answers";

        public Task<string> DescribeAsync(CaptionRequest request, CancellationToken cancellation = default)
        {
            Interlocked.Increment(ref _asked);
            return Task.FromResult(byPath[request.Name]);
        }
    }
}
