using Microsoft.ML.Data;

namespace Microsoft.ML.Tests.DataView;

[TestClass]
public class VBufferTests
{
    private static VBuffer<float> Sparse() => new(6, 2, [10, 30], [1, 3]);

    [TestMethod]
    public void Sparse_vector_knows_its_explicit_and_implicit_values()
    {
        VBuffer<float> vector = Sparse();
        Assert.IsFalse(vector.IsDense);
        Assert.AreEqual(6, vector.Length);
        CollectionAssert.AreEqual(new float[] { 0, 10, 0, 30, 0, 0 }, vector.DenseValues().ToArray());
        CollectionAssert.AreEqual(new[] { 1, 3 }, vector.Items().Select(item => item.Key).ToArray());
        Assert.AreEqual(6, vector.Items(all: true).Count());
        Assert.AreEqual(30, vector.GetItemOrDefault(3));
        Assert.AreEqual(0, vector.GetItemOrDefault(5));
    }

    [TestMethod]
    public void CopyTo_reuses_the_arrays_of_the_destination()
    {
        var values = new float[8];
        var destination = new VBuffer<float>(8, values);
        Sparse().CopyToDense(ref destination);
        Assert.IsTrue(destination.IsDense);
        Assert.AreEqual(6, destination.Length);
        Assert.AreEqual(30, values[3]);
    }

    [TestMethod]
    public void CopyTo_range_shifts_indices()
    {
        VBuffer<float> destination = default;
        Sparse().CopyTo(ref destination, 2, 3);
        CollectionAssert.AreEqual(new float[] { 0, 30, 0 }, destination.DenseValues().ToArray());
    }

    [TestMethod]
    public void CopyTo_span_fills_implicit_values_with_the_default_given()
    {
        var target = new float[7];
        Sparse().CopyTo(target, 1, -1);
        CollectionAssert.AreEqual(new float[] { 0, -1, 10, -1, 30, -1, -1 }, target);
    }

    [TestMethod]
    public void Editor_truncates_and_keeps_old_values_when_asked()
    {
        var vector = new VBuffer<int>(2, [7, 8]);
        VBufferEditor<int> editor = VBufferEditor.Create(ref vector, 5, 3, keepOldOnResize: true);
        Assert.AreEqual(7, editor.Values[0]);
        Assert.IsTrue(editor.CreatedNewValues);
        editor.Indices[0] = 0;
        editor.Indices[1] = 4;
        vector = editor.CommitTruncated(2);
        CollectionAssert.AreEqual(new[] { 7, 0, 0, 0, 8 }, vector.DenseValues().ToArray());
    }

    [TestMethod]
    public void Impossible_vectors_are_refused()
    {
        Assert.ThrowsExactly<ArgumentException>(() => new VBuffer<int>(3, new int[2]));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new VBuffer<int>(3, 4, new int[4], null));
        Assert.ThrowsExactly<ArgumentException>(() => new VBuffer<int>(3, 2, new int[2], null));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => Sparse().GetItemOrDefault(6));
    }
}
