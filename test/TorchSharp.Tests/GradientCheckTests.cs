using TorchSharp.Tests.Cases;

namespace TorchSharp.Tests;

[TestClass]
public class GradientCheckTests
{
    public TestContext TestContext { get; set; }

    [TestMethod]
    public void Gradients_of_every_case_agree_with_finite_differences()
    {
        var random = new Random(4);
        using var inputs = new Inputs(float64);
        var (compared, cases) = (0, 0);
        var wrong = new List<string>();
        foreach (var entry in Case.All.Where(c => c.Gradient == Gradient.Both))
        {
            using var scope = NewDisposeScope();
            var before = compared;
            if (GradientCheck.Disagreement(entry, inputs, random, ref compared) is { } found) wrong.Add($"{entry.Python}: {found}");
            if (compared > before) cases++;
        }
        TestContext.WriteLine($"{compared} derivatives of {cases} cases compared.");
        Assert.IsEmpty(wrong, string.Join("\n", wrong));
        Assert.IsGreaterThan(250, cases);
    }

    [TestMethod]
    public void A_wrong_gradient_is_noticed()
    {
        using var scope = NewDisposeScope();
        using var inputs = new Inputs(float64);
        var compared = 0;
        Assert.IsNotNull(GradientCheck.Disagreement(new Case("", t => t.a * t.b.detach()), inputs, new Random(4), ref compared));
    }

    // Function, its derivative by the textbook, at points away from kinks.
    private static readonly (string Name, Func<Tensor, Tensor> Here, Func<double, double> Derivative)[] Closed =
    [
        ("exp", x => x.exp(), Math.Exp), ("log", x => x.log(), x => 1 / x), ("sin", x => x.sin(), Math.Cos), ("cos", x => x.cos(), x => -Math.Sin(x)),
        ("tan", x => x.tan(), x => 1 / (Math.Cos(x) * Math.Cos(x))), ("atan", x => x.atan(), x => 1 / (1 + x * x)), ("asinh", x => x.asinh(), x => 1 / Math.Sqrt(1 + x * x)),
        ("tanh", x => x.tanh(), x => 1 - Math.Tanh(x) * Math.Tanh(x)), ("sqrt", x => x.sqrt(), x => 0.5 / Math.Sqrt(x)), ("rsqrt", x => x.rsqrt(), x => -0.5 * Math.Pow(x, -1.5)),
        ("sigmoid", x => x.sigmoid(), x => Sigmoid(x) * (1 - Sigmoid(x))), ("silu", x => nn.functional.silu(x), x => Sigmoid(x) * (1 + x * (1 - Sigmoid(x)))),
        ("softplus", x => nn.functional.softplus(x), Sigmoid), ("erf", x => x.erf(), x => 2 / Math.Sqrt(Math.PI) * Math.Exp(-x * x)), ("pow", x => x.pow(2.5), x => 2.5 * Math.Pow(x, 1.5)),
        ("reciprocal", x => x.reciprocal(), x => -1 / (x * x)), ("log1p", x => x.log1p(), x => 1 / (1 + x)), ("expm1", x => x.expm1(), Math.Exp), ("sinh", x => x.sinh(), Math.Cosh),
        ("cosh", x => x.cosh(), Math.Sinh), ("relu", x => x.relu(), _ => 1), ("abs", x => x.abs(), _ => 1), ("square", x => x.square(), x => 2 * x), ("exp2", x => x.exp2(), x => Math.Log(2) * Math.Pow(2, x)),
        ("log2", x => x.log2(), x => 1 / (x * Math.Log(2))), ("log10", x => x.log10(), x => 1 / (x * Math.Log(10))), ("logistic loss", x => nn.functional.binary_cross_entropy_with_logits(x, x.detach() * 0 + 1, reduction: nn.Reduction.None), x => Sigmoid(x) - 1),
        ("squared error", x => nn.functional.mse_loss(x, x.detach() * 0 + 3, nn.Reduction.Sum), x => 2 * (x - 3)),
    ];

    [TestMethod]
    public void Gradients_agree_with_closed_forms()
    {
        foreach (var (name, here, derivative) in Closed)
        {
            using var scope = NewDisposeScope();
            var x = tensor(new[] { 0.1, 0.37, 0.9, 1.3, 2.2 }).requires_grad_();
            here(x).sum().backward();
            var expected = x.data<double>().ToArray().Select(derivative).ToArray();
            var actual = x.grad.data<double>().ToArray();
            for (var k = 0; k < actual.Length; k++) Assert.AreEqual(expected[k], actual[k], 1e-12 * (1 + Math.Abs(expected[k])), $"{name}, point {k}");
        }
    }

    [TestMethod]
    public void Softmax_cross_entropy_has_the_gradient_p_minus_y()
    {
        using var scope = NewDisposeScope();
        using var inputs = new Inputs(float64);
        nn.functional.cross_entropy(inputs.a, inputs.j, reduction: nn.Reduction.Sum).backward();
        var expected = inputs.a.detach().softmax(1) - nn.functional.one_hot(inputs.j, 4);
        Assert.IsTrue(inputs.a.grad.allclose(expected, 1e-12, 1e-12));
    }

    [TestMethod]
    public void Matrix_functions_have_the_gradients_of_matrix_calculus()
    {
        using var scope = NewDisposeScope();
        using var inputs = new Inputs(float64);
        inputs.p.logdet().backward();
        Assert.IsTrue(inputs.p.grad.allclose(inputs.p.detach().inverse().t(), 1e-10, 1e-12), "d log det A = A⁻ᵀ");
        inputs.a.matmul(inputs.m).sum().backward();
        Assert.IsTrue(inputs.m.grad.allclose(inputs.a.detach().t().matmul(ones(3, 4, dtype: float64)), 1e-12, 1e-12), "dA of AB = 1 Bᵀ");
        inputs.Reset();
        inputs.m.inverse().trace().backward();
        var inverse = inputs.m.detach().inverse();
        Assert.IsTrue(inputs.m.grad.allclose(-inverse.matmul(inverse).t(), 1e-9, 1e-10), "d tr A⁻¹ = -A⁻²ᵀ");
    }

    private static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));
}
