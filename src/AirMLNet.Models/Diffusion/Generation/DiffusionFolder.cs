using AirMLNet.Clip;
using AirMLNet.Files;
using AirMLNet.Weights;

namespace AirMLNet.Diffusion;

/// <summary>
/// The folder of a Stable Diffusion model (v1, 2 or XL), its configurations read and checked against each other before any weight is.
/// </summary>
internal sealed class DiffusionFolder
{
    private const string Index = "model_index.json";

    private readonly string _scheduler;

    private DiffusionFolder(
        string path,
        UNet2DConditionConfig unet,
        AutoencoderKLConfig vae,
        ClipTextConfig text,
        ClipTextConfig? text2,
        ModelIndex index
    ) =>
        (Path, UNet, Vae, Text, Text2, HasTokenizer, _scheduler, ZerosForNoPrompt) = (
            path,
            unet,
            vae,
            text,
            text2,
            index.HasTokenizer,
            index.Scheduler[1]!,
            index.IsXl && (index.ForceZerosForEmptyPrompt ?? true)
        );

    public string Path { get; }

    public UNet2DConditionConfig UNet { get; }

    public AutoencoderKLConfig Vae { get; }

    public ClipTextConfig Text { get; }

    /// <summary>The second text encoder of Stable Diffusion XL; null for the others.</summary>
    public ClipTextConfig? Text2 { get; }

    /// <summary>Whether no negative prompt stands for zeros instead of the states of an empty text.</summary>
    public bool ZerosForNoPrompt { get; }

    /// <summary>Whether there is a tokenizer; a model without one takes ids only.</summary>
    public bool HasTokenizer { get; }

    private string SchedulerFile => Part("scheduler", "scheduler_config.json");

    /// <summary>The model's scheduler: its class stands in the index, its settings in a file of its own.</summary>
    /// <param name="wanted">Another class; null for the model's.</param>
    /// <exception cref="InvalidDataException">The class or a setting is not built; the message names it.</exception>
    public NoiseScheduler LoadScheduler(SchedulerKind? wanted)
    {
        var indexed = SchedulerConfig.KindOf(_scheduler);
        return wanted is null && indexed is null
            ? throw new InvalidDataException(
                $"{System.IO.Path.Combine(Path, Index)}: scheduler is a {_scheduler}, which is not supported; "
                    + $"{SchedulerConfig.ClassNames} are."
            )
            : NoiseScheduler.Load(SchedulerFile, wanted, indexed);
    }

    /// <summary>The folder of a component.</summary>
    public string Component(string name) => System.IO.Path.Combine(Path, name);

    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="FileNotFoundException">It lacks a file or a component; the message names it.</exception>
    /// <exception cref="InvalidDataException">It is another kind of model, or its components do not fit each other.</exception>
    public static DiffusionFolder Open(string path)
    {
        if (!Directory.Exists(path))
        {
            throw WeightFiles.NoFolder(path);
        }
        var file = System.IO.Path.Combine(path, Index);
        if (!File.Exists(file))
        {
            throw new FileNotFoundException(
                $"{path} is not a diffusion model: it has no {Index}. The folder of a Stable Diffusion model (v1, 2 or XL) was expected.",
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
        var text2 = index.IsXl ? ClipConfigFile.ReadText(Config("text_encoder_2", "config.json"), projected: true) : null;
        if (unet.CrossAttentionDim != text.HiddenSize + (text2?.HiddenSize ?? 0))
        {
            throw new InvalidDataException(
                $"{unetFile}: cross_attention_dim is {unet.CrossAttentionDim}, but "
                    + (
                        text2 is null
                            ? $"the text encoder gives {text.HiddenSize} values (hidden_size in {textFile}); they must be equal."
                            : $"the text encoders give {text.HiddenSize} and {text2.HiddenSize} values (hidden_size in {textFile} and in "
                                + "text_encoder_2); it must be their sum."
                    )
            );
        }
        if (unet.PooledDim != text2?.ProjectionDim)
        {
            throw new InvalidDataException(
                text2 is null
                    ? $"{unetFile}: addition_embed_type is \"{unet.AdditionEmbedType}\", which only Stable Diffusion XL has."
                    : $"{unetFile}: the added condition takes {unet.PooledDim ?? 0} values of the whole text "
                        + "(projection_class_embeddings_input_dim without the sizes), but text_encoder_2 gives "
                        + $"{text2.ProjectionDim} (projection_dim); they must be equal."
            );
        }
        if (unet.InChannels != vae.LatentChannels || unet.OutChannels != vae.LatentChannels)
        {
            throw new InvalidDataException(
                $"{unetFile}: in_channels is {unet.InChannels} and out_channels {unet.OutChannels}, but the VAE has {vae.LatentChannels} "
                    + $"latent_channels; they must be equal."
            );
        }
        return new(path, unet, vae, text, text2, index);
    }

    /// <summary>Writes the index; a folder that has one is whole, so it comes last.</summary>
    public static void WriteIndex(string path, SchedulerKind scheduler, bool hasTokenizer) =>
        AtomicFile.WriteText(System.IO.Path.Combine(path, Index), ModelIndex.Of(scheduler, hasTokenizer).ToJson());

    private string Part(string component, string file) => System.IO.Path.Combine(Path, component, file);
}
