using System.Text.Json.Serialization;
using AirMLNet.Clip;
using AirMLNet.Files;
using AirMLNet.Options;

namespace AirMLNet.Synthesis;

/// <summary>Options of a <see cref="ImageSynthesizer"/>. Values are checked when they are set.</summary>
internal sealed record ImageSynthesizerOptions
{
    /// <summary>
    /// Folder to write to: <c>images/</c>, <c>contact-sheet.png</c> and <c>synthesis.json</c>, which says how they were made.
    /// </summary>
    public required string Output
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    }

    /// <summary>What to make images of; one or more.</summary>
    public required IReadOnlyList<SynthesisPrompt> Prompts { get; init; }

    /// <summary>Images of each prompt, 1..100,000.</summary>
    public int ImagesPerPrompt
    {
        get;
        init => field = OptionCheck.Range(value, 1, 100_000);
    } = 1;

    /// <summary>Seed of the first image; 0 or more.</summary>
    public int Seed
    {
        get;
        init => field = OptionCheck.Range(value, 0, int.MaxValue);
    } = 1;

    /// <summary>What images must not show; null for nothing in particular.</summary>
    public string? NegativePrompt { get; init; }

    /// <summary>
    /// What else the images depend on, such as model, steps and guidance, by name. A folder of images made otherwise is not
    /// added to.
    /// </summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>();

    /// <summary>
    /// Images that the generator works on together, in the order of the prompts. Where one of such a group is missing, all of
    /// it is made again in the same group: an interrupted run then ends with the same bits, not only the same to rounding.
    /// </summary>
    public int GroupSize
    {
        get;
        init => field = OptionCheck.Range(value, 1, 1024);
    } = 1;

    /// <summary>Which of the groups this run makes.</summary>
    public Shard Shard { get; init; } = Shard.Whole;

    /// <summary>Receives a report after each image, which is the unit.</summary>
    [JsonIgnore]
    public IProgress<ProgressReport>? Progress { get; init; }

    /// <summary>Ends the work after the current step; what is finished stays.</summary>
    [JsonIgnore]
    public CancellationToken CancellationToken { get; init; }
}

/// <summary>What to make images of.</summary>
/// <param name="Text">The prompt.</param>
/// <param name="Class">The class whose sub-folder the images go to; null for none.</param>
internal sealed record SynthesisPrompt(string Text, string? Class = null)
{
    /// <summary>The prompt of a class; see <see cref="ClassPrompt.Of"/>.</summary>
    public static SynthesisPrompt OfClass(string name, string domain) => new(ClassPrompt.Of(name, domain), name);
}

/// <summary>What a <see cref="ImageSynthesizer"/> did.</summary>
/// <param name="Images">The files of the run's shard, prompt after prompt.</param>
/// <param name="Made">How many of them were made now; the others were there.</param>
/// <param name="ContactSheet">The picture of all of them, or of the first ones of each prompt; null while others are missing.</param>
/// <param name="Seconds">Time it took to make them.</param>
internal sealed record SynthesisResult(IReadOnlyList<string> Images, int Made, string? ContactSheet, double Seconds);
