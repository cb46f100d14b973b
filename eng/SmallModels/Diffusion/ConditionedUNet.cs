using AirMLNet.Clip;
using AirMLNet.Diffusion;
using static TorchSharp.torch;

namespace AirMLNet.SmallModels;

/// <summary>A UNet and its text encoder, which are trained together.</summary>
internal sealed class ConditionedUNet : nn.Module
{
    private readonly UNet2DConditionModel unet;
    private readonly ClipTextModel text;

    public ConditionedUNet(UNet2DConditionConfig config, ClipTextConfig textConfig, Generator generator)
        : base(nameof(ConditionedUNet))
    {
        unet = new UNet2DConditionModel(config, generator);
        text = new ClipTextModel(textConfig, generator);
        RegisterComponents();
    }

    /// <summary>The noise predictor.</summary>
    public UNet2DConditionModel UNet => unet;

    /// <summary>The text encoder.</summary>
    public ClipTextModel Text => text;
}
