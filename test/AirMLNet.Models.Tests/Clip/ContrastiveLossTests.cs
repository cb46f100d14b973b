using AirMLNet.Clip;
using AirMLNet.Testing;
using AirMLNet.Weights;
using static TorchSharp.torch;

namespace AirMLNet.Tests.Clip;

[TestClass]
public sealed class ContrastiveLossTests
{
    [TestMethod]
    public void LossAndGradientsAreOpenClips()
    {
        using var scope = NewDisposeScope();
        using var file = SafetensorsFile.Open(TestData.Path("golden/losses/io.safetensors"));
        Tensor Leaf(string name) => file.GetTensor("contrastive.in." + name).requires_grad_(true);
        var (images, texts, scale) = (Leaf("image_features"), Leaf("text_features"), Leaf("logit_scale"));
        var loss = ContrastiveLoss.Of(images, texts, scale);
        loss.backward();
        Close("contrastive.loss", loss);
        Close("contrastive.grad.image_features", images.grad!);
        Close("contrastive.grad.text_features", texts.grad!);
        Close("contrastive.grad.logit_scale", scale.grad!);

        void Close(string name, Tensor found) => Assert.IsTrue(found.allclose(file.GetTensor(name), 1e-5, 1e-5), name);
    }

    [TestMethod]
    public void TheScaleStaysWithin1And100()
    {
        foreach (var (before, after) in new[] { (9f, 100.0), (-2f, 1.0), (1f, Math.E) })
        {
            using var scale = nn.Parameter(tensor(before));
            ContrastiveLoss.ClampScale(scale);
            Assert.AreEqual(after, Math.Exp(scale.item<float>()), 1e-3);
        }
    }
}
