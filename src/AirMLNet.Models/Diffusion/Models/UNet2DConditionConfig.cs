using System.Globalization;
using System.Text.Json.Serialization;
using AirMLNet.Files;
using AirMLNet.Options;

namespace AirMLNet.Diffusion;

/// <summary>The architecture of a <see cref="UNet2DConditionModel"/>, in the terms of diffusers' <c>unet/config.json</c>.</summary>
/// <remarks>Immutable. Defaults are those of Stable Diffusion v1; version 2 and XL have the same parts.</remarks>
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

    /// <summary>The added condition of Stable Diffusion XL: a pooled text and numbers of sizes and places.</summary>
    public const string TextTime = "text_time";

    private const string MidBlockType = "mid_block_type";

    /// <summary>Numbers of the added condition: height and width of the original, top and left of the cut, height and width
    /// wanted.</summary>
    public const int TimeIds = 6;

    private static readonly string[] DefaultDown = [CrossAttnDownBlock, CrossAttnDownBlock, CrossAttnDownBlock, DownBlock];
    private static readonly string[] DefaultUp = [UpBlock, CrossAttnUpBlock, CrossAttnUpBlock, CrossAttnUpBlock];

    internal static readonly RefusedKey[] RefusedKeys =
    [
        RefusedKey.Quantised,
        new("_class_name", "Another kind of model.", "UNet2DConditionModel"),
        new("down_block_types", "These two are built.", DownBlock, CrossAttnDownBlock) { IsList = true },
        new(MidBlockType, "A middle block has attention, if there is one.", "UNetMidBlock2DCrossAttn"),
        new("up_block_types", "These two are built.", UpBlock, CrossAttnUpBlock) { IsList = true },
        new("center_input_sample", "The input is taken as it is.", false),
        new("only_cross_attention", "Blocks attend to themselves and to the text.", false) { IsList = true },
        new("mid_block_only_cross_attention", "Blocks attend to themselves and to the text.", false),
        new("dual_cross_attention", "There is one attention to the text.", false),
        new("cross_attention_norm", "Text states are not normalised."),
        new("attention_type", "Gated attention is not built.", "default"),
        new("reverse_transformer_layers_per_block", "Up blocks have as many transformers as down blocks."),
        new("num_attention_heads", "attention_head_dim holds the number of heads."),
        new("encoder_hid_dim", "Text states are not projected."),
        new("encoder_hid_dim_type", "Text states are not projected."),
        new("class_embed_type", "Class embeddings are not built."),
        new("num_class_embeds", "Class embeddings are not built."),
        new("class_embeddings_concat", "Class embeddings are not built.", false),
        new("time_embedding_type", "Times are embedded by sines and cosines.", "positional"),
        new("time_embedding_dim", "The time embedding is four times as wide as the first block."),
        new("time_embedding_act_fn", "The time embedding has no activation of its own."),
        new("timestep_post_act", "The time embedding has no activation of its own."),
        new("time_cond_proj_dim", "Times have no condition."),
        new("resnet_time_scale_shift", "The time embedding is added.", "default"),
        new("resnet_skip_time_act", "The time embedding goes through the activation.", false),
        new("resnet_out_scale_factor", "Residuals are not scaled.", 1),
        new("mid_block_scale_factor", "Residuals are not scaled.", 1),
        new("downsample_padding", "Downsampling pads by one pixel.", 1),
        new("act_fn", "Other activations are not built.", "silu", "swish"),
        new("dropout", "There is no dropout.", 0),
    ];

    /// <summary>Height and width of the latents the model was trained on.</summary>
    public HeightWidth SampleSize { get; init; } = 64;

    /// <summary>Whether there is a block at the lowest resolution; <c>mid_block_type</c> is null where there is none.</summary>
    [JsonIgnore]
    public bool HasMidBlock { get; init; } = true;

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
    [JsonConverter(typeof(PerBlockConverter))]
    public IReadOnlyList<int> LayersPerBlock
    {
        get;
        init => field = new ValueList<int>(value);
    } = new ValueList<int>([2, 2, 2, 2]);

    /// <summary>Transformer blocks in each attention of a resolution.</summary>
    [JsonConverter(typeof(PerBlockConverter))]
    public IReadOnlyList<int> TransformerLayersPerBlock
    {
        get;
        init => field = new ValueList<int>(value);
    } = new ValueList<int>([1, 1, 1, 1]);

    /// <summary>
    /// Attention heads of each resolution: <c>attention_head_dim</c> in the file, which in spite of its name is their number.
    /// </summary>
    [JsonPropertyName("attention_head_dim"), JsonConverter(typeof(PerBlockConverter))]
    public IReadOnlyList<int> AttentionHeads
    {
        get;
        init => field = new ValueList<int>(value);
    } = new ValueList<int>([8, 8, 8, 8]);

    /// <summary>Width of the text states.</summary>
    [JsonConverter(typeof(SameNumberConverter))]
    public int CrossAttentionDim { get; init; } = 768;

    /// <summary>Whether the projections around the transformers are stored as matrices instead of 1×1 convolutions.</summary>
    public bool UseLinearProjection { get; init; }

    /// <summary>Whether attention is computed in float32 whatever the model's type.</summary>
    public bool UpcastAttention { get; init; }

    /// <summary>What is added to the time embedding: null for nothing, or <see cref="TextTime"/>.</summary>
    public string? AdditionEmbedType { get; init; }

    /// <summary>Sinusoids of each of the <see cref="TimeIds"/> numbers; null without <see cref="TextTime"/>.</summary>
    public int? AdditionTimeEmbedDim { get; init; }

    /// <summary>Width of pooled text and sinusoids together; null without <see cref="TextTime"/>.</summary>
    public int? ProjectionClassEmbeddingsInputDim { get; init; }

    /// <summary>Width of the pooled text of the added condition; null where there is none.</summary>
    internal int? PooledDim => AdditionEmbedType is null ? null : ProjectionClassEmbeddingsInputDim - (TimeIds * AdditionTimeEmbedDim);

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
        var file = ConfigFile.Open(path);
        file.Refuse(RefusedKeys);
        file.Default(
            ("cross_attention_dim", 1280),
            ("layers_per_block", 2),
            ("transformer_layers_per_block", 1),
            ("attention_head_dim", 8)
        );
        var read = file.To<UNet2DConditionConfig>();
        // One number stands for all blocks.
        IReadOnlyList<int> Each(IReadOnlyList<int> values) =>
            values.Count == 1 ? [.. read.BlockOutChannels.Select(_ => values[0])] : values;
        return (
            read with
            {
                LayersPerBlock = Each(read.LayersPerBlock),
                TransformerLayersPerBlock = Each(read.TransformerLayersPerBlock),
                AttentionHeads = Each(read.AttentionHeads),
                HasMidBlock = !file.IsNull(MidBlockType),
            }
        ).Check(path);
    }

    /// <summary>The configuration as the text of a <c>config.json</c>.</summary>
    public string ToJson()
    {
        var root = ConfigFile.Object(this);
        root.Insert(0, "_class_name", "UNet2DConditionModel");
        if (!HasMidBlock)
        {
            root[MidBlockType] = null; // a missing key is the block that most models have
        }
        return ConfigFile.Write(root);
    }

    /// <summary>Checks that the values fit each other and returns the same configuration.</summary>
    /// <param name="path">What messages name.</param>
    /// <exception cref="InvalidDataException">They do not; the message names the key, the value and what would be right.</exception>
    public UNet2DConditionConfig Check(string path = "UNet configuration")
    {
        ConfigFile.CheckWholeNumbers(path, this);
        var count = BlockOutChannels.Count;
        foreach (
            var (key, length) in new[]
            {
                ("block_out_channels", Math.Max(count, 1)),
                ("down_block_types", DownBlockTypes.Count),
                ("up_block_types", UpBlockTypes.Count),
                ("layers_per_block", LayersPerBlock.Count),
                ("transformer_layers_per_block", TransformerLayersPerBlock.Count),
                ("attention_head_dim", AttentionHeads.Count),
            }
        )
        {
            if (length != count)
            {
                throw new InvalidDataException(
                    $"{path}: block_out_channels has {count} entries and {key} {length}; every list must have one for each block."
                );
            }
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
            // The last resolution's heads are the middle block's, which attends.
            var attends =
                (HasMidBlock && i == count - 1)
                || DownBlockTypes[i] == CrossAttnDownBlock
                || UpBlockTypes[count - 1 - i] == CrossAttnUpBlock;
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
        if (AdditionEmbedType is not (null or TextTime))
        {
            throw new InvalidDataException(
                $"{path}: addition_embed_type is \"{AdditionEmbedType}\", which is not supported; {TextTime} (Stable Diffusion "
                    + "XL) and null are."
            );
        }
        if (AdditionEmbedType is not null)
        {
            if (AdditionTimeEmbedDim is not > 1 || AdditionTimeEmbedDim % 2 != 0 || PooledDim is not > 0)
            {
                throw new InvalidDataException(
                    $"{path}: with addition_embed_type {AdditionEmbedType}, addition_time_embed_dim must be even (it is "
                        + $"{Shown(AdditionTimeEmbedDim)}) and projection_class_embeddings_input_dim (it is "
                        + $"{Shown(ProjectionClassEmbeddingsInputDim)}) above {TimeIds} times that."
                );
            }
        }
        else if (ProjectionClassEmbeddingsInputDim is not null || AdditionTimeEmbedDim is not null)
        {
            throw new InvalidDataException(
                $"{path}: projection_class_embeddings_input_dim and addition_time_embed_dim belong to an addition_embed_type, "
                    + "which is null."
            );
        }
        return !(NormEps is > 0 and < 1)
            ? throw new InvalidDataException(FormattableString.Invariant($"{path}: norm_eps is {NormEps}; it must be between 0 and 1."))
            : this;
    }

    private static string Shown(int? value) => value?.ToString(CultureInfo.InvariantCulture) ?? "null";
}
