using TorchSharp.Modules;

namespace TorchSharp.Tests;

[TestClass]
public class GradientTests
{
    private static readonly Func<Tensor, Tensor>[] Functions =
    [
        x => x.exp(), x => x.abs().add(1).log(), x => x.sigmoid(), x => x.tanh(), x => x.pow(3), x => x.softmax(-1).pow(2), x => x.log_softmax(0),
        x => x.matmul(x.t()), x => x.logsumexp(1), x => nn.functional.gelu(x), x => nn.functional.silu(x), x => nn.functional.normalize(x),
        x => nn.functional.layer_norm(x, [3]), x => x.mean([0]), x => x.std(1), x => 1 / (x * x + 1), x => x[0] * x[1], x => cat([x, x * 2], 1).pow(2),
        x => x.cumsum(1).pow(2), x => nn.functional.cosine_similarity(x, x.roll(1, 1)), x => einsum("ij,kj->ik", x, x.cos()),
        x => nn.functional.scaled_dot_product_attention(x.unsqueeze(0), x.unsqueeze(0), x.unsqueeze(0)),
        x => nn.functional.cross_entropy(x, tensor(new[] { 0L, 2 }), label_smoothing: 0.1), x => x.index_select(1, tensor(new[] { 2L, 0, 2 })).pow(2),
        x => nn.functional.conv2d(x.view(1, 1, 2, 3), ones(1, 1, 2, 2, dtype: float64)).pow(2),
    ];

    [TestMethod]
    public void Gradients_agree_with_finite_differences()
    {
        for (var k = 0; k < Functions.Length; k++)
        {
            using var scope = NewDisposeScope();
            using var generator = new Generator(5);
            var x = randn([2, 3], float64, generator: generator).requires_grad_();
            Functions[k](x).sum().backward();
            var analytic = x.grad.data<double>().ToArray();
            using var quiet = no_grad();
            for (var i = 0; i < 6; i++)
            {
                double At(double shift)
                {
                    var moved = x.clone();
                    moved.data<double>()[i] += shift;
                    return Functions[k](moved).sum().item<double>();
                }
                Assert.AreEqual((At(1e-6) - At(-1e-6)) / 2e-6, analytic[i], 1e-6, $"function {k}, element {i}");
            }
        }
    }

    [TestMethod]
    public void No_grad_stops_recording_and_comes_back()
    {
        using var x = ones(2, requires_grad: true);
        using (no_grad())
        {
            using var y = x * 2;
            Assert.IsFalse(y.requires_grad);
            using (enable_grad()) Assert.IsTrue(is_grad_enabled());
        }
        Assert.IsTrue(is_grad_enabled());
    }

    [TestMethod]
    public void A_graph_is_used_once_unless_kept()
    {
        using var scope = NewDisposeScope();
        var x = ones(2, requires_grad: true);
        var y = (x * x).sum();
        y.backward(retain_graph: true);
        y.backward();
        CollectionAssert.AreEqual(new float[] { 4, 4 }, x.grad.data<float>().ToArray());
        Assert.Throws<Exception>(() => y.backward());
        var z = (x * x * x).sum();
        var first = autograd.grad([z], [x], create_graph: true)[0];
        var second = autograd.grad([first.sum()], [x])[0];
        CollectionAssert.AreEqual(new float[] { 6, 6 }, second.data<float>().ToArray());
    }

    [TestMethod]
    public void Live_tensors_stay_the_same_over_training_steps()
    {
        using var model = nn.Sequential(nn.Linear(4, 8), nn.GELU(), nn.LayerNorm(8), nn.Linear(8, 2));
        using var optimizer = optim.AdamW(model.parameters(), 1e-2);
        using var x = randn(16, 4);
        using var y = randint(2, [16]);
        long Step()
        {
            using (var scope = NewDisposeScope())
            {
                optimizer.zero_grad();
                nn.functional.cross_entropy(model.call(x), y).backward();
                nn.utils.clip_grad_norm_(model.parameters(), 1);
                optimizer.step();
            }
            return Tensor.TotalCount;
        }
        Step();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        var before = Step();
        for (var k = 0; k < 20; k++) Step();
        Assert.IsLessThanOrEqualTo(before, Step());
    }
}
