namespace AirMLNet.Pipeline;

/// <summary>Hands reports on at once; <see cref="Progress{T}"/> would send them to other threads, in any order.</summary>
internal sealed class Reports<T>(Action<T> report) : IProgress<T>
{
    public void Report(T value) => report(value);
}
