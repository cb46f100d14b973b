using System.Text.Json.Serialization;
using AirMLNet.Options;

namespace AirMLNet.Captions;

/// <summary>How a language model writes captions about classes; values are checked when they are set.</summary>
public sealed record WriteCaptionsOptions
{
    /// <summary>The question, with <c>{}</c> for the classes.</summary>
    public const string DefaultPrompt =
        "Write one short caption of an ordinary photo that shows {}. Name each of them by exactly these words. "
        + "Answer with the caption alone.";

    /// <summary>The classes, and the words by which a caption is seen to name them.</summary>
    public required NounFilterOptions Nouns { get; init; }

    /// <summary>Captions to be written, 1..10,000,000; fewer come back where the model did not name what it was asked to.</summary>
    public int Count
    {
        get;
        init => field = OptionCheck.Range(value, 1, 10_000_000);
    } = 1000;

    /// <summary>Classes of a caption at most, 1..10; how many it has, and which, is drawn.</summary>
    public int MostClasses
    {
        get;
        init => field = OptionCheck.Range(value, 1, 10);
    } = 3;

    /// <summary>The question, with <c>{}</c> for the classes.</summary>
    public string Prompt
    {
        get;
        init => field = OptionCheck.Templates([value])[0];
    } = DefaultPrompt;

    /// <summary>How often a caption is asked for that leaves out a class, 1..20.</summary>
    public int Attempts
    {
        get;
        init => field = OptionCheck.Range(value, 1, 20);
    } = 3;

    /// <summary>Which classes are drawn.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>Folder that keeps each text when it is written; another run does not ask for it again.</summary>
    public required string WorkFolder
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    }

    /// <summary>The model, and how it is asked; it draws its words, so that captions differ.</summary>
    public ChatCaptionerOptions Chat { get; init; } = new() { Temperature = 1 };

    /// <summary>Calls at a time, 1..256.</summary>
    public int ParallelCalls
    {
        get;
        init => field = OptionCheck.Range(value, 1, 256);
    } = 4;

    /// <summary>Receives a report after each text.</summary>
    [JsonIgnore]
    public IProgress<ProgressReport>? Progress { get; init; }

    /// <summary>Hears of long waits for the server.</summary>
    internal Action<string>? Warn { get; init; }

    /// <summary>Ends the work; texts that are written stay.</summary>
    [JsonIgnore]
    public CancellationToken CancellationToken { get; init; }
}
