using System.Text.Json.Serialization;
using AirMLNet.Options;
using AirMLNet.Prompts;
using AirMLNet.Prototypes;
using AirMLNet.PseudoLabels;
using Microsoft.ML;

namespace AirMLNet.Recipes;

/// <summary>
/// A whole method with its numbers: the published ones, until <c>with</c> or one of the <c>With…</c> methods changes them. The
/// command, the experiments and programs all make their stages from it, so that one name means one thing everywhere.
/// <see cref="Stages"/> makes the estimators.
/// </summary>
/// <remarks>The published recipes are in <c>Recipe.Published.cs</c> and <c>Recipe.FineTuned.cs</c>.</remarks>
public sealed partial record Recipe : PromptMethod
{
    /// <summary>GRIP's numbers, which the published recipes start from.</summary>
    public Recipe()
    {
        Rounds = 10;
        Strategy = PseudoLabelStrategy.Grip;
        WarmUpEpochs = 5;
    }

    /// <summary>The method's name, such as <c>air-cpl</c>; see <see cref="Names"/>.</summary>
    [JsonInclude]
    public string Name { get; internal init; } = "";

    /// <summary>The method as people write it, such as <c>AiR on CPL</c>.</summary>
    [JsonIgnore]
    public string Title => Titles.GetValueOrDefault(Name, Name);

    /// <summary>Learns from given labels instead of pseudo-labels (CoOp, VPT).</summary>
    [JsonInclude]
    public bool Supervised { get; internal init; }

    /// <summary>α of CPL, 0..1; null: the published one of <see cref="DataSet"/>, or 0.75.</summary>
    public double? IntraQuantile
    {
        get;
        init => field = OptionCheck.RangeOrNull(value, 0, 1);
    }

    /// <summary>β of CPL, 0..1; null: the published one of <see cref="DataSet"/>, or 1 − 2/C.</summary>
    public double? InterQuantile
    {
        get;
        init => field = OptionCheck.RangeOrNull(value, 0, 1);
    }

    /// <summary>A published data set whose quantiles CPL takes; null for none.</summary>
    public string? DataSet { get; init; }

    /// <summary>How labelled and pseudo-labelled images are weighed; null: as GRIP, by the kind that is rarer.</summary>
    public LabelledBalance? LabelledBalance { get; init; }

    /// <summary>Whether image-side prototypes help to label (AiR, Eq. 7).</summary>
    public bool Prototypes { get; init; }

    /// <summary>Takes the prototypes from the surest pseudo-labelled images instead of synthetic ones.</summary>
    public bool PrototypesOfPseudoLabels { get; init; }

    /// <summary>
    /// Synthetic images of each class whose mean is its prototype, 1..100,000: 1 is the paper's, more than there are takes all.
    /// </summary>
    public int Representatives
    {
        get;
        init => field = OptionCheck.Range(value, 1, 100_000);
    } = 1;

    /// <summary>Which synthetic images these are; the paper takes those that zero-shot CLIP is surest of (Eq. 6).</summary>
    public PrototypeRanking Representative
    {
        get;
        init => field = OptionCheck.Defined(value);
    } = PrototypeRanking.Probability;

    /// <summary>
    /// Whether features are centred before prototypes are made and asked; see <see cref="PrototypeClassifierOptions.Centre"/>.
    /// </summary>
    public bool PrototypeCentring { get; init; }

    /// <summary>τ of the image side, 0.0001..100; null: CLIP's own.</summary>
    public double? PrototypeTemperature
    {
        get;
        init => field = OptionCheck.RangeOrNull(value, 1e-4, 100);
    }

    /// <summary>
    /// Does what the published code does otherwise than its paper: GRIP's leaderboard and the braces in its zero-shot prompt, text
    /// prompts that go on from the last round, and a warm-up that grows from 0.
    /// </summary>
    public bool PaperQuirk { get; init; }

    /// <summary>The part of methods that fine-tune CLIP; null for those that learn a prompt or nothing.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public FineTuneSettings? FineTune { get; init; }

    /// <summary>Whether a captioner is asked for texts; <see cref="AdaptationTask.Captions"/> has it.</summary>
    [JsonIgnore]
    public bool NeedsCaptions => FineTune?.NeedsCaptions == true;

    /// <summary>Whether synthetic images take part: they must be among the rows, or be made by the stages.</summary>
    [JsonIgnore]
    public bool NeedsSynthetic => (UsesPrototypes && !PrototypesOfPseudoLabels) || (Rounds > 0 && SyntheticWeight > 0);

    /// <summary>Whether there is a prototype column: to label by, or to vote in the score of the zero-shot classifier.</summary>
    internal bool UsesPrototypes => Prototypes && (Rounds > 0 || PrototypeAtTest);

    /// <summary>
    /// The estimators, in order: features, the surest zero-shot labels, synthetic images and prototypes where the recipe has them,
    /// pseudo-labels, and the prompt. What only training needs is left out of scoring.
    /// </summary>
    /// <param name="ml">The context, whose seed is the only one. Take a fresh one for each fit that is to repeat another.</param>
    /// <param name="task">What the method is applied to.</param>
    /// <returns>A chain whose last stage writes <c>Score</c> and <c>PredictedLabel</c>.</returns>
    /// <exception cref="InvalidOperationException">
    /// The recipe needs labels, synthetic images, a captioner or a working folder and the task has none.
    /// </exception>
    public IEstimator<ITransformer> Stages(MLContext ml, AdaptationTask task) => RecipeStages.Of(this, ml, task);

    /// <summary>Learns another kind of prompt.</summary>
    public Recipe WithPrompt(PromptKind prompt) => this with { Prompt = prompt };

    /// <summary>Takes the published numbers for a data set: CPL's quantiles, LatteCLIP's learning rate and length.</summary>
    public Recipe WithDataSet(string? name) => (this with { DataSet = name }).WithLatteSchedule(name);

    /// <summary>Trains for other epochs per round; the warm-up is then 5 of them, or a tenth if that is less.</summary>
    public Recipe WithEpochs(int epochs) =>
        this with
        {
            Epochs = epochs,
            WarmUpEpochs = null,
            FineTune = FineTune is { } tune ? tune with { EpochsByImages = false } : null,
        };

    /// <summary>Takes another number of rounds. Methods of one round, or none, keep theirs.</summary>
    public Recipe WithRounds(int rounds) => Rounds > 1 ? this with { Rounds = rounds } : this;

    /// <summary>Other weights of AiR: λ of Eq. 7 and β of Eq. 10. Methods without synthetic images have no β.</summary>
    public Recipe WithWeights(double prototypes, double synthetic) =>
        this with
        {
            PrototypeWeight = prototypes,
            SyntheticWeight = SyntheticWeight > 0 ? synthetic : 0,
        };
}
