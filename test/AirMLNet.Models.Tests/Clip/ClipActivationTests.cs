using AirMLNet.Clip;
using AirMLNet.Layers;
using AirMLNet.Testing;
using AirMLNet.Weights;
using TorchSharp.Modules;
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
    public void Quick_gelu_is_x_times_the_sigmoid_of_1_702_x()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(4);
        using var model = new ClipModel(ClipModelTests.Small, generator);
        var mlp = model.Vision.Encoder.Blocks[0].Mlp;
        mlp.Inner.Adapter = new LoraAdapter(
            new Parameter(randn([2, mlp.Inner.Inputs], generator: generator)),
            new Parameter(randn([mlp.Inner.Outputs, 2], generator: generator)),
            0.5
        );
        using (no_grad())
        {
            mlp.Inner.bias!.normal_(0, 1, generator);
            mlp.Outer.bias!.normal_(0, 1, generator);
        }
        var x = randn([3, 5, 16], generator: generator);

        var h = mlp.Inner.Forward(x);
        var expected = mlp.Outer.Forward(h.mul(h.mul(1.702).sigmoid()));

        ClipModelTests.AssertClose(expected, mlp.Forward(x), 1e-5);
        using var off = no_grad(); // one step is in place then
        ClipModelTests.AssertClose(expected, mlp.Forward(x), 1e-5);
    }
}
