using static TorchSharp.torch.nn;

namespace TorchSharp.Tests.Sample;

/// <summary>Typical TorchSharp code, start to end: data, model, training, evaluation, files.</summary>
[TestClass]
public class SourceCompatibilityTests
{
    private const int BatchSize = 32, Epochs = 4, Count = 320;

    private string file;

    [TestInitialize]
    public void Name() => file = Path.Combine(Path.GetTempPath(), $"texture-{Guid.NewGuid():N}.dat");

    [TestCleanup]
    public void Delete() => File.Delete(file);

    [TestMethod]
    public void A_model_learns_and_its_file_gives_the_same_answers()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        var before = Tensor.TotalCount;
        using (NewDisposeScope())
        {
            random.manual_seed(1);
            var (images, labels) = TextureData.Make(Count, 1);
            var (unseen, answers) = TextureData.Make(120, 2);
            using var model = new TextureModel();
            var steps = Epochs * (Count / BatchSize);
            using var trainer = new TextureTrainer(model, steps);
            for (var epoch = 0; epoch < Epochs; epoch++) trainer.Epoch(images, labels, BatchSize);

            Assert.HasCount(steps, trainer.Losses);
            Assert.IsLessThan(trainer.Losses.Take(5).Average() * 0.7f, trainer.Losses.TakeLast(5).Average());
            Assert.AreEqual(0, trainer.Rate, 1e-9, "the cosine ends at zero");
            var (accuracy, confusion) = trainer.Evaluate(unseen, answers);
            Assert.IsGreaterThan(0.85, accuracy);
            Assert.AreEqual(120L, confusion.sum().item<long>());
            Assert.AreEqual(Math.Round(accuracy * 120), confusion.diagonal().sum().item<long>());

            model.save(file);
            random.manual_seed(77);
            using var restored = new TextureModel();
            Assert.IsFalse(Same(model, restored, unseen));
            restored.load(file);
            Assert.IsTrue(Same(model, restored, unseen));
            Assert.AreEqual((long)steps, restored.state_dict()["calls"].item<long>());
        }
        Assert.AreEqual(before, Tensor.TotalCount, "live tensors");
    }

    [TestMethod]
    public void The_state_has_the_names_that_PyTorch_would_give()
    {
        using var model = new TextureModel();
        var names = model.state_dict().Keys.ToList();
        foreach (var name in new[] { "stem.conv.weight", "stem.norm.bias", "blocks.0.conv1.weight", "blocks.1.shortcut.conv.weight", "blocks.1.shortcut.bn.running_mean", "blocks.1.bn2.num_batches_tracked", "pool.query", "pool.key.bias", "heads.class.weight", "heads.embed.weight", "calls" })
            CollectionAssert.Contains(names, name);
        Assert.DoesNotContain("heads.embed.bias", names);
        Assert.AreEqual(model.named_parameters().Count(), model.parameters().Count());
        Assert.Contains("blocks.1.shortcut.bn", model.named_modules().Select(m => m.name));
    }

    [TestMethod]
    public void Weights_are_loaded_in_part_frozen_and_shared()
    {
        using var scope = NewDisposeScope();
        using var source = new TextureModel();
        using var target = new TextureModel();
        var state = source.state_dict().Where(p => !p.Key.StartsWith("heads.", StringComparison.Ordinal)).ToDictionary(p => p.Key, p => p.Value);
        var (missing, unexpected) = target.load_state_dict(state, strict: false);
        CollectionAssert.AreEquivalent(new[] { "heads.class.weight", "heads.class.bias", "heads.embed.weight" }, missing.ToArray());
        Assert.IsEmpty(unexpected);

        foreach (var (name, parameter) in target.named_parameters()) parameter.requires_grad = name.StartsWith("heads.", StringComparison.Ordinal);
        using var optimizer = optim.SGD(target.parameters().Where(p => p.requires_grad), 0.1, momentum: 0.9);
        var frozen = target.get_parameter("stem.conv.weight").detach().clone();
        var head = target.get_parameter("heads.class.weight").detach().clone();
        var (x, y) = TextureData.Make(16, 3);
        var (logits, _) = target.call(x);
        functional.cross_entropy(logits, y).backward();
        optimizer.step();
        Assert.IsTrue(frozen.Equals(target.get_parameter("stem.conv.weight").detach()));
        Assert.IsFalse(head.Equals(target.get_parameter("heads.class.weight").detach()));
        Assert.IsNull(target.get_parameter("stem.conv.weight").grad);
    }

    [TestMethod]
    public void Tensors_are_used_as_in_notebooks()
    {
        using var scope = NewDisposeScope();
        var t = arange(24, dtype: float32).reshape(2, 3, 4);
        Assert.AreEqual(23f, t[1, 2, 3].item<float>());
        Assert.AreEqual(70f, t[.., 1, ..].sum(dim: 1)[1].item<float>());
        CollectionAssert.AreEqual(new long[] { 2, 2, 4 }, t[TensorIndex.Ellipsis, 1.., TensorIndex.Colon].shape);
        t[t > 20] = 0;
        Assert.AreEqual(20f, t.max().item<float>());
        t[0, 0] = tensor(new float[] { 9, 8, 7, 6 });
        Assert.AreEqual(30f, t[0, 0].sum().ToSingle());
        var (values, indexes) = t.flatten().topk(3);
        CollectionAssert.AreEqual(new[] { 20f, 19f, 18f }, values.data<float>().ToArray());
        Assert.AreEqual(20L, indexes[0].ToInt64());
        var parts = t.split(1, dim: 1);
        Assert.HasCount(3, parts);
        Assert.IsTrue(cat(parts, dim: 1).Equals(t));
        Assert.IsTrue(stack(t.unbind(0)).Equals(t));
        var weights = tensor(new[,] { { 0.2, 0.8 }, { 0.5, 0.5 } });
        Assert.AreEqual(ScalarType.Float64, weights.dtype);
        Assert.IsTrue(weights.sum(1).allclose(ones(2, dtype: float64)));
        var mixed = where(weights > 0.4, weights, zeros_like(weights)).@double().mean();
        Assert.AreEqual(0.45, mixed.item<double>(), 1e-12);
        using (no_grad())
        {
            var w = weights.clone().requires_grad_();
            Assert.IsFalse((w * 2).requires_grad);
        }
        var x = tensor(3.0, requires_grad: true);
        var y = x.pow(3) - 2 * x;
        y.backward();
        Assert.AreEqual(25.0, x.grad.item<double>(), 1e-12);
    }

    private static bool Same(TextureModel one, TextureModel other, Tensor images)
    {
        using var scope = NewDisposeScope();
        using var quiet = no_grad();
        one.eval();
        other.eval();
        return one.call(images).logits.allclose(other.call(images).logits);
    }
}
