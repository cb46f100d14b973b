using System.Globalization;

namespace AirMLNet.Files;

/// <summary>
/// A part of work that several processes or machines share. Which pieces a part has depends on nothing but its number and theirs, so
/// that parts can run in any order, twice, or anew.
/// </summary>
internal sealed record Shard
{
    /// <summary>The most parts.</summary>
    public const int Most = 100_000;

    private const string Automatic = "auto";
    private const string Kubernetes = "JOB_COMPLETION_INDEX",
        Slurm = "SLURM_ARRAY_TASK_ID",
        SlurmFirst = "SLURM_ARRAY_TASK_MIN",
        SlurmLast = "SLURM_ARRAY_TASK_MAX",
        SlurmStep = "SLURM_ARRAY_TASK_STEP",
        SlurmCount = "SLURM_ARRAY_TASK_COUNT";

    /// <param name="part">Which part, from 1.</param>
    /// <param name="parts">How many there are, 1..<see cref="Most"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such part.</exception>
    public Shard(int part, int parts)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(parts, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(parts, Most);
        ArgumentOutOfRangeException.ThrowIfLessThan(part, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(part, parts);
        (Part, Parts) = (part, parts);
    }

    /// <summary>All of it.</summary>
    public static Shard Whole { get; } = new(1, 1);

    /// <summary>From 1.</summary>
    public int Part { get; }

    public int Parts { get; }

    public bool IsWhole => Parts == 1;

    /// <summary>
    /// Whether a piece, counted from 0, is this part's, where pieces are dealt out in turn: costly ones often stand together.
    /// </summary>
    public bool Owns(int piece) => piece % Parts == Part - 1;

    /// <summary>This part's pieces in a row, where parts are to be joined in order: as even a share as there is.</summary>
    public Range RangeOf(int count) => (int)((long)count * (Part - 1) / Parts)..(int)((long)count * Part / Parts);

    /// <summary>
    /// Reads <c>3/16</c>, or <c>auto/16</c> and <c>auto</c>, which take the part from the environment: Kubernetes'
    /// <c>JOB_COMPLETION_INDEX</c> (from 0; the number of parts must be given) or Slurm's <c>SLURM_ARRAY_TASK_ID</c>, counted from the
    /// array's first by its step, of as many as the array has.
    /// </summary>
    /// <param name="text">What is written.</param>
    /// <param name="environment">The value of a variable, or null.</param>
    /// <exception cref="FormatException">It is none of these, or the environment does not say; the message is for users.</exception>
    public static Shard Parse(string text, Func<string, string?> environment)
    {
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        var (left, right) = slash < 0 ? (text, null) : (text[..slash], text[(slash + 1)..]);
        var parts = right is null ? null : Number(right);
        if ((right is null) != (parts is null) || parts is < 1 or > Most || (left != Automatic && right is null))
        {
            throw Wrong(text);
        }

        var part = left == Automatic ? FromEnvironment(environment, ref parts) : Number(left);
        return part >= 1 && part <= parts && parts <= Most ? new(part.Value, parts.Value) : throw Wrong(text);
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Part}/{Parts}");

    private static int FromEnvironment(Func<string, string?> environment, ref int? parts)
    {
        if (environment(Kubernetes) is { Length: > 0 } index)
        {
            if (environment(Slurm) is { Length: > 0 })
            {
                throw new FormatException($"both {Kubernetes} and {Slurm} are set, so it is not known which says the part; write I/N");
            }

            var zeroBased = Number(index) ?? throw new FormatException($"{Kubernetes} is '{index}'; expected a number from 0");
            return parts is null
                ? throw new FormatException($"{Kubernetes} says which part, but not of how many; write {Automatic}/N")
                : Checked(zeroBased + 1, parts.Value, Kubernetes, index);
        }

        if (environment(Slurm) is { Length: > 0 } id)
        {
            return FromArray(environment, id, ref parts);
        }

        throw new FormatException($"neither {Kubernetes} nor {Slurm} is set, so '{Automatic}' is no part; write I/N, such as 3/16");
    }

    /// <summary>The part of an array's job, where the array has a job for every part: some alone do not say which they are.</summary>
    private static int FromArray(Func<string, string?> environment, string id, ref int? parts)
    {
        int Read(string name, int standard) =>
            environment(name) is { Length: > 0 } value
                ? Number(value) ?? throw new FormatException($"{name} is '{value}'; expected a number")
                : standard;
        var (first, step, count) = (Read(SlurmFirst, 0), Math.Max(1, Read(SlurmStep, 1)), Read(SlurmCount, 0));
        parts ??=
            count > 0
                ? count
                : throw new FormatException($"{SlurmCount} is not set, so the number of parts is not known; write {Automatic}/N");
        if (count > 0 && count != parts)
        {
            throw new FormatException(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"the array has {count} jobs and the work {parts} parts, so a job's number does not say its part; submit an array of "
                        + $"{parts}, or write I/N"
                )
            );
        }

        var last = Read(SlurmLast, first + (parts.Value - 1) * step);
        if ((last - first) / step != parts - 1)
        {
            throw new FormatException(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"the array's numbers, {parts} from {first} to {last}, have gaps, so they do not say which part a job is; submit one "
                        + $"without, or write I/N"
                )
            );
        }

        var number = Number(id) ?? throw new FormatException($"{Slurm} is '{id}'; expected a number");
        return Checked(number < first ? 0 : (number - first) / step + 1, parts.Value, Slurm, id);
    }

    private static int Checked(int part, int parts, string name, string value) =>
        part >= 1 && part <= parts
            ? part
            : throw new FormatException(string.Create(CultureInfo.InvariantCulture, $"{name} is {value}, which is none of {parts} parts"));

    private static int? Number(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number < int.MaxValue ? number : null;

    private static FormatException Wrong(string text) =>
        new($"'{text}' is no part of the work; expected one and their number, such as 3/16, or auto/16");
}
