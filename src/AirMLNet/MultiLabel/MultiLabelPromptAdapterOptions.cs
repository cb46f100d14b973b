using System.Text.Json.Serialization;
using AirMLNet.Clip;
using AirMLNet.Heads;
using AirMLNet.Options;
using AirMLNet.Prompts;

namespace AirMLNet.MultiLabel;

/// <summary>What is learned for many labels per image.</summary>
public enum MultiLabelPrompt
{
    /// <summary>Nothing: the class names in templates, compared with every place (the papers' zero-shot CLIP).</summary>
    ZeroShot,

    /// <summary>One prompt on the global feature (CoOp with many labels).</summary>
    Global,

    /// <summary>A global and a local prompt (TaI-DPT; with images and an adapter, T2I-PAL).</summary>
    GlobalLocal,

    /// <summary>A prompt that says a class is there and one that says it is not (DualCoOp).</summary>
    Dual,
}

/// <summary>Where the adapter begins.</summary>
public enum AdapterStart
{
    /// <summary>At the zero-shot class features, a stable start.</summary>
    ClassNames,

    /// <summary>At N(0, 0.02²).</summary>
    Noise,
}

/// <summary>
/// Options of <see cref="MultiLabelPromptAdapterEstimator"/>. Values are checked when they are set. Defaults: <c>docs/methods.md</c> §10.
/// </summary>
public sealed record MultiLabelPromptAdapterOptions : PromptTraining
{
    /// <summary>T2I-PAL's numbers, or where they are lost those of TaI-DPT.</summary>
    public MultiLabelPromptAdapterOptions()
    {
        Epochs = 20;
        BatchSize = 512;
        LearningRate = 1e-4;
        WeightDecay = 5e-4;
        WarmUpEpochs = 1;
        WarmUpLearningRate = 1e-5;
    }

    /// <summary>Folder of the CLIP model.</summary>
    public required string ClipFolder
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    }

    /// <summary>The activation of the model's blocks; null as for <see cref="ClipExecution.Activation"/>.</summary>
    public ClipActivation? Activation { get; init; }

    /// <summary>C class names, two or more, in the order of the label's slots.</summary>
    public required IReadOnlyList<string> ClassNames
    {
        get;
        init => field = OptionCheck.ClassNames(value);
    }

    /// <summary>What is learned.</summary>
    public MultiLabelPrompt Prompt
    {
        get;
        init => field = OptionCheck.Defined(value);
    } = MultiLabelPrompt.GlobalLocal;

    /// <summary>Templates of the zero-shot classifier.</summary>
    public IReadOnlyList<string> Templates
    {
        get;
        init => field = OptionCheck.Templates(value);
    } = OptionCheck.Templates([ZeroShotClassifier.DefaultTemplate]);

    /// <summary>
    /// Height and width that images are brought to, 1..4096 pixels, a multiple of the model's patch; null for the model's own. Positions
    /// are interpolated. DualCoOp takes 448.
    /// </summary>
    public int? ImageSize
    {
        get;
        init => field = value is { } n ? OptionCheck.Range(n, 1, 4096) : null;
    }

    /// <summary>Gives each class vectors of its own, the papers' class-specific prompts.</summary>
    public bool ClassSpecific { get; init; }

    /// <summary>λ, the weight of the loss on images; captions have the rest. 0 is captions alone (TaI-DPT), 1 images alone.</summary>
    public double ImageWeight
    {
        get;
        init => field = OptionCheck.Range(value, 0, 1);
    } = 0.7;

    /// <summary>Where the adapter of C·D parameters is added.</summary>
    public AdapterPlacement Adapter
    {
        get;
        init => field = OptionCheck.Defined(value);
    } = AdapterPlacement.Local;

    /// <summary>How the adapter's affinity joins the score.</summary>
    public FusionForm AdapterForm
    {
        get;
        init => field = OptionCheck.Defined(value);
    } = FusionForm.Additive;

    /// <summary>α, the weight of the adapter, 0..100; in convex form at most 1. 0 is no adapter.</summary>
    public double AdapterWeight
    {
        get;
        init => field = OptionCheck.Range(value, 0, 100);
    } = 0.5;

    /// <summary>β of Eq. 5, 0..100.</summary>
    public double AdapterSharpness
    {
        get;
        init => field = OptionCheck.Range(value, 0, 100);
    } = 5.5;

    /// <summary>Where the adapter begins.</summary>
    public AdapterStart AdapterStart
    {
        get;
        init => field = OptionCheck.Defined(value);
    } = AdapterStart.ClassNames;

    /// <summary>Learns α as well (Eq. 9).</summary>
    public bool LearnAdapterWeight { get; init; }

    /// <summary>Learns a factor per class inside the softmax over places (Eq. 8).</summary>
    public bool LearnAttention { get; init; }

    /// <summary>How the places of an image become one number.</summary>
    public LocalAggregation Aggregation
    {
        get;
        init => field = OptionCheck.Defined(value);
    } = LocalAggregation.Softmax;

    /// <summary>κ = 1/τ in training, above 0, at most 1000.</summary>
    public double Kappa
    {
        get;
        init => field = OptionCheck.Range(value, 1e-3, 1000);
    } = 50;

    /// <summary>κ on images that are scored; TaI-DPT has 40 for VOC and COCO, 4 for NUS-WIDE.</summary>
    public double TestKappa
    {
        get;
        init => field = OptionCheck.Range(value, 1e-3, 1000);
    } = 40;

    /// <summary>The factor of a cosine in a logit.</summary>
    public double LogitScale
    {
        get;
        init => field = OptionCheck.Range(value, 1e-3, 1000);
    } = 4;

    /// <summary>m of the ranking loss, on scaled logits.</summary>
    public double Margin
    {
        get;
        init => field = OptionCheck.Range(value, 0, 1000);
    } = 1;

    /// <summary>
    /// Trains on template texts of every class beside the captions, nine times "a photo of a {}." and the ensemble of seven; in the caption
    /// branch only.
    /// </summary>
    public bool TemplateTexts { get; init; } = true;

    /// <summary>Learning rate of the adapter and of what else is learned.</summary>
    public double AdapterLearningRate
    {
        get;
        init => field = OptionCheck.Range(value, 1e-12, 10);
    } = 1e-3;

    /// <summary>
    /// Thresholds on the score, one for each class, 0..1: what is above is predicted. Null calibrates them, each where F1 on the training
    /// rows is best: on the images, or on the captions where there are no images.
    /// </summary>
    public IReadOnlyList<double>? Thresholds
    {
        get;
        init => field = value is null ? null : new ValueList<double>([.. value.Select(t => OptionCheck.Range(t, 0, 1))]);
    }

    /// <summary>Vector&lt;Single, C&gt; of labels: 1, 0, and NaN where unknown.</summary>
    public string LabelColumn
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    } = "Labels";

    /// <summary>Text column of captions. Needed where captions have weight. Rows of one caption belong together.</summary>
    public string CaptionColumn
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    } = "Caption";

    /// <summary>
    /// Text column of image paths, or column of MLImage. A fit needs it where images have weight, and there a blank path is a row without
    /// an image; scoring always needs it.
    /// </summary>
    public string ImageColumn
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    } = "ImagePath";

    /// <summary>Receives the scores.</summary>
    public string ScoreColumn
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    } = "Score";

    /// <summary>Receives the decisions.</summary>
    public string PredictedLabelsColumn
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    } = "PredictedLabels";

    /// <summary>
    /// Folder that keeps the features of training images and captions in float16, so that hundreds of thousands need not be in memory;
    /// null keeps them in memory.
    /// </summary>
    public string? FeatureCacheFolder
    {
        get;
        init => field = OptionCheck.NullOrNotBlank(value);
    }

    /// <summary>Puts the CLIP model into the saved model.</summary>
    public bool EmbedBackbone { get; init; }

    /// <summary>Told of each epoch.</summary>
    [JsonIgnore]
    public IProgress<ProgressReport>? Progress { get; init; }

    /// <summary>Checked before each step.</summary>
    [JsonIgnore]
    public CancellationToken CancellationToken { get; init; }

    /// <summary>The rule of scores and loss.</summary>
    internal GlobalLocalRule Rule() =>
        new()
        {
            Scale = LogitScale,
            Kappa = Kappa,
            Beta = AdapterSharpness,
            Margin = Margin,
            Aggregation = Aggregation,
            Placement = HasAdapter ? Adapter : AdapterPlacement.None,
            Form = AdapterForm,
            GlobalShare = Prompt == MultiLabelPrompt.Global ? 1 : 0.5,
        };

    /// <summary>Whether there is an adapter at all.</summary>
    internal bool HasAdapter =>
        Prompt is MultiLabelPrompt.GlobalLocal or MultiLabelPrompt.Global
        && Adapter != AdapterPlacement.None
        && (AdapterWeight > 0 || LearnAdapterWeight);

    /// <summary>Whether the fit reads images.</summary>
    internal bool ReadsImages => Prompt == MultiLabelPrompt.Dual || (Prompt != MultiLabelPrompt.ZeroShot && ImageWeight > 0);

    /// <summary>Whether the fit reads captions.</summary>
    internal bool ReadsCaptions => Prompt is MultiLabelPrompt.GlobalLocal or MultiLabelPrompt.Global && ImageWeight < 1;

    /// <exception cref="ArgumentException">Options contradict each other.</exception>
    internal MultiLabelPromptAdapterOptions Check()
    {
        if (AdapterForm == FusionForm.Convex && AdapterWeight > 1)
        {
            throw new ArgumentException(
                $"AdapterWeight = {AdapterWeight} with AdapterForm.Convex; expected at most 1.",
                nameof(AdapterWeight)
            );
        }

        if (WarmUpLength > Epochs)
        {
            throw new ArgumentException($"WarmUpEpochs = {WarmUpLength} with Epochs = {Epochs}; expected no more.", nameof(WarmUpEpochs));
        }

        return Thresholds is { } given && given.Count != ClassNames.Count
            ? throw new ArgumentException($"Thresholds has {given.Count} numbers for {ClassNames.Count} classes.", nameof(Thresholds))
            : this;
    }
}
