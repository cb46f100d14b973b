using AirMLNet.Testing;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Tests.MLNet;

/// <summary>
/// Chains of stages, as the recipes build them: what acts in training only, and what PredictionEngine asks of each stage.
/// </summary>
[TestClass]
public sealed class ChainTests
{
    private readonly MLContext _ml = new(1);
    private readonly IDataView _data;

    public ChainTests() =>
        _data = _ml.Data.LoadFromEnumerable(
            new[]
            {
                new Pair { A = 1, B = 2 },
                new Pair { A = 3, B = 4 },
            }
        );

    [TestMethod]
    public void A_training_stage_feeds_the_fit_of_the_next_and_is_left_out_of_Transform()
    {
        var seen = new List<int>();
        var model = WithTrainingStage(new Doubling(isMapper: true), seen).Fit(_data);

        CollectionAssert.AreEqual(new[] { 4 }, seen, "rows that the stage after it was fitted on");
        CollectionAssert.AreEqual(new[] { 1f, 3f }, StageFixture.Column<float>(model.Transform(_data), "Copy"));
        Assert.HasCount(4, StageFixture.Column<float>(model.Transform(_data, TransformerScope.TrainTest), "Copy"));
    }

    [TestMethod]
    public void A_training_stage_that_was_saved_is_left_out_of_Transform_as_well()
    {
        var chain = new EstimatorChain<ITransformer>()
            .Append(_ml.Transforms.CopyColumns("Extra", "A"), TransformerScope.TrainTest)
            .Append(_ml.Transforms.CopyColumns("Copy", "B"));
        using var saved = new MemoryStream();
        _ml.Model.Save(chain.Fit(_data), _data.Schema, saved);

        var loaded = (TransformerChain<ITransformer>)new MLContext().Model.Load(saved, out _);

        Assert.AreEqual(2, loaded.Count(), "both stages are in the file");
        var scored = loaded.Transform(_data).Schema;
        Assert.IsNull(scored.GetColumnOrNull("Extra"));
        Assert.IsNotNull(scored.GetColumnOrNull("Copy"));
    }

    [TestMethod]
    public void PredictionEngine_takes_a_chain_only_if_the_training_stages_are_row_mappers_too()
    {
        ITransformer mapping = WithTrainingStage(new Doubling(isMapper: true), []).Fit(_data);
        using (var engine = _ml.Model.CreatePredictionEngine<Pair, Copied>(mapping))
        {
            Assert.AreEqual(7, engine.Predict(new Pair { A = 7 }).Copy);
        }

        ITransformer other = WithTrainingStage(new Doubling(isMapper: false), []).Fit(_data);
        var e = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Model.CreatePredictionEngine<Pair, Copied>(other));
        Assert.Contains("row to row mapper", e.Message);
    }

    [TestMethod]
    public void A_column_that_a_late_stage_lacks_is_named_before_the_first_stage_is_fitted()
    {
        var fitted = false;
        var chain = _ml
            .Transforms.CopyColumns("Copy", "A")
            .WithOnFitDelegate(_ => fitted = true)
            .Append(_ml.Transforms.CopyColumns("Late", "Nowhere"));

        Assert.Contains("Nowhere", Assert.Throws<ArgumentException>(() => chain.Fit(_data)).Message);
        Assert.IsFalse(fitted);
    }

    [TestMethod]
    public void Whoever_disposes_a_chain_or_its_engine_disposes_the_stages()
    {
        var first = new Doubling(isMapper: true);
        new TransformerChain<ITransformer>(first).Dispose();
        Assert.AreEqual(1, first.Disposals, "by the chain");

        var second = new Doubling(isMapper: true);
        _ml.Model.CreatePredictionEngine<Pair, Pair>(new TransformerChain<ITransformer>(second)).Dispose();
        Assert.AreEqual(1, second.Disposals, "by the engine");
    }

    private EstimatorChain<ITransformer> WithTrainingStage(ITransformer stage, List<int> rowsSeen)
    {
        IEstimator<ITransformer> copy = _ml.Transforms.CopyColumns("Copy", "A");
        return new EstimatorChain<ITransformer>()
            .Append<ITransformer>(new Fitted(stage), TransformerScope.TrainTest)
            .Append<ITransformer>(new Counting(copy, rowsSeen));
    }

    /// <summary>Gives its rows twice, as a stage that adds images to the training data; a single row passes through.</summary>
    private sealed class Doubling(bool isMapper) : ITransformer, IDisposable
    {
        public int Disposals { get; private set; }
        public bool IsRowToRowMapper => isMapper;

        public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => inputSchema;

        public IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema) => new AirMLNet.Pipeline.PassThroughMapper(inputSchema);

        public void Save(ModelSaveContext ctx) => throw new NotSupportedException();

        public void Dispose() => Disposals++;

        public IDataView Transform(IDataView input)
        {
            var ml = new MLContext();
            Pair[] rows = [.. ml.Data.CreateEnumerable<Pair>(input, reuseRowObject: false)];
            return ml.Data.LoadFromEnumerable(rows.Concat(rows));
        }
    }

    private sealed class Fitted(ITransformer stage) : IEstimator<ITransformer>
    {
        public ITransformer Fit(IDataView input) => stage;

        public SchemaShape GetOutputSchema(SchemaShape inputSchema) => inputSchema;
    }

    private sealed class Counting(IEstimator<ITransformer> inner, List<int> rowsSeen) : IEstimator<ITransformer>
    {
        public SchemaShape GetOutputSchema(SchemaShape inputSchema) => inner.GetOutputSchema(inputSchema);

        public ITransformer Fit(IDataView input)
        {
            rowsSeen.Add(StageFixture.Column<float>(input, "A").Length);
            return inner.Fit(input);
        }
    }

    private sealed class Pair
    {
        public float A { get; set; }
        public float B { get; set; }
    }

    private sealed class Copied
    {
        public float Copy { get; set; }
    }
}
