using TorchSharp.Tests.Cases;

namespace TorchSharp.Tests;

/// <summary>Central differences in double precision against what backward gives.</summary>
internal static class GradientCheck
{
    private const double Step = 1e-6;
    private const int ElementsPerLeaf = 16;

    /// <summary>What disagrees, or null. At most <see cref="ElementsPerLeaf"/> elements of each input and parameter are moved.</summary>
    internal static string Disagreement(Case entry, Inputs inputs, Random random, ref int compared)
    {
        inputs.Shift = null;
        inputs.Reset();
        var result = entry.Here(inputs);
        if (!result.requires_grad) return null;
        var weights = arange(result.numel(), float64).cos().view(result.shape);
        (result.to(float64) * weights).sum().backward();
        var analytic = inputs.Leaves.Select(leaf => (leaf.Key, Grad: leaf.Value.grad?.contiguous().data<double>().ToArray(), Count: leaf.Value.numel())).ToArray();
        using var quiet = no_grad();
        foreach (var (leaf, grad, count) in analytic)
        {
            // A leaf without a gradient must not matter either; one element tells.
            var elements = grad is null ? [0L] : count <= ElementsPerLeaf ? Enumerable.Range(0, (int)count).Select(k => (long)k).ToArray() : Enumerable.Range(0, ElementsPerLeaf).Select(_ => random.NextInt64(count)).ToArray();
            foreach (var element in elements)
            {
                var numeric = (At(entry, inputs, weights, (leaf, element, Step)) - At(entry, inputs, weights, (leaf, element, -Step))) / (2 * Step);
                var expected = grad?[element] ?? 0;
                compared++;
                if (!(Math.Abs(numeric - expected) <= 2e-6 * (1 + Math.Abs(expected)))) return $"{leaf}[{element}]: {expected}, but finite differences give {numeric}";
            }
        }
        return null;
    }

    private static double At(Case entry, Inputs inputs, Tensor weights, (string, long, double) shift)
    {
        using var scope = NewDisposeScope();
        inputs.Reset();
        inputs.Shift = shift;
        var value = (entry.Here(inputs).to(float64) * weights).sum().item<double>();
        inputs.Shift = null;
        return value;
    }
}
