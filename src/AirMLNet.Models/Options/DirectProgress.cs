namespace AirMLNet.Options;

/// <summary>Hands reports on at once; <see cref="Progress{T}"/> would send them to other threads, in any order.</summary>
internal sealed class DirectProgress(Action<ProgressReport> report) : IProgress<ProgressReport>
{
    public void Report(ProgressReport value) => report(value);
}
