using TorchSharp.Modules;

namespace TorchSharp.Tests;

[TestClass]
public class ModuleTests
{
    private sealed class Net : nn.Module<Tensor, Tensor>
    {
        private readonly Linear _first = nn.Linear(3, 4);
        private readonly ModuleList<nn.Module<Tensor, Tensor>> blocks = nn.ModuleList<nn.Module<Tensor, Tensor>>(nn.LayerNorm(4), nn.Linear(4, 4));
        private readonly Parameter scale = new(ones(1));
        private readonly Tensor offset = zeros(4);

        internal Net() : base("Net") => RegisterComponents();

        public override Tensor forward(Tensor input) => blocks[1].call(blocks[0].call(_first.call(input))) * scale + offset;
    }

    [TestMethod]
    public void Components_have_the_names_of_their_fields()
    {
        using var net = new Net();
        CollectionAssert.AreEquivalent(
            new[] { "_first.weight", "_first.bias", "blocks.0.weight", "blocks.0.bias", "blocks.1.weight", "blocks.1.bias", "scale", "offset" },
            net.state_dict().Keys.ToArray());
        Assert.HasCount(7, net.parameters().ToList());
        net.eval();
        Assert.IsFalse(net.named_modules().Single(m => m.name == "blocks.1").module.training);
    }

    [TestMethod]
    public void A_state_is_saved_loaded_and_checked()
    {
        using var scope = NewDisposeScope();
        using var net = new Net();
        using var other = new Net();
        using var stream = new MemoryStream();
        net.save(stream);
        stream.Position = 0;
        other.load(stream);
        Assert.IsTrue(stream.CanRead);
        var x = randn(2, 3);
        Assert.IsTrue(net.call(x).allclose(other.call(x)));

        // Values are converted, not their bytes copied.
        var doubles = net.state_dict().ToDictionary(p => p.Key, p => p.Value.detach().to(float64));
        other.load_state_dict(doubles);
        Assert.IsTrue(net.call(x).allclose(other.call(x)));

        doubles.Remove("scale");
        doubles["extra"] = ones(1);
        var e = Assert.Throws<Exception>(() => other.load_state_dict(doubles));
        Assert.Contains("scale", e.Message);
        Assert.Contains("extra", e.Message);
        var (missing, unexpected) = other.load_state_dict(doubles, strict: false);
        CollectionAssert.AreEqual(new[] { "scale" }, missing.ToArray());
        CollectionAssert.AreEqual(new[] { "extra" }, unexpected.ToArray());
    }

    [TestMethod]
    public void A_module_moves_between_types_and_keeps_its_parameters()
    {
        using var net = new Net();
        var before = net.parameters().First();
        net.to(float64);
        Assert.AreSame(before, net.parameters().First());
        Assert.AreEqual(ScalarType.Float64, before.dtype);
        using var x = randn([2, 3], float64);
        using var y = net.call(x);
        y.sum().backward();
        Assert.AreEqual(ScalarType.Float64, before.grad.dtype);
    }

    [TestMethod]
    public void A_disposed_module_frees_its_parameters()
    {
        var net = new Net();
        var parameter = net.parameters().First();
        net.Dispose();
        Assert.IsTrue(parameter.IsInvalid);
    }

    [TestMethod]
    public void Parameters_outlive_the_scope_they_were_made_in()
    {
        Net net;
        using (NewDisposeScope()) net = new Net();
        using var x = randn(2, 3);
        using var y = net.call(x);
        CollectionAssert.AreEqual(new long[] { 2, 4 }, y.shape);
        net.Dispose();
    }

    [TestMethod]
    public void Batch_norm_and_dropout_follow_the_mode()
    {
        using var scope = NewDisposeScope();
        using var norm = nn.BatchNorm2d(2);
        var x = randn(8, 2, 3, 3) * 3 + 1;
        var y = norm.call(x);
        Assert.AreEqual(0, y.mean().ToSingle(), 1e-5);
        Assert.AreEqual(1L, norm.num_batches_tracked.item<long>());
        norm.eval();
        Assert.IsFalse(norm.call(x).allclose(y));
        using var dropout = nn.Dropout(0.5);
        Assert.AreNotEqual(1000f, dropout.call(ones(1000)).count_nonzero().ToSingle());
        dropout.eval();
        Assert.AreEqual(1000f, dropout.call(ones(1000)).sum().ToSingle());
    }
}
