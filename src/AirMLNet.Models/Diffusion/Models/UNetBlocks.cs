using TorchSharp.Modules;
using static TorchSharp.torch;

namespace AirMLNet.Diffusion;

/// <summary>Resnets of one resolution, each with or without a transformer, then halving. Every state goes to an up block too.</summary>
internal sealed class UNetDownBlock : nn.Module
{
    private readonly ModuleList<ResnetBlock2D> resnets;
    private readonly ModuleList<Transformer2DModel>? attentions;
    private readonly ModuleList<Downsample2D>? downsamplers;

    public UNetDownBlock(UNet2DConditionConfig config, int index, int timeWidth)
        : base(config.DownBlockTypes[index])
    {
        var outputs = config.BlockOutChannels[index];
        var inputs = config.BlockOutChannels[Math.Max(index - 1, 0)];
        var layers = config.LayersPerBlock[index];
        resnets = new ModuleList<ResnetBlock2D>([
            .. Enumerable
                .Range(0, layers)
                .Select(i => new ResnetBlock2D(i == 0 ? inputs : outputs, outputs, timeWidth, config.NormNumGroups, config.NormEps)),
        ]);
        attentions =
            config.DownBlockTypes[index] == UNet2DConditionConfig.CrossAttnDownBlock
                ? new ModuleList<Transformer2DModel>([
                    .. Enumerable
                        .Range(0, layers)
                        .Select(_ => new Transformer2DModel(
                            config,
                            outputs,
                            config.AttentionHeads[index],
                            config.TransformerLayersPerBlock[index]
                        )),
                ])
                : null;
        downsamplers =
            index < config.BlockOutChannels.Count - 1 ? new ModuleList<Downsample2D>(new Downsample2D(outputs, asymmetric: false)) : null;
        RegisterComponents();
    }

    public IEnumerable<ResnetBlock2D> Resnets => resnets;

    public IEnumerable<Transformer2DModel> Attentions => attentions ?? Enumerable.Empty<Transformer2DModel>();

    /// <param name="x">[B, C, H, W].</param>
    /// <param name="context">Time and text.</param>
    /// <param name="skips">Receives every state, the last one of which is the result.</param>
    public Tensor Forward(Tensor x, UNetContext context, List<Tensor> skips)
    {
        for (var i = 0; i < resnets.Count; i++)
        {
            x = resnets[i].Forward(x, context);
            if (attentions is not null)
            {
                x = attentions[i].Forward(x, context);
            }
            skips.Add(x);
        }
        if (downsamplers is not null)
        {
            x = downsamplers[0].Forward(x);
            skips.Add(x);
        }
        return x;
    }
}

/// <summary>A resnet, a transformer and a resnet at the lowest resolution.</summary>
internal sealed class UNetMidBlock : nn.Module
{
    private readonly ModuleList<ResnetBlock2D> resnets;
    private readonly ModuleList<Transformer2DModel> attentions;

    public UNetMidBlock(UNet2DConditionConfig config, int timeWidth)
        : base("UNetMidBlock2DCrossAttn")
    {
        var channels = config.BlockOutChannels[^1];
        resnets = new ModuleList<ResnetBlock2D>([
            .. Enumerable.Range(0, 2).Select(_ => new ResnetBlock2D(channels, channels, timeWidth, config.NormNumGroups, config.NormEps)),
        ]);
        attentions = new ModuleList<Transformer2DModel>(
            new Transformer2DModel(config, channels, config.AttentionHeads[^1], config.TransformerLayersPerBlock[^1])
        );
        RegisterComponents();
    }

    public IEnumerable<ResnetBlock2D> Resnets => resnets;

    public IEnumerable<Transformer2DModel> Attentions => attentions;

    /// <param name="x">[B, C, H, W].</param>
    /// <param name="context">Time and text.</param>
    /// <param name="observe">Sees the states inside.</param>
    public Tensor Forward(Tensor x, UNetContext context, Action<string, Tensor>? observe = null)
    {
        using var scope = NewDisposeScope();
        x = resnets[0].Forward(x, context);
        observe?.Invoke("resnets.0", x);
        x = attentions[0].Forward(x, context, observe is null ? null : (part, state) => observe($"attentions.0.{part}", state));
        observe?.Invoke("attentions.0", x);
        return resnets[1].Forward(x, context).MoveToOuterDisposeScope();
    }
}

/// <summary>
/// Resnets of one resolution, each of which also sees a state of the way down, with or without transformers; then doubling.
/// </summary>
internal sealed class UNetUpBlock : nn.Module
{
    private readonly ModuleList<ResnetBlock2D> resnets;
    private readonly ModuleList<Transformer2DModel>? attentions;
    private readonly ModuleList<Upsample2D>? upsamplers;

    /// <param name="config">The architecture.</param>
    /// <param name="index">The block's place, from the lowest resolution up.</param>
    /// <param name="timeWidth">Width of the time embedding.</param>
    public UNetUpBlock(UNet2DConditionConfig config, int index, int timeWidth)
        : base(config.UpBlockTypes[index])
    {
        var level = config.BlockOutChannels.Count - 1 - index;
        var outputs = config.BlockOutChannels[level];
        var before = config.BlockOutChannels[Math.Min(level + 1, config.BlockOutChannels.Count - 1)];
        var lastSkip = config.BlockOutChannels[Math.Max(level - 1, 0)];
        var layers = config.LayersPerBlock[level] + 1;
        resnets = new ModuleList<ResnetBlock2D>([
            .. Enumerable
                .Range(0, layers)
                .Select(i => new ResnetBlock2D(
                    (i == 0 ? before : outputs) + (i == layers - 1 ? lastSkip : outputs),
                    outputs,
                    timeWidth,
                    config.NormNumGroups,
                    config.NormEps
                )),
        ]);
        attentions =
            config.UpBlockTypes[index] == UNet2DConditionConfig.CrossAttnUpBlock
                ? new ModuleList<Transformer2DModel>([
                    .. Enumerable
                        .Range(0, layers)
                        .Select(_ => new Transformer2DModel(
                            config,
                            outputs,
                            config.AttentionHeads[level],
                            config.TransformerLayersPerBlock[level]
                        )),
                ])
                : null;
        upsamplers = level > 0 ? new ModuleList<Upsample2D>(new Upsample2D(outputs)) : null;
        RegisterComponents();
    }

    public IEnumerable<ResnetBlock2D> Resnets => resnets;

    public IEnumerable<Transformer2DModel> Attentions => attentions ?? Enumerable.Empty<Transformer2DModel>();

    /// <param name="x">[B, C, H, W].</param>
    /// <param name="context">Time and text.</param>
    /// <param name="skips">The states of the way down; those used are taken off its end.</param>
    public Tensor Forward(Tensor x, UNetContext context, List<Tensor> skips)
    {
        using var scope = NewDisposeScope();
        for (var i = 0; i < resnets.Count; i++)
        {
            var skip = context.Expand(skips[^1]);
            skips.RemoveAt(skips.Count - 1);
            x = resnets[i].Forward(cat([x, skip], 1), context);
            if (attentions is not null)
            {
                x = attentions[i].Forward(x, context);
            }
            scope.DisposeEverythingBut(x);
        }
        // The size is that of the states it meets next: a half that was rounded up is not simply twice as large.
        return (upsamplers is null ? x : upsamplers[0].Forward(x, skips[^1].size(2), skips[^1].size(3))).MoveToOuterDisposeScope();
    }
}
