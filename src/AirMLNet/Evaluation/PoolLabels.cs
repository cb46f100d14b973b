namespace AirMLNet.Evaluation;

/// <summary>
/// The labels of a pool of which a paradigm gives some away. The others are there for scoring, and cannot be read while a
/// fit runs: an attempt is an error, so that no figure rests on a label that the method was not given.
/// </summary>
/// <param name="labels">Class of each image, −1 where nobody knows it.</param>
/// <param name="given">Rows whose labels may be used.</param>
internal sealed class PoolLabels(IReadOnlyList<int> labels, IEnumerable<int> given)
{
    private readonly HashSet<int> _given = [.. given];
    private int _fits;

    /// <summary>Number of images.</summary>
    public int Count => labels.Count;

    /// <summary>Rows whose labels may be used, ascending.</summary>
    public IReadOnlyList<int> Given => [.. _given.Order()];

    /// <summary>The label of a row.</summary>
    /// <param name="row">0 .. count − 1.</param>
    /// <exception cref="InvalidOperationException">It was not given away, and a fit runs.</exception>
    public int this[int row] =>
        _fits == 0 || _given.Contains(row)
            ? labels[row]
            : throw new InvalidOperationException($"The label of image {row} was asked for during a fit, which was not given it.");

    /// <summary>Whether the label of a row was given away; never an error.</summary>
    public bool IsGiven(int row) => _given.Contains(row);

    /// <summary>Begins a fit, which ends when the result is disposed.</summary>
    public IDisposable BeginFit() => new Fit(this);

    private sealed class Fit : IDisposable
    {
        private PoolLabels? _owner;

        public Fit(PoolLabels owner)
        {
            _owner = owner;
            Interlocked.Increment(ref owner._fits);
        }

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _owner, null) is { } owner)
            {
                Interlocked.Decrement(ref owner._fits);
            }
        }
    }
}
