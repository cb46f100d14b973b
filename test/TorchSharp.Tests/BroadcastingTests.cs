namespace TorchSharp.Tests;

/// <summary>Random shapes against loops over plain arrays.</summary>
[TestClass]
public class BroadcastingTests
{
    private static readonly (string Name, Func<Tensor, Tensor, Tensor> Here, Func<double, double, double> Plain)[] Operators =
    [
        ("+", (a, b) => a + b, (x, y) => x + y), ("-", (a, b) => a - b, (x, y) => x - y), ("*", (a, b) => a * b, (x, y) => x * y), ("/", (a, b) => a / b, (x, y) => x / y),
        ("maximum", (a, b) => a.maximum(b), Math.Max), ("atan2", (a, b) => a.atan2(b), Math.Atan2), (">", (a, b) => a > b, (x, y) => x > y ? 1 : 0), ("where", (a, b) => where(a > 0, a, b), (x, y) => x > 0 ? x : y),
    ];

    [TestMethod]
    public void Two_shapes_broadcast_like_loops()
    {
        var random = new Random(11);
        for (var round = 0; round < 300; round++)
        {
            using var scope = NewDisposeScope();
            var (left, right, joined) = Shapes(random);
            var (a, b) = (NdArray.Random(random, left), NdArray.Random(random, right));
            var (name, here, plain) = Operators[round % Operators.Length];
            var expected = NdArray.Filled(joined, at => plain(a.At(Clip(at, left)), b.At(Clip(at, right))));
            expected.AreSame(here(a.ToTensor(), b.ToTensor()), $"{name} of ({string.Join(", ", left)}) and ({string.Join(", ", right)})");
        }
    }

    [TestMethod]
    public void Gradients_are_summed_over_what_was_broadcast()
    {
        var random = new Random(12);
        for (var round = 0; round < 100; round++)
        {
            using var scope = NewDisposeScope();
            var (left, right, joined) = Shapes(random);
            var (a, b) = (NdArray.Random(random, left), NdArray.Random(random, right));
            Tensor x = a.ToTensor().requires_grad_(), y = b.ToTensor().requires_grad_();
            (x * y).sum().backward();
            var expected = NdArray.Filled(left, _ => 0);
            foreach (var at in NdArray.Indices(joined)) expected.Add(Clip(at, left), b.At(Clip(at, right)));
            expected.AreSame(x.grad, $"gradient of ({string.Join(", ", left)}) times ({string.Join(", ", right)})", 1e-12);
        }
    }

    [TestMethod]
    public void Shapes_that_do_not_fit_are_refused_with_both_shapes()
    {
        var random = new Random(13);
        for (var round = 0; round < 100; round++)
        {
            using var scope = NewDisposeScope();
            var (left, right, joined) = Shapes(random);
            var axis = random.Next(joined.Length);
            var (wrongLeft, wrongRight) = ((long[])joined.Clone(), (long[])joined.Clone());
            wrongLeft[axis] = 2;
            wrongRight[axis] = 3;
            var e = Assert.Throws<Exception>(() => ones(wrongLeft) + ones(wrongRight));
            Assert.Contains(string.Join('x', wrongLeft), e.Message);
            Assert.Contains(string.Join('x', wrongRight), e.Message);
        }
    }

    [TestMethod]
    public void Reductions_over_random_dimensions_are_loops()
    {
        var random = new Random(14);
        for (var round = 0; round < 150; round++)
        {
            using var scope = NewDisposeScope();
            var shape = Enumerable.Range(0, random.Next(1, 5)).Select(_ => random.NextInt64(1, 5)).ToArray();
            var array = NdArray.Random(random, shape);
            var dims = Enumerable.Range(0, shape.Length).Where(_ => random.Next(2) == 0).Select(d => (long)d).ToArray();
            if (dims.Length == 0) dims = [0];
            var keep = random.Next(2) == 0;
            var kept = shape.Select((s, d) => dims.Contains(d) ? 1 : s).ToArray();
            var sum = NdArray.Filled(kept, _ => 0);
            foreach (var at in NdArray.Indices(shape)) sum.Add(Clip(at, kept), array.At(at));
            var expected = keep ? sum : sum.Reshaped([.. shape.Where((_, d) => !dims.Contains(d))]);
            var asked = dims.Select(d => random.Next(2) == 0 ? d : d - shape.Length).ToArray();
            expected.AreSame(array.ToTensor().sum(asked, keep), $"sum of ({string.Join(", ", shape)}) over ({string.Join(", ", asked)})", 1e-12);
        }
    }

    // Two shapes and what they broadcast to: ones in either at random, leading dimensions dropped at random.
    private static (long[] Left, long[] Right, long[] Joined) Shapes(Random random)
    {
        var joined = Enumerable.Range(0, random.Next(1, 5)).Select(_ => random.NextInt64(1, 5)).ToArray();
        long[] Some() => [.. joined.Select(s => random.Next(3) == 0 ? 1 : s).Skip(random.Next(joined.Length))];
        var (left, right) = (Some(), Some());
        var result = new long[Math.Max(left.Length, right.Length)];
        for (var k = 1; k <= result.Length; k++)
        {
            var (l, r) = (k <= left.Length ? left[^k] : 1, k <= right.Length ? right[^k] : 1);
            result[^k] = Math.Max(l, r);
        }
        return (left, right, result);
    }

    // The place of a broadcast element in an operand: leading dimensions dropped, 0 where its length is one.
    private static long[] Clip(long[] at, long[] shape)
    {
        var own = new long[shape.Length];
        for (var k = 1; k <= own.Length; k++) own[^k] = shape[^k] == 1 ? 0 : at[^k];
        return own;
    }
}
