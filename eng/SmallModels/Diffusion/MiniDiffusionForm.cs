using AirMLNet.Diffusion;

namespace AirMLNet.SmallModels;

/// <summary>The sizes of a small diffusion model.</summary>
/// <param name="Vae">The autoencoder.</param>
/// <param name="UNet">The noise predictor.</param>
/// <param name="ContextLength">Tokens of a caption.</param>
internal sealed record MiniDiffusionForm(AutoencoderKLConfig Vae, UNet2DConditionConfig UNet, int ContextLength)
{
    /// <summary>Photos of 32×32 pixels by latents of 8×8×8.</summary>
    public static MiniDiffusionForm Photos { get; } =
        new(
            new()
            {
                BlockOutChannels = [16, 32, 64],
                LayersPerBlock = 1,
                LatentChannels = 8,
                NormNumGroups = 8,
                SampleSize = Cifar10.Side,
            },
            Predictor(
                Cifar10.Side / 4,
                8,
                [96, 192],
                [UNet2DConditionConfig.DownBlock, UNet2DConditionConfig.CrossAttnDownBlock],
                [UNet2DConditionConfig.CrossAttnUpBlock, UNet2DConditionConfig.UpBlock]
            ),
            24
        );

    /// <summary>
    /// Scenes of 64×64 pixels by latents of 8×8×16: as many places as for photos, so a step costs the same. Every place reads the caption,
    /// because which object is where matters.
    /// </summary>
    public static MiniDiffusionForm Scenes { get; } =
        new(
            new()
            {
                BlockOutChannels = [8, 16, 32, 64],
                LayersPerBlock = 1,
                LatentChannels = 16,
                NormNumGroups = 4,
                SampleSize = 64,
            },
            Predictor(
                8,
                16,
                [96, 192],
                [UNet2DConditionConfig.CrossAttnDownBlock, UNet2DConditionConfig.CrossAttnDownBlock],
                [UNet2DConditionConfig.CrossAttnUpBlock, UNet2DConditionConfig.CrossAttnUpBlock]
            ),
            40
        );

    private static UNet2DConditionConfig Predictor(int side, int latents, int[] channels, string[] down, string[] up) =>
        new()
        {
            SampleSize = side,
            InChannels = latents,
            OutChannels = latents,
            DownBlockTypes = down,
            UpBlockTypes = up,
            BlockOutChannels = channels,
            LayersPerBlock = [1, 1],
            TransformerLayersPerBlock = [1, 1],
            AttentionHeads = [4, 4],
            NormNumGroups = 16,
            CrossAttentionDim = MiniDiffusionTrainer.TextWidth,
        };
}
