using System.Globalization;
using System.Reflection;
using AirMLNet.Clip;
using AirMLNet.Layers;
using static TorchSharp.torch;

namespace AirMLNet.SmallModels;

/// <summary>
/// The residual network that was trained on ImageNet, as the NuGet package Microsoft.ML.DnnImageFeaturizer.ResNet18 0.23.1 holds it (MIT):
/// an ONNX file without its classifier, and another with the mean image that it takes off. Pixels are 0 to 255, blue first. Its stages
/// have 2, 2, 2 and 3 blocks; a model with fewer in the last stage gets the first of them.
/// </summary>
internal static class ResNet18Package
{
    /// <summary>What the names of its parameters begin with.</summary>
    public const string Trunk = "visual.trunk.";

    /// <summary>Deviation of each colour by which images are normalised, of 0..1, red first: the usual one of ImageNet.</summary>
    public static readonly float[] Std = [0.229f, 0.224f, 0.225f];

    /// <summary>The folder of the restored package.</summary>
    public static string Folder =>
        typeof(ResNet18Package).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().First(a => a.Key == "ResNet18Package").Value!;

    /// <summary>The network.</summary>
    public static string Network => Path.Combine(Folder, "tools", "DnnImageModels", "ResNet18Onnx", "ResNet18.onnx");

    /// <summary>What is done before it.</summary>
    public static string Preparation => Path.Combine(Folder, "tools", "DnnImageModels", "ResNetPrepOnnx", "ResNetPreprocess.onnx");

    /// <summary>The mean of each colour of the mean image, of 0..1, red first.</summary>
    public static float[] Mean(string preparation)
    {
        var image = OnnxModel.Load(preparation).Constant("MeanImage").Values;
        var plane = image.Length / 3;
        return [.. Enumerable.Range(0, 3).Select(c => image.AsSpan((2 - c) * plane, plane).ToArray().Average() / 255)];
    }

    /// <summary>
    /// Puts the network's weights into a ResNet under timm's names. The order of colours and the scale of pixels go into the first
    /// convolution, so that it takes what other ImageNet models do: red first, (x − mean)/std of 0..1.
    /// </summary>
    /// <param name="network">The ONNX file.</param>
    /// <param name="model">A model whose image tower is timm's resnet18.</param>
    /// <exception cref="InvalidDataException">The file holds another network.</exception>
    public static void Fill(string network, ClipModel model)
    {
        var onnx = OnnxModel.Load(network);
        var net = model.Config.Vision.ResNet!;
        var weights = model.state_dict();
        using var off = no_grad();
        using var scope = NewDisposeScope();
        void Set(string name, string constant, Func<Tensor, Tensor>? change = null)
        {
            var found = onnx.Constant(constant);
            if (!found.Shape.SequenceEqual(weights[Trunk + name].shape))
            {
                throw new InvalidDataException(
                    $"{network}: {constant} of [{string.Join(", ", found.Shape)}] is not {name} of a ResNet-18."
                );
            }

            var value = Tensors.Of(found.Values, found.Shape);
            weights[Trunk + name].copy_(change is null ? value : change(value));
        }

        var nodes = new Queue<OnnxNode>(onnx.Nodes.Where(n => n.Operator is "Conv" or "BatchNormalization"));
        void Pair(string conv, string norm, Func<Tensor, Tensor>? change = null)
        {
            if (
                !nodes.TryDequeue(out var first)
                || !nodes.TryDequeue(out var second)
                || (first.Operator, second.Operator) != ("Conv", "BatchNormalization")
            )
            {
                throw new InvalidDataException($"{network}: no ResNet-18: there is no {conv} with {norm}.");
            }

            Set(conv + ".weight", first.Inputs[1], change);
            Set(norm + ".weight", second.Inputs[1]);
            Set(norm + ".bias", second.Inputs[2]);
            Set(norm + ".running_mean", second.Inputs[3]);
            Set(norm + ".running_var", second.Inputs[4]);
        }

        Pair("conv1", "bn1", Recoloured);
        Rescale(weights[Trunk + "conv1.weight"], weights[Trunk + "bn1.running_mean"], weights[Trunk + "bn1.running_var"]);
        foreach (var (stage, blocks) in new[] { net.Layer1, net.Layer2, net.Layer3, net.Layer4 }.Index())
        {
            for (var block = 0; block < blocks; block++)
            {
                var place = string.Create(CultureInfo.InvariantCulture, $"layer{stage + 1}.{block}.");
                if (stage > 0 && block == 0)
                {
                    Pair(place + "downsample.0", place + "downsample.1"); // stands before its block in the file
                }

                Pair(place + "conv1", place + "bn1");
                Pair(place + "conv2", place + "bn2");
            }
        }
    }

    /// <summary>
    /// Scales each output of a convolution so that its variance and the epsilon of the normalisation after it make one, which changes no
    /// result: as published, variances of pixels up to 255 are more than float16 can hold.
    /// </summary>
    private static void Rescale(Tensor convolution, Tensor mean, Tensor variance)
    {
        const double eps = 1e-5;
        var scale = variance.add(eps).rsqrt(); // [64]
        convolution.mul_(scale.view(-1, 1, 1, 1));
        mean.mul_(scale);
        variance.fill_(1 - eps);
    }

    private static Tensor Recoloured(Tensor weight)
    {
        using var scale = tensor(Std.Select(s => 255 * s).ToArray()).view(1, 3, 1, 1);
        return weight.flip(1).mul(scale); // [64, 3, 7, 7]
    }
}
