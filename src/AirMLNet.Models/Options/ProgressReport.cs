namespace AirMLNet.Options;

/// <summary>One report of work that takes a while: a stage that is fitted or scores, a training, a generation, a download.</summary>
/// <param name="Source">Who reports, such as <c>PromptAdapter</c> or <c>LoraTrainer</c>.</param>
/// <param name="Activity">What it is doing, such as <c>round 2 of 10</c>.</param>
/// <param name="Done">Units finished; the option that takes the reports says which, such as images, training steps or bytes.</param>
/// <param name="Total">Units in all, or null where the number is not known beforehand.</param>
/// <param name="Loss">The training loss of the last step or epoch, where there is one.</param>
/// <param name="PerSecond">Images a second since this process began the work, where it is measured.</param>
public sealed record ProgressReport(
    string Source,
    string Activity,
    long Done,
    long? Total = null,
    double? Loss = null,
    double? PerSecond = null
);
