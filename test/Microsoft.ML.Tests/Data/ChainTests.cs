using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Tests.Data;

[TestClass]
public class ChainTests
{
    private readonly MLContext _ml = new(1);

    [TestMethod]
    public void Training_only_stage_is_fitted_and_then_left_out_of_scoring()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Flower.Some());
        var fitted = new List<string>();
        EstimatorChain<ITransformer> chain = new EstimatorChain<ITransformer>()
            .Append((IEstimator<ITransformer>)_ml.Transforms.CopyColumns("Extra", "Length").WithOnFitDelegate(_ => fitted.Add("extra")), TransformerScope.TrainTest)
            .Append((IEstimator<ITransformer>)_ml.Transforms.Concatenate("F", "Length", "Width").WithOnFitDelegate(_ => fitted.Add("concat")));
        TransformerChain<ITransformer> model = chain.Fit(data);
        CollectionAssert.AreEqual(new[] { "extra", "concat" }, fitted);
        Assert.IsNull(model.Transform(data).Schema.GetColumnOrNull("Extra"));
        Assert.IsNull(model.GetOutputSchema(data.Schema).GetColumnOrNull("Extra"));
        Assert.IsNotNull(model.Transform(data, TransformerScope.Training).Schema.GetColumnOrNull("Extra"));
        Assert.AreEqual(1, model.GetModelFor(TransformerScope.Scoring).Count());

        using var stream = new MemoryStream();
        _ml.Model.Save(model, data.Schema, stream);
        stream.Position = 0;
        var loaded = (TransformerChain<ITransformer>)_ml.Model.Load(stream, out _);
        Assert.AreEqual(1, loaded.Count());
    }

    [TestMethod]
    public void Predicted_schema_is_the_real_one_and_other_columns_pass_through()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Flower.Some());
        var chain = _ml.Transforms.Conversion.MapValueToKey("Key", "Name")
            .Append(_ml.Transforms.Concatenate("F", "Length", "Width"))
            .Append(_ml.Transforms.NormalizeLpNorm("N", "F"))
            .Append(_ml.Transforms.Conversion.MapKeyToValue("Back", "Key"))
            .Append(_ml.Transforms.DropColumns("Width"));
        SchemaShape before = chain.GetOutputSchema(SchemaShape.Create(data.Schema));
        TransformerChain<Microsoft.ML.Transforms.ColumnSelectingTransformer> model = chain.Fit(data);
        SchemaShape after = SchemaShape.Create(model.Transform(data).Schema);
        CollectionAssert.AreEquivalent(after.Select(Text).ToArray(), before.Select(Text).ToArray());
        Assert.IsTrue(after.TryFindColumn("Length", out _));
        Assert.IsFalse(after.TryFindColumn("Width", out _));

        static string Text(SchemaShape.Column column) =>
            $"{column.Name}: {column.GetTypeString()} [{string.Join(", ", column.Annotations.Select(a => $"{a.Name}: {a.GetTypeString()}").Order())}]";
    }

    [TestMethod]
    public void Mistake_in_a_late_stage_shows_before_the_first_is_fitted()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Flower.Some());
        bool fitted = false;
        var chain = _ml.Transforms.Concatenate("F", "Length").WithOnFitDelegate(_ => fitted = true)
            .Append(_ml.Transforms.Concatenate("G", "F", "Nowhere"));
        ArgumentOutOfRangeException e = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => chain.Fit(data));
        Assert.Contains("Nowhere", e.Message);
        Assert.IsFalse(fitted);
    }

    [TestMethod]
    public void Wrong_type_is_named_with_what_was_expected()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Flower.Some());
        ArgumentOutOfRangeException e = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Transforms.Concatenate("F", "Length", "Name").Fit(data));
        Assert.Contains("Name", e.Message);
        Assert.Contains("Single", e.Message);
        Assert.Contains("String", e.Message);
    }

    [TestMethod]
    public void Cache_checkpoint_computes_a_column_once()
    {
        int calls = 0;
        IDataView data = _ml.Data.LoadFromEnumerable(Flower.Some());
        var chain = _ml.Transforms.CustomMapping<Flower, Named>((source, target) => { calls++; target.Upper = source.Name.ToUpperInvariant(); }, null)
            .AppendCacheCheckpoint(_ml)
            .Append(_ml.Transforms.Conversion.MapValueToKey("A", "Upper"))
            .Append(_ml.Transforms.Conversion.MapValueToKey("B", "Upper"));
        chain.Fit(data);
        Assert.AreEqual(9, calls);
    }

    [TestMethod]
    public void Cancelled_context_stops_a_fit_that_is_under_way()
    {
        var ml = new MLContext(1);
        int rows = 0;
        IDataView data = ml.Data.LoadFromEnumerable(Enumerable.Range(0, 1_000_000).Select(i =>
        {
            if (++rows == 100)
                ml.CancelExecution();
            return new Flower { Name = i.ToString() };
        }));
        Assert.ThrowsExactly<OperationCanceledException>(() => ml.Transforms.Conversion.MapValueToKey("Name").Fit(data));
        Assert.IsLessThan(110, rows);
        Assert.ThrowsExactly<OperationCanceledException>(() => ml.Transforms.Concatenate("F", "Length"));
    }

    [TestMethod]
    public void Log_carries_source_and_kind()
    {
        var messages = new List<LoggingEventArgs>();
        _ml.Log += (_, e) => messages.Add(e);
        IHost host = ((IHostEnvironment)_ml).Register("Stage");
        using (IChannel channel = host.Start("Work"))
        {
            channel.Info(MessageSensitivity.None, "round {0} of {1}", 2, 3);
            channel.Warning(MessageSensitivity.None, "{0} as it is");
        }
        Assert.AreEqual("round 2 of 3", messages[0].RawMessage);
        Assert.AreEqual(ChannelMessageKind.Info, messages[0].Kind);
        Assert.AreEqual("Stage; Work", messages[0].Source);
        Assert.AreEqual("[Source=Stage; Work, Kind=Info] round 2 of 3", messages[0].Message);
        Assert.AreEqual("{0} as it is", messages[1].RawMessage);
        using (IProgressChannel progress = host.StartProgressChannel("Epochs"))
        {
            progress.SetHeader(new ProgressHeader(["loss"], ["epochs"]), null);
            progress.Checkpoint(0.5, 3);
        }
        Assert.AreEqual("3 epochs, loss: 0.5", messages[2].RawMessage);
    }

    [TestMethod]
    public void Same_seed_gives_hosts_the_same_random_numbers()
    {
        int Draw(int seed) => ((IHostEnvironment)new MLContext(seed)).Register("A").Rand.Next();
        Assert.AreEqual(Draw(5), Draw(5));
        Assert.AreNotEqual(Draw(5), Draw(6));
    }

    [TestMethod]
    public void Options_and_devices_are_kept_for_all_hosts()
    {
        _ml.GpuDeviceId = 1;
        _ml.FallbackToCpu = true;
        _ml.SetOption("x", 5);
        var host = (IHostEnvironmentInternal)((IHostEnvironment)_ml).Register("A");
        Assert.AreEqual(1, host.GpuDeviceId);
        Assert.IsTrue(host.FallbackToCpu);
        Assert.AreEqual(5, host.GetOptionOrDefault<int>("x"));
        Assert.IsFalse(_ml.TryAddOption("x", 6));
        Assert.IsTrue(_ml.RemoveOption("x"));
        Assert.IsFalse(_ml.TryGetOption("x", out int _));
    }

    private sealed class Named
    {
        public string Upper { get; set; } = "";
    }
}
