using Microsoft.ML.Data;

namespace Microsoft.ML.Tests.Data;

[TestClass]
public class NormalizeMinMaxTests
{
    private readonly MLContext _ml = new(1);

    private IDataView Data() => _ml.Data.LoadFromEnumerable(new[]
    {
        new Row { Vector = [1, -4, 7], Number = 2 }, new Row { Vector = [3, 2, 7], Number = float.NaN }, new Row { Vector = [2, 0, 7], Number = 6 },
    });

    [TestMethod]
    [DataRow(true, "0.3333 -1 0|1 0.5 0|0.6667 0 0", "0.3333 NaN 1")]
    [DataRow(false, "0 0 0|1 1 0|0.5 0.6667 0", "0 NaN 1")]
    public void Slots_come_to_their_range_and_are_the_same_after_loading(bool fixZero, string vectors, string numbers)
    {
        IDataView data = Data();
        var estimator = _ml.Transforms.NormalizeMinMax("Vector", fixZero: fixZero).Append(_ml.Transforms.NormalizeMinMax("Number", fixZero: fixZero));
        ITransformer model = estimator.Fit(data);
        using var stream = new MemoryStream();
        _ml.Model.Save(model, data.Schema, stream);
        stream.Position = 0;
        foreach (ITransformer either in new[] { model, new MLContext().Model.Load(stream, out _) })
        {
            IDataView view = either.Transform(data);
            Assert.AreEqual(vectors, string.Join("|", view.GetColumn<float[]>("Vector").Select(row => string.Join(" ", row.Select(Text)))));
            Assert.AreEqual(numbers, string.Join(" ", view.GetColumn<float>("Number").Select(Text)));
            bool normalized = false;
            view.Schema["Vector"].Annotations.GetValue("IsNormalized", ref normalized);
            Assert.IsTrue(normalized);
        }

        static string Text(float value) => value.ToString("0.####", System.Globalization.CultureInfo.InvariantCulture);
    }

    [TestMethod]
    public void Other_types_are_refused()
    {
        ArgumentOutOfRangeException e = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Transforms.NormalizeMinMax("Name").Fit(_ml.Data.LoadFromEnumerable(Flower.Some())));
        Assert.Contains("Name", e.Message);
    }

    internal sealed class Row
    {
        [VectorType(3)]
        public float[] Vector { get; set; } = [];

        public float Number { get; set; }
    }
}
