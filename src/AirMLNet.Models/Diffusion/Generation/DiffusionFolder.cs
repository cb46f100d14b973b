using AirMLNet.Clip;
using AirMLNet.Files;

namespace AirMLNet.Diffusion;

/// <summary>
/// The folder of a Stable Diffusion v1 model, its configurations read and checked against each other before any weight is.
/// </summary>
internal sealed class DiffusionFolder
{
    private const string Index = "model_index.json";

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
        var index = ModelIndex.Read(file);
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
        return new(path, unet, vae, text, index.HasTokenizer);
    }

    /// <summary>Writes the index; a folder that has one is whole, so it comes last.</summary>
    public static void WriteIndex(string path, SchedulerKind scheduler, bool hasTokenizer) =>
        AtomicFile.WriteText(System.IO.Path.Combine(path, Index), ModelIndex.Of(scheduler, hasTokenizer).ToJson());

    private string Part(string component, string file) => System.IO.Path.Combine(Path, component, file);
}
