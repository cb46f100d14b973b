using System.Globalization;

namespace AirMLNet.Experiments;

/// <summary>What a run would do.</summary>
/// <param name="Reads">The images it reads.</param>
/// <param name="Makes">The synthetic images it makes, or takes; empty where it needs none.</param>
/// <param name="Trains">What it trains.</param>
/// <param name="Seconds">A rough estimate of the time, with what is made or encoded for this run first; null where it cannot be told.</param>
internal sealed record RunPlan(string Reads, string Makes, string Trains, double? Seconds)
{
    /// <summary>One line of it.</summary>
    public override string ToString() =>
        $"reads {Reads}; {(Makes.Length > 0 ? $"makes {Makes}; " : "")}trains {Trains}; {(Seconds is { } s ? $"about {Time(s)}" : "time unknown")}";

    /// <summary>A duration for people.</summary>
    public static string Time(double seconds) =>
        seconds switch
        {
            < 90 => string.Create(CultureInfo.InvariantCulture, $"{Math.Max(1, seconds):0} s"),
            < 5400 => string.Create(CultureInfo.InvariantCulture, $"{seconds / 60:0} min"),
            < 172_800 => string.Create(CultureInfo.InvariantCulture, $"{seconds / 3600:0.0} h"),
            _ => string.Create(CultureInfo.InvariantCulture, $"{seconds / 86_400:0.0} days"),
        };
}
