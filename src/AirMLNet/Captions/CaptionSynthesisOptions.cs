using System.Text.Json.Serialization;
using AirMLNet.Options;

namespace AirMLNet.Captions;

/// <summary>
/// Options of <see cref="CaptionSynthesisEstimator"/>; the defaults are LatteCLIP's (<c>docs/methods.md</c> §5.2). Values are checked when
/// they are set.
/// </summary>
public sealed record CaptionSynthesisOptions
{
    /// <summary>Writes the texts; stays the caller's. Null in the options of a saved stage.</summary>
    [JsonIgnore]
    public ICaptioner? Captioner { get; init; }

    /// <summary>Folder that keeps each text when it is written; another run does not ask for it again.</summary>
    public required string WorkFolder
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    }

    /// <summary>Key column with the zero-shot class of each image, of which groups are made.</summary>
    public string LabelColumn
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    } = "ZeroShotLabel";

    /// <summary>What the images show: one of <see cref="CaptionPrompts.Domains"/>, a data set, or a noun.</summary>
    public string Domain
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    } = "object";

    /// <summary>Whose wording of the questions.</summary>
    public CaptionWording Wording
    {
        get;
        init => field = OptionCheck.Defined(value);
    }

    /// <summary>Names the zero-shot class in the question where the published code does: flowers and food.</summary>
    public bool NameClass { get; init; } = true;

    /// <summary>Another question about an image, with <c>{}</c> for its zero-shot class; null for the domain's.</summary>
    public string? ImagePrompt
    {
        get;
        init => field = OptionCheck.NullOrNotBlank(value);
    }

    /// <summary>Another question about a group; null for the domain's.</summary>
    public string? GroupPrompt
    {
        get;
        init => field = OptionCheck.NullOrNotBlank(value);
    }

    /// <summary>Whether each image is described.</summary>
    public bool ImageTexts { get; init; } = true;

    /// <summary>Whether each image's group is described.</summary>
    public bool GroupTexts { get; init; } = true;

    /// <summary>Images of a group, 1..64.</summary>
    public int GroupSize
    {
        get;
        init => field = OptionCheck.Range(value, 1, 64);
    } = 4;

    /// <summary>Groups of a class, which its images share in turn, 1..1,000,000; null: one for every image, as published.</summary>
    public int? GroupsPerClass
    {
        get;
        init => field = value is { } v ? OptionCheck.Range(v, 1, 1_000_000) : null;
    }

    /// <summary>
    /// Images of a group, 0..<see cref="GroupSize"/>, that are drawn from those of its class by <see cref="TrueLabelColumn"/>, the others
    /// as always: what better labels would give (LatteCLIP, Table 4). Null: all by the zero-shot labels.
    /// </summary>
    public int? CorrectInGroup
    {
        get;
        init => field = value is { } v ? OptionCheck.Range(v, 0, 64) : null;
    }

    /// <summary>Key column with the true classes, read for <see cref="CorrectInGroup"/> only.</summary>
    public string? TrueLabelColumn
    {
        get;
        init => field = OptionCheck.NullOrNotBlank(value);
    }

    /// <summary>Deals the texts out among the images at random: a control, which shows what their content is worth.</summary>
    public bool Shuffled { get; init; }

    /// <summary>Calls at a time, 1..256.</summary>
    public int ParallelCalls
    {
        get;
        init => field = OptionCheck.Range(value, 1, 256);
    } = 4;

    /// <summary>How often a call that failed in passing is made again, 0..100.</summary>
    public int Retries
    {
        get;
        init => field = OptionCheck.Range(value, 0, 100);
    } = 6;

    /// <summary>Seconds that an answer may take, 1..86,400.</summary>
    public int TimeoutSeconds
    {
        get;
        init => field = OptionCheck.Range(value, 1, 86_400);
    } = 300;

    /// <summary>Receives a report after each text.</summary>
    [JsonIgnore]
    public IProgress<ProgressReport>? Progress { get; init; }

    /// <summary>Ends the work; texts that are written stay.</summary>
    [JsonIgnore]
    public CancellationToken CancellationToken { get; init; }

    /// <summary>The clock that waits; tests have their own.</summary>
    internal TimeProvider Time { get; init; } = TimeProvider.System;
}
