using System.Text.RegularExpressions;
using AirMLNet.Files;
using AirMLNet.Layers;
using AirMLNet.Weights;
using static TorchSharp.torch;

namespace AirMLNet.Diffusion;

/// <summary>
/// The variational autoencoder of Stable Diffusion, under the parameter names of diffusers' class of the same name: images
/// to latents, an eighth of their height and width, and back.
/// </summary>
internal sealed partial class AutoencoderKL : nn.Module
{
    internal static readonly WeightFileNames Files = new(
        "VAE",
        "diffusion_pytorch_model.safetensors",
        "diffusion_pytorch_model.fp16.safetensors"
    );

    private readonly VaeEncoder encoder;
    private readonly VaeDecoder decoder;
    private readonly ConvLayer quant_conv;
    private readonly ConvLayer post_quant_conv;

    /// <summary>Builds the architecture with weights drawn from a generator.</summary>
    /// <param name="config">The architecture.</param>
    /// <param name="generator">The source of randomness.</param>
    /// <exception cref="InvalidDataException">The configuration's values do not fit each other.</exception>
    public AutoencoderKL(AutoencoderKLConfig config, Generator generator)
        : this(config) => DiffusionInitializer.Initialise(this, generator);

    private AutoencoderKL(AutoencoderKLConfig config)
        : base(nameof(AutoencoderKL))
    {
        Config = config.Check();
        encoder = new VaeEncoder(config);
        decoder = new VaeDecoder(config);
        quant_conv = new ConvLayer(2 * config.LatentChannels, 2 * config.LatentChannels, 1);
        post_quant_conv = new ConvLayer(config.LatentChannels, config.LatentChannels, 1);
        RegisterComponents();
    }

    /// <summary>The architecture with weights that have no values yet.</summary>
    internal static AutoencoderKL Empty(AutoencoderKLConfig config) => new(config);

    /// <summary>The architecture.</summary>
    public AutoencoderKLConfig Config { get; }

    /// <summary>The distribution of an image's latents.</summary>
    /// <param name="images">[B, in, H, W] in −1..1; H and W multiples of the downscaling.</param>
    /// <returns>Mean and log variance, [B, latent, h, w] each; not scaled for the UNet.</returns>
    /// <exception cref="ArgumentException">The shape does not fit.</exception>
    public LatentDistribution Encode(Tensor images)
    {
        var step = Config.Downscaling;
        if (images.dim() != 4 || images.size(1) != Config.InChannels || images.size(2) % step != 0 || images.size(3) % step != 0)
        {
            throw new ArgumentException(
                $"Images of shape [B, {Config.InChannels}, H, W] with H and W multiples of {step} were expected, not "
                    + $"[{string.Join(", ", images.shape)}].",
                nameof(images)
            );
        }
        using var scope = NewDisposeScope();
        var moments = quant_conv.Forward(encoder.Forward(images)).MoveToOuterDisposeScope();
        return LatentDistribution.Of(moments);
    }

    /// <summary>The image of latents.</summary>
    /// <param name="latents">[B, latent, h, w], as <see cref="Encode"/> gives them: not scaled for the UNet.</param>
    /// <returns>[B, out, H, W], about −1..1.</returns>
    /// <exception cref="ArgumentException">The shape does not fit.</exception>
    public Tensor Decode(Tensor latents)
    {
        if (latents.dim() != 4 || latents.size(1) != Config.LatentChannels)
        {
            throw new ArgumentException(
                $"Latents of shape [B, {Config.LatentChannels}, h, w] were expected, not [{string.Join(", ", latents.shape)}].",
                nameof(latents)
            );
        }
        using var scope = NewDisposeScope();
        return decoder.Forward(post_quant_conv.Forward(latents)).MoveToOuterDisposeScope();
    }

    /// <summary>Loads a folder with <c>config.json</c> and <c>diffusion_pytorch_model.safetensors</c>.</summary>
    /// <param name="folder">The folder, <c>vae</c> of a diffusion model.</param>
    /// <param name="device">Where the weights go; CPU when null.</param>
    /// <returns>The model in float32, in evaluation mode.</returns>
    /// <exception cref="FileNotFoundException">The folder lacks a file.</exception>
    /// <exception cref="InvalidDataException">Configuration and weights do not fit each other; the message names keys or
    /// tensors.</exception>
    public static AutoencoderKL Load(string folder, Device? device = null)
    {
        using var files = WeightFiles.Find(folder, Files);
        files.TakeOffWrapper("encoder", "decoder");
        return Load(AutoencoderKLConfig.Load(Path.Combine(folder, "config.json")), files, device);
    }

    internal static AutoencoderKL Load(AutoencoderKLConfig config, WeightFiles files, Device? device) =>
        ModelWeights.Build(
            new AutoencoderKL(config),
            device,
            model => ModelWeights.Fill(model, files, name => Locate(name, files), _ => false, "diffusers")
        );

    /// <summary>Writes <c>config.json</c> and <c>diffusion_pytorch_model.safetensors</c>, with today's attention names.</summary>
    /// <param name="folder">Created if missing; the two files are replaced when whole.</param>
    /// <param name="dtype">float32, or float16 or bfloat16 for half the size.</param>
    /// <exception cref="ArgumentException">Another type was asked for.</exception>
    public void Save(string folder, ScalarType dtype)
    {
        ModelWeights.Save(Path.Combine(folder, Files.Names[0]), state_dict(), dtype);
        AtomicFile.WriteText(Path.Combine(folder, "config.json"), Config.ToJson());
    }

    // Files up to 2023 call the attention's layers query, key, value and proj_attn; the oldest hold them as 1×1 convolutions.
    private static WeightSource Locate(string name, WeightFiles files)
    {
        var match = AttentionPattern().Match(name);
        if (!match.Success)
        {
            return new(name);
        }
        var old =
            match.Groups["attention"].Value
            + match.Groups["layer"].Value switch
            {
                "to_q" => "query",
                "to_k" => "key",
                "to_v" => "value",
                _ => "proj_attn",
            }
            + match.Groups["kind"].Value;
        return new(files.Contains(old) && !files.Contains(name) ? old : name, AnyRank: true);
    }

    [GeneratedRegex(
        @"^(?<attention>.*\.attentions\.\d+\.)(?<layer>to_q|to_k|to_v|to_out\.0)(?<kind>\.(weight|bias))$",
        RegexOptions.ExplicitCapture
    )]
    private static partial Regex AttentionPattern();
}
