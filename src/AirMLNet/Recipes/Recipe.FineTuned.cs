namespace AirMLNet.Recipes;

// The published numbers of LatteCLIP and of what it is compared with. Source: docs/methods.md §5.
public sealed partial record Recipe
{
    // Data set; learning rate; epochs and warm-up steps of the published scripts; their weight decay, where it is not 0.2.
    private static readonly (string DataSet, double Rate, int Epochs, int WarmUp, double Decay)[] LatteSchedules =
    [
        ("Caltech101", 1e-7, 50, 10, 1e-7),
        ("DTD", 1e-7, 100, 10, 0.2),
        ("EuroSAT", 1e-7, 15, 40, 0.2),
        ("FGVCAircraft", 1e-7, 50, 15, 0.2),
        ("Flowers102", 1e-7, 50, 12, 0.2),
        ("Food101", 1e-6, 15, 140, 0.2),
        ("OxfordPets", 1e-7, 100, 10, 0.2),
        ("StanfordCars", 1e-7, 50, 20, 0.2),
        ("SUN397", 1e-6, 15, 40, 0.2),
        ("UCF101", 1e-7, 50, 20, 0.2),
    ];

    /// <summary>
    /// LatteCLIP (Cao et al. 2025): CLIP is fine-tuned without labels against prototypes mixed of texts that a multimodal model writes.
    /// AdamW, batches of 512, cosine, at most 2,000 steps; learning rate, epochs and warm-up of a data set by
    /// <see cref="WithDataSet"/>.
    /// </summary>
    public static Recipe LatteClip { get; } = Tuned("latteclip", FineTuneKind.LatteClip);

    /// <summary>FLYP (Goyal et al. 2023) with pseudo-labels: contrast with the class templates, labels anew before every update.</summary>
    public static Recipe FlypPseudoLabels { get; } = Tuned("flyp-pl", FineTuneKind.FlypPseudoLabels);

    /// <summary>The same with the true labels: the oracle of LatteCLIP's tables.</summary>
    public static Recipe FlypOracle { get; } = Tuned("flyp-oracle", FineTuneKind.FlypGivenLabels) with { Supervised = true };

    /// <summary>ReCLIP (Hu et al. 2024): label propagation, and two copies of CLIP that teach each other.</summary>
    public static Recipe ReClip { get; } =
        Tuned("reclip", FineTuneKind.ReClip) with
        {
            Epochs = 2,
            BatchSize = 64,
            LearningRate = 1e-3,
            WeightDecay = 1e-4,
            FineTune = new() { Kind = FineTuneKind.ReClip, EpochsByImages = true },
        };

    /// <summary>The multimodal model alone is asked which class an image shows; an answer that is no class counts as wrong.</summary>
    public static Recipe LmmZeroShot { get; } = Tuned("lmm-zero-shot", FineTuneKind.LmmZeroShot) with { Rounds = 0 };

    private static Recipe Tuned(string name, FineTuneKind kind) =>
        new()
        {
            Name = name,
            Rounds = 1,
            Epochs = 50,
            BatchSize = 512,
            LearningRate = 1e-7,
            WeightDecay = 0.2,
            DropLast = true,
            WarmUpEpochs = null,
            FineTune = new() { Kind = kind },
        };

    // LatteCLIP's schedule of a data set; FLYP and the oracle have the same (§5.5).
    private Recipe WithLatteSchedule(string? dataSet)
    {
        if (FineTune is not { Kind: FineTuneKind.LatteClip or FineTuneKind.FlypPseudoLabels or FineTuneKind.FlypGivenLabels } tune)
        {
            return this;
        }

        var found = Array.Find(LatteSchedules, s => s.DataSet.Equals(dataSet, StringComparison.OrdinalIgnoreCase));
        return found.DataSet is null
            ? this
            : this with
            {
                LearningRate = found.Rate,
                Epochs = found.Epochs,
                WeightDecay = found.Decay,
                FineTune = tune with { WarmUpSteps = found.WarmUp },
            };
    }
}
