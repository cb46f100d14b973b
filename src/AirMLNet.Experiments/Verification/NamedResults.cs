using static TorchSharp.torch;

namespace AirMLNet.Verification;

/// <summary>What a run of a case computed, by the names of its expected outputs.</summary>
internal sealed class NamedResults(CaseFolder folder)
{
    private readonly Dictionary<string, Tensor> _values = new(StringComparer.Ordinal);

    public Tensor this[string name]
    {
        set => _values[name] = value.detach();
    }

    /// <summary>Keeps the gradient of a leaf; zeros where it took no part.</summary>
    public void Gradient(string name, Tensor leaf) => this[name] = leaf.grad is { } gradient ? gradient.clone() : zeros_like(leaf);

    /// <summary>Compares every expected output; one that was not computed is a failing row.</summary>
    /// <param name="rows">Receives the rows.</param>
    /// <param name="tolerance">The tolerance of an output, by its name; null for the case's.</param>
    public void Compare(List<VerificationRow> rows, Func<string, (double Abs, double Rel)>? tolerance = null)
    {
        foreach (var name in folder.Expected("out.").Select(n => "out." + n).Concat(folder.Expected("grad.").Select(n => "grad." + n)))
        {
            rows.Add(Comparison.Guarded(name, () => Row(name, tolerance?.Invoke(name) ?? folder.Tolerance)));
        }
    }

    private VerificationRow Row(string name, (double Abs, double Rel) tolerance)
    {
        if (!_values.TryGetValue(name, out var got))
        {
            return Comparison.Failed(name, "this output is not known");
        }
        var want = folder.Tensor(name, ScalarType.Float32);
        return name.StartsWith("grad.", StringComparison.Ordinal)
            ? Comparison.Gradient(name, got, want)
            : Comparison.Output(name, got, want, tolerance);
    }
}
