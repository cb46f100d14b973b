using System.Text.RegularExpressions;
using AirMLNet.Weights;
using static TorchSharp.torch;

namespace AirMLNet.Clip;

/// <summary>
/// The naming of a CLIP checkpoint: from Hugging Face parameter names, which the modules carry, to the names in a file.
/// </summary>
internal sealed partial class ClipWeightNames
{
    private static readonly WeightFileNames Files = new("CLIP", "model.safetensors", "open_clip_model.safetensors");
    private static readonly WeightFileNames OpenClipFiles = new("CLIP", [.. Files.Names.Reverse()]);

    private const string VisionPositions = "vision_model.embeddings.position_embedding.weight",
        TextPositions = "text_model.embeddings.position_embedding.weight";

    private readonly string _textPrefix;

    private ClipWeightNames(string name, bool huggingFace, string textPrefix, bool resNet = false)
    {
        IsResNet = resNet;
        Name = name;
        IsHuggingFace = huggingFace;
        _textPrefix = textPrefix;
    }

    /// <summary>CLIPModel of transformers.</summary>
    public static ClipWeightNames HuggingFace { get; } = new("Hugging Face", true, "");

    /// <summary>OpenAI's state dict, and OpenCLIP's CLIP class, which kept the names.</summary>
    public static ClipWeightNames OpenAi { get; } = new("OpenAI/OpenCLIP", false, "");

    /// <summary>OpenCLIP's CustomTextCLIP class: the text tower is a module of its own.</summary>
    public static ClipWeightNames CustomText { get; } = new("OpenCLIP CustomTextCLIP", false, "text.");

    /// <summary>OpenAI's and OpenCLIP's names with a ResNet as the image tower.</summary>
    public static ClipWeightNames ResNet { get; } = new("OpenAI/OpenCLIP ResNet", false, "", resNet: true);

    /// <summary>OpenCLIP's CustomTextCLIP class with a ResNet as the image tower.</summary>
    public static ClipWeightNames CustomTextResNet { get; } = new("OpenCLIP CustomTextCLIP ResNet", false, "text.", resNet: true);

    public string Name { get; }

    /// <summary>Whether the image tower is a ResNet; its parameters have one naming only.</summary>
    public bool IsResNet { get; }

    public bool IsHuggingFace { get; }

    /// <summary>The names of the weights files of a folder; those of the library that its configuration is of come first.</summary>
    public static WeightFileNames FilesOf(string folder) => ClipConfigFile.IsOpenClip(folder) ? OpenClipFiles : Files;

    /// <summary>Tells the naming of a file from the names in it.</summary>
    /// <exception cref="InvalidDataException">They are those of no CLIP model.</exception>
    public static ClipWeightNames Detect(WeightFiles files)
    {
        if (
            files.Names.Any(n =>
                n.StartsWith("vision_model.", StringComparison.Ordinal) || n.StartsWith("text_model.", StringComparison.Ordinal)
            )
        )
        {
            return HuggingFace;
        }
        if (files.Names.Any(n => n.StartsWith("visual.", StringComparison.Ordinal)))
        {
            var custom = files.Names.Any(n => n.StartsWith("text.", StringComparison.Ordinal));
            return files.Names.Any(n =>
                n.StartsWith("visual.layer1.", StringComparison.Ordinal) || n.StartsWith("visual.trunk.", StringComparison.Ordinal)
            )
                ? custom
                    ? CustomTextResNet
                    : ResNet
                : custom
                    ? CustomText
                    : OpenAi;
        }
        throw new InvalidDataException(
            $"{files.Description} holds no CLIP model: neither \"vision_model.…\" (Hugging Face) nor \"visual.…\" (OpenAI, OpenCLIP) is "
                + $"among its {files.Names.Count} tensors"
                + (files.Names.Count == 0 ? "." : $" ({string.Join(", ", files.Names.Order(StringComparer.Ordinal).Take(4))}, …).")
        );
    }

    /// <summary>The place of a parameter in a file of this naming.</summary>
    /// <param name="parameter">Its Hugging Face name; of a ResNet, its only one.</param>
    public WeightSource Locate(string parameter)
    {
        if (IsHuggingFace)
        {
            return new(parameter);
        }
        var layer = LayerPattern().Match(parameter);
        if (!layer.Success)
        {
            return parameter switch
            {
                "logit_scale" => new("logit_scale"),
                "text_projection.weight" => new(_textPrefix + "text_projection", Transposed: true),
                "visual_projection.weight" => new("visual.proj", Transposed: true),
                "vision_model.embeddings.class_embedding" => new("visual.class_embedding"),
                "vision_model.embeddings.patch_embedding.weight" => new("visual.conv1.weight"),
                VisionPositions => new("visual.positional_embedding"),
                "text_model.embeddings.token_embedding.weight" => new(_textPrefix + "token_embedding.weight"),
                TextPositions => new(_textPrefix + "positional_embedding"),
                _ => new(
                    parameter
                        .Replace("vision_model.pre_layrnorm", "visual.ln_pre", StringComparison.Ordinal)
                        .Replace("vision_model.post_layernorm", "visual.ln_post", StringComparison.Ordinal)
                        .Replace("text_model.final_layer_norm", _textPrefix + "ln_final", StringComparison.Ordinal)
                ),
            };
        }
        var block =
            (layer.Groups["tower"].Value == "vision" ? "visual." : _textPrefix)
            + "transformer.resblocks."
            + layer.Groups["index"].Value
            + ".";
        var (part, kind) = (layer.Groups["part"].Value, layer.Groups["kind"].Value);
        return part switch
        {
            "self_attn.q_proj" => new(block + "attn.in_proj_" + kind, 0),
            "self_attn.k_proj" => new(block + "attn.in_proj_" + kind, 1),
            "self_attn.v_proj" => new(block + "attn.in_proj_" + kind, 2),
            "self_attn.out_proj" => new(block + "attn.out_proj." + kind),
            "layer_norm1" => new(block + "ln_1." + kind),
            "layer_norm2" => new(block + "ln_2." + kind),
            "mlp.fc1" => new(block + "mlp.c_fc." + kind),
            "mlp.fc2" => new(block + "mlp.c_proj." + kind),
            _ => new(block + part + "." + kind),
        };
    }

    /// <summary>Copies every parameter of a model from a file.</summary>
    /// <exception cref="InvalidDataException">Tensors are missing, left over or of another shape: all are named at once.</exception>
    public void Fill(ClipModel model, WeightFiles files)
    {
        var resizes = model.Config.ResizesPositions;
        if (!resizes)
        {
            CheckPositions(model.Config.Vision, files);
        }
        ModelWeights.Fill(
            model,
            files,
            parameter =>
                Locate(parameter) with
                {
                    Fitting =
                        !resizes ? null
                        : parameter == VisionPositions ? ClipPositionGrid.Images
                        : parameter == TextPositions ? ClipPositionGrid.Texts
                        : null,
                },
            IsIgnored,
            Name
        );
    }

    /// <summary>
    /// How the positions of a file are resized to those of a configuration that does so, for logs; empty where they are not.
    /// </summary>
    public string Resizing(ClipConfig config, WeightFiles files)
    {
        if (!config.ResizesPositions)
        {
            return "";
        }
        List<string> done = [];
        if (config.Vision.ResNet is null && SideIn(files) is { } side && side * side != config.Vision.Patches)
        {
            var now = config.Vision.ImageSize / config.Vision.PatchSize;
            done.Add($"image positions resized from {side} x {side} to {now} x {now}, as OpenCLIP does");
        }
        var texts = Locate(TextPositions).Name;
        if (files.Contains(texts) && files.Shape(texts) is [var length, _] && length != config.Text.ContextLength)
        {
            done.Add($"text positions resized from {length} to {config.Text.ContextLength}, as OpenCLIP does");
        }
        return string.Join("; ", done);
    }

    private long? SideIn(WeightFiles files)
    {
        var name = Locate(VisionPositions).Name;
        return files.Contains(name) && files.Shape(name) is [var positions, _] ? ClipPositionGrid.SideOf(positions) : null;
    }

    // transformers does not resize them either; that the size of the images is what does not fit is said in its own words.
    private void CheckPositions(ClipVisionConfig config, WeightFiles files)
    {
        if (config.ResNet is null && SideIn(files) is { } side && side * side != config.Patches && side * config.PatchSize is var size)
        {
            var now = config.ImageSize / config.PatchSize;
            throw new InvalidDataException(
                $"{files.Description}: the weights have positions of {side} x {side} patches, but vision_config.image_size is "
                    + $"{config.ImageSize} and patch_size {config.PatchSize}, which is {now} x {now}; image_size must be {size}. Positions "
                    + "are resized only where open_clip_config.json describes the model."
            );
        }
    }

    /// <summary>Whether a tensor of a file is one that checkpoints carry and no model needs.</summary>
    public static bool IsIgnored(string name) => IgnoredPattern().IsMatch(name);

    /// <summary>Whether a tensor is one that a whole model has and its text encoder alone may not, under Hugging Face's names.</summary>
    public static bool IsOfWholeModel(string name) =>
        name is "logit_scale" or "text_projection.weight" or "visual_projection.weight"
        || name.StartsWith("vision_model.", StringComparison.Ordinal);

    /// <summary>A model's tensors as a file of this naming holds them.</summary>
    public IEnumerable<KeyValuePair<string, Tensor>> InFile(IReadOnlyDictionary<string, Tensor> state) =>
        state
            .Select(p => (Source: Locate(p.Key), p.Value))
            .GroupBy(p => p.Source.Name, StringComparer.Ordinal)
            .Select(group =>
                KeyValuePair.Create(
                    group.Key,
                    group.First().Source switch
                    {
                        { Part: >= 0 } => cat([.. group.OrderBy(p => p.Source.Part).Select(p => p.Value)], 0), // queries, keys, values
                        { Transposed: true } => group.First().Value.t(),
                        _ => group.First().Value,
                    }
                )
            );

    [GeneratedRegex(
        @"^(?<tower>vision|text)_model\.encoder\.layers\.(?<index>\d+)\.(?<part>.+)\.(?<kind>weight|bias)$",
        RegexOptions.ExplicitCapture
    )]
    private static partial Regex LayerPattern();

    // Buffers and numbers that checkpoints carry and no model needs; the bias of a sigmoid loss is added to every logit alike.
    [GeneratedRegex(
        @"(^|\.)(position_ids|attn_mask|num_batches_tracked|input_resolution|context_length|vocab_size)$|^logit_bias$",
        RegexOptions.ExplicitCapture
    )]
    private static partial Regex IgnoredPattern();
}
