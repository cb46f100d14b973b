using System.Text.Json.Nodes;
using AirMLNet.Options;

namespace AirMLNet.Diffusion;

/// <summary>The architecture of a <see cref="UNet2DConditionModel"/>, in the terms of diffusers' <c>unet/config.json</c>.</summary>
/// <remarks>Immutable. Defaults are those of Stable Diffusion v1.</remarks>
internal sealed record UNet2DConditionConfig
{
    /// <summary>A down block without attention.</summary>
    public const string DownBlock = "DownBlock2D";

    /// <summary>A down block with attention.</summary>
    public const string CrossAttnDownBlock = "CrossAttnDownBlock2D";

    /// <summary>An up block without attention.</summary>
    public const string UpBlock = "UpBlock2D";

    /// <summary>An up block with attention.</summary>
    public const string CrossAttnUpBlock = "CrossAttnUpBlock2D";

    private static readonly string[] DefaultDown = [CrossAttnDownBlock, CrossAttnDownBlock, CrossAttnDownBlock, DownBlock];
    private static readonly string[] DefaultUp = [UpBlock, CrossAttnUpBlock, CrossAttnUpBlock, CrossAttnUpBlock];

    // What other models of the same class change in the computation and is not built here: refused, never ignored.
    private static readonly (string Key, string[] Allowed)[] Fixed =
    [
        ("center_input_sample", ["false"]),
        ("mid_block_type", ["\"UNetMidBlock2DCrossAttn\""]),
        ("only_cross_attention", ["false"]),
        ("downsample_padding", ["1"]),
        ("mid_block_scale_factor", ["1"]),
        ("act_fn", ["\"silu\"", "\"swish\""]),
        ("encoder_hid_dim", []),
        ("encoder_hid_dim_type", []),
        ("num_attention_heads", []),
        ("dual_cross_attention", ["false"]),
        ("class_embed_type", []),
        ("addition_embed_type", []),
        ("addition_time_embed_dim", []),
        ("num_class_embeds", []),
        ("resnet_time_scale_shift", ["\"default\""]),
        ("resnet_skip_time_act", ["false"]),
        ("resnet_out_scale_factor", ["1"]),
        ("time_embedding_type", ["\"positional\""]),
        ("time_embedding_dim", []),
        ("time_embedding_act_fn", []),
        ("timestep_post_act", []),
        ("time_cond_proj_dim", []),
        ("projection_class_embeddings_input_dim", []),
        ("attention_type", ["\"default\""]),
        ("class_embeddings_concat", ["false"]),
        ("mid_block_only_cross_attention", ["false"]),
        ("cross_attention_norm", []),
        ("reverse_transformer_layers_per_block", []),
        ("dropout", ["0"]),
    ];

    /// <summary>Height and width of the latents the model was trained on.</summary>
    public int SampleSize { get; init; } = 64;

    /// <summary>Channels of the input.</summary>
    public int InChannels { get; init; } = 4;

    /// <summary>Channels of the output.</summary>
    public int OutChannels { get; init; } = 4;

    /// <summary>Whether the time embedding is cosines before sines.</summary>
    public bool FlipSinToCos { get; init; } = true;

    /// <summary>Shift of the time embedding's frequencies.</summary>
    public double FreqShift { get; init; }

    /// <summary>The down blocks, <see cref="CrossAttnDownBlock"/> or <see cref="DownBlock"/>, one for each resolution.</summary>
    public IReadOnlyList<string> DownBlockTypes
    {
        get;
        init => field = new ValueList<string>(value);
    } = new ValueList<string>(DefaultDown);

    /// <summary>The up blocks, <see cref="CrossAttnUpBlock"/> or <see cref="UpBlock"/>, from the lowest resolution up.</summary>
    public IReadOnlyList<string> UpBlockTypes
    {
        get;
        init => field = new ValueList<string>(value);
    } = new ValueList<string>(DefaultUp);

    /// <summary>Channels of each resolution.</summary>
    public IReadOnlyList<int> BlockOutChannels
    {
        get;
        init => field = new ValueList<int>(value);
    } = new ValueList<int>([320, 640, 1280, 1280]);

    /// <summary>Resnets of each down block; an up block has one more.</summary>
    public IReadOnlyList<int> LayersPerBlock
    {
        get;
        init => field = new ValueList<int>(value);
    } = new ValueList<int>([2, 2, 2, 2]);

    /// <summary>Transformer blocks in each attention of a resolution.</summary>
    public IReadOnlyList<int> TransformerLayersPerBlock
    {
        get;
        init => field = new ValueList<int>(value);
    } = new ValueList<int>([1, 1, 1, 1]);

    /// <summary>
    /// Attention heads of each resolution: <c>attention_head_dim</c> in the file, which in spite of its name is their number.
    /// </summary>
    public IReadOnlyList<int> AttentionHeads
    {
        get;
        init => field = new ValueList<int>(value);
    } = new ValueList<int>([8, 8, 8, 8]);

    /// <summary>Width of the text states.</summary>
    public int CrossAttentionDim { get; init; } = 768;

    /// <summary>Whether the projections around the transformers are stored as matrices instead of 1×1 convolutions.</summary>
    public bool UseLinearProjection { get; init; }

    /// <summary>Whether attention is computed in float32 whatever the model's type.</summary>
    public bool UpcastAttention { get; init; }

    /// <summary>Groups of every group normalisation.</summary>
    public int NormNumGroups { get; init; } = 32;

    /// <summary>The epsilon of the resnets' normalisations.</summary>
    public double NormEps { get; init; } = 1e-5;

    /// <summary>Kernel of the first convolution; odd.</summary>
    public int ConvInKernel { get; init; } = 3;

    /// <summary>Kernel of the last convolution; odd.</summary>
    public int ConvOutKernel { get; init; } = 3;

    /// <summary>Reads a <c>config.json</c>.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">A value is wrong or is one that this library does not build; the message names
    /// it.</exception>
    public static UNet2DConditionConfig Load(string path)
    {
        var json = ConfigJson.Open(path);
        if (json.ClassName is not (null or "UNet2DConditionModel"))
        {
            throw new InvalidDataException($"{path}: _class_name is \"{json.ClassName}\"; UNet2DConditionModel was expected.");
        }
        if (json.Text("addition_embed_type", null) == "text_time")
        {
            throw new InvalidDataException(
                $"{path}: addition_embed_type \"text_time\" is that of Stable Diffusion XL, which is not supported; Stable Diffusion v1 is."
            );
        }
        foreach (var (key, allowed) in Fixed)
        {
            json.RequireOneOf(key, allowed);
        }
        UNet2DConditionConfig d = new();
        var channels = json.Has("block_out_channels") ? json.Ints("block_out_channels") : [.. d.BlockOutChannels];
        var count = channels.Length;
        return new UNet2DConditionConfig
        {
            SampleSize = json.Int("sample_size", d.SampleSize),
            InChannels = json.Int("in_channels", d.InChannels),
            OutChannels = json.Int("out_channels", d.OutChannels),
            FlipSinToCos = json.Flag("flip_sin_to_cos", d.FlipSinToCos),
            FreqShift = json.Number("freq_shift", d.FreqShift),
            DownBlockTypes = json.Texts("down_block_types", DefaultDown, DownBlock, CrossAttnDownBlock),
            UpBlockTypes = json.Texts("up_block_types", DefaultUp, UpBlock, CrossAttnUpBlock),
            BlockOutChannels = channels,
            LayersPerBlock = json.Ints("layers_per_block", 2, count),
            TransformerLayersPerBlock = json.Ints("transformer_layers_per_block", 1, count),
            AttentionHeads = json.Ints("attention_head_dim", 8, count),
            CrossAttentionDim = CrossAttention(json, count),
            UseLinearProjection = json.Flag("use_linear_projection", d.UseLinearProjection),
            UpcastAttention = json.Flag("upcast_attention", d.UpcastAttention),
            NormNumGroups = json.Int("norm_num_groups", d.NormNumGroups),
            NormEps = json.Number("norm_eps", d.NormEps),
            ConvInKernel = json.Int("conv_in_kernel", d.ConvInKernel),
            ConvOutKernel = json.Int("conv_out_kernel", d.ConvOutKernel),
        }.Check(path);
    }

    /// <summary>The configuration as the text of a <c>config.json</c>.</summary>
    public string ToJson() =>
        ConfigJson.Write(
            new JsonObject
            {
                ["_class_name"] = "UNet2DConditionModel",
                ["sample_size"] = SampleSize,
                ["in_channels"] = InChannels,
                ["out_channels"] = OutChannels,
                ["center_input_sample"] = false,
                ["flip_sin_to_cos"] = FlipSinToCos,
                ["freq_shift"] = FreqShift,
                ["down_block_types"] = new JsonArray([.. DownBlockTypes.Select(t => (JsonNode)t)]),
                ["mid_block_type"] = "UNetMidBlock2DCrossAttn",
                ["up_block_types"] = new JsonArray([.. UpBlockTypes.Select(t => (JsonNode)t)]),
                ["block_out_channels"] = new JsonArray([.. BlockOutChannels.Select(c => (JsonNode)c)]),
                ["layers_per_block"] = Each(LayersPerBlock),
                ["transformer_layers_per_block"] = Each(TransformerLayersPerBlock),
                ["attention_head_dim"] = Each(AttentionHeads),
                ["cross_attention_dim"] = CrossAttentionDim,
                ["use_linear_projection"] = UseLinearProjection,
                ["upcast_attention"] = UpcastAttention,
                ["downsample_padding"] = 1,
                ["mid_block_scale_factor"] = 1,
                ["act_fn"] = "silu",
                ["norm_num_groups"] = NormNumGroups,
                ["norm_eps"] = NormEps,
                ["conv_in_kernel"] = ConvInKernel,
                ["conv_out_kernel"] = ConvOutKernel,
            }
        );

    /// <summary>Checks that the values fit each other and returns the same configuration.</summary>
    /// <param name="path">What messages name.</param>
    /// <exception cref="InvalidDataException">They do not; the message names the key, the value and what would be right.</exception>
    public UNet2DConditionConfig Check(string path = "UNet configuration")
    {
        var count = BlockOutChannels.Count;
        if (
            count == 0
            || DownBlockTypes.Count != count
            || UpBlockTypes.Count != count
            || LayersPerBlock.Count != count
            || TransformerLayersPerBlock.Count != count
            || AttentionHeads.Count != count
        )
        {
            throw new InvalidDataException(
                $"{path}: block_out_channels has {count} entries, down_block_types {DownBlockTypes.Count} and up_block_types "
                    + $"{UpBlockTypes.Count}; every list must have one for each block."
            );
        }
        for (var i = 0; i < count; i++)
        {
            var channels = BlockOutChannels[i];
            if (channels % NormNumGroups != 0)
            {
                throw new InvalidDataException(
                    $"{path}: block_out_channels has {channels}; it must be a multiple of norm_num_groups ({NormNumGroups})."
                );
            }
            // The last resolution's heads are the middle block's, which always attends.
            var attends = i == count - 1 || DownBlockTypes[i] == CrossAttnDownBlock || UpBlockTypes[count - 1 - i] == CrossAttnUpBlock;
            if (attends && channels % AttentionHeads[i] != 0)
            {
                throw new InvalidDataException(
                    $"{path}: attention_head_dim, which is the number of heads, is {AttentionHeads[i]}; it must divide the block's "
                        + $"{channels} channels."
                );
            }
        }
        if (BlockOutChannels[0] % 2 != 0 || ConvInKernel % 2 == 0 || ConvOutKernel % 2 == 0)
        {
            throw new InvalidDataException(
                $"{path}: the first of block_out_channels must be even, conv_in_kernel and conv_out_kernel odd."
            );
        }
        return !(NormEps is > 0 and < 1)
            ? throw new InvalidDataException(FormattableString.Invariant($"{path}: norm_eps is {NormEps}; it must be between 0 and 1."))
            : this;
    }

    private static int CrossAttention(ConfigJson json, int count)
    {
        var widths = json.Ints("cross_attention_dim", 1280, count).Distinct().ToList();
        return widths.Count == 1
            ? widths[0]
            : throw new InvalidDataException(
                $"{json.Path}: cross_attention_dim differs from block to block ({string.Join(", ", widths)}), which is not supported."
            );
    }

    private static JsonNode Each(IReadOnlyList<int> values) =>
        values.Distinct().Count() == 1 ? values[0] : new JsonArray([.. values.Select(v => (JsonNode)v)]);
}
