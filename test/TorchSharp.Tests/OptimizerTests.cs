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

    [TestMethod]
    [DataRow("sgd")]
    [DataRow("adam")]
    [DataRow("adamw")]
    public void A_state_goes_from_one_optimizer_to_another(string kind)
    {
        using var scope = NewDisposeScope();
        optim.Optimizer Make(Parameter p) => kind switch
        {
            "sgd" => optim.SGD([p], 0.1, momentum: 0.9),
            "adam" => optim.Adam([p], 0.1, amsgrad: true),
            _ => optim.AdamW([p], 0.1, weight_decay: 0.1),
        };
        void Step(Parameter p, optim.Optimizer o)
        {
            o.zero_grad();
            (p * p / 2).sum().backward();
            o.step();
        }
        using var one = new Parameter(tensor(new[] { 2.0, -3.0 }));
        using var first = (OptimizerHelper)Make(one);
        for (var k = 0; k < 3; k++) Step(one, first);
        foreach (var group in first.ParamGroups) group.LearningRate = 0.05;

        using var two = new Parameter(one.detach().clone());
        using var second = (OptimizerHelper)Make(two);
        second.load_state_dict(first.state_dict());
        Assert.AreEqual(0.05, second.ParamGroups.Single().LearningRate);
        Assert.IsTrue(first.state_dict().State[0].ApproximatelyEquals(second.state_dict().State[0]));
        for (var k = 0; k < 3; k++)
        {
            Step(one, first);
            Step(two, second);
        }
        Assert.IsTrue(one.Equals(two), "the same path, bit for bit");

        using var three = new Parameter(zeros(2, float64));
        using var other = (OptimizerHelper)optim.SGD([three, new Parameter(zeros(1))], 0.1);
        Assert.Contains("groups of 1", Assert.ThrowsExactly<ArgumentException>(() => other.load_state_dict(first.state_dict())).Message);
    }

    [TestMethod]
    public void A_damaged_state_file_is_refused()
    {
        using var theta = new Parameter(tensor(new[] { 1.0, 2.0 }));
        using var optimizer = optim.AdamW([theta], 0.1);
        theta.sum().backward();
        optimizer.step();
        using var memory = new MemoryStream();
        using var writer = new BinaryWriter(memory);
        optimizer.save_state_dict(writer);
        var whole = memory.ToArray();
        void Load(byte[] bytes, Parameter parameter)
        {
            using var target = optim.AdamW([parameter], 0.1);
            using var reader = new BinaryReader(new MemoryStream(bytes));
            target.load_state_dict(reader);
        }
        Load(whole, theta);
        for (var length = 0; length < whole.Length; length += 3) Assert.ThrowsExactly<InvalidDataException>(() => Load(whole[..length], theta));
        using var longer = new Parameter(zeros(3, float64));
        Assert.Contains("[2]", Assert.ThrowsExactly<InvalidDataException>(() => Load(whole, longer)).Message);
    }

    [TestMethod]
    public void A_schedule_follows_a_metric()
    {
        using var theta = new Parameter(zeros(1));
        using var optimizer = optim.SGD([theta], 1.0);
        var schedule = optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience: 1, factor: 0.5, cooldown: 1, min_lr: [0.2]);
        var rates = new List<double>();
        foreach (var metric in new[] { 3.0, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1 })
        {
            schedule.step(metric);
            rates.Add(optimizer.ParamGroups.Single().LearningRate);
        }
        // Two bad steps halve the rate, the step after does not count, and 0.2 is the least.
        CollectionAssert.AreEqual(new[] { 1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2 }, rates);
        Assert.ThrowsExactly<InvalidOperationException>(() => schedule.step());
    }
}
