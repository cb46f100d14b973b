using AirMLNet.Clip;
using AirMLNet.FineTuning;
using AirMLNet.Testing;
using static TorchSharp.torch;

namespace AirMLNet.Tests.FineTuning;

[TestClass]
public sealed class ReClipTrainerTests
{
    [TestMethod]
    public void OnlyNormalisationsOfTheirOwnTowerChange()
    {
        using var scope = NewDisposeScope();
        using var original = ClipModel.Load(TinyModels.Clip);
        using var trainer = Trained(epochs: 3, out var epochs);
        Assert.HasCount(2, epochs); // the last epoch's training is never looked at
        Assert.IsTrue(epochs.All(e => e.Agree > 0));
        Check(original, trainer.ImageCopy, name => name.StartsWith("vision_model", StringComparison.Ordinal));
        Check(original, trainer.TextCopy, name => name.StartsWith("text_model", StringComparison.Ordinal));

        static void Check(ClipModel before, ClipModel after, Func<string, bool> tower)
        {
            foreach (var ((name, a), (_, b)) in before.named_parameters().Zip(after.named_parameters()))
            {
                var trained =
                    tower(name) && (name.Contains("norm", StringComparison.Ordinal) || name.Contains("layrnorm", StringComparison.Ordinal));
                Assert.AreEqual(!trained, a.equal(b).all().item<bool>(), name);
            }
        }
    }

    [TestMethod]
    public void TheSameSeedGivesTheSameBits()
    {
        using var scope = NewDisposeScope();
        using var one = Trained(3, out _);
        using var two = Trained(3, out _);
        Assert.IsTrue(one.ImageClasses.equal(two.ImageClasses).all().item<bool>());
        Assert.IsTrue(one.TextClasses().equal(two.TextClasses()).all().item<bool>());
    }

    [TestMethod]
    public void WhereNoLabelsAgree_ThereIsNoLoss()
    {
        using var scope = NewDisposeScope();
        var logits = zeros(2, 3);
        Assert.IsNull(ReClipStep.Losses(logits, logits, tensor(new long[] { 0, 1 }), tensor(new long[] { 1, 2 })));
        // ln 3 where they agree; the image side is divided by the batch and by the number of those that agree.
        var both = ReClipStep.Losses(logits, logits, tensor(new long[] { 0, 1 }), tensor(new long[] { 0, 2 }))!.Value;
        Assert.AreEqual(Math.Log(3), both.T.item<float>(), 1e-6);
        Assert.AreEqual(Math.Log(3) / 2, both.V.item<float>(), 1e-6);
    }

    [TestMethod]
    [DataRow(4000, 2)]
    [DataRow(50_000, 12)]
    [DataRow(1_000_000, 100)]
    public void EpochsFollowTheNumberOfImages(int rows, int epochs) =>
        Assert.AreEqual(epochs, new ReClipSettings { Seed = 1 }.EpochsOf(rows));

    private static ReClipTrainer Trained(int epochs, out List<(double T, double V, double Agree)> losses)
    {
        var clip = ClipBackbone.Acquire(TinyModels.Clip);
        var random = new Random(3);
        var pictures = Enumerable.Range(0, 30).Select(i => TinyClip.Picture(i % 3, random)).ToArray();
        string[] names = ["red", "green", "blue"],
            templates = ["a photo of a {}.", "the {}."];
        var length = clip.Tokenizer.ContextLength;
        var ids = new long[names.Length * templates.Length * length];
        for (var i = 0; i < names.Length * templates.Length; i++)
        {
            clip.Tokenizer.Tokenize(
                ClassPrompt.Fill(templates[i % templates.Length], names[i / templates.Length]),
                ids.AsSpan(i * length, length)
            );
        }

        var trainer = new ReClipTrainer(
            ClipModel.Load(TinyModels.Clip),
            ClipModel.Load(TinyModels.Clip),
            tensor(ids, [names.Length, templates.Length, length]),
            new ReClipSettings
            {
                Seed = 1,
                Epochs = epochs,
                BatchSize = 8,
                Propagation = new() { Neighbours = 5 },
            }
        );
        List<(double, double, double)> found = [];
        trainer.Run(
            pictures.Length,
            new FineTuneImages(i => pictures[i], clip.Preprocessor, null, 1),
            (_, t, v, a) => found.Add((t, v, a))
        );
        losses = found;
        clip.Release();
        return trainer;
    }
}
