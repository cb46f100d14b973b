using TorchSharp.Modules;

namespace TorchSharp.Tests;

[TestClass]
public class OptimizerTests
{
    // One number with the gradient of θ²/2, so g = θ, worked by hand in double precision.
    private static double[] Run(Func<Parameter, optim.Optimizer> make, int steps)
    {
        using var scope = NewDisposeScope();
        using var theta = new Parameter(tensor(new double[] { 2.0 }));
        using var optimizer = make(theta);
        var path = new double[steps];
        for (var k = 0; k < steps; k++)
        {
            optimizer.zero_grad();
            (theta * theta / 2).sum().backward();
            optimizer.step();
            path[k] = theta.ToDouble();
        }
        return path;
    }

    [TestMethod]
    public void Sgd_takes_the_steps_of_its_formula()
    {
        var path = Run(p => optim.SGD([p], 0.1, momentum: 0.9, weight_decay: 0.01, nesterov: true), 3);
        double theta = 2, v = 0;
        for (var k = 0; k < 3; k++)
        {
            var g = theta + 0.01 * theta;
            v = k == 0 ? g : 0.9 * v + g;
            theta -= 0.1 * (g + 0.9 * v);
            Assert.AreEqual(theta, path[k], 1e-12);
        }
    }

    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void Adam_takes_the_steps_of_its_formula(bool decoupled)
    {
        var path = Run(p => decoupled ? optim.AdamW([p], 0.1, weight_decay: 0.2) : optim.Adam([p], 0.1, weight_decay: 0.2), 4);
        double theta = 2, m = 0, v = 0;
        for (var t = 1; t <= 4; t++)
        {
            var g = decoupled ? theta : theta + 0.2 * theta;
            if (decoupled) theta *= 1 - 0.1 * 0.2;
            m = 0.9 * m + 0.1 * g;
            v = 0.999 * v + 0.001 * g * g;
            theta -= 0.1 * (m / (1 - Math.Pow(0.9, t))) / (Math.Sqrt(v / (1 - Math.Pow(0.999, t))) + 1e-8);
            Assert.AreEqual(theta, path[t - 1], 1e-10);
        }
    }

    [TestMethod]
    public void Schedules_set_the_rates()
    {
        using var theta = new Parameter(ones(1));
        using var cosine = optim.SGD([theta], 1.0);
        var schedule = optim.lr_scheduler.CosineAnnealingLR(cosine, 4);
        for (var k = 1; k <= 4; k++)
        {
            schedule.step();
            Assert.AreEqual((1 + Math.Cos(Math.PI * k / 4)) / 2, cosine.ParamGroups.First().LearningRate, 1e-12);
        }
        using var stepped = optim.SGD([theta], 1.0);
        var steps = optim.lr_scheduler.StepLR(stepped, 2, 0.5);
        for (var k = 1; k <= 5; k++) steps.step();
        Assert.AreEqual(0.25, stepped.ParamGroups.First().LearningRate, 1e-12);
        using var lambda = optim.SGD([theta], 2.0);
        optim.lr_scheduler.LambdaLR(lambda, e => 1.0 / (e + 1)).step();
        Assert.AreEqual(1.0, lambda.ParamGroups.First().LearningRate, 1e-12);
    }

    [TestMethod]
    public void A_saved_state_continues_bit_for_bit()
    {
        using var scope = NewDisposeScope();
        static void Step(Parameter p, optim.Optimizer o)
        {
            o.zero_grad();
            (p * p).sum().backward();
            o.step();
        }
        var a = new Parameter(tensor(new float[] { 1, 2 }));
        using var first = optim.Adam([a], 0.1);
        Step(a, first);
        using var stream = new MemoryStream();
        using (var writer = new BinaryWriter(stream, System.Text.Encoding.UTF8, true)) first.save_state_dict(writer);
        var b = new Parameter(a.detach().clone());
        using var second = optim.Adam([b], 0.1);
        stream.Position = 0;
        second.load_state_dict(new BinaryReader(stream));
        Step(a, first);
        Step(b, second);
        Assert.IsTrue(a.detach().Equals(b.detach()));
    }

    [TestMethod]
    public void Gradients_are_clipped_to_a_norm()
    {
        using var p = new Parameter(tensor(new float[] { 3, 4 }));
        (p * p / 2).sum().backward();
        Assert.AreEqual(5, nn.utils.clip_grad_norm_([p], 1), 1e-5);
        using var grad = p.grad;
        Assert.AreEqual(1, grad.norm().ToSingle(), 1e-4);
    }
}
