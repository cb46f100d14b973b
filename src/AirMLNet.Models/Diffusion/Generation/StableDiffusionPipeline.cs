using AirMLNet.Clip;
using AirMLNet.Files;
using AirMLNet.Images;
using TorchSharp;
using static TorchSharp.torch;

namespace AirMLNet.Diffusion;

/// <summary>
/// A Stable Diffusion model, v1, 2 or XL: text encoder (two in XL), UNet, VAE and scheduler of a folder in diffusers' layout. Generation
/// is in <see cref="Generate"/>; training takes the parts.
/// </summary>
public sealed class StableDiffusionPipeline : IDisposable
{
    private readonly bool _zerosForNoPrompt;

    private StableDiffusionPipeline(
        DiffusionFolder files,
        UNet2DConditionModel unet,
        AutoencoderKL vae,
        (ClipTextModel First, ClipTextModel? Second) text,
        (ClipTokenizer? First, ClipTokenizer? Second) tokenizers,
        NoiseScheduler scheduler,
        Device device,
        ScalarType precision
    )
    {
        (Folder, UNet, Vae, Scheduler, Device, Precision) = (files.Path, unet, vae, scheduler, device, precision);
        (TextEncoder, TextEncoder2) = text;
        (Tokenizer, Tokenizer2) = tokenizers;
        _zerosForNoPrompt = files.ZerosForNoPrompt;
    }

    /// <summary>The model's folder.</summary>
    public string Folder { get; }

    /// <summary>The noise predictor, in <see cref="Precision"/>.</summary>
    internal UNet2DConditionModel UNet { get; }

    /// <summary>The autoencoder, in float32.</summary>
    internal AutoencoderKL Vae { get; }

    /// <summary>The noise predictor's architecture.</summary>
    internal UNet2DConditionConfig UNetConfig => UNet.Config;

    /// <summary>The autoencoder's architecture.</summary>
    internal AutoencoderKLConfig VaeConfig => Vae.Config;

    /// <summary>The settings of the model's own scheduler.</summary>
    internal SchedulerConfig SchedulerConfig => Scheduler.Config;

    /// <summary>The text encoder, in float32.</summary>
    internal ClipTextModel TextEncoder { get; }

    /// <summary>The second text encoder of Stable Diffusion XL, in float32; null for other models.</summary>
    internal ClipTextModel? TextEncoder2 { get; }

    /// <summary>The tokenizer of <see cref="TextEncoder2"/>, which pads in another way than the first.</summary>
    internal ClipTokenizer? Tokenizer2 { get; }

    /// <summary>Whether it is Stable Diffusion XL.</summary>
    public bool IsXl => TextEncoder2 is not null;

    /// <summary>The tokenizer; null where the folder has none: only ids can be given then.</summary>
    public ClipTokenizer? Tokenizer { get; }

    /// <summary>The model's own scheduler.</summary>
    internal NoiseScheduler Scheduler { get; }

    /// <summary>Where the model computes.</summary>
    public Device Device { get; }

    /// <summary>The numbers the UNet computes in.</summary>
    public ScalarType Precision { get; }

    /// <summary>The adapters in use; null for none.</summary>
    internal LoraAdapters? Lora { get; private set; }

    /// <summary>Height in pixels of the images that the model was trained on.</summary>
    public int NativeHeight => UNet.Config.SampleSize.Height * Vae.Config.Downscaling;

    /// <summary>Their width.</summary>
    public int NativeWidth => UNet.Config.SampleSize.Width * Vae.Config.Downscaling;

    /// <summary>Loads a model folder.</summary>
    /// <param name="folder">With <c>model_index.json</c>, <c>unet</c>, <c>vae</c>, <c>text_encoder</c>, <c>scheduler</c> and
    /// <c>tokenizer</c>; of Stable Diffusion XL <c>text_encoder_2</c> and <c>tokenizer_2</c> too.</param>
    /// <param name="device">Where to compute; CPU when null.</param>
    /// <param name="precision">Float32, Float16 or BFloat16 of the UNet; null for Float32 on the CPU and Float16 on a GPU.</param>
    /// <param name="scheduler">The scheduler that is used; null for the model's own, which must then be one that is built.</param>
    /// <exception cref="DirectoryNotFoundException">The folder does not exist.</exception>
    /// <exception cref="FileNotFoundException">A file or component is missing; the message names it.</exception>
    /// <exception cref="InvalidDataException">The folder is another kind of model (such as Flux), or its parts do not fit
    /// each other.</exception>
    /// <exception cref="ArgumentException">The precision is another, or one that the device does not compute in.</exception>
    public static StableDiffusionPipeline Load(
        string folder,
        Device? device = null,
        ScalarType? precision = null,
        SchedulerKind? scheduler = null
    )
    {
        var where = device ?? CPU;
        var onCpu = where.type == DeviceType.CPU;
        var numbers = precision ?? (onCpu ? ScalarType.Float32 : ScalarType.Float16);
        if (numbers is not (ScalarType.Float32 or ScalarType.Float16 or ScalarType.BFloat16) || (onCpu && numbers == ScalarType.Float16))
        {
            throw new ArgumentException(
                $"The precision {numbers} is not one that {where} computes in; "
                    + $"{(onCpu ? "Float32 and BFloat16" : "Float32, Float16 and BFloat16")} are.",
                nameof(precision)
            );
        }
        var files = DiffusionFolder.Open(folder);
        var noise = files.LoadScheduler(scheduler);
        var tokenizers = files.HasTokenizer
            ? (ReadTokenizer(files, "tokenizer", files.Text), files.Text2 is null ? null : ReadTokenizer(files, "tokenizer_2", files.Text2))
            : ((ClipTokenizer?)null, (ClipTokenizer?)null);
        List<IDisposable> loaded = [];
        try
        {
            T Keep<T>(T part)
                where T : IDisposable
            {
                loaded.Add(part);
                return part;
            }
            var text = Keep(ClipTextModel.Load(files.Component("text_encoder"), where));
            var text2 = files.Text2 is null ? null : Keep(ClipTextModel.Load(files.Component("text_encoder_2"), where, projected: true));
            var vae = Keep(AutoencoderKL.Load(files.Component("vae"), where));
            var unet = Keep(UNet2DConditionModel.Load(files.Component("unet"), where));
            if (numbers != ScalarType.Float32)
            {
                unet.to(numbers);
            }
            return new StableDiffusionPipeline(files, unet, vae, (text, text2), tokenizers, noise, where, numbers);
        }
        catch
        {
            loaded.ForEach(part => part.Dispose());
            throw;
        }
    }

    /// <summary>Adapts the model by a LoRA file, in place of one that was there.</summary>
    /// <param name="path">
    /// The safetensors file, in the naming of diffusers, PEFT or kohya, with adapters of linear layers and convolutions of the UNet and
    /// the text encoders.
    /// </param>
    /// <param name="multiplier">By what its scale, α/r of each layer, is multiplied: 1 as it was trained, 0.5 for half of it.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file is not one, does not fit the model, or holds what is not built (DoRA, LoHa, …); the
    /// message names it, and the model is then as it was.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The multiplier is not a number.</exception>
    public void LoadLora(string path, double multiplier = 1)
    {
        if (!double.IsFinite(multiplier))
        {
            throw new ArgumentOutOfRangeException(nameof(multiplier), multiplier, "multiplier must be a number.");
        }
        UseLora(LoraAdapters.Load(path, UNet, TextEncoder, TextEncoder2, multiplier));
    }

    /// <summary>Adapts the model by adapters, which it owns from now on, in place of those that were there.</summary>
    /// <param name="adapters">Made for this model.</param>
    internal void UseLora(LoraAdapters adapters)
    {
        ArgumentNullException.ThrowIfNull(adapters);
        UnloadLora();
        adapters.Attach(UNet, TextEncoder, TextEncoder2);
        Lora = adapters;
    }

    /// <summary>Makes the model as it was without adapters.</summary>
    public void UnloadLora()
    {
        Lora?.Detach(UNet, TextEncoder, TextEncoder2);
        Lora?.Dispose();
        Lora = null;
    }

    /// <summary>Writes a model folder that <see cref="Load"/> and diffusers read.</summary>
    /// <param name="folder">Created if missing; <c>model_index.json</c> is written last.</param>
    /// <param name="unet">The noise predictor.</param>
    /// <param name="vae">The autoencoder.</param>
    /// <param name="textEncoder">The text encoder.</param>
    /// <param name="scheduler">The scheduler.</param>
    /// <param name="tokenizerFolder">Where <c>vocab.json</c>, <c>merges.txt</c> and <c>tokenizer_config.json</c> are copied from; null for
    /// no tokenizer.</param>
    /// <param name="dtype">Float32, or Float16 or BFloat16 for half the size.</param>
    /// <exception cref="ArgumentException">Another type was asked for.</exception>
    /// <exception cref="FileNotFoundException">There is no tokenizer in that folder.</exception>
    internal static void Save(
        string folder,
        UNet2DConditionModel unet,
        AutoencoderKL vae,
        ClipTextModel textEncoder,
        NoiseScheduler scheduler,
        string? tokenizerFolder,
        ScalarType dtype
    )
    {
        if (tokenizerFolder is not null)
        {
            foreach (var name in new[] { "vocab.json", "merges.txt", "tokenizer_config.json", "special_tokens_map.json" })
            {
                var source = ClipTokenizerFiles.Find(tokenizerFolder, name);
                if (source is not null)
                {
                    AtomicFile.Write(Path.Combine(folder, "tokenizer", name), stream => stream.Write(File.ReadAllBytes(source)));
                }
                else if (name is "vocab.json" or "merges.txt")
                {
                    throw new FileNotFoundException($"{tokenizerFolder} holds no {name}.", name);
                }
            }
        }
        unet.Save(Path.Combine(folder, "unet"), dtype);
        vae.Save(Path.Combine(folder, "vae"), dtype);
        textEncoder.Save(Path.Combine(folder, "text_encoder"), dtype);
        scheduler.Save(Path.Combine(folder, "scheduler", "scheduler_config.json"));
        DiffusionFolder.WriteIndex(folder, scheduler.Config.Kind, tokenizerFolder is not null);
    }

    /// <summary>
    /// SHA-256 of all that decides an image and is in the folder: the weights and configurations of UNet, VAE and text encoders, the
    /// scheduler, the tokenizers and the index.
    /// </summary>
    public string Fingerprint() => FingerprintOf(Folder);

    /// <summary>The same of a folder; nothing is loaded.</summary>
    internal static string FingerprintOf(string folder) => DiffusionFingerprint.Of(folder);

    /// <summary>The states of prompts that the UNet attends to.</summary>
    /// <param name="prompts">Texts; long ones are cut at the context's end.</param>
    /// <returns>
    /// [N, L, D] in float32 on <see cref="Device"/>, without gradient; of Stable Diffusion XL the states of both text encoders beside each
    /// other.
    /// </returns>
    /// <exception cref="InvalidOperationException">The model has no tokenizer.</exception>
    public Tensor EncodePrompts(IReadOnlyList<string> prompts)
    {
        using var scope = NewDisposeScope();
        return Encode(prompts).States.MoveToOuterDisposeScope();
    }

    /// <summary>The states of prompts, and what the UNet needs of the whole texts.</summary>
    /// <param name="prompts">Texts; long ones are cut at the context's end. Null stands for no prompt at all.</param>
    /// <exception cref="InvalidOperationException">The model has no tokenizer.</exception>
    internal PromptStates Encode(IReadOnlyList<string?> prompts)
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        string[] texts = [.. prompts.Select(p => p ?? "")];
        var states = Encode(Tokenize(texts), Tokenizer2 is null ? null : Tokenize(Tokenizer2, texts));
        if (_zerosForNoPrompt && prompts.Contains(null))
        {
            var given = tensor(prompts.Select(p => p is null ? 0f : 1f).ToArray(), device: Device); // [N]
            states = new(states.States.mul(given.view(-1, 1, 1)), states.Pooled?.mul(given.view(-1, 1)));
        }
        return states.MoveToOuterDisposeScope();
    }

    /// <summary>The states of ids, with gradient where one is wanted.</summary>
    /// <param name="ids">[N, L] int64 of the first tokenizer.</param>
    /// <param name="ids2">[N, L] of the second, for Stable Diffusion XL.</param>
    internal PromptStates Encode(Tensor ids, Tensor? ids2)
    {
        if (TextEncoder2 is null)
        {
            return new(TextEncoder.Encode(ids), null);
        }
        using var scope = NewDisposeScope();
        var (first, _) = TextEncoder.EncodePenultimate(ids);
        var (second, pooled) = TextEncoder2.EncodePenultimate(ids2!);
        return new PromptStates(cat([first, second], -1), pooled).MoveToOuterDisposeScope();
    }

    /// <summary>The ids of prompts, padded as the model was trained.</summary>
    /// <param name="prompts">Texts; long ones are cut at the context's end.</param>
    /// <returns>[N, L] int64 on <see cref="Device"/>.</returns>
    /// <exception cref="InvalidOperationException">The model has no tokenizer.</exception>
    public Tensor Tokenize(IReadOnlyList<string> prompts)
    {
        return Tokenize(Tokenizer ?? throw new InvalidOperationException($"{Folder} has no tokenizer: it cannot read prompts."), prompts);
    }

    /// <summary>The ids of prompts in one of the tokenizers.</summary>
    internal Tensor Tokenize(ClipTokenizer tokenizer, IReadOnlyList<string> prompts)
    {
        var ids = new long[prompts.Count * tokenizer.ContextLength];
        for (var i = 0; i < prompts.Count; i++)
        {
            tokenizer.Tokenize(prompts[i], ids.AsSpan(i * tokenizer.ContextLength, tokenizer.ContextLength));
        }
        return tensor(ids, [prompts.Count, tokenizer.ContextLength], device: Device);
    }

    /// <summary>Makes one image for each request, as they are asked for.</summary>
    /// <param name="requests">What to make. An image depends on its own request, not on its batch, to rounding.</param>
    /// <param name="options">How; the defaults when null.</param>
    /// <param name="cancellation">Looked at in every step.</param>
    /// <returns>The images in the order of the requests.</returns>
    /// <exception cref="ArgumentException">The size is none that the model can make.</exception>
    /// <exception cref="InvalidOperationException">The model has no tokenizer.</exception>
    /// <exception cref="ArithmeticException">The model gave values that are not numbers.</exception>
    /// <exception cref="OperationCanceledException">The work was cancelled.</exception>
    public IEnumerable<RgbImage> Generate(
        IReadOnlyList<TextToImageRequest> requests,
        StableDiffusionOptions? options = null,
        CancellationToken cancellation = default
    ) => new StableDiffusionRun(this, requests, options ?? new StableDiffusionOptions(), cancellation).Images();

    /// <summary>The pictures of latents.</summary>
    /// <param name="latents">[B, C, h, w], scaled for the UNet.</param>
    /// <returns>[B, 3, H, W] in 0..1, float32.</returns>
    public Tensor Decode(Tensor latents)
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        // One at a time: a decoder's maps are much larger than the latents.
        List<Tensor> images = [];
        for (long i = 0; i < latents.size(0); i++)
        {
            using var inner = NewDisposeScope();
            images.Add(
                Vae.Decode(latents.narrow(0, i, 1).to_type(ScalarType.Float32).mul(1 / Vae.Config.ScalingFactor))
                    .mul_(0.5)
                    .add_(0.5)
                    .clamp_(0, 1)
                    .MoveToOuterDisposeScope()
            );
        }
        return (images.Count == 1 ? images[0] : cat(images, 0)).MoveToOuterDisposeScope();
    }

    /// <summary>Pictures as 8-bit images.</summary>
    /// <param name="pictures">[B, 3, H, W] in 0..1.</param>
    public static IReadOnlyList<RgbImage> ToImages(Tensor pictures)
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        var bytes = pictures.mul(255).round().to_type(ScalarType.Byte).permute(0, 2, 3, 1).cpu().contiguous(); // [B, H, W, 3]
        var (height, width) = ((int)bytes.size(1), (int)bytes.size(2));
        return [.. Enumerable.Range(0, (int)bytes.size(0)).Select(i => new RgbImage(width, height, bytes[i].bytes.ToArray()))];
    }

    /// <summary>Frees the weights.</summary>
    public void Dispose()
    {
        UnloadLora();
        UNet.Dispose();
        Vae.Dispose();
        TextEncoder.Dispose();
        TextEncoder2?.Dispose();
    }

    private static ClipTokenizer ReadTokenizer(DiffusionFolder files, string component, ClipTextConfig text) =>
        ClipTokenizer.LoadPadded(files.Component(component), text.ContextLength).For(text, files.Component(component));
}
