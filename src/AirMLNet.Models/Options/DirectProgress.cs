namespace AirMLNet.Options;

/// <summary>Hands reports on at once; <see cref="Progress{T}"/> would send them to other threads, in any order.</summary>
internal sealed class DirectProgress<T>(Action<T> report) : IProgress<T>
{
    public void Report(T value) => report(value);
}
