using TorchSharp.Modules;

namespace TorchSharp.Tests;

[TestClass]
public class GradientTests
{
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
    public void A_gradient_that_is_zero_everywhere_can_be_read()
    {
        using var scope = NewDisposeScope();
        var x = randn([4], float64).requires_grad_();
        x.sgn().sum().backward();
        CollectionAssert.AreEqual(new double[4], x.grad.data<double>().ToArray());
        CollectionAssert.AreEqual(new double[4], autograd.grad([x.sgn().sum()], [x])[0].data<double>().ToArray());
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
