using AirMLNet.Files;
using AirMLNet.Layers;
using AirMLNet.Weights;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace AirMLNet.Clip;

/// <summary>
/// CLIP with a vision transformer or a ResNet as image tower (Radford et al. 2021); timm's resnet18 and resnet34 too, as OpenCLIP has them.
/// Parameters carry their Hugging Face names in <c>state_dict</c>, those of a ResNet OpenAI's or OpenCLIP's, the only ones there are;
/// checkpoints in OpenAI's and OpenCLIP's names load as well.
/// </summary>
/// <remarks>
/// Concurrent calls are safe as long as no call changes weights. Results are new tensors in the caller's dispose scope;
/// what is computed on the way is freed on return, or kept by autograd alone.
/// </remarks>
public sealed class ClipModel : nn.Module
{
    private readonly ClipTextTower text_model;
    private readonly ClipVisionTower? vision_model;
    private readonly ClipConvolutionTower? visual;
    private readonly ClipWeight? visual_projection;
    private readonly ClipWeight text_projection;

    /// <summary>The logarithm of the scale of the logits, a scalar.</summary>
    public readonly Parameter logit_scale;

    /// <summary>Builds a model with initial weights, for training from nothing.</summary>
    /// <param name="config">The architecture.</param>
    /// <param name="generator">Draws the weights; null means a generator with seed 0, never the global one.</param>
    /// <exception cref="InvalidDataException">The configuration has a value out of range.</exception>
    internal ClipModel(ClipConfig config, Generator? generator = null)
        : this(config, fill: false)
    {
        if (generator is not null)
        {
            ClipInitializer.Initialise(this, generator);
            return;
        }
        using var own = new Generator(0);
        ClipInitializer.Initialise(this, own);
    }

    /// <summary>Builds the modules; the weights are left for a file to fill.</summary>
    private ClipModel(ClipConfig config, bool fill)
        : base(nameof(ClipModel))
    {
        _ = fill;
        Config = config.Check();
        text_model = new ClipTextTower(config.Text);
        if (config.Vision.ResNet is { } net)
        {
            visual = net.IsBasic
                ? new ClipTimmTower(config.Vision, config.ProjectionDim)
                : new ClipResNetTower(config.Vision, config.ProjectionDim);
        }
        else
        {
            vision_model = new ClipVisionTower(config.Vision);
            visual_projection = new ClipWeight(config.ProjectionDim, config.Vision.HiddenSize);
        }
        text_projection = new ClipWeight(config.ProjectionDim, config.Text.HiddenSize);
        logit_scale = LayerParameter.Create();
        RegisterComponents();
    }

    /// <summary>The architecture.</summary>
    internal ClipConfig Config { get; }

    /// <summary>The activation of the blocks and why it was chosen, for logs; empty for a model that was not loaded.</summary>
    public string ActivationReason { get; private init; } = "";

    /// <summary>How the activation was chosen, and whether positions were resized, for logs.</summary>
    internal string Choices { get; private init; } = "";

    /// <summary>The image tower, a vision transformer.</summary>
    /// <exception cref="InvalidOperationException">The image tower is a ResNet.</exception>
    internal ClipVisionTower Vision => vision_model ?? throw NoTransformer();

    /// <summary>The image tower where it is a ResNet; null where it is a vision transformer.</summary>
    internal ClipConvolutionTower? ResNet => visual;

    /// <summary>The text tower.</summary>
    internal ClipTextTower Text => text_model;

    internal ClipWeight VisualProjection => visual_projection ?? throw NoTransformer();

    internal ClipWeight TextProjection => text_projection;

    /// <summary>Image features.</summary>
    /// <param name="pixelValues">[B, 3, S, S], preprocessed.</param>
    /// <returns>[B, E], not normalised.</returns>
    /// <exception cref="ArgumentException">The shape is another.</exception>
    public Tensor EncodeImage(Tensor pixelValues)
    {
        using var scope = NewDisposeScope();
        var size = Config.Vision.ImageSize;
        if (visual is null)
        {
            return EncodeImageTokens(Vision.Embed(pixelValues)).MoveToOuterDisposeScope();
        }
        return pixelValues.dim() == 4 && pixelValues.size(2) == size && pixelValues.size(3) == size
            ? visual.Pool(visual.Map(pixelValues)).MoveToOuterDisposeScope()
            : throw new ArgumentException(
                $"Images of shape [B, 3, {size}, {size}] were expected, not [{string.Join(", ", pixelValues.shape)}].",
                nameof(pixelValues)
            );
    }

    /// <summary>
    /// Image features with a feature for every place. A vision transformer gives its patch tokens after the last
    /// normalisation and the projection; a ResNet its last map through the value and output projection of the attention
    /// pool, place by place, without positions (docs/methods.md §6.2). At other sizes than the trained one the positions are
    /// interpolated.
    /// </summary>
    /// <param name="pixelValues">
    /// [B, 3, H, W], preprocessed; multiples of the patch size or the model's own, or for a ResNet at least 32.
    /// </param>
    /// <param name="positions">How positions are used; <see cref="ClipPositions.None"/> and a ResNet give TaI-DPT's global feature.</param>
    /// <exception cref="ArgumentException">The shape does not fit, or a vision transformer was asked to leave its positions
    /// out.</exception>
    public ClipDenseFeatures EncodeDense(Tensor pixelValues, ClipPositions positions = ClipPositions.Bicubic)
    {
        using var scope = NewDisposeScope();
        if (visual is not null)
        {
            var map = visual.Map(pixelValues); // [B, C, H, W]
            return new ClipDenseFeatures(
                visual.Pool(map, positions),
                visual.Locations(map),
                map.size(2),
                map.size(3)
            ).MoveToOuterDisposeScope();
        }
        var tokens = Vision.Embed(pixelValues, positions); // [B, 1 + P, W]
        var features = VisualProjection.Project(Vision.EncodeAll(tokens)); // [B, 1 + P, E]
        var patch = Config.Vision.PatchSize;
        return new ClipDenseFeatures(
            features.select(1, 0).clone(),
            features.narrow(1, 1, features.size(1) - 1).contiguous(),
            pixelValues.size(2) / patch,
            pixelValues.size(3) / patch
        ).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Image features of embedded tokens, as <see cref="ClipVisionTower.Embed(Tensor)"/> makes them; patches may be left out.
    /// </summary>
    /// <param name="tokens">[B, N, W].</param>
    /// <returns>[B, E], not normalised.</returns>
    /// <exception cref="InvalidOperationException">The image tower is a ResNet.</exception>
    public Tensor EncodeImageTokens(Tensor tokens)
    {
        using var scope = NewDisposeScope();
        return VisualProjection.Project(Vision.Encode(tokens)).MoveToOuterDisposeScope();
    }

    /// <summary>Text features.</summary>
    /// <param name="inputIds">[B, L] int64, each row with its end token; L at most the context length.</param>
    /// <returns>[B, E], not normalised.</returns>
    /// <exception cref="ArgumentException">The shape is another.</exception>
    public Tensor EncodeText(Tensor inputIds)
    {
        if (inputIds.dim() != 2)
        {
            throw new ArgumentException(
                $"Token ids of shape [B, L] were expected, not [{string.Join(", ", inputIds.shape)}].",
                nameof(inputIds)
            );
        }
        using var scope = NewDisposeScope();
        var ends = text_model.EndPositions(inputIds);
        var used = inputIds.narrow(1, 0, ends.max().item<long>() + 1); // padding is not even looked up
        return EncodeTextEmbeddings(text_model.EmbedTokens(used), ends).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Features of all tokens of texts, each after the last normalisation and the projection (docs/methods.md §6.2); the feature of a
    /// whole text is that of its end token. Tokens after it have features as well.
    /// </summary>
    /// <param name="inputIds">[B, L] int64, each row with its end token; L at most the context length.</param>
    /// <returns>[B, E] and [B, L, E], not normalised.</returns>
    /// <exception cref="ArgumentException">The shape is another.</exception>
    public (Tensor Global, Tensor Local) EncodeTextDense(Tensor inputIds)
    {
        using var scope = NewDisposeScope();
        var local = text_projection.Project(text_model.EncodeAll(inputIds)); // [B, L, E]
        var global = local[arange(inputIds.size(0), ScalarType.Int64, inputIds.device), text_model.EndPositions(inputIds)];
        return (global.MoveToOuterDisposeScope(), local.MoveToOuterDisposeScope());
    }

    /// <summary>Text features of token embeddings, some of which may be learned (prompt tuning).</summary>
    /// <param name="tokenEmbeddings">[B, L, W] without positions; L may be shorter than the context.</param>
    /// <param name="eotPositions">[B] int64, where each text ends.</param>
    /// <returns>[B, E], not normalised.</returns>
    /// <exception cref="ArgumentException">A shape or position does not fit.</exception>
    public Tensor EncodeTextEmbeddings(Tensor tokenEmbeddings, Tensor eotPositions)
    {
        using var scope = NewDisposeScope();
        return text_projection.Project(text_model.Encode(tokenEmbeddings, eotPositions)).MoveToOuterDisposeScope();
    }

    /// <summary>Scales features to length 1.</summary>
    /// <param name="features">[…, E].</param>
    internal static Tensor Normalise(Tensor features) => nn.functional.normalize(features, 2, -1, 1e-12);

    /// <summary>
    /// Loads a model folder: <c>config.json</c> or <c>open_clip_config.json</c>, and weights in safetensors
    /// (<c>model.safetensors</c>, its shards, or <c>open_clip_model.safetensors</c>) under Hugging Face, OpenAI or
    /// OpenCLIP names, in any float type. Without a configuration the architecture is read off the weights' shapes.
    /// </summary>
    /// <param name="folder">The model folder.</param>
    /// <param name="device">Where the weights go; CPU when null.</param>
    /// <param name="activation">The activation of the blocks; null takes the configuration's, or where it has none the one of methods
    /// §1.6.</param>
    /// <returns>The model in float32, in evaluation mode; <see cref="ActivationReason"/> says how the activation was chosen.</returns>
    /// <exception cref="DirectoryNotFoundException">The folder does not exist.</exception>
    /// <exception cref="FileNotFoundException">The folder holds no weights that can be read; the message says what it holds.</exception>
    /// <exception cref="InvalidDataException">Configuration and weights do not make a CLIP model; the message names the
    /// tensors.</exception>
    /// <exception cref="SafetensorsException">A weights file is corrupt.</exception>
    public static ClipModel Load(string folder, Device? device = null, ClipActivation? activation = null)
    {
        using var files = WeightFiles.Find(folder, ClipWeightNames.FilesOf(folder));
        return Load(ClipConfig.Load(folder), files, device, activation);
    }

    /// <summary>Loads given weights into the given architecture, or into the one the weights imply.</summary>
    internal static ClipModel Load(ClipConfig? config, WeightFiles files, Device? device, ClipActivation? activation = null)
    {
        var (names, decided, reason) = Decide(config, files, activation);
        var resizing = names.Resizing(decided, files);
        return ModelWeights.Build(
            new ClipModel(decided, fill: false)
            {
                ActivationReason = reason,
                Choices = resizing.Length == 0 ? reason : $"{reason}; {resizing}",
            },
            device,
            model => names.Fill(model, files)
        );
    }

    /// <summary>The architecture that <see cref="Load(string, Device?, ClipActivation?)"/> builds, without reading the weights.</summary>
    internal static ClipConfig ConfigOf(string folder)
    {
        using var files = WeightFiles.Find(folder, ClipWeightNames.FilesOf(folder));
        return Decide(ClipConfig.Load(folder), files, activation: null).Config;
    }

    private static (ClipWeightNames Names, ClipConfig Config, string Reason) Decide(
        ClipConfig? config,
        WeightFiles files,
        ClipActivation? activation
    )
    {
        files.TakeOffWrapper("vision_model", "text_model", "visual", "text", "transformer");
        var names = ClipWeightNames.Detect(files);
        var (decided, reason) = ClipActivationRule.Apply(config ?? ClipShapes.Infer(files, names), files.Place, activation);
        return (names, decided, reason);
    }

    private static InvalidOperationException NoTransformer() =>
        new("The model's image tower is a ResNet; this needs a vision transformer.");

    /// <summary>Writes <c>config.json</c> and <c>model.safetensors</c> in the Hugging Face layout.</summary>
    /// <remarks>
    /// A model with a ResNet, which that layout does not know, is written as <c>open_clip_config.json</c> and
    /// <c>open_clip_model.safetensors</c>.
    /// </remarks>
    /// <param name="folder">Created if missing; the two files are replaced when whole.</param>
    /// <param name="dtype">float32, or float16 or bfloat16 for half the size.</param>
    /// <exception cref="ArgumentException">Another type was asked for.</exception>
    public void Save(string folder, ScalarType dtype)
    {
        ModelWeights.CheckType(dtype);
        Directory.CreateDirectory(folder);
        using var scope = NewDisposeScope();
        using var off = no_grad();
        var (names, weights, config) = visual is null
            ? (ClipWeightNames.HuggingFace, "model.safetensors", "config.json")
            : (ClipWeightNames.ResNet, "open_clip_model.safetensors", "open_clip_config.json");
        ModelWeights.Save(Path.Combine(folder, weights), names.InFile(state_dict()), dtype);
        AtomicFile.WriteText(Path.Combine(folder, config), Config.ToJson());
    }
}
