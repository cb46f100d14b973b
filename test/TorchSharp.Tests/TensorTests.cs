using System.Runtime.InteropServices;

namespace TorchSharp.Tests;

[TestClass]
public class TensorTests
{
    private static void AreClose(float[] expected, Tensor actual, float tolerance = 1e-5f)
    {
        var values = actual.data<float>().ToArray();
        Assert.HasCount(expected.Length, values);
        for (var k = 0; k < values.Length; k++) Assert.AreEqual(expected[k], values[k], tolerance, $"element {k}");
    }

    [TestMethod]
    public void Arithmetic_broadcasts()
    {
        using var scope = NewDisposeScope();
        var a = tensor(new float[,] { { 1, 2, 3 }, { 4, 5, 6 } });   // [2, 3]
        var b = tensor(new float[] { 10, 20, 30 });                   // [3]
        AreClose([11, 22, 33, 14, 25, 36], a + b);
        AreClose([-9, -18, -27, -6, -15, -24], a - b);
        AreClose([9, 8, 7, 6, 5, 4], 10 - a);
        AreClose([1, 0.5f, 1 / 3f, 0.25f, 0.2f, 1 / 6f], 1.0 / a);
        AreClose([2, 4, 6, 8, 10, 12], a * 2);
        CollectionAssert.AreEqual(new long[] { 2, 3 }, (a + b).shape);
        Assert.AreEqual(ScalarType.Float32, (a * 2.5).dtype);
        Assert.AreEqual(ScalarType.Float32, (tensor(new[] { 1L, 2 }) / 2).dtype);
    }

    [TestMethod]
    public void Indices_read_and_write()
    {
        using var scope = NewDisposeScope();
        var a = arange(24, float32).reshape(2, 3, 4);
        Assert.AreEqual(23f, a[1, 2, 3].item<float>());
        Assert.AreEqual(20f, a[-1, -1, 0].item<float>());
        AreClose([1, 5, 9], a[0, TensorIndex.Colon, 1]);
        AreClose([3, 7, 11, 15, 19, 23], a[TensorIndex.Ellipsis, 3].flatten());
        AreClose([4, 5, 6, 7], a[0, 1..2].flatten());
        AreClose([0, 2, 12, 14], a[TensorIndex.Colon, 0, TensorIndex.Slice(0, 4, 2)].flatten());
        CollectionAssert.AreEqual(new long[] { 2, 1, 3, 4 }, a[TensorIndex.Colon, TensorIndex.None].shape);
        AreClose([8, 9, 10, 11, 0, 1, 2, 3], a[0, TensorIndex.Tensor(tensor(new[] { 2L, 0 }))].flatten());
        AreClose([21, 22, 23], a[a > 20]);
        a[0, 0] = tensor(7f);
        AreClose([7, 7, 7, 7], a[0, 0]);
        a[TensorIndex.Colon, 1, 2..] = tensor(new float[] { -1, -2 });
        AreClose([-1, -2], a[1, 1, 2..]);
        a[a < 0] = tensor(0f);
        Assert.AreEqual(0f, a.min().item<float>());
        Assert.ThrowsExactly<IndexOutOfRangeException>(() => a[0, 0, 0, 0, 0]);
        Assert.Throws<Exception>(() => a[2]);
    }

    [TestMethod]
    public void Values_round_trip()
    {
        using var scope = NewDisposeScope();
        var a = tensor(new float[,] { { 1, 2 }, { 3, 4 } });
        CollectionAssert.AreEqual(new float[] { 1, 3, 2, 4 }, a.t().data<float>().ToArray());
        Assert.AreEqual(3f, a.t().data<float>()[0, 1]);
        var b = empty(2, 2);
        b.bytes = a.bytes;
        Assert.IsTrue(b.Equals(a));
        Assert.AreEqual(2.5, tensor(2.5).item<double>());
        Assert.AreEqual(7L, tensor(7L).ToInt64());
        Assert.AreEqual(ScalarType.Float64, tensor(new double[] { 1 }).dtype);
        Assert.AreEqual(ScalarType.Int32, from_array(new[,] { { 1, 2 } }).dtype);
        Assert.ThrowsExactly<ArgumentException>(() => a.data<double>());
        Assert.ThrowsExactly<ArgumentException>(() => a.item<float>());
        Assert.ThrowsExactly<ArgumentException>(() => tensor(new float[] { 1, 2, 3 }, [2, 2]));
        using var stream = new MemoryStream();
        a.Save(stream);
        Assert.IsTrue(stream.CanWrite);
        stream.Position = 0;
        Assert.IsTrue(Tensor.Load(stream).Equals(a));
        var cut = new MemoryStream(stream.ToArray()[..^3]);
        Assert.ThrowsExactly<EndOfStreamException>(() => Tensor.Load(cut));
    }

    [TestMethod]
    public void A_wrong_shape_is_an_exception_that_names_the_operator_and_the_shapes()
    {
        using var a = ones(2, 3);
        var e = Assert.ThrowsExactly<ExternalException>(() => a.matmul(a));
        Assert.Contains("matmul", e.Message);
        Assert.Contains("2x3", e.Message);
    }

    [TestMethod]
    public void A_disposed_tensor_says_so()
    {
        var a = ones(2);
        _ = a.shape;
        _ = a.dtype;
        a.Dispose();
        a.Dispose();
        Assert.IsTrue(a.IsInvalid);
        Assert.ThrowsExactly<ObjectDisposedException>(() => a + 1);
        Assert.ThrowsExactly<ObjectDisposedException>(() => a.shape);
        Assert.ThrowsExactly<ObjectDisposedException>(() => a.dtype);
        using var b = ones(2);
        Assert.ThrowsExactly<ObjectDisposedException>(() => b + a);
    }

    [TestMethod]
    public void The_shape_is_read_once_and_follows_changes_in_place()
    {
        using var a = ones(2, 3);
        var first = a.shape;
        Assert.AreSame(first, a.shape);
        a.unsqueeze_(0);
        CollectionAssert.AreEqual(new long[] { 1, 2, 3 }, a.shape);
    }

    [TestMethod]
    public void Scopes_dispose_what_was_not_moved_out()
    {
        Tensor kept, moved, lost;
        using (var outer = NewDisposeScope())
        {
            using (var inner = NewDisposeScope())
            {
                kept = ones(1).DetachFromDisposeScope();
                moved = ones(1).MoveToOuterDisposeScope();
                lost = ones(1);
                Assert.AreEqual(1, inner.DisposablesCount);
            }
            Assert.IsTrue(lost.IsInvalid);
            Assert.IsFalse(moved.IsInvalid);
            Assert.IsTrue(outer.Contains(moved));
        }
        Assert.IsTrue(moved.IsInvalid);
        Assert.IsFalse(kept.IsInvalid);
        kept.Dispose();
        Assert.IsNull(CurrentDisposeScope);
    }

    [TestMethod]
    public void A_seed_gives_the_same_numbers_and_leaves_the_global_generator_alone()
    {
        using var scope = NewDisposeScope();
        manual_seed(3);
        var first = rand(4);
        manual_seed(3);
        using var one = new Generator(11);
        using var two = new Generator(11);
        Assert.IsTrue(randn([5], generator: one).Equals(randn([5], generator: two)));
        Assert.IsTrue(randperm(9, generator: one).Equals(randperm(9, generator: two)));
        Assert.IsTrue(rand(4).Equals(first));
        using var other = new Generator(12);
        Assert.IsFalse(randn([5], generator: one).Equals(randn([5], generator: other)));
        var state = one.get_state();
        var before = rand([3], generator: one);
        one.set_state(state);
        Assert.IsTrue(rand([3], generator: one).Equals(before));
    }

    [TestMethod]
    public void Concurrent_calls_and_collections_do_not_free_what_is_in_use()
    {
        Parallel.For(0, 4, _ =>
        {
            for (var k = 0; k < 2000; k++)
            {
                var c = (ones(3) * 2.0 + 1).sum();
                if (k % 500 == 0) GC.Collect();
                Assert.AreEqual(9f, c.item<float>());
            }
        });
    }

    [TestMethod]
    public void OpenBlas_is_what_multiplies()
    {
        using var a = rand(64, 64);
        using var b = a.mm(a);
        Assert.Contains("openblas", File.ReadAllText("/proc/self/maps"));
    }

    [TestMethod]
    public void Without_a_GPU_the_facts_about_one_are_refused_with_a_reason()
    {
        if (cuda.is_available())
        {
            var device = CudaDevice.Describe(0);
            Assert.IsGreaterThan(0L, device.FreeMemory);
            Assert.IsGreaterThanOrEqualTo(device.FreeMemory, device.TotalMemory);
            cuda.synchronize();
            return;
        }
        Assert.AreEqual(0, cuda.device_count());
        Assert.IsFalse(cuda.is_cudnn_available());
        Assert.ThrowsExactly<InvalidOperationException>(() => CUDA);
        Assert.Contains("CUDA", Assert.ThrowsExactly<System.Runtime.InteropServices.ExternalException>(() => CudaDevice.Describe(0)).Message);
        Assert.Contains("CUDA", Assert.Throws<System.Runtime.InteropServices.ExternalException>(() => ones([2], device: device("cuda:0"))).Message);
    }
}
