using AirMLNet.Clip;
using AirMLNet.Testing;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using static TorchSharp.torch;

namespace AirMLNet.SmallModels.Tests;

[TestClass]
public sealed class ResNet18PackageTests
{
    private const int Side = 224; // the only one that the ONNX file takes

    [TestMethod]
    public void The_tower_computes_what_ONNX_Runtime_computes_from_the_same_file()
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        using var model = Model(lastBlocks: 3);
        ResNet18Package.Fill(ResNet18Package.Network, model);
        using var generator = new Generator(3);
        var image = rand([1, 3, Side, Side], generator: generator); // red first, 0..1
        var mean = ResNet18Package.Mean(ResNet18Package.Preparation);
        TorchSharp.torch.Tensor Colours(float[] values) => tensor(values).view(1, 3, 1, 1);
        using var session = new InferenceSession(ResNet18Package.Network);
        var prepared = image.sub(Colours(mean)).mul(255).flip(1).contiguous();
        using var outputs = session.Run([
            NamedOnnxValue.CreateFromTensor(
                session.InputNames[0],
                new DenseTensor<float>(prepared.data<float>().ToArray(), [1, 3, Side, Side])
            ),
        ]);
        float[] expected = [.. outputs[0].AsTensor<float>()];

        var map = model.ResNet!.Map(image.sub(Colours(mean)).div(Colours(ResNet18Package.Std)));

        var features = ClipTimmTower.Mean(map).flatten().data<float>().ToArray();
        Assert.HasCount(512, expected);
        Assert.IsGreaterThan(0.5f, expected.Max());
        for (var i = 0; i < features.Length; i++)
        {
            Assert.AreEqual(expected[i], features[i], 2e-3f, $"feature {i}");
        }
    }

    [TestMethod]
    public void Another_network_is_refused_by_name()
    {
        using var model = Model(lastBlocks: 2);
        var error = Assert.ThrowsExactly<InvalidDataException>(() => ResNet18Package.Fill(ResNet18Package.Preparation, model));
        Assert.Contains("there is no conv1", error.Message);
        Assert.Contains(ResNet18Package.Preparation, error.Message);
    }

    [TestMethod]
    [DataRow(new byte[] { }, "no graph")]
    [DataRow(new byte[] { 0x3a, 0x7f, 1 }, "in the middle of a field")]
    [DataRow(new byte[] { 0x3b }, "a field of kind 3")]
    public void What_is_no_ONNX_file_is_refused(byte[] content, string why)
    {
        using var folder = new TemporaryFolder();
        var file = Path.Combine(folder, "broken.onnx");
        File.WriteAllBytes(file, content);
        Assert.Contains(why, Assert.ThrowsExactly<InvalidDataException>(() => OnnxModel.Load(file)).Message);
    }

    private static ClipModel Model(int lastBlocks) =>
        new(
            new ClipConfig
            {
                Vision = new ClipResNetConfig(64, 2, 2, 2, lastBlocks) { IsBasic = true }.Tower(Side),
                Text = new ClipTextConfig
                {
                    HiddenSize = 8,
                    IntermediateSize = 8,
                    Heads = 1,
                    Layers = 1,
                    VocabularySize = 600,
                },
            }
        );
}
