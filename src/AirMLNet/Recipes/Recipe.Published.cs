using AirMLNet.Prompts;
using AirMLNet.PseudoLabels;

namespace AirMLNet.Recipes;

// The published numbers of what learns a prompt. Sources: docs/methods.md §2.3, §3 and §4.
public sealed partial record Recipe
{
    internal const string AirPrefix = "air-";

    private static readonly Dictionary<string, string> Titles = new()
    {
        ["coop"] = "CoOp",
        ["vpt"] = "VPT",
        ["fpl"] = "FPL",
        ["ifpl"] = "IFPL",
        ["grip"] = "GRIP",
        ["prototypes"] = "GRIP with prototypes",
        ["cpl"] = "CPL",
        ["air-grip"] = "AiR on GRIP",
        ["air-cpl"] = "AiR on CPL",
        ["air-mean"] = "AiR with mean prototypes (ours)",
        ["latteclip"] = "LatteCLIP",
        ["flyp-pl"] = "FLYP with pseudo-labels",
        ["flyp-oracle"] = "FLYP with true labels",
        ["reclip"] = "ReCLIP",
        ["lmm-zero-shot"] = "zero-shot by the language model",
    };

    /// <summary>Zero-shot CLIP: nothing is learned (Radford et al. 2021).</summary>
    public static Recipe ZeroShot { get; } = new() { Name = "zero-shot", Rounds = 0 };

    /// <summary>
    /// CoOp on labelled images (Zhou et al. 2022): SGD at 0.002, batches of 32, a warm-up epoch at 1e-5, and the 200 epochs of 8 or
    /// more labelled images per class; see <see cref="WithShots"/>.
    /// </summary>
    public static Recipe CoOp { get; } =
        new()
        {
            Name = "coop",
            Supervised = true,
            Rounds = 1,
            Epochs = 200,
            BatchSize = 32,
            LearningRate = 0.002,
            WeightDecay = 5e-4,
            WarmUpEpochs = 1,
            WarmUpLearningRate = 1e-5,
        };

    /// <summary>Visual prompts on labelled images, with the settings of GRIP's code.</summary>
    public static Recipe Vpt { get; } =
        new()
        {
            Name = "vpt",
            Supervised = true,
            Rounds = 1,
            Prompt = PromptKind.Visual,
        };

    /// <summary>Few pseudo-labels: the 16 surest images of each class, labelled once (Menghini et al. 2023).</summary>
    public static Recipe Fpl { get; } =
        new()
        {
            Name = "fpl",
            Strategy = PseudoLabelStrategy.Fpl,
            Rounds = 1,
        };

    /// <summary>The same, labelled anew in each of 10 rounds.</summary>
    public static Recipe Ifpl { get; } = new() { Name = "ifpl", Strategy = PseudoLabelStrategy.Fpl };

    /// <summary>Ten rounds with a number of labels that grows (Menghini et al. 2023; GRIP's code).</summary>
    public static Recipe Grip { get; } = new() { Name = "grip" };

    /// <summary>Sets of candidate labels, in numbers that grow like GRIP's (Zhang et al. 2024; CPL's code).</summary>
    public static Recipe Cpl { get; } =
        new()
        {
            Name = "cpl",
            Selection = SelectionRule.Candidates,
            Loss = PromptLoss.Candidates,
            LabelledBalance = Prompts.LabelledBalance.Equal,
            LabelledBatches = LabelledBatches.Parallel,
            LearningRate = 0.02,
            WeightDecay = 0.05,
            Epochs = 50,
            WarmUpEpochs = 2,
            BatchSize = 64,
            DropLast = true,
            GradientClip = 0.8,
        };

    /// <summary>
    /// AiR on GRIP: synthetic images as prototypes that help to label (λ 0.5), and in the loss (β 0.1). All else, also what the paper does
    /// not say (batch, weight decay), is GRIP's, so that the two differ in AiR's parts alone.
    /// </summary>
    public static Recipe AirOnGrip { get; } = Air(Grip);

    /// <summary>AiR on CPL, its best version: with the 150 epochs of AiR's paper, where CPL's code has 50.</summary>
    public static Recipe AirOnCpl { get; } = Air(Cpl with { Epochs = 150, WarmUpEpochs = 5 });

    /// <summary>
    /// Ours, of no paper: AiR whose prototype of a class is the mean of all its synthetic images, on centred features, with a larger vote.
    /// One image is a poor witness; many are a good one, also where some are wrong.
    /// </summary>
    public static Recipe AirMean { get; } =
        AirOnGrip with
        {
            Name = "air-mean",
            Representatives = 100_000,
            PrototypeCentring = true,
            PrototypeTemperature = 0.1,
            PrototypeWeight = 1,
        };

    /// <summary>
    /// GRIP with one prototype per class that helps to label, of the 16 surest images: what is left of AiR without synthetic images.
    /// No paper has it.
    /// </summary>
    public static Recipe GripWithPrototypes { get; } =
        Grip with
        {
            Name = "prototypes",
            Prototypes = true,
            PrototypesOfPseudoLabels = true,
        };

    /// <summary>All recipes.</summary>
    public static IReadOnlyList<Recipe> All { get; } =
    [
        ZeroShot,
        CoOp,
        Vpt,
        Fpl,
        Ifpl,
        Grip,
        GripWithPrototypes,
        Cpl,
        AirOnGrip,
        AirOnCpl,
        AirMean,
        LatteClip,
        FlypPseudoLabels,
        FlypOracle,
        ReClip,
        LmmZeroShot,
    ];

    /// <summary>The names that <see cref="Named"/> knows.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. All.Select(r => r.Name)];

    /// <summary>The published recipe of a name.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <exception cref="ArgumentException">The name is not known; the message lists those that are.</exception>
    public static Recipe Named(string name) =>
        All.FirstOrDefault(r => r.Name == name)
        ?? throw new ArgumentException($"'{name}' is no method; expected one of {string.Join(", ", Names)}.", nameof(name));

    /// <summary>CoOp's published epochs for a number of labelled images per class: 50 for one, 100 for 2 to 4, 200 from 8 on.</summary>
    /// <param name="shots">1 or more.</param>
    public Recipe WithShots(int shots) =>
        Name == CoOp.Name
            ? this with
            {
                Epochs = shots switch
                {
                    1 => 50,
                    < 8 => 100,
                    _ => 200,
                },
            }
            : this;

    private static Recipe Air(Recipe basis) =>
        basis with
        {
            Name = AirPrefix + basis.Name,
            Prototypes = true,
            PrototypeWeight = 0.5,
            SyntheticWeight = 0.1,
        };
}
