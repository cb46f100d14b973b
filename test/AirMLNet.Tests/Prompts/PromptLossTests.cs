using AirMLNet.Prompts;
using static TorchSharp.torch;

namespace AirMLNet.Tests.Prompts;

[TestClass]
public sealed class PromptLossTests
{
    private static readonly float[] Logits = [1f, 2f, 3f, 0.5f, 0.5f, -1f];

    [TestMethod]
    public void CrossEntropy_IsTheNegativeLogOfTheSoftmax()
    {
        using var scope = NewDisposeScope();
        var losses = Values(PromptLosses.CrossEntropy(tensor(Logits, [2, 3]), [2, 0]));
        // log(e¹ + e² + e³) − 3, and log(2·e^½ + e⁻¹) − ½
        Assert.AreEqual(Math.Log(Math.E + Math.Exp(2) + Math.Exp(3)) - 3, losses[0], 1e-6);
        Assert.AreEqual(Math.Log(2 * Math.Exp(0.5) + Math.Exp(-1)) - 0.5, losses[1], 1e-6);
    }

    [TestMethod]
    public void Candidates_IsTheNegativeLogOfTheWeightedSum()
    {
        using var scope = NewDisposeScope();
        var losses = Values(PromptLosses.Candidates(tensor(Logits, [2, 3]), [1, 0, 1, 0.25f, 0.75f, 0]));
        double all = Math.E + Math.Exp(2) + Math.Exp(3),
            other = 2 * Math.Exp(0.5) + Math.Exp(-1);
        Assert.AreEqual(-Math.Log((Math.E + Math.Exp(3)) / all), losses[0], 1e-6);
        Assert.AreEqual(-Math.Log(Math.Exp(0.5) / other), losses[1], 1e-6); // a soft target is not soft cross-entropy
    }

    [TestMethod]
    public void Candidates_OfOneLabel_IsCrossEntropy()
    {
        using var scope = NewDisposeScope();
        CollectionAssert.AreEqual(
            Values(PromptLosses.CrossEntropy(tensor(Logits, [2, 3]), [1, 2])),
            Values(PromptLosses.Candidates(tensor(Logits, [2, 3]), [0, 1, 0, 0, 0, 1]))
        );
    }

    [TestMethod]
    public void Candidates_StaysFinite_WhereTheProbabilityUnderflows()
    {
        using var scope = NewDisposeScope();
        var logits = tensor(new[] { 100f, -200f, -300f }, [1, 3]);
        logits.requires_grad = true;
        var loss = PromptLosses.Candidates(logits, [0, 0.5f, 0.5f]).sum();
        Assert.AreEqual(300 + Math.Log(2), loss.item<float>(), 1e-3);
        var gradient = Values(autograd.grad([loss], [logits])[0]);
        Assert.AreEqual(1, gradient[0], 1e-5);
        Assert.AreEqual(-1, gradient[1], 1e-5);
        Assert.AreEqual(0, gradient[2], 1e-5);
    }

    [TestMethod]
    public void Gradients_AgreeWithDifferences()
    {
        float[] targets = [1, 0, 1, 0.25f, 0.75f, 0];
        Check(logits => PromptLosses.Candidates(logits, targets));
        Check(logits => PromptLosses.CrossEntropy(logits, [2, 0]));

        static void Check(Func<Tensor, Tensor> loss)
        {
            using var scope = NewDisposeScope();
            var x = tensor(Logits, [2, 3]);
            x.requires_grad = true;
            var gradient = Values(autograd.grad([loss(x).sum()], [x])[0]);
            const float h = 1e-2f;
            for (var i = 0; i < Logits.Length; i++)
            {
                double Moved(float by)
                {
                    float[] values = [.. Logits];
                    values[i] += by;
                    return Values(loss(tensor(values, [2, 3]))).Sum(v => (double)v);
                }

                Assert.AreEqual((Moved(h) - Moved(-h)) / (2 * h), gradient[i], 2e-4, $"entry {i}");
            }
        }
    }

    private static float[] Values(Tensor tensor) => tensor.detach().contiguous().data<float>().ToArray();
}
