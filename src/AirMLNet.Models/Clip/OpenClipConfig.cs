using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using AirMLNet.Files;

namespace AirMLNet.Clip;

/// <summary>The <c>model_cfg</c> of an <c>open_clip_config.json</c>.</summary>
/// <remarks>Defaults are those of open_clip's CLIPVisionCfg and CLIPTextCfg.</remarks>
internal sealed record OpenClipConfig
{
    private const string PlainTower = "A plain OpenCLIP tower is.";

    internal static readonly RefusedKey[] RefusedKeys =
    [
        new("multimodal_cfg", "CoCa's decoder of texts is not built."),
        new("audio_cfg", "CLAP's tower of sounds is not built."),
        new("vision_cfg.timm_model_name", "Of timm's models only ResNets of basic blocks are built.", [.. Timm.Keys]),
        new("vision_cfg.timm_pool", "The mean of the last map is the image's.", "avg", ""),
        new("vision_cfg.timm_proj", "The projection is linear.", "linear"),
        new("vision_cfg.timm_proj_bias", "The projection has no bias.", false),
        new("vision_cfg.attentional_pool", PlainTower, false),
        new("vision_cfg.ls_init_value", "Layer scale is not built."),
        new("vision_cfg.no_ln_pre", "The normalisation before the blocks is always built.", false),
        new("vision_cfg.final_ln_after_pool", "The last normalisation comes before pooling.", false),
        new("vision_cfg.qk_norm", "Queries and keys are not normalised.", false),
        new("vision_cfg.scaled_cosine_attn", "Attention is by scaled dot products.", false),
        new("vision_cfg.pool_type", "The class token stands for the image.", "tok"),
        new("vision_cfg.global_average_pool", "The class token stands for the image.", false),
        new("vision_cfg.act_kwargs", "The activation is GELU or QuickGELU as they are.", new JsonObject()),
        .. Scales("vision_cfg"),
        .. Scales("text_cfg"),
        new("text_cfg.text_arch", "Text towers of another architecture are not built.", "clip"),
        new("text_cfg.tokenizer_type", "Texts are tokenized by CLIP's byte pairs.", ""),
        new("text_cfg.proj_type", "The text projection is a matrix.", "linear"),
        new("text_cfg.act_kwargs", "The activation is GELU or QuickGELU as they are.", new JsonObject()),
        new("text_cfg.tokenizer_kwargs.clean", "Texts become lower-case and keep their punctuation.", "lower"),
        new("text_cfg.tokenizer_kwargs.reduction_mask", "A long text is cut at its end.", ""),
        new("text_cfg.tokenizer_kwargs.additional_special_tokens", "Texts have no words of their own.", new JsonArray()),
        new("text_cfg.tokenizer_kwargs.strip_sep_token", "Texts keep their end token.", false),
        new("text_cfg.hf_model_name", "Text towers of transformers are not built."),
        new("text_cfg.embed_cls", "The end token stands for the text.", false),
        new("text_cfg.ls_init_value", "Layer scale is not built."),
        new("text_cfg.no_causal_mask", "Text attends to what is before it.", false),
        new("text_cfg.proj_bias", "The text projection has no bias.", false),
        new("text_cfg.qk_norm", "Queries and keys are not normalised.", false),
        new("text_cfg.scaled_cosine_attn", "Attention is by scaled dot products.", false),
        new("text_cfg.pool_type", "The end token, which has the highest id, stands for the text.", "argmax"),
    ];

    // Of blocks of their own; without any of these they are the usual ones.
    private static IEnumerable<RefusedKey> Scales(string tower) =>
        from key in new[] { "scale_heads", "scale_attn_inner", "scale_attn", "scale_fc" }
        select new RefusedKey($"{tower}.{key}", "Blocks have no scales or normalisations of their own.", false);

    // What says nothing of ids.
    private static readonly string[] TokenizerKeys = ["trust_remote_code"];

    // timm's ResNets of basic blocks, by name.
    private static Dictionary<string, ClipResNetConfig> Timm =>
        new(StringComparer.Ordinal)
        {
            ["resnet18"] = new(64, 2, 2, 2, 2) { IsBasic = true },
            ["resnet34"] = new(64, 3, 4, 6, 3) { IsBasic = true },
        };

    public required int EmbedDim { get; init; }
    public bool? QuickGelu { get; init; }
    public required VisionTower VisionCfg { get; init; }
    public required TextTower TextCfg { get; init; }

    /// <summary>The configuration that a file with this root or <c>model_cfg</c> describes.</summary>
    public static ClipConfig Read(ConfigFile file)
    {
        var model = file.Root["model_cfg"] is JsonObject inner ? new ConfigFile(file.Path, inner) : file;
        model.Refuse(RefusedKeys);
        // What else goes to the tokenizer's constructor may change the ids of a text.
        const string Tokenizer = "text_cfg.tokenizer_kwargs";
        var known = RefusedKeys.Select(k => k.Key).Concat(TokenizerKeys.Select(k => $"{Tokenizer}.{k}")).ToHashSet();
        model.Refuse(
            (model.At(Tokenizer) as JsonObject ?? [])
                .Select(p => $"{Tokenizer}.{p.Key}")
                .Where(k => !known.Contains(k))
                .Select(k => new RefusedKey(k, "The tokenizer is CLIP's own."))
        );
        return model.To<OpenClipConfig>().ToClip(file.Path);
    }

    /// <summary>The form in which a model with a ResNet is written.</summary>
    public static string Write(ClipConfig c, ClipResNetConfig net) =>
        ConfigFile.Write(
            new JsonObject
            {
                ["model_cfg"] = ConfigFile.Object(
                    new OpenClipConfig
                    {
                        EmbedDim = c.ProjectionDim,
                        QuickGelu = c.Text.Activation == ClipActivation.QuickGelu,
                        VisionCfg = net.IsBasic
                            ? new() { ImageSize = new(c.Vision.ImageSize), TimmModelName = TimmName(net) }
                            : new()
                            {
                                ImageSize = new(c.Vision.ImageSize),
                                Layers = net.Layers,
                                Width = net.Width,
                                HeadWidth = c.Vision.HiddenSize / c.Vision.Heads,
                            },
                        TextCfg = new()
                        {
                            ContextLength = c.Text.ContextLength,
                            VocabSize = c.Text.VocabularySize,
                            Width = c.Text.HiddenSize,
                            Heads = c.Text.Heads,
                            Layers = c.Text.Layers,
                            MlpRatio = (double)c.Text.IntermediateSize / c.Text.HiddenSize,
                        },
                    }
                ),
            }
        );

    private ClipConfig ToClip(string path)
    {
        var (v, t) = (VisionCfg, TextCfg);
        var activation = QuickGelu == true ? ClipActivation.QuickGelu : ClipActivation.Gelu;
        // A list of layers is that of a ResNet's stages.
        var net =
            v.TimmModelName is { } name ? Timm[name]
            : v.Layers.Count == 1 ? null
            : ClipResNetConfig.Of(path, v.Width ?? 64, v.Layers);
        var width = net?.Channels ?? v.Width ?? 768;
        if (v.HeadWidth < 1 || width % v.HeadWidth != 0)
        {
            throw new InvalidDataException(
                $"{path}: vision_cfg.head_width is {v.HeadWidth}; it must divide {width}, "
                    + $"{(net is null ? "vision_cfg.width" : "32 times vision_cfg.width")}."
            );
        }
        return new ClipConfig
        {
            ActivationStated = QuickGelu is not null,
            ResizesPositions = true,
            ProjectionDim = EmbedDim,
            Vision =
                net is { IsBasic: true } ? net.Tower(v.ImageSize.Pixels)
                : net is not null ? net.Tower(v.ImageSize.Pixels) with { Heads = width / v.HeadWidth }
                : new ClipVisionConfig
                {
                    HiddenSize = width,
                    IntermediateSize = (int)(width * v.MlpRatio),
                    Layers = v.Layers[0],
                    Heads = width / v.HeadWidth,
                    ImageSize = v.ImageSize.Pixels,
                    PatchSize = v.PatchSize.Pixels,
                    Activation = activation,
                    LayerNormEps = v.NormKwargs.Eps,
                },
            Text = new ClipTextConfig
            {
                HiddenSize = t.Width,
                IntermediateSize = (int)(t.Width * t.MlpRatio),
                Layers = t.Layers,
                Heads = t.Heads,
                ContextLength = t.ContextLength,
                VocabularySize = t.VocabSize,
                Activation = activation,
                LayerNormEps = t.NormKwargs.Eps,
            },
        };
    }

    private static string TimmName(ClipResNetConfig net) =>
        Timm.FirstOrDefault(p => p.Value == net).Key
        ?? throw new NotSupportedException($"timm has no ResNet of basic blocks like {net}: such a model cannot be described.");

    internal sealed record VisionTower
    {
        [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
        public string? TimmModelName { get; init; }
        public SquareSide ImageSize { get; init; } = new(224);
        public SquareSide PatchSize { get; init; } = new(16);

        [JsonConverter(typeof(OneOrListConverter))]
        public IReadOnlyList<int> Layers { get; init; } = [12];
        public int? Width { get; init; }
        public int HeadWidth { get; init; } = 64;
        public double MlpRatio { get; init; } = 4;
        public Norm NormKwargs { get; init; } = new();
    }

    internal sealed record TextTower
    {
        public int ContextLength { get; init; } = 77;
        public int VocabSize { get; init; } = 49408;
        public int Width { get; init; } = 512;
        public int Heads { get; init; } = 8;
        public int Layers { get; init; } = 12;
        public double MlpRatio { get; init; } = 4;
        public Norm NormKwargs { get; init; } = new();
    }

    internal sealed record Norm
    {
        public double Eps { get; init; } = 1e-5;
    }
}
