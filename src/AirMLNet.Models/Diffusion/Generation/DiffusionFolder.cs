using System.Text.Json.Nodes;
using AirMLNet.Clip;
using AirMLNet.Files;

namespace AirMLNet.Diffusion;

/// <summary>
/// The folder of a Stable Diffusion v1 model, its configurations read and checked against each other before any weight is.
/// </summary>
internal sealed class DiffusionFolder
{
    private const string Index = "model_index.json";
    private const string Pipeline = "StableDiffusionPipeline";

    private DiffusionFolder(string path, UNet2DConditionConfig unet, AutoencoderKLConfig vae, ClipTextConfig text, bool hasTokenizer) =>
        (Path, UNet, Vae, Text, HasTokenizer) = (path, unet, vae, text, hasTokenizer);

    public string Path { get; }

    public UNet2DConditionConfig UNet { get; }

    public AutoencoderKLConfig Vae { get; }

    public ClipTextConfig Text { get; }

    /// <summary>Whether there is a tokenizer; a model without one takes ids only.</summary>
    public bool HasTokenizer { get; }

    public string SchedulerFile => Part("scheduler", "scheduler_config.json");

    /// <summary>The folder of a component.</summary>
    public string Component(string name) => System.IO.Path.Combine(Path, name);

    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="FileNotFoundException">It lacks a file or a component; the message names it.</exception>
    /// <exception cref="InvalidDataException">It is another kind of model, or its components do not fit each other.</exception>
    public static DiffusionFolder Open(string path)
    {
        if (!Directory.Exists(path))
        {
            throw new DirectoryNotFoundException($"There is no model folder {path}.");
        }
        var file = System.IO.Path.Combine(path, Index);
        if (!File.Exists(file))
        {
            throw new FileNotFoundException(
                $"{path} is not a diffusion model: it has no {Index}. The folder of a Stable Diffusion v1 model was expected.",
                file
            );
        }
        var index = ConfigJson.Open(file);
        RefuseOthers(index);
        RequireClass(index, "unet", "UNet2DConditionModel");
        RequireClass(index, "vae", "AutoencoderKL");
        RequireClass(index, "text_encoder", "CLIPTextModel");
        RequireClass(index, "scheduler", null);
        string Config(string component, string name) =>
            File.Exists(System.IO.Path.Combine(path, component, name))
                ? System.IO.Path.Combine(path, component, name)
                : throw new FileNotFoundException($"{path} lacks the component {component}: there is no {component}/{name}.");
        _ = Config("scheduler", "scheduler_config.json");
        var unetFile = Config("unet", "config.json");
        var textFile = Config("text_encoder", "config.json");
        var vaeFile = Config("vae", "config.json");
        var (unet, text, vae) = (
            UNet2DConditionConfig.Load(unetFile),
            ClipConfigFile.ReadText(textFile),
            AutoencoderKLConfig.Load(vaeFile)
        );
        if (unet.CrossAttentionDim != text.HiddenSize)
        {
            throw new InvalidDataException(
                $"{unetFile}: cross_attention_dim is {unet.CrossAttentionDim}, but the text encoder gives {text.HiddenSize} values "
                    + $"(hidden_size in {textFile}); they must be equal."
            );
        }
        if (unet.InChannels != vae.LatentChannels || unet.OutChannels != vae.LatentChannels)
        {
            throw new InvalidDataException(
                $"{unetFile}: in_channels is {unet.InChannels} and out_channels {unet.OutChannels}, but the VAE has {vae.LatentChannels} "
                    + $"latent_channels; they must be equal."
            );
        }
        return new(path, unet, vae, text, Named(index, "tokenizer") is not null);
    }

    /// <summary>Writes the index; a folder that has one is whole, so it comes last.</summary>
    public static void WriteIndex(string path, SchedulerKind scheduler, bool hasTokenizer)
    {
        static JsonArray Class(string? library, string? name) => new(library, name);
        AtomicFile.WriteText(
            System.IO.Path.Combine(path, Index),
            ConfigJson.Write(
                new JsonObject
                {
                    ["_class_name"] = Pipeline,
                    ["feature_extractor"] = Class(null, null),
                    ["requires_safety_checker"] = false,
                    ["safety_checker"] = Class(null, null),
                    ["scheduler"] = Class("diffusers", SchedulerConfig.ClassName(scheduler)),
                    ["text_encoder"] = Class("transformers", "CLIPTextModel"),
                    ["tokenizer"] = hasTokenizer ? Class("transformers", "CLIPTokenizer") : Class(null, null),
                    ["unet"] = Class("diffusers", "UNet2DConditionModel"),
                    ["vae"] = Class("diffusers", "AutoencoderKL"),
                }
            )
        );
    }

    private string Part(string component, string file) => System.IO.Path.Combine(Path, component, file);

    private static void RefuseOthers(ConfigJson index)
    {
        var name = index.ClassName;
        if (name?.Contains("XL", StringComparison.Ordinal) == true || index.Has("text_encoder_2"))
        {
            throw new InvalidDataException(
                $"{index.Path}: {name ?? "the model"} is Stable Diffusion XL, which is not supported; Stable Diffusion v1 ({Pipeline}) is."
            );
        }
        if (name is not (null or Pipeline))
        {
            throw new InvalidDataException($"{index.Path}: _class_name is \"{name}\", which is not supported; \"{Pipeline}\" is.");
        }
    }

    private static void RequireClass(ConfigJson index, string component, string? expected)
    {
        var found = Named(index, component) ?? throw new InvalidDataException($"{index.Path}: the model has no {component}.");
        if (expected is not null && found != expected)
        {
            throw new InvalidDataException($"{index.Path}: {component} is a {found}, which is not supported; {expected} is.");
        }
    }

    /// <summary>The class of a component, [library, class] in the index; null where it is missing or null.</summary>
    private static string? Named(ConfigJson index, string component) =>
        index.Node(component) is JsonArray { Count: 2 } pair && pair[1] is JsonValue v && v.TryGetValue<string>(out var name) ? name : null;
}
