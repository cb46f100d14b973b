using AirMLNet.Layers;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace AirMLNet.Clip;

/// <summary>
/// The image tower of RN50, RN101, RN50x4, RN50x16 and RN50x64: a ResNet with a stem of three convolutions, average pooling
/// instead of strides, and attention pooling (Radford et al. 2021).
/// </summary>
internal sealed class ClipResNetTower : ClipConvolutionTower
{
    private readonly ConvLayer conv1;
    private readonly ClipBatchNorm bn1;
    private readonly ConvLayer conv2;
    private readonly ClipBatchNorm bn2;
    private readonly ConvLayer conv3;
    private readonly ClipBatchNorm bn3;
    private readonly ClipResNetStage layer1;
    private readonly ClipResNetStage layer2;
    private readonly ClipResNetStage layer3;
    private readonly ClipResNetStage layer4;
    private readonly ClipAttentionPool attnpool;

    internal ClipResNetTower(ClipVisionConfig config, int outputs)
        : base(nameof(ClipResNetTower))
    {
        var net = config.ResNet!;
        long width = net.Width,
            e = ClipBottleneck.Expansion;
        conv1 = new ConvLayer(config.Channels, width / 2, 3, stride: 2, bias: false);
        bn1 = new ClipBatchNorm(width / 2);
        conv2 = new ConvLayer(width / 2, width / 2, 3, bias: false);
        bn2 = new ClipBatchNorm(width / 2);
        conv3 = new ConvLayer(width / 2, width, 3, bias: false);
        bn3 = new ClipBatchNorm(width);
        layer1 = ClipResNetStage.OfBottlenecks(width, width, net.Layer1, 1);
        layer2 = ClipResNetStage.OfBottlenecks(width * e, width * 2, net.Layer2, 2);
        layer3 = ClipResNetStage.OfBottlenecks(width * 2 * e, width * 4, net.Layer3, 2);
        layer4 = ClipResNetStage.OfBottlenecks(width * 4 * e, width * 8, net.Layer4, 2);
        attnpool = new ClipAttentionPool(config.ImageSize / config.PatchSize, config.HiddenSize, config.Heads, outputs);
        RegisterComponents();
    }

    public override Tensor Pool(Tensor map, ClipPositions positions = ClipPositions.Bicubic) => attnpool.Forward(map, positions);

    public override Tensor PoolAll(Tensor map, ClipPositions positions = ClipPositions.Bicubic) => attnpool.ForwardAll(map, positions);

    public override Tensor Locations(Tensor map) => attnpool.Locations(map);

    public override Tensor Regions(Tensor map) => attnpool.Regions(map, ClipPositions.Bicubic);

    internal ClipAttentionPool AttentionPool => attnpool;

    internal override IReadOnlyList<Tensor> Stages(Tensor pixels)
    {
        CheckShape(pixels, conv1.weight.size(1));
        var x = bn1.Forward(conv1.Forward(pixels)).relu_();
        x = bn2.Forward(conv2.Forward(x)).relu_();
        x = F.avg_pool2d(bn3.Forward(conv3.Forward(x)).relu_(), 2); // [B, width, H/4, W/4]
        var one = layer1.Forward(x);
        var two = layer2.Forward(one);
        var three = layer3.Forward(two);
        return [x, one, two, three, layer4.Forward(three)];
    }
}
