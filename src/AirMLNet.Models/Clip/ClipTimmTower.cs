using AirMLNet.Layers;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace AirMLNet.Clip;

/// <summary>
/// The image tower of an OpenCLIP model whose <c>timm_model_name</c> is resnet18 or resnet34: a plain ResNet of basic blocks (He et al.
/// 2016), the mean of its last map, and a linear projection without bias. Names are those of OpenCLIP's TimmModel.
/// </summary>
internal sealed class ClipTimmTower : ClipConvolutionTower
{
    private readonly ClipTimmTrunk trunk;
    private readonly ClipTimmHead head;

    internal ClipTimmTower(ClipVisionConfig config, int outputs)
        : base(nameof(ClipTimmTower))
    {
        trunk = new ClipTimmTrunk(config);
        head = new ClipTimmHead(config.HiddenSize, outputs);
        RegisterComponents();
    }

    internal ClipWeight Projection => head.proj;

    public override Tensor Pool(Tensor map, ClipPositions positions = ClipPositions.Bicubic)
    {
        using var scope = NewDisposeScope();
        return head.proj.Project(Mean(map)).MoveToOuterDisposeScope();
    }

    public override Tensor PoolAll(Tensor map, ClipPositions positions = ClipPositions.Bicubic)
    {
        using var scope = NewDisposeScope();
        return cat([head.proj.Project(Mean(map)).unsqueeze(1), Locations(map)], 1).MoveToOuterDisposeScope();
    }

    public override Tensor Locations(Tensor map)
    {
        using var scope = NewDisposeScope();
        return head.proj.Project(map.flatten(2).transpose(1, 2)).MoveToOuterDisposeScope();
    }

    public override Tensor Regions(Tensor map) => PoolAll(map);

    /// <summary>The pooled features before the projection, [B, C].</summary>
    /// <param name="map">[B, C, H, W].</param>
    internal static Tensor Mean(Tensor map) => map.mean([2, 3]);

    internal override IReadOnlyList<Tensor> Stages(Tensor pixels)
    {
        CheckShape(pixels, trunk.Channels);
        return trunk.Stages(pixels);
    }
}

/// <summary>The ResNet under its timm and torchvision names.</summary>
internal sealed class ClipTimmTrunk : nn.Module
{
    private readonly ConvLayer conv1;
    private readonly ClipBatchNorm bn1;
    private readonly ClipResNetStage layer1;
    private readonly ClipResNetStage layer2;
    private readonly ClipResNetStage layer3;
    private readonly ClipResNetStage layer4;

    public ClipTimmTrunk(ClipVisionConfig config)
        : base(nameof(ClipTimmTrunk))
    {
        var net = config.ResNet!;
        long width = net.Width;
        conv1 = new ConvLayer(config.Channels, width, 7, stride: 2, bias: false);
        bn1 = new ClipBatchNorm(width);
        layer1 = ClipResNetStage.OfBasicBlocks(width, width, net.Layer1, 1);
        layer2 = ClipResNetStage.OfBasicBlocks(width, width * 2, net.Layer2, 2);
        layer3 = ClipResNetStage.OfBasicBlocks(width * 2, width * 4, net.Layer3, 2);
        layer4 = ClipResNetStage.OfBasicBlocks(width * 4, width * 8, net.Layer4, 2);
        RegisterComponents();
    }

    public long Channels => conv1.weight.size(1);

    public IReadOnlyList<Tensor> Stages(Tensor pixels)
    {
        var x = bn1.Forward(conv1.Forward(pixels)).relu_();
        x = F.max_pool2d(x, 3, stride: 2, padding: 1); // [B, width, H/4, W/4]
        var one = layer1.Forward(x);
        var two = layer2.Forward(one);
        var three = layer3.Forward(two);
        return [x, one, two, three, layer4.Forward(three)];
    }
}

/// <summary>The projection, under its name.</summary>
internal sealed class ClipTimmHead : nn.Module
{
    internal readonly ClipWeight proj;

    public ClipTimmHead(int inputs, int outputs)
        : base(nameof(ClipTimmHead))
    {
        proj = new ClipWeight(outputs, inputs);
        RegisterComponents();
    }
}
