using Microsoft.ML.Data;

namespace Microsoft.ML.Tests.Data;

[TestClass]
public class PredictionEngineTests
{
    private readonly MLContext _ml = new(1);

    private TransformerChain<Microsoft.ML.Transforms.LpNormNormalizingTransformer> Fit()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Flower.Some());
        return _ml.Transforms.Conversion.MapValueToKey("Key", "Name")
            .Append(_ml.Transforms.Concatenate("F", "Length", "Width"))
            .Append(_ml.Transforms.NormalizeLpNorm("F")).Fit(data);
    }

    [TestMethod]
    public void Prediction_equals_the_transformed_row()
    {
        ITransformer model = Fit();
        Flower[] flowers = Flower.Some();
        IDataView scored = model.Transform(_ml.Data.LoadFromEnumerable(flowers));
        Prediction[] expected = [.. _ml.Data.CreateEnumerable<Prediction>(scored, reuseRowObject: false)];
        using PredictionEngine<Flower, Prediction> engine = _ml.Model.CreatePredictionEngine<Flower, Prediction>(model);
        for (int i = 0; i < flowers.Length; i++)
        {
            Prediction prediction = engine.Predict(flowers[i]);
            Assert.AreEqual(expected[i].Key, prediction.Key);
            CollectionAssert.AreEqual(expected[i].F, prediction.F);
        }
        Assert.IsNotNull(engine.OutputSchema.GetColumnOrNull("F"));
    }

    [TestMethod]
    public void Prediction_into_an_object_that_exists()
    {
        using PredictionEngine<Flower, Prediction> engine = _ml.Model.CreatePredictionEngine<Flower, Prediction>(Fit());
        var prediction = new Prediction();
        engine.Predict(new Flower { Length = 3, Width = 4, Name = "tulip" }, ref prediction);
        Assert.AreEqual(3u, prediction.Key);
        CollectionAssert.AreEqual(new[] { 0.6f, 0.8f }, prediction.F);
    }

    [TestMethod]
    public void Missing_output_columns_are_an_error_when_asked_for()
    {
        ITransformer model = Fit();
        ArgumentOutOfRangeException e = Assert.ThrowsExactly<ArgumentOutOfRangeException>(
            () => _ml.Model.CreatePredictionEngine<Flower, Absent>(model, ignoreMissingColumns: false));
        Assert.Contains("Nothing", e.Message);
        using PredictionEngine<Flower, Absent> engine = _ml.Model.CreatePredictionEngine<Flower, Absent>(model);
        Assert.AreEqual(5, engine.Predict(new Flower()).Nothing);
        ArgumentOutOfRangeException input = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Model.CreatePredictionEngine<Absent, Prediction>(model));
        Assert.Contains("Name", input.Message);
    }

    [TestMethod]
    public void Input_schema_gives_types_and_annotations()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Flower.Some());
        IDataView keyed = _ml.Transforms.Conversion.MapValueToKey("Key", "Name").Fit(data).Transform(data);
        ITransformer model = _ml.Transforms.Conversion.MapKeyToValue("Text", "Key").Fit(keyed);
        DataViewSchema schema = keyed.Schema;
        using PredictionEngine<Keyed, Keyed> engine = _ml.Model.CreatePredictionEngine<Keyed, Keyed>(model, schema);
        Assert.AreEqual("lily", engine.Predict(new Keyed { Key = 2 }).Text);
    }

    [TestMethod]
    public void Engine_disposes_the_model_that_it_owns()
    {
        var owned = new Bag { Text = "x" };
        _ml.Model.CreatePredictionEngine<Flower, Flower>(new TransformerChain<ITransformer>(owned)).Dispose();
        Assert.IsTrue(owned.Disposed);
        var kept = new Bag { Text = "x" };
        _ml.Model.CreatePredictionEngine<Flower, Flower>(kept, new PredictionEngineOptions { OwnsTransformer = false }).Dispose();
        Assert.IsFalse(kept.Disposed);
    }

    [TestMethod]
    public void Third_party_stage_in_a_chain_predicts()
    {
        ITransformer model = Fit().Append(new Bag { Text = "x" });
        using PredictionEngine<Flower, Prediction> engine = _ml.Model.CreatePredictionEngine<Flower, Prediction>(model);
        Assert.AreEqual(2u, engine.Predict(new Flower { Name = "lily" }).Key);
    }

    private sealed class Prediction
    {
        public uint Key { get; set; }

        public float[] F { get; set; } = [];
    }

    private sealed class Absent
    {
        public int Nothing { get; set; } = 5;
    }

    private sealed class Keyed
    {
        public uint Key { get; set; }

        [NoColumn]
        public string Ignored { get; set; } = "";

        public string Text { get; set; } = "";
    }
}
