using static TorchSharp.torch;

namespace AirMLNet.SmallModels.Tests;

[TestClass]
public sealed class MiniClipLossTests
{
    [TestMethod]
    public void Equals_the_hand_computed_value_and_knows_equal_captions()
    {
        using var scope = NewDisposeScope();
        var scale = nn.Parameter(tensor(Math.Log(2.0)).to_type(ScalarType.Float32));
        var images = tensor(new float[] { 1, 0, 0, 1 }, [2, 2]);
        var texts = tensor(new float[] { 1, 0, 0, 1 }, [2, 2]);

        // Logits [[2, 0], [0, 2]]: each row loses log(1 + e^-2) when its own caption is the only right one.
        var own = MiniClipLoss.Contrastive(images, texts, scale, [1, 0, 0, 1]).item<float>();
        Assert.AreEqual(Math.Log(1 + Math.Exp(-2)), own, 1e-6);

        // Equal captions share the target: the loss is the mean of log(1 + e^-2) and log(1 + e^2).
        var shared = MiniClipLoss.Contrastive(images, texts, scale, [0.5f, 0.5f, 0.5f, 0.5f]).item<float>();
        Assert.AreEqual((Math.Log(1 + Math.Exp(-2)) + Math.Log(1 + Math.Exp(2))) / 2, shared, 1e-6);
    }

    [TestMethod]
    public void A_loss_that_is_not_finite_stops_training_with_the_step()
    {
        using var loss = tensor(float.NaN);
        Assert.Contains("step 8", Assert.ThrowsExactly<ArithmeticException>(() => MiniClipLoss.Finite(loss, 7)).Message);
    }
}
