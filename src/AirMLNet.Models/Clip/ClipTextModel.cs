using AirMLNet.Files;
using AirMLNet.Layers;
using AirMLNet.Weights;
using static TorchSharp.torch;

namespace AirMLNet.Clip;

/// <summary>
/// CLIP's text tower alone, as diffusion models use it: the state of every token (CLIPTextModel of transformers) and, where the
/// configuration has one, a projection of the whole text (CLIPTextModelWithProjection). The attention is causal and knows no padding.
/// </summary>
internal sealed class ClipTextModel : nn.Module
{
    internal static readonly WeightFileNames Files = new("CLIP text", "model.safetensors", "model.fp16.safetensors");

    private readonly ClipTextTower text_model;
    private readonly LinearLayer? text_projection;

    /// <summary>The projection of the whole text; null for none.</summary>
    internal LinearLayer? Projection => text_projection;

    /// <summary>Builds the architecture with weights drawn from a generator.</summary>
    /// <param name="config">The architecture.</param>
    /// <param name="generator">The source of randomness.</param>
    public ClipTextModel(ClipTextConfig config, Generator generator)
        : this(config) => ClipInitializer.Initialise(this, generator);

    private ClipTextModel(ClipTextConfig config)
        : base(nameof(ClipTextModel))
    {
        Config = config;
        text_model = new ClipTextTower(config);
        text_projection = config.ProjectionDim is { } width ? new LinearLayer(config.HiddenSize, width, bias: false) : null;
        RegisterComponents();
    }

    /// <summary>The architecture with weights that have no values yet.</summary>
    internal static ClipTextModel Empty(ClipTextConfig config) => new(config);

    /// <summary>The architecture.</summary>
    public ClipTextConfig Config { get; }

    /// <summary>The tower.</summary>
    internal ClipTextTower Tower => text_model;

    /// <summary>The states of all tokens.</summary>
    /// <param name="inputIds">[B, L] int64, L at most the context length.</param>
    /// <returns>[B, L, W].</returns>
    /// <exception cref="ArgumentException">The shape is another.</exception>
    public Tensor Encode(Tensor inputIds) => text_model.EncodeAll(inputIds);

    /// <summary>
    /// The states that Stable Diffusion XL attends to: those before the last block, without a normalisation; and the projection of the
    /// whole text, of its end token after the last block and the normalisation.
    /// </summary>
    /// <param name="inputIds">[B, L] int64, L at most the context length.</param>
    /// <returns>States [B, L, W], and [B, P] where the model projects.</returns>
    /// <exception cref="ArgumentException">The shape is another.</exception>
    public (Tensor States, Tensor? Pooled) EncodePenultimate(Tensor inputIds)
    {
        using var scope = NewDisposeScope();
        var (before, last) = text_model.LastTwo(inputIds, needsLast: text_projection is not null);
        var pooled = text_projection is null ? null : text_projection.Forward(text_model.AtEnd(last!, inputIds));
        return (before.MoveToOuterDisposeScope(), pooled?.MoveToOuterDisposeScope());
    }

    /// <summary>Loads a folder with <c>config.json</c> (model_type "clip_text_model") and <c>model.safetensors</c>.</summary>
    /// <param name="folder">The folder, <c>text_encoder</c> of a diffusion model.</param>
    /// <param name="device">Where the weights go; CPU when null.</param>
    /// <param name="projected">Whether the model projects the whole text.</param>
    /// <returns>The model in float32, in evaluation mode.</returns>
    /// <exception cref="FileNotFoundException">The folder lacks a file.</exception>
    /// <exception cref="InvalidDataException">Configuration and weights do not fit each other; the message names the tensors.</exception>
    public static ClipTextModel Load(string folder, Device? device = null, bool projected = false)
    {
        using var files = WeightFiles.Find(folder, Files);
        return Load(ClipConfigFile.ReadText(Path.Combine(folder, "config.json"), projected), files, device);
    }

    internal static ClipTextModel Load(ClipTextConfig config, WeightFiles files, Device? device)
    {
        const string Tower = "text_model";
        files.TakeOffWrapper(Tower);
        // Where a library keeps the tower without a model around it, names begin behind it.
        var isFlat = !files.Names.Any(n => n.StartsWith(Tower + ".", StringComparison.Ordinal));
        return ModelWeights.Build(
            new ClipTextModel(config),
            device,
            model =>
                ModelWeights.Fill(
                    model,
                    files,
                    name => new(isFlat && name.StartsWith(Tower, StringComparison.Ordinal) ? name[(Tower.Length + 1)..] : name),
                    name => ClipWeightNames.IsIgnored(name) || ClipWeightNames.IsOfWholeModel(name),
                    "Hugging Face"
                )
        );
    }

    /// <summary>Writes <c>config.json</c> and <c>model.safetensors</c>.</summary>
    /// <param name="folder">Created if missing; the two files are replaced when whole.</param>
    /// <param name="dtype">float32, or float16 or bfloat16 for half the size.</param>
    /// <exception cref="ArgumentException">Another type was asked for.</exception>
    public void Save(string folder, ScalarType dtype)
    {
        ModelWeights.Save(Path.Combine(folder, Files.Names[0]), state_dict(), dtype);
        AtomicFile.WriteText(Path.Combine(folder, "config.json"), ClipConfigFile.WriteText(Config));
    }
}
