using System.Globalization;

namespace AirMLNet.Cluster;

/// <summary>
/// Who does which piece. A silo has one piece at a time; the last piece is handed out when all others are done; a piece that is done
/// counts once, whoever says so and however often.
/// </summary>
/// <param name="state">What is kept; changed in place.</param>
/// <param name="job">The job that the state is of.</param>
/// <param name="time">The clock.</param>
internal sealed class PieceLedger(JobState state, ClusterJob job, TimeProvider time)
{
    private static readonly TimeSpan FirstWait = TimeSpan.FromSeconds(1),
        LongestWait = TimeSpan.FromMinutes(1);

    /// <summary>The pieces of the work, and one that joins them.</summary>
    public int Pieces => job.Pieces + 1;

    public int Done { get; private set; } = state.Done.Sum(b => byte.PopCount(b));

    public bool IsComplete => Done == Pieces;

    /// <summary>An empty state of a job.</summary>
    public static JobState Begin(ClusterJob job) => new() { Job = job.ToJson(), Done = new byte[(job.Pieces + 1 + 7) / 8] };

    /// <summary>Lets a job that was given up go on: what is done stays done.</summary>
    public void GoOn()
    {
        state.Failure = null;
        state.Troubles.Clear();
    }

    /// <summary>Takes back the pieces of silos that are gone.</summary>
    /// <returns>Whether there were any.</returns>
    public bool Free(Func<string, bool> isGone)
    {
        string[] gone = [.. state.Held.Keys.Where(isGone)];
        foreach (var silo in gone)
        {
            GiveBack(silo, state.Held[silo], error: null, died: true);
        }

        return gone.Length > 0;
    }

    /// <summary>A piece for a silo; null where there is none now.</summary>
    /// <param name="silo">The silo.</param>
    /// <param name="changed">Whether the state was changed: false where the silo had the piece already.</param>
    public int? Take(string silo, out bool changed)
    {
        changed = false;
        if (state.Failure is not null || IsComplete)
        {
            return null;
        }

        if (state.Held.TryGetValue(silo, out var own))
        {
            return own;
        }

        var now = time.GetUtcNow();
        var held = state.Held.Values.ToHashSet();
        bool IsFree(int piece) =>
            !IsDone(piece) && !held.Contains(piece) && !(state.Troubles.TryGetValue(piece, out var trouble) && trouble.NotBefore > now);
        var last = Pieces - 1;
        var next = Done == last ? (IsFree(Pieces) ? Pieces : 0) : Enumerable.Range(1, last).FirstOrDefault(IsFree);
        if (next == 0)
        {
            return null;
        }

        state.Held[silo] = next;
        changed = true;
        return next;
    }

    /// <summary>A piece is done.</summary>
    /// <returns>Whether that was news.</returns>
    public bool Finish(string silo, int piece)
    {
        Check(piece);
        var held = Release(silo, piece);
        if (IsDone(piece))
        {
            return held;
        }

        state.Done[(piece - 1) / 8] |= (byte)(1 << ((piece - 1) % 8));
        state.Troubles.Remove(piece);
        state.DoneBy[silo] = state.DoneBy.GetValueOrDefault(silo) + 1;
        Done++;
        return true;
    }

    /// <summary>A silo does not do its piece after all.</summary>
    /// <param name="silo">The silo.</param>
    /// <param name="piece">Its piece.</param>
    /// <param name="error">What went wrong; null where nothing did.</param>
    /// <param name="died">The silo is gone: perhaps by the piece, so it counts as an attempt.</param>
    /// <returns>Whether it had the piece.</returns>
    public bool GiveBack(string silo, int piece, string? error, bool died = false)
    {
        Check(piece);
        if (!Release(silo, piece))
        {
            return false;
        }

        state.Returned += error is null ? 1 : 0;
        if (IsDone(piece) || (error is null && !died))
        {
            return true;
        }

        var attempts = (state.Troubles.GetValueOrDefault(piece)?.Attempts ?? 0) + 1;
        var wait = FirstWait * Math.Pow(2, Math.Min(attempts - 1, 10));
        // Who died says nothing of when: another may begin at once.
        state.Troubles[piece] = new(attempts, died ? time.GetUtcNow() : time.GetUtcNow() + (wait < LongestWait ? wait : LongestWait));
        if (attempts >= job.Attempts)
        {
            state.Failure ??= string.Create(
                CultureInfo.InvariantCulture,
                $"piece {piece} of {Pieces} failed {attempts} times, the last time on {silo}: {error?.TrimEnd('.') ?? "the silo died"}"
            );
        }

        return true;
    }

    private bool IsDone(int piece) => (state.Done[(piece - 1) / 8] >> ((piece - 1) % 8) & 1) == 1;

    private bool Release(string silo, int piece) => state.Held.TryGetValue(silo, out var own) && own == piece && state.Held.Remove(silo);

    private void Check(int piece)
    {
        if (piece < 1 || piece > Pieces)
        {
            throw new ArgumentOutOfRangeException(nameof(piece), piece, $"{nameof(piece)} = {piece}; expected 1..{Pieces}.");
        }
    }
}
