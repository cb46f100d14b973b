using System.Globalization;

namespace AirMLNet.Verification;

/// <summary>One compared output of a case.</summary>
/// <param name="Output">Name of the output, with the weights file that gave it where a case has several.</param>
/// <param name="MaxAbs">Largest absolute difference; for exact outputs the number of differing items. NaN when not computed.</param>
/// <param name="MaxRel">Largest absolute difference over the largest expected magnitude; for exact outputs the differing fraction.</param>
/// <param name="Pass">Whether the difference is within the case's tolerance.</param>
/// <param name="Note">Why a row fails or what it left out; null when there is nothing to say.</param>
internal sealed record VerificationRow(string Output, double MaxAbs, double MaxRel, bool Pass, string? Note = null)
{
    /// <summary>The row as one line of text: verdict, both errors, name, note.</summary>
    public override string ToString() =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{(Pass ? "PASS" : "FAIL")}  abs {MaxAbs, 9:0.00e+00}  rel {MaxRel, 9:0.00e+00}  "
                + $"{Output}{(Note is null ? "" : "  (" + Note + ")")}"
        );
}

/// <summary>The result of running a reference case.</summary>
/// <param name="Case">Name of the case.</param>
/// <param name="Kind">What kind of case it was taken for.</param>
/// <param name="Rows">One row per expected output; never empty.</param>
internal sealed record VerificationReport(string Case, string Kind, IReadOnlyList<VerificationRow> Rows)
{
    /// <summary>True when every row passes.</summary>
    public bool Passed => Rows.Count > 0 && Rows.All(r => r.Pass);

    /// <summary>The rows and the verdict as lines of text.</summary>
    public IEnumerable<string> Lines()
    {
        foreach (var row in Rows)
        {
            yield return row.ToString();
        }
        yield return $"{(Passed ? "PASS" : "FAIL")}  {Case} ({Kind}): {Rows.Count(r => r.Pass)} of {Rows.Count} outputs within tolerance";
    }
}
