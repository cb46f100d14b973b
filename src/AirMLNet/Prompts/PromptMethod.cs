using AirMLNet.Heads;
using AirMLNet.Optimisation;
using AirMLNet.Options;
using AirMLNet.PseudoLabels;

namespace AirMLNet.Prompts;

/// <summary>What is learned.</summary>
public enum PromptKind
{
    /// <summary>Vectors before the class name, shared by all classes (<c>docs/methods.md</c> §2.1).</summary>
    Text,

    /// <summary>Tokens beside the patches of the image, put in before the first block (VPT shallow, <c>docs/methods.md</c> §2.2).</summary>
    Visual,

    /// <summary>Tokens of their own before every block of the image tower (VPT deep).</summary>
    VisualDeep,
}

/// <summary>
/// How a prompt is learned from pseudo-labels: what a <c>Recipe</c> and <see cref="PromptAdapterOptions"/> have in common. Values are
/// checked when they are set.
/// </summary>
public abstract record PromptMethod : PromptTraining
{
    private protected PromptMethod() { }

    /// <summary>What is learned: vectors of the text, or tokens of the image.</summary>
    public PromptKind Prompt
    {
        get;
        init => field = OptionCheck.Defined(value);
    } = PromptKind.Text;

    /// <summary>T, 0..1000 rounds of labelling and training; 0 is the zero-shot classifier, without training.</summary>
    public int Rounds
    {
        get;
        init => field = OptionCheck.Range(value, 0, 1000);
    } = 1;

    /// <summary>
    /// A fixed number of labels per class (FPL with one round, IFPL with more), or one that grows from round to round (GRIP, CPL).
    /// </summary>
    public PseudoLabelStrategy Strategy
    {
        get;
        init => field = OptionCheck.Defined(value);
    } = PseudoLabelStrategy.Fpl;

    /// <summary>K of a fixed number of labels per class, and images behind a prototype of pseudo-labels; 1..1,000,000.</summary>
    public int PerClass
    {
        get;
        init => field = OptionCheck.Range(value, 1, 1_000_000);
    } = 16;

    /// <summary>
    /// How images are chosen for the classes: the most probable ones in one of three ways, or by sets of candidate labels (CPL).
    /// </summary>
    public SelectionRule Selection
    {
        get;
        init => field = OptionCheck.Defined(value);
    } = SelectionRule.Exact;

    /// <summary>The loss on pseudo-labelled images.</summary>
    public PromptLoss Loss
    {
        get;
        init => field = OptionCheck.Defined(value);
    } = PromptLoss.CrossEntropy;

    /// <summary>Weight of the loss on pseudo-labelled images, 0..1000; 0 trains on labelled and synthetic images alone.</summary>
    public double PseudoLabelWeight
    {
        get;
        init => field = OptionCheck.Range(value, 0, 1000);
    } = 1;

    /// <summary>Whether labelled images share the batches of the pseudo-labelled ones.</summary>
    public LabelledBatches LabelledBatches
    {
        get;
        init => field = OptionCheck.Defined(value);
    } = LabelledBatches.Mixed;

    /// <summary>
    /// λ of Eq. 7, 0..1000; in convex form at most 1. The paper's is not known; with many representatives 1 to 2 is better than 0.5.
    /// </summary>
    public double PrototypeWeight
    {
        get;
        init => field = OptionCheck.Range(value, 0, 1000);
    } = 0.5;

    /// <summary>Form of Eq. 7.</summary>
    public FusionForm Fusion
    {
        get;
        init => field = OptionCheck.Defined(value);
    } = FusionForm.Additive;

    /// <summary>
    /// Lets the prototypes vote in the score too. AiR's paper has them choose pseudo-labels only, and scoring then does not need their
    /// column.
    /// </summary>
    public bool PrototypeAtTest { get; init; }

    /// <summary>β of Eq. 10, 0..1000: weight of the loss on synthetic images; 0 trains on real images alone.</summary>
    public double SyntheticWeight
    {
        get;
        init => field = OptionCheck.Range(value, 0, 1000);
    }

    /// <summary>Synthetic images per step, 1..1,000,000; null: as many as <see cref="PromptTraining.BatchSize"/>.</summary>
    public int? SyntheticBatchSize
    {
        get;
        init => field = value is { } n ? OptionCheck.Range(n, 1, 1_000_000) : null;
    }

    /// <summary>Leaves out an epoch's last batch where it is not whole and not the only one.</summary>
    public bool DropLast { get; init; }

    /// <summary>How the warm-up goes.</summary>
    public WarmUp WarmUp
    {
        get;
        init => field = OptionCheck.Defined(value);
    } = WarmUp.Constant;

    /// <summary>Largest L2 norm of the gradient, 0..1e6; 0 does not clip.</summary>
    public double GradientClip
    {
        get;
        init => field = OptionCheck.Range(value, 0, 1e6);
    }

    /// <summary>Starts each round from the last round's prompt instead of the first values (as GRIP's code does by accident).</summary>
    public bool WarmStart { get; init; }
}
