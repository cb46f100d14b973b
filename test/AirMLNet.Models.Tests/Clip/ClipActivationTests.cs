using AirMLNet.Clip;
using AirMLNet.Testing;
using AirMLNet.Weights;
using static TorchSharp.torch;

namespace AirMLNet.Tests.Clip;

[TestClass]
public sealed class ClipActivationTests
{
    private readonly TemporaryFolder _temporary = new();

    [TestCleanup]
    public void CleanUp() => _temporary.Dispose();

    [TestMethod]
    public void Another_activation_gives_the_reference_s_other_features()
    {
        File.Copy(TestData.Path("golden/clip-vit-tiny/weights.safetensors"), Path.Combine(_temporary.Path, "model.safetensors"));
        File.Copy(TestData.Path("golden/clip-vit-tiny/config.json"), Path.Combine(_temporary.Path, "config.json"));
        using var scope = NewDisposeScope();
        using var off = no_grad();
        using var io = SafetensorsFile.Open(TestData.Path("golden/clip-vit-tiny/io.safetensors"));

        using var model = ClipModel.Load(_temporary.Path, null, ClipActivation.Gelu);

        ClipModelTests.AssertClose(io.GetTensor("out.gelu.image_features"), model.EncodeImage(io.GetTensor("in.pixel_values")), 1e-4);
    }

    [TestMethod]
    public void Folding_the_activation_changes_rounding_only_and_forbids_saving()
    {
        File.Copy(TestData.Path("golden/clip-vit-tiny/weights.safetensors"), Path.Combine(_temporary.Path, "model.safetensors"));
        File.Copy(TestData.Path("golden/clip-vit-tiny/config.json"), Path.Combine(_temporary.Path, "config.json"));
        using var scope = NewDisposeScope();
        using var io = SafetensorsFile.Open(TestData.Path("golden/clip-vit-tiny/io.safetensors"));
        using var model = ClipModel.Load(_temporary.Path);

        model.FoldActivations();
        model.FoldActivations(); // once is enough

        using (no_grad())
        {
            ClipModelTests.AssertClose(io.GetTensor("out.image_features"), model.EncodeImage(io.GetTensor("in.pixel_values")), 1e-4);
            ClipModelTests.AssertClose(io.GetTensor("out.text_features"), model.EncodeText(io.GetTensor("in.input_ids")), 1e-4);
        }
        StringAssert.Contains(
            Assert.ThrowsExactly<InvalidOperationException>(() => model.Save(_temporary.Path, ScalarType.Float32)).Message,
            "ClipModel.Load"
        );
    }
}
