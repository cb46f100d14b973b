#pragma warning disable MEAI001 // experimental, as the docs of the options say
using System.Text.Json.Serialization;
using AirMLNet.Clip;
using AirMLNet.Diffusion;
using AirMLNet.Options;
using Microsoft.Extensions.AI;
using static TorchSharp.torch;

namespace AirMLNet.Synthesis;

/// <summary>
/// Options of <see cref="DiffusionSynthesisEstimator"/>; the defaults are those of <c>docs/methods.md</c> §4.2. Values are checked when
/// they are set.
/// </summary>
public sealed record DiffusionSynthesisOptions
{
    /// <summary>Folder of the Stable Diffusion model (v1, 2 or XL), in diffusers layout. Not read where <see cref="Generator"/> is
    /// set.</summary>
    public required string DiffusionFolder
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    }

    /// <summary>Folder of the CLIP model that encodes the images and ranks them: the one whose features are read.</summary>
    public required string ClipFolder
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    }

    /// <summary>
    /// The activation of CLIP's blocks; null as for <see cref="ClipExecution.Activation"/>. Must be that of the features.
    /// </summary>
    public ClipActivation? Activation { get; init; }

    /// <summary>Two or more class names, each once.</summary>
    public required IReadOnlyList<string> ClassNames
    {
        get;
        init => field = OptionCheck.ClassNames(value);
    }

    /// <summary>
    /// Folder for <c>lora/pytorch_lora_weights.safetensors</c>, <c>images/CLASS/0000.png</c>, a contact sheet, and checkpoints
    /// while they are made. A fit continues from what it finds there, and refuses what was made with other images or settings.
    /// </summary>
    public required string WorkFolder
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    }

    /// <summary>d: what comes before a class name in its prompt (Eq. 4 and 5), such as <c>Flowers:</c>.</summary>
    public string Domain
    {
        get;
        init => field = value ?? throw new ArgumentNullException(nameof(value));
    } = ClassPrompt.DefaultDescription;

    /// <summary>M, images generated of each class, 1..100,000.</summary>
    public int ImagesPerClass
    {
        get;
        init => field = OptionCheck.Range(value, 1, 100_000);
    } = 120;

    /// <summary>
    /// Most pseudo-labelled images of a class to fine-tune on, the most confident ones, and most labelled ones, spread evenly over the
    /// rows; 1..1,000,000.
    /// </summary>
    public int Shots
    {
        get;
        init => field = OptionCheck.Range(value, 1, 1_000_000);
    } = 16;

    /// <summary>
    /// Fine-tunes the diffusion model by LoRA first (Eq. 4); false generates with the model as it is (the ablation of AiR's Table 3).
    /// </summary>
    public bool FineTune { get; init; } = true;

    /// <summary>How the fine-tuning goes. Its progress and cancellation are those of this stage.</summary>
    public LoraTrainingOptions Training { get; init; } = new();

    /// <summary>How images are generated. Its progress is that of this stage.</summary>
    public StableDiffusionOptions Generation { get; init; } = new();

    /// <summary>What the images must not show; null for nothing in particular.</summary>
    public string? NegativePrompt { get; init; }

    /// <summary>
    /// Numbers of the UNet: Float32, or BFloat16 for half the memory and, on a GPU, more speed. Null: Float32 on the CPU, BFloat16 on a
    /// GPU.
    /// </summary>
    public ScalarType? Precision { get; init; }

    /// <summary>Templates of the zero-shot classifier that picks each class's representative (Eq. 6).</summary>
    public IReadOnlyList<string> Templates
    {
        get;
        init => field = OptionCheck.Templates(value);
    } = OptionCheck.Templates([ZeroShotClassifier.DefaultTemplate]);

    /// <summary>Images: Text (paths) or MLImage. Synthetic rows get theirs in it.</summary>
    public string ImageColumn
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    } = "ImagePath";

    /// <summary>Key column of pseudo-labels; null to fine-tune on labelled images alone.</summary>
    public string? PseudoLabelColumn
    {
        get;
        init => field = OptionCheck.NullOrNotBlank(value);
    } = "PseudoLabel";

    /// <summary>
    /// Single column that ranks the pseudo-labelled images, highest first; null takes them in the order of the rows. Synthetic rows get
    /// p(class|x) in it.
    /// </summary>
    public string? ConfidenceColumn
    {
        get;
        init => field = OptionCheck.NullOrNotBlank(value);
    } = "PseudoLabelConfidence";

    /// <summary>
    /// Key column that gets the classes of synthetic rows. Where the input has it, its labelled rows are fine-tuned on too.
    /// With captions it may be a vector of Single (one value per class, for images of several).
    /// </summary>
    public string LabelColumn
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    } = "Label";

    /// <summary>Vector column of CLIP features, which synthetic rows get theirs in; added where the input has none.</summary>
    public string FeatureColumn
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    } = "Features";

    /// <summary>Text column that says <c>real</c> or <c>synthetic</c>; added where the input has none.</summary>
    public string OriginColumn
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    } = "Origin";

    /// <summary>
    /// Text column of captions, which then take the place of class prompts (T2I-PAL, <c>docs/methods.md</c> §6): each row with one gets
    /// <see cref="ImagesPerCaption"/> images, which carry its label, and rows that have an image too are fine-tuned on. Null: class
    /// prompts.
    /// </summary>
    public string? CaptionColumn
    {
        get;
        init => field = OptionCheck.NullOrNotBlank(value);
    }

    /// <summary>Images of each caption, 1..100,000.</summary>
    public int ImagesPerCaption
    {
        get;
        init => field = OptionCheck.Range(value, 1, 100_000);
    } = 6;

    /// <summary>
    /// Makes the images in the local model's place, such as a hosted service; <see cref="FineTune"/> must be off then. Seed and negative
    /// prompt go to it as the additional properties <c>seed</c> and <c>negative_prompt</c>; it may ignore them. Microsoft.Extensions.AI
    /// marks its interface as experimental (MEAI001).
    /// </summary>
    [JsonIgnore]
    public IImageGenerator? Generator { get; init; }

    /// <summary>What every request to <see cref="Generator"/> is sent with; null for the service's defaults.</summary>
    [JsonIgnore]
    public ImageGenerationOptions? GeneratorOptions { get; init; }

    /// <summary>Receives the reports of fine-tuning, generating and encoding.</summary>
    [JsonIgnore]
    public IProgress<ProgressReport>? Progress { get; init; }

    /// <summary>Checked at every row, training step and denoising step; what is finished stays in the folder.</summary>
    [JsonIgnore]
    public CancellationToken CancellationToken { get; init; }
}
