namespace TorchSharp.Tests;

[TestClass]
public class BFloat16Tests
{
    [TestMethod]
    public void Rounding_is_that_of_LibTorch()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(4);
        var values = cat([randn([4000], float32, generator: generator) * 1e3f, randn([4000], float32, generator: generator) * 1e-39f, tensor(new[] { 0f, -0f, 1f, 1.00390625f, 1.01171875f, 3.4e38f, float.PositiveInfinity })]);
        var theirs = values.to(bfloat16).to(float32).data<float>().ToArray();
        var mine = values.data<float>().ToArray().Select(v => ((BFloat16)v).ToSingle()).ToArray();
        CollectionAssert.AreEqual(theirs, mine);
        Assert.IsTrue(BFloat16.IsNaN((BFloat16)float.NaN));
    }

    [TestMethod]
    public void Values_go_in_and_out_of_tensors()
    {
        using var scope = NewDisposeScope();
        BFloat16[] values = [(BFloat16)1.5f, BFloat16.MaxValue, -BFloat16.One, BFloat16.SmallestSubnormal];
        var there = tensor(values);
        Assert.AreEqual(ScalarType.BFloat16, there.dtype);
        CollectionAssert.AreEqual(values, there.data<BFloat16>().ToArray());
        Assert.AreEqual(-1, there[2].ToBFloat16().ToSingle());
        Assert.AreEqual(2.5f, (there[0] + (BFloat16)1f).ToSingle());
        Assert.AreEqual(1 + BFloat16.Epsilon.ToSingle(), there.new_ones(1).nextafter(tensor(new[] { 9f }).to(bfloat16)).ToSingle());
    }

    [TestMethod]
    public void Arithmetic_and_order_are_those_of_the_rounded_numbers()
    {
        var (a, b) = ((BFloat16)3f, (BFloat16)0.1f);
        Assert.AreEqual(new BFloat16(3f + b.ToSingle()), a + b);
        Assert.AreEqual(new BFloat16(3f * b.ToSingle()), a * b);
        Assert.IsTrue(b < a && a > b && a >= b && a != b);
        Assert.AreEqual(1, a.CompareTo(b));
        Assert.IsTrue(BFloat16.IsNegativeInfinity(-BFloat16.PositiveInfinity));
        Assert.ThrowsExactly<ArgumentException>(() => a.CompareTo("3"));
    }
}
