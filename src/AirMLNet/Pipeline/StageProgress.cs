namespace AirMLNet.Pipeline;

/// <summary>One report of a stage at work.</summary>
/// <param name="Stage">The stage, such as <c>PromptAdapter</c>.</param>
/// <param name="Activity">What it is doing, such as <c>round 2 of 10</c>.</param>
/// <param name="Done">Units finished: images, or training steps.</param>
/// <param name="Total">Units in all, or null where the number is not known beforehand.</param>
/// <param name="Loss">The mean training loss since the last report, where there is one.</param>
public sealed record StageProgress(string Stage, string Activity, long Done, long? Total = null, double? Loss = null);
