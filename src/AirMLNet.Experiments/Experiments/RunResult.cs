using System.Text.Json.Serialization;
using AirMLNet.Evaluation;

namespace AirMLNet.Experiments;

/// <summary>What one run found: a line of <c>runs.jsonl</c>.</summary>
internal sealed record RunResult
{
    /// <summary>SHA-256 of everything that decides the result.</summary>
    public required string Hash { get; init; }

    /// <summary>Data set.</summary>
    public required string DataSet { get; init; }

    /// <summary>Method, as the file calls it.</summary>
    public required string Method { get; init; }

    /// <summary>ul, ssl or trzsl.</summary>
    public required string Paradigm { get; init; }

    /// <summary>text, visual or visual-deep.</summary>
    public required string Prompt { get; init; }

    /// <summary>Seed.</summary>
    public required int Seed { get; init; }

    /// <summary>Share of the test images named right, 0..1; with a split also on its sides.</summary>
    public required ClassificationScores Scores { get; init; }

    /// <summary>Accuracy of the surest labels by the text classifier alone, where the pool's labels are known.</summary>
    public PseudoLabelAccuracy? TextLabels { get; init; }

    /// <summary>The same with the image-side classifier.</summary>
    public PseudoLabelAccuracy? FusedLabels { get; init; }

    /// <summary>How right the labels of each round were, where the pool's labels are known.</summary>
    public IReadOnlyList<RoundQuality>? Rounds { get; init; }

    /// <summary>Accuracy on the test images of a linear probe with all labels of the pool; null where it was not asked for.</summary>
    public double? Probe { get; init; }

    /// <summary>Accuracy of the learned prompt on other data sets, by their names; null where it was not asked for.</summary>
    public IReadOnlyDictionary<string, double>? Transfer { get; init; }

    /// <summary>The share of a language model's answers, 0..1, that name no class; null where none was asked.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? Unmatched { get; init; }

    /// <summary>Names of the classes, where <see cref="Rounds"/> has figures of them.</summary>
    public IReadOnlyList<string> ClassNames { get; init; } = [];

    /// <summary>Images of the pool, synthetic ones, and test images.</summary>
    public required int[] Images { get; init; }

    /// <summary>Rounds, and epochs of each.</summary>
    public int[] Epochs { get; init; } = [];

    /// <summary>Seconds of fitting and of scoring.</summary>
    public required double[] Seconds { get; init; }

    /// <summary>Processor time of both, which other work on the machine disturbs less.</summary>
    public double ProcessorSeconds { get; init; }

    /// <summary>What it was computed on: <c>cpu</c> or <c>cuda:0</c>.</summary>
    public string Device { get; init; } = "";

    /// <summary>The figure that counts: accuracy, or the harmonic mean under trzsl.</summary>
    internal double Figure => Scores.Harmonic ?? Scores.Accuracy;
}
