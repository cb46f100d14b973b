using AirMLNet.Clip;
using AirMLNet.Heads;
using AirMLNet.Optimisation;
using AirMLNet.Options;
using AirMLNet.Pipeline;
using AirMLNet.Prompts;
using AirMLNet.Prototypes;
using AirMLNet.PseudoLabels;
using AirMLNet.Synthesis;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Recipes;

/// <summary>How unlabelled images get their labels (methods §3).</summary>
public enum AdaptationMethod
{
    /// <summary>No training: the class names classify.</summary>
    ZeroShot,

    /// <summary>Few pseudo-labels: the 16 most confident images per class, once.</summary>
    Fpl,

    /// <summary>The same, relabelled in every round.</summary>
    Ifpl,

    /// <summary>A number that grows from round to round.</summary>
    Grip,

    /// <summary>Sets of candidate labels, in numbers that grow like GRIP's.</summary>
    Cpl,
}

/// <summary>What is labelled (methods §3.1).</summary>
public enum Paradigm
{
    /// <summary>Nothing (UL).</summary>
    Unsupervised,

    /// <summary>A few images of every class (SSL).</summary>
    SemiSupervised,

    /// <summary>All images of the seen classes, none of the unseen ones (TRZSL).</summary>
    Transductive,
}

/// <summary>
/// A whole method as one set of options: FPL, IFPL, GRIP or CPL, and AiR on top of it (prototypes and synthetic images),
/// under one paradigm and with one kind of prompt. <see cref="Chain"/> makes the estimators of it.
/// </summary>
public sealed record AdaptationRecipe
{
    /// <summary>Name of the column of image-side probabilities, where there is one.</summary>
    public const string PrototypeColumn = "PrototypeScore";

    /// <summary>Name of the column of pseudo-labels.</summary>
    public const string PseudoLabelColumn = "PseudoLabel";

    /// <summary>Folder of the CLIP model.</summary>
    public required string ClipFolder
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    }

    /// <summary>Two or more class names, each once.</summary>
    public required IReadOnlyList<string> ClassNames
    {
        get;
        init => field = OptionCheck.ClassNames(value);
    }

    /// <summary>Templates of the zero-shot classifier.</summary>
    public IReadOnlyList<string> Templates
    {
        get;
        init => field = OptionCheck.Templates(value);
    } = OptionCheck.Templates([ZeroShotClassifier.DefaultTemplate]);

    /// <summary>How images are labelled.</summary>
    public AdaptationMethod Method
    {
        get;
        init => field = OptionCheck.Defined(value);
    } = AdaptationMethod.Grip;

    /// <summary>What is labelled.</summary>
    public Paradigm Paradigm
    {
        get;
        init => field = OptionCheck.Defined(value);
    } = Paradigm.Unsupervised;

    /// <summary>The unseen classes of the transductive paradigm, the only ones that pseudo-labels may take; null otherwise.</summary>
    public IReadOnlyList<string>? UnseenClasses
    {
        get;
        init => field = OptionCheck.NamesOrNull(value);
    }

    /// <summary>What is learned.</summary>
    public PromptKind Prompt
    {
        get;
        init => field = OptionCheck.Defined(value);
    } = PromptKind.Text;

    /// <summary>Image-side prototypes help to label (AiR, Eq. 7).</summary>
    public bool Prototypes { get; init; }

    /// <summary>λ of Eq. 7.</summary>
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

    /// <summary>τ of the image side, 0.0001..100; null: CLIP's own.</summary>
    public double? PrototypeTemperature
    {
        get;
        init => field = OptionCheck.RangeOrNull(value, 1e-4, 100);
    }

    /// <summary>Fuses the prototypes into the score as well.</summary>
    public bool PrototypeAtTest { get; init; }

    /// <summary>β of Eq. 10; 0 trains on real images alone.</summary>
    public double SyntheticWeight
    {
        get;
        init => field = OptionCheck.Range(value, 0, 1000);
    }

    /// <summary>Synthetic images per step; null: as many as real ones.</summary>
    public int? SyntheticBatchSize { get; init; }

    /// <summary>Weight of the loss on pseudo-labelled images; 0 trains on labelled and synthetic images alone.</summary>
    public double PseudoLabelWeight
    {
        get;
        init => field = OptionCheck.Range(value, 0, 1000);
    } = 1;

    /// <summary>Rounds, 0..1000.</summary>
    public int Rounds
    {
        get;
        init => field = OptionCheck.Range(value, 0, 1000);
    } = 10;

    /// <summary>K of FPL and IFPL.</summary>
    public int PerClass
    {
        get;
        init => field = OptionCheck.Range(value, 1, 1_000_000);
    } = 16;

    /// <summary>α of CPL.</summary>
    public double IntraQuantile
    {
        get;
        init => field = OptionCheck.Range(value, 0, 1);
    } = 0.75;

    /// <summary>β of CPL; null: 1 − 2/C.</summary>
    public double? InterQuantile
    {
        get;
        init => field = OptionCheck.RangeOrNull(value, 0, 1);
    }

    /// <summary>Learned vectors.</summary>
    public int PromptLength
    {
        get;
        init => field = OptionCheck.Range(value, 1, 64);
    } = 16;

    /// <summary>Epochs per round.</summary>
    public int Epochs
    {
        get;
        init => field = OptionCheck.Range(value, 1, 100_000);
    } = 150;

    /// <summary>Images per step.</summary>
    public int BatchSize
    {
        get;
        init => field = OptionCheck.Range(value, 1, 1_000_000);
    } = 64;

    /// <summary>Leaves out an epoch's last, smaller batch.</summary>
    public bool DropLast { get; init; }

    /// <summary>Peak learning rate.</summary>
    public double LearningRate
    {
        get;
        init => field = OptionCheck.Range(value, 0, 1000);
    } = 0.1;

    /// <summary>SGD momentum.</summary>
    public double Momentum
    {
        get;
        init => field = OptionCheck.Range(value, 0, 0.9999);
    } = 0.9;

    /// <summary>SGD weight decay.</summary>
    public double WeightDecay
    {
        get;
        init => field = OptionCheck.Range(value, 0, 100);
    } = 0.05;

    /// <summary>Warm-up epochs; null: 5, or a tenth of the epochs if that is less.</summary>
    public int? WarmUpEpochs { get; init; }

    /// <summary>How the warm-up goes.</summary>
    public WarmUp WarmUp
    {
        get;
        init => field = OptionCheck.Defined(value);
    } = WarmUp.Constant;

    /// <summary>Largest gradient norm; 0 for none.</summary>
    public double GradientClip
    {
        get;
        init => field = OptionCheck.Range(value, 0, 1e6);
    }

    /// <summary>Starts each round from the last one's prompt.</summary>
    public bool WarmStart { get; init; }

    /// <summary>
    /// What the published code does otherwise than its paper: GRIP's leaderboard and the braces in its zero-shot prompt, text
    /// prompts that go on from the last round, and a warm-up that grows from 0.
    /// </summary>
    public bool PaperQuirk { get; init; }

    /// <summary>Name of the column of zero-shot labels that a diffusion model is fine-tuned on.</summary>
    public const string ZeroShotLabelColumn = "ZeroShotLabel";

    /// <summary>Name of the column with the classes of synthetic images, where the data has no labels.</summary>
    public const string SyntheticLabelColumn = "SyntheticLabel";

    /// <summary>The estimators, in order: synthetic images and image-side prototypes where used, pseudo-labels, prompt.</summary>
    /// <param name="ml">The context, whose seed is the only one.</param>
    /// <param name="labelColumn">Key column with the labels of labelled and synthetic rows; null where the data has none.</param>
    /// <param name="progress">Receives the reports of the stages.</param>
    /// <param name="cancellation">Checked by the stages.</param>
    /// <param name="encoder">The stage that makes the column <c>Features</c>; null where the data has it.</param>
    /// <param name="synthesis">
    /// Makes the synthetic images (AiR's steps A to C) from the most confident zero-shot labels; null where the data has their
    /// rows, or the method takes none. Its columns of labels are set here; it is fitted only, and left out of scoring.
    /// </param>
    public IEstimator<ITransformer> Chain(
        MLContext ml,
        string? labelColumn,
        IProgress<StageProgress>? progress = null,
        CancellationToken cancellation = default,
        IEstimator<ITransformer>? encoder = null,
        DiffusionSynthesisOptions? synthesis = null
    )
    {
        var chain = new EstimatorChain<ITransformer>();
        if (encoder is not null)
        {
            chain = chain.Append(encoder);
        }

        if (synthesis is not null)
        {
            var surest = PseudoLabels(labelColumn, fused: false) with
            {
                Strategy = PseudoLabelStrategy.Fpl,
                Selection = SelectionRule.Exact,
                PerClass = synthesis.Shots,
                Progress = progress,
                CancellationToken = cancellation,
            };
            labelColumn ??= SyntheticLabelColumn; // the data may have a column Label of its own, such as names of folders
            chain = chain
                .Append<ITransformer>(ml.Transforms.PseudoLabel(ZeroShotLabelColumn, "Features", surest), TransformerScope.TrainTest)
                .Append<ITransformer>(
                    ml.Transforms.DiffusionSynthesis(
                        synthesis with
                        {
                            ClipFolder = ClipFolder,
                            ClassNames = ClassNames,
                            Templates = EffectiveTemplates,
                            FeatureColumn = "Features",
                            LabelColumn = labelColumn,
                            PseudoLabelColumn = ZeroShotLabelColumn,
                            ConfidenceColumn = ZeroShotLabelColumn + "Confidence",
                            Progress = progress,
                            CancellationToken = cancellation,
                        }
                    ),
                    TransformerScope.TrainTest
                );
        }
        var trainer = Trainer(labelColumn) with { Progress = progress, CancellationToken = cancellation };
        if (Prototypes && trainer.Rounds > 0)
        {
            chain = chain.Append<ITransformer>(
                ml.Transforms.PrototypeClassifier(
                    PrototypeColumn,
                    "Features",
                    new PrototypeClassifierOptions
                    {
                        LabelColumn =
                            labelColumn
                            ?? throw new InvalidOperationException("Prototypes need a label column with synthetic or labelled images."),
                        ConfidenceColumn = null,
                        RankByClip = true,
                        ClipFolder = ClipFolder,
                        Templates = EffectiveTemplates,
                        Temperature = PrototypeTemperature,
                        CancellationToken = cancellation,
                    }
                )
            );
        }
        if (trainer is { Rounds: > 0, PseudoLabelWeight: > 0 })
        {
            chain = chain.Append<ITransformer>(
                ml.Transforms.PseudoLabel(
                    PseudoLabelColumn,
                    "Features",
                    PseudoLabels(labelColumn, Prototypes) with
                    {
                        Progress = progress,
                        CancellationToken = cancellation,
                    }
                )
            );
        }

        return chain.Append<ITransformer>(ml.MulticlassClassification.Trainers.PromptAdapter(trainer));
    }

    /// <summary>The options of the labelling stage.</summary>
    /// <param name="labelColumn">As in <see cref="Chain"/>.</param>
    /// <param name="fused">Whether prototypes take part.</param>
    public PseudoLabelOptions PseudoLabels(string? labelColumn, bool fused) =>
        new()
        {
            ClipFolder = ClipFolder,
            ClassNames = ClassNames,
            Templates = EffectiveTemplates,
            Strategy = Strategy,
            Selection = Selection,
            PerClass = PerClass,
            Rounds = Math.Max(1, Rounds),
            IntraQuantile = IntraQuantile,
            InterQuantile = InterQuantile,
            LabelClasses = UnseenClasses,
            LabelColumn = labelColumn,
            PrototypeColumn = fused ? PrototypeColumn : null,
            PrototypeWeight = PrototypeWeight,
            Fusion = Fusion,
        };

    private bool IsCpl => Method == AdaptationMethod.Cpl;

    private PseudoLabelStrategy Strategy =>
        Method is AdaptationMethod.Grip or AdaptationMethod.Cpl ? PseudoLabelStrategy.Grip : PseudoLabelStrategy.Fpl;

    private SelectionRule Selection =>
        IsCpl ? SelectionRule.Candidates
        : PaperQuirk ? SelectionRule.Leaderboard
        : SelectionRule.Exact;

    private IReadOnlyList<string> EffectiveTemplates =>
        PaperQuirk && !IsCpl ? [.. Templates.Select(t => t.Replace("{}", "{{}}{}", StringComparison.Ordinal))] : Templates;

    private PromptAdapterOptions Trainer(string? labelColumn) =>
        new()
        {
            ClipFolder = ClipFolder,
            ClassNames = ClassNames,
            Templates = EffectiveTemplates,
            Prompt = Prompt,
            Rounds = Method switch
            {
                AdaptationMethod.ZeroShot => 0,
                AdaptationMethod.Fpl => 1,
                _ => Rounds,
            },
            LabelColumn = PseudoLabelColumn,
            TrueLabelColumn = labelColumn,
            CandidateColumn = IsCpl ? PseudoLabelColumn + "Candidates" : null,
            FirstRoundScoreColumn = PaperQuirk && !IsCpl ? PseudoLabelColumn + "Score" : null,
            PrototypeColumn = Prototypes && Method != AdaptationMethod.ZeroShot ? PrototypeColumn : null,
            PrototypeWeight = PrototypeWeight,
            Fusion = Fusion,
            PrototypeAtTest = PrototypeAtTest,
            Strategy = Strategy,
            Selection = Selection,
            PerClass = PerClass,
            IntraQuantile = IntraQuantile,
            InterQuantile = InterQuantile,
            LabelClasses = UnseenClasses,
            Loss = IsCpl ? PromptLoss.Candidates : PromptLoss.CrossEntropy,
            PseudoLabelWeight = PseudoLabelWeight,
            LabelledBalance =
                IsCpl ? LabelledBalance.Equal
                : Paradigm == Paradigm.Transductive ? LabelledBalance.ScalePseudo
                : LabelledBalance.ScaleLabelled,
            LabelledBatches = IsCpl ? LabelledBatches.Parallel : LabelledBatches.Mixed,
            SyntheticWeight = SyntheticWeight,
            SyntheticBatchSize = SyntheticBatchSize,
            PromptLength = PromptLength,
            Epochs = Epochs,
            BatchSize = BatchSize,
            DropLast = DropLast,
            LearningRate = LearningRate,
            Momentum = Momentum,
            WeightDecay = WeightDecay,
            WarmUpEpochs = WarmUpEpochs,
            WarmUp = PaperQuirk ? WarmUp.Linear : WarmUp,
            GradientClip = GradientClip,
            WarmStart = WarmStart || (PaperQuirk && Prompt == PromptKind.Text && Method == AdaptationMethod.Grip),
        };
}
