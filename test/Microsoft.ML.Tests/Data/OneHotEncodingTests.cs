using Microsoft.ML.Data;
using Microsoft.ML.Transforms;

namespace Microsoft.ML.Tests.Data;

[TestClass]
public class OneHotEncodingTests
{
    private readonly MLContext _ml = new(1);

    private IDataView Data() => _ml.Data.LoadFromEnumerable(new[]
    {
        new Row { Name = "b", Tags = ["x", "y"] }, new Row { Name = "a", Tags = ["y", "y"] }, new Row { Name = "", Tags = ["", "x"] },
    });

    private static string Text(IEnumerable<float[]> rows) => string.Join(" | ", rows.Select(row => string.Join(" ", row)));

    [TestMethod]
    public void Values_become_slots_that_carry_their_names()
    {
        IDataView data = Data();
        var estimator = _ml.Transforms.Categorical.OneHotEncoding("Vector", "Name");
        OneHotEncodingTransformer model = estimator.Fit(data);
        IDataView view = model.Transform(data);
        Assert.AreEqual("1 0 | 0 1 | 0 0", Text(view.GetColumn<float[]>("Vector")));
        VBuffer<ReadOnlyMemory<char>> names = default;
        view.Schema["Vector"].GetSlotNames(ref names);
        Assert.AreEqual("b,a", string.Join(",", names.DenseValues()));
        CollectionAssert.AreEquivalent(
            SchemaShape.Create(view.Schema).Select(Describe).ToArray(),
            estimator.GetOutputSchema(SchemaShape.Create(data.Schema)).Select(Describe).ToArray());
        Assert.AreEqual("0 1 | 1 0 | 0 0", Text(_ml.Transforms.Categorical.OneHotEncoding("V", "Name", keyOrdinality: ValueToKeyMappingEstimator.KeyOrdinality.ByValue).Fit(data).Transform(data).GetColumn<float[]>("V")));

        static string Describe(SchemaShape.Column column) =>
            $"{column.Name}: {column.GetTypeString()} [{string.Join(", ", column.Annotations.Select(a => $"{a.Name}: {a.GetTypeString()}").Order())}]";
    }

    [TestMethod]
    public void Vectors_are_put_behind_each_other_or_counted()
    {
        IDataView data = Data();
        IDataView Encode(OneHotEncodingEstimator.OutputKind kind) => _ml.Transforms.Categorical.OneHotEncoding("V", "Tags", kind).Fit(data).Transform(data);
        Assert.AreEqual("1 0 0 1 | 0 1 0 1 | 0 0 1 0", Text(Encode(OneHotEncodingEstimator.OutputKind.Indicator).GetColumn<float[]>("V")));
        Assert.AreEqual("Vector<Single, 2, 2>", Encode(OneHotEncodingEstimator.OutputKind.Indicator).Schema["V"].Type.ToString());
        Assert.AreEqual("1 1 | 0 2 | 1 0", Text(Encode(OneHotEncodingEstimator.OutputKind.Bag).GetColumn<float[]>("V")));
        CollectionAssert.AreEqual(new uint[] { 1, 2 }, Encode(OneHotEncodingEstimator.OutputKind.Key).GetColumn<uint[]>("V").First());
    }

    [TestMethod]
    public void Saved_encoding_gives_the_same_vectors()
    {
        IDataView data = Data();
        using var stream = new MemoryStream();
        _ml.Model.Save(_ml.Transforms.Categorical.OneHotEncoding("Vector", "Name").Fit(data), data.Schema, stream);
        stream.Position = 0;
        Assert.AreEqual("1 0 | 0 1 | 0 0", Text(new MLContext().Model.Load(stream, out _).Transform(data).GetColumn<float[]>("Vector")));
    }

    [TestMethod]
    public void What_is_no_key_is_refused()
    {
        ArgumentOutOfRangeException e = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Transforms.Conversion.MapKeyToVector("V", "Name").Fit(Data()));
        Assert.Contains("Name", e.Message);
    }

    internal sealed class Row
    {
        public string Name { get; set; } = "";

        [VectorType(2)]
        public string[] Tags { get; set; } = [];
    }
}
