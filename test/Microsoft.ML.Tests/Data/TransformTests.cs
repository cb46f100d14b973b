using Microsoft.ML.Data;
using Microsoft.ML.Transforms;

namespace Microsoft.ML.Tests.Data;

[TestClass]
public class TransformTests
{
    private readonly MLContext _ml = new(1);

    [TestMethod]
    public void Values_become_keys_in_the_order_asked_for_and_back()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Flower.Some());
        ITransformer model = _ml.Transforms.Conversion.MapValueToKey("K", "Name")
            .Append(_ml.Transforms.Conversion.MapValueToKey("S", "Name", keyOrdinality: ValueToKeyMappingEstimator.KeyOrdinality.ByValue))
            .Append(_ml.Transforms.Conversion.MapKeyToValue("Back", "S")).Fit(data);
        IDataView mapped = model.Transform(data);
        CollectionAssert.AreEqual(new uint[] { 1, 2, 3 }, mapped.GetColumn<uint>("K").Take(3).ToArray());
        CollectionAssert.AreEqual(new uint[] { 2, 1, 3 }, mapped.GetColumn<uint>("S").Take(3).ToArray());
        CollectionAssert.AreEqual(new[] { "rose", "lily", "tulip" }, mapped.GetColumn<string>("Back").Take(3).ToArray());
        VBuffer<ReadOnlyMemory<char>> names = default;
        mapped.Schema["S"].GetKeyValues(ref names);
        Assert.AreEqual("lily,rose,tulip", string.Join(",", names.DenseValues()));
        Assert.AreEqual(new KeyDataViewType(typeof(uint), 3), mapped.Schema["S"].Type);

        IDataView other = _ml.Data.LoadFromEnumerable([new Flower { Name = "oak" }, new Flower { Name = "" }, new Flower { Name = "lily" }]);
        CollectionAssert.AreEqual(new uint[] { 0, 0, 2 }, model.Transform(other).GetColumn<uint>("K").ToArray());
        CollectionAssert.AreEqual(new[] { "", "", "lily" }, model.Transform(other).GetColumn<string>("Back").ToArray());
    }

    [TestMethod]
    public void Key_data_fixes_the_keys()
    {
        IDataView keys = _ml.Data.LoadFromEnumerable(new[] { "tulip", "rose" }.Select(name => new { name }));
        IDataView data = _ml.Data.LoadFromEnumerable(Flower.Some(3));
        IDataView mapped = _ml.Transforms.Conversion.MapValueToKey("K", "Name", keyData: keys).Fit(data).Transform(data);
        CollectionAssert.AreEqual(new uint[] { 2, 0, 1 }, mapped.GetColumn<uint>("K").ToArray());
    }

    [TestMethod]
    public void Numbers_and_vectors_have_keys_too()
    {
        IDataView data = _ml.Data.LoadFromEnumerable([new Everything { Texts = ["b", "a", "b"], Real = 0.5 }]);
        IDataView mapped = _ml.Transforms.Conversion.MapValueToKey([new InputOutputColumnPair("T", "Texts"), new InputOutputColumnPair("R", "Real")], addKeyValueAnnotationsAsText: true)
            .Append(_ml.Transforms.Conversion.MapKeyToValue([new InputOutputColumnPair("T2", "T"), new InputOutputColumnPair("R2", "R")]))
            .Fit(data).Transform(data);
        CollectionAssert.AreEqual(new uint[] { 1, 2, 1 }, mapped.GetColumn<uint[]>("T").Single());
        CollectionAssert.AreEqual(new[] { "b", "a", "b" }, mapped.GetColumn<string[]>("T2").Single());
        Assert.AreEqual("0.5", mapped.GetColumn<string>("R2").Single());
    }

    [TestMethod]
    public void Concatenation_keeps_sparse_parts_sparse_and_names_slots()
    {
        var row = new { A = 1f, V = new VBuffer<float>(4, 1, [5], [2]), B = 2f };
        IDataView data = _ml.Data.LoadFromEnumerable([row]);
        IDataView result = _ml.Transforms.Concatenate("F", "A", "V", "B").Fit(data).Transform(data);
        VBuffer<float> vector = result.GetColumn<VBuffer<float>>("F").Single();
        Assert.IsFalse(vector.IsDense);
        CollectionAssert.AreEqual(new float[] { 1, 0, 0, 5, 0, 2 }, vector.DenseValues().ToArray());
        IDataView flowers = _ml.Data.LoadFromEnumerable(Flower.Some(1));
        DataViewSchema.Column column = _ml.Transforms.Concatenate("F", "Length", "Width").Fit(flowers).Transform(flowers).Schema["F"];
        Assert.AreEqual(new VectorDataViewType(NumberDataViewType.Single, 2), column.Type);
        VBuffer<ReadOnlyMemory<char>> names = default;
        column.GetSlotNames(ref names);
        Assert.AreEqual("Length,Width", string.Join(",", names.DenseValues()));
    }

    [TestMethod]
    public void Selection_keeps_the_order_asked_for()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Flower.Some(3));
        IDataView selected = _ml.Transforms.SelectColumns("Name", "Length").Fit(data).Transform(data);
        Assert.AreEqual("Name,Length", string.Join(",", selected.Schema.Select(c => c.Name)));
        Assert.AreEqual("lily", selected.GetColumn<string>("Name").ElementAt(1));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Transforms.SelectColumns("Nowhere").Fit(data));
    }

    [TestMethod]
    [DataRow(LpNormNormalizingEstimatorBase.NormFunction.L2, 0.6f)]
    [DataRow(LpNormNormalizingEstimatorBase.NormFunction.L1, 3f / 7)]
    [DataRow(LpNormNormalizingEstimatorBase.NormFunction.Infinity, 0.75f)]
    [DataRow(LpNormNormalizingEstimatorBase.NormFunction.StandardDeviation, 3 / 3.5f)]
    public void Norms(LpNormNormalizingEstimatorBase.NormFunction norm, float expected)
    {
        IDataView data = _ml.Data.LoadFromEnumerable([new { V = new float[] { 3, -4 } }, new { V = new float[] { 0, 0 } }]);
        IDataView result = _ml.Transforms.NormalizeLpNorm("V", norm: norm).Fit(data).Transform(data);
        float[][] rows = [.. result.GetColumn<float[]>("V")];
        Assert.AreEqual(expected, rows[0][0], 1e-6f);
        Assert.AreEqual(0, rows[1][0]);
        Assert.IsTrue(result.Schema["V"].IsNormalized());
    }

    [TestMethod]
    public void Custom_mapping_runs_once_per_row_and_only_when_asked_for()
    {
        int calls = 0;
        IDataView data = _ml.Data.LoadFromEnumerable(Flower.Some(4));
        IDataView mapped = _ml.Transforms.CustomMapping<Flower, Area>((source, target) =>
        {
            calls++;
            target.Size = source.Length * source.Width;
            target.Text = source.Name + "!";
        }, null).Fit(data).Transform(data);
        _ = mapped.GetColumn<float>("Length").ToArray();
        Assert.AreEqual(0, calls);
        Area[] rows = [.. _ml.Data.CreateEnumerable<Area>(mapped, reuseRowObject: false)];
        Assert.AreEqual(4, calls);
        Assert.AreEqual(-9f, rows[3].Size);
        Assert.AreEqual("rose!", rows[3].Text);
    }

    private sealed class Area
    {
        public float Size { get; set; }

        public string Text { get; set; } = "";
    }
}
