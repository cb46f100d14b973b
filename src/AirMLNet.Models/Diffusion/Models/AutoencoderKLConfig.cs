using System.Text.Json.Nodes;
using AirMLNet.Options;

namespace AirMLNet.Diffusion;

/// <summary>The architecture of an <see cref="AutoencoderKL"/>, in the terms of diffusers' <c>vae/config.json</c>.</summary>
/// <remarks>Immutable. Defaults are those of Stable Diffusion v1.</remarks>
internal sealed record AutoencoderKLConfig
{
    private const string DownBlock = "DownEncoderBlock2D";
    private const string UpBlock = "UpDecoderBlock2D";

    // What other models of the same class change in the computation and is not built here: refused, never ignored.
    private static readonly (string Key, string[] Allowed)[] Fixed =
    [
        ("act_fn", ["\"silu\"", "\"swish\""]),
        ("latents_mean", []),
        ("latents_std", []),
        ("use_quant_conv", ["true"]),
        ("use_post_quant_conv", ["true"]),
        ("mid_block_add_attention", ["true"]),
        ("shift_factor", []),
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
    public int SampleSize { get; init; } = 512;

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
        var json = ConfigJson.Open(path);
        if (json.ClassName is not (null or "AutoencoderKL"))
        {
            throw new InvalidDataException($"{path}: _class_name is \"{json.ClassName}\"; AutoencoderKL was expected.");
        }
        foreach (var (key, allowed) in Fixed)
        {
            json.RequireOneOf(key, allowed);
        }
        AutoencoderKLConfig d = new();
        var channels = json.Has("block_out_channels") ? json.Ints("block_out_channels") : [.. d.BlockOutChannels];
        var down = json.Texts("down_block_types", [.. channels.Select(_ => DownBlock)], DownBlock).Length;
        var up = json.Texts("up_block_types", [.. channels.Select(_ => UpBlock)], UpBlock).Length;
        return down != channels.Length || up != channels.Length
            ? throw new InvalidDataException(
                $"{path}: block_out_channels has {channels.Length} entries, down_block_types {down} and up_block_types {up}; every list "
                    + $"must have one for each block."
            )
            : new AutoencoderKLConfig
            {
                InChannels = json.Int("in_channels", d.InChannels),
                OutChannels = json.Int("out_channels", d.OutChannels),
                BlockOutChannels = channels,
                LayersPerBlock = json.Int("layers_per_block", 1),
                LatentChannels = json.Int("latent_channels", d.LatentChannels),
                NormNumGroups = json.Int("norm_num_groups", d.NormNumGroups),
                SampleSize = json.Int("sample_size", d.SampleSize),
                ScalingFactor = json.Number("scaling_factor", d.ScalingFactor),
            }.Check(path);
    }

    /// <summary>The configuration as the text of a <c>config.json</c>.</summary>
    public string ToJson() =>
        ConfigJson.Write(
            new JsonObject
            {
                ["_class_name"] = "AutoencoderKL",
                ["in_channels"] = InChannels,
                ["out_channels"] = OutChannels,
                ["down_block_types"] = new JsonArray([.. BlockOutChannels.Select(_ => (JsonNode)DownBlock)]),
                ["up_block_types"] = new JsonArray([.. BlockOutChannels.Select(_ => (JsonNode)UpBlock)]),
                ["block_out_channels"] = new JsonArray([.. BlockOutChannels.Select(c => (JsonNode)c)]),
                ["layers_per_block"] = LayersPerBlock,
                ["act_fn"] = "silu",
                ["latent_channels"] = LatentChannels,
                ["norm_num_groups"] = NormNumGroups,
                ["sample_size"] = SampleSize,
                ["scaling_factor"] = ScalingFactor,
            }
        );

    /// <summary>Checks that the values fit each other and returns the same configuration.</summary>
    /// <param name="path">What messages name.</param>
    /// <exception cref="InvalidDataException">They do not; the message names the key, the value and what would be right.</exception>
    public AutoencoderKLConfig Check(string path = "VAE configuration")
    {
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
