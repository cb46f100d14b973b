using System.Diagnostics;

namespace AirMLNet.Benchmarks;

/// <summary>
/// Pieces of work that are timed in turns, so that a slow moment of the machine meets all of them. What is said of two is the
/// median of the turns' own ratios: within one turn they ran right after each other.
/// </summary>
internal sealed class Turns
{
    private readonly List<(string Name, int Items, Func<double> Seconds, bool WarmUp)> _works = [];
    private readonly Dictionary<string, List<double>> _rates = [];

    /// <param name="name">What <see cref="Rate(string)"/> knows it by.</param>
    /// <param name="items">How many images or calls one run is.</param>
    /// <param name="work">One run.</param>
    /// <param name="warmUp">Whether it runs once before the first turn, uncounted.</param>
    public void Add(string name, int items, Action work, bool warmUp = true) =>
        Add(
            name,
            items,
            () =>
            {
                var start = Stopwatch.GetTimestamp();
                work();
                return Stopwatch.GetElapsedTime(start).TotalSeconds;
            },
            warmUp
        );

    /// <summary>As above, for work that takes its own time and gives the seconds.</summary>
    public void Add(string name, int items, Func<double> seconds, bool warmUp = true) => _works.Add((name, items, seconds, warmUp));

    public void Run(int turns)
    {
        foreach (var work in _works.Where(w => w.WarmUp))
        {
            work.Seconds();
        }

        for (var turn = 0; turn < turns; turn++)
        {
            foreach (var work in _works)
            {
                var rate = work.Items / work.Seconds();
                if (!_rates.TryGetValue(work.Name, out var rates))
                {
                    _rates.Add(work.Name, rates = []);
                }

                rates.Add(rate);
            }
        }
    }

    /// <summary>Items per second, the median of the turns; NaN for what never ran.</summary>
    public double Rate(string name) => _rates.TryGetValue(name, out var rates) ? BenchmarkData.Median(rates) : double.NaN;

    /// <summary>How many times as fast one is as another.</summary>
    public double Ratio(string name, string other) => Ratio(name, turn => _rates[other][turn]);

    /// <summary>The same where the other rate is computed from those of the turn, given its number.</summary>
    public double Ratio(string name, Func<int, double> other) =>
        BenchmarkData.Median(_rates[name].Select((rate, turn) => rate / other(turn)));

    /// <summary>Items per second in one turn.</summary>
    public double Rate(string name, int turn) => _rates[name][turn];
}
