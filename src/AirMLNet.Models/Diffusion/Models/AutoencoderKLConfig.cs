using System.Text.Json.Nodes;
using AirMLNet.Files;
using AirMLNet.Options;

namespace AirMLNet.Diffusion;

/// <summary>The architecture of an <see cref="AutoencoderKL"/>, in the terms of diffusers' <c>vae/config.json</c>.</summary>
/// <remarks>Immutable. Defaults are those of Stable Diffusion v1.</remarks>
internal sealed record AutoencoderKLConfig
{
    private const string DownBlock = "DownEncoderBlock2D";
    private const string UpBlock = "UpDecoderBlock2D";

    internal static readonly RefusedKey[] RefusedKeys =
    [
        RefusedKey.Quantised,
        new("_class_name", "Another kind of model.", "AutoencoderKL"),
        new("down_block_types", "Other blocks are not built.", DownBlock) { IsList = true },
        new("up_block_types", "Other blocks are not built.", UpBlock) { IsList = true },
        new("mid_block_add_attention", "The middle block has attention.", true),
        new("act_fn", "Other activations are not built.", "silu", "swish"),
        new("latents_mean", "Latents are only scaled, by scaling_factor."),
        new("latents_std", "Latents are only scaled, by scaling_factor."),
        new("shift_factor", "Latents are only scaled, by scaling_factor."),
        new("use_quant_conv", "There is a convolution after the encoder.", true),
        new("use_post_quant_conv", "There is a convolution before the decoder.", true),
    ];

    /// <summary>Channels of an image.</summary>
    public int InChannels { get; init; } = 3;

    /// <summary>Channels of a decoded image.</summary>
    public int OutChannels { get; init; } = 3;

    /// <summary>Channels of each resolution, the image's first.</summary>
    public IReadOnlyList<int> BlockOutChannels
    {
        get;
        init => field = new ValueList<int>(value);
    } = new ValueList<int>([128, 256, 512, 512]);

    /// <summary>Resnets of each resolution in the encoder; the decoder has one more.</summary>
    public int LayersPerBlock { get; init; } = 2;

    /// <summary>Channels of the latents.</summary>
    public int LatentChannels { get; init; } = 4;

    /// <summary>Groups of every group normalisation.</summary>
    public int NormNumGroups { get; init; } = 32;

    /// <summary>Height and width of the images the model was trained on.</summary>
    public HeightWidth SampleSize { get; init; } = 512;

    /// <summary>By what latents are multiplied for the UNet, so that their deviation is about 1.</summary>
    public double ScalingFactor { get; init; } = 0.18215;

    /// <summary>How many pixels a latent stands for, in each direction.</summary>
    public int Downscaling => 1 << (BlockOutChannels.Count - 1);

    /// <summary>Reads a <c>config.json</c>.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">A value is wrong or is one that this library does not build; the message names
    /// it.</exception>
    public static AutoencoderKLConfig Load(string path)
    {
        var file = ConfigFile.Open(path);
        file.Refuse(RefusedKeys);
        file.Default(("layers_per_block", 1));
        var config = file.To<AutoencoderKLConfig>();
        foreach (var key in new[] { "down_block_types", "up_block_types" })
        {
            if (file.Root[key] is JsonArray blocks && blocks.Count != config.BlockOutChannels.Count)
            {
                throw new InvalidDataException(
                    $"{path}: block_out_channels has {config.BlockOutChannels.Count} entries and {key} {blocks.Count}; every list must "
                        + $"have one for each block."
                );
            }
        }
        return config.Check(path);
    }

    /// <summary>The configuration as the text of a <c>config.json</c>.</summary>
    public string ToJson()
    {
        var root = ConfigFile.Object(this);
        root.Insert(0, "_class_name", "AutoencoderKL");
        root["down_block_types"] = new JsonArray([.. BlockOutChannels.Select(_ => DownBlock)]);
        root["up_block_types"] = new JsonArray([.. BlockOutChannels.Select(_ => UpBlock)]);
        return ConfigFile.Write(root);
    }

    /// <summary>Checks that the values fit each other and returns the same configuration.</summary>
    /// <param name="path">What messages name.</param>
    /// <exception cref="InvalidDataException">They do not; the message names the key, the value and what would be right.</exception>
    public AutoencoderKLConfig Check(string path = "VAE configuration")
    {
        ConfigFile.CheckWholeNumbers(path, this);
        foreach (var channels in BlockOutChannels)
        {
            if (channels % NormNumGroups != 0)
            {
                throw new InvalidDataException(
                    $"{path}: block_out_channels has {channels}; it must be a multiple of norm_num_groups ({NormNumGroups})."
                );
            }
        }
        return !(ScalingFactor > 0)
                ? throw new InvalidDataException(
                    FormattableString.Invariant($"{path}: scaling_factor is {ScalingFactor}; it must be above 0.")
                )
            : BlockOutChannels.Count == 0 ? throw new InvalidDataException($"{path}: block_out_channels is empty.")
            : this;
    }
}
