using Microsoft.ML.Data;
using Microsoft.ML.Trainers;

namespace Microsoft.ML.Tests.StandardTrainers;

[TestClass]
public class MaximumEntropyTests
{
    private readonly MLContext _ml = new(1);

    private static Sample[] Clouds(int count = 300, int seed = 3)
    {
        var rand = new Random(seed);
        string[] names = ["rose", "lily", "tulip"];
        return [.. Enumerable.Range(0, count).Select(i =>
        {
            int c = i % 3;
            return new Sample
            {
                Features = [(c == 0 ? 1 : -1) + Noise(), (c == 1 ? 1 : -1) + Noise(), Noise(), 0.3f * Noise()],
                Name = names[c],
                Weight = 1 + (i % 2),
            };
        })];

        float Noise() => (float)((rand.NextDouble() + rand.NextDouble() + rand.NextDouble() - 1.5) * 1.2);
    }

    private IDataView Labelled(Sample[] samples)
    {
        IDataView data = _ml.Data.LoadFromEnumerable(samples);
        return _ml.Transforms.Conversion.MapValueToKey("Label", "Name").Fit(data).Transform(data);
    }

    [TestMethod]
    public void Linear_probe_is_one_line_and_finds_the_classes()
    {
        IDataView train = Labelled(Clouds());
        IDataView scored = _ml.MulticlassClassification.Trainers.LbfgsMaximumEntropy().Fit(train).Transform(Labelled(Clouds(seed: 4)));
        MulticlassClassificationMetrics metrics = _ml.MulticlassClassification.Evaluate(scored);
        Assert.IsGreaterThan(0.9, metrics.MicroAccuracy);
        Assert.Contains("0. rose", metrics.ConfusionMatrix.GetFormattedConfusionTable());
    }

    [TestMethod]
    [DataRow(0f, 1f, false)]
    [DataRow(0f, 0.1f, true)]
    [DataRow(4f, 0.5f, false)]
    [DataRow(1f, 0f, true)]
    public void Result_is_where_the_loss_has_no_way_down(float l1, float l2, bool weighted)
    {
        Sample[] samples = Clouds();
        MaximumEntropyModelParameters model = _ml.MulticlassClassification.Trainers.LbfgsMaximumEntropy(
            l1Regularization: l1, l2Regularization: l2, optimizationTolerance: 1e-12f, exampleWeightColumnName: weighted ? "Weight" : null).Fit(Labelled(samples)).Model;
        VBuffer<float>[] weights = [];
        model.GetWeights(ref weights, out int classes);
        Assert.AreEqual(3, classes);
        float[] biases = [.. model.GetBiases()];

        // The gradient of the sum of the losses, written out once more from the definition of the model.
        var gradient = new double[classes, 4];
        var biasGradient = new double[classes];
        string[] names = ["rose", "lily", "tulip"];
        foreach (Sample sample in samples)
        {
            double[] scores = [.. Enumerable.Range(0, classes).Select(c => biases[c] + sample.Features.Select((x, i) => (double)x * weights[c].GetItemOrDefault(i)).Sum())];
            double sum = scores.Sum(Math.Exp);
            for (int c = 0; c < classes; c++)
            {
                double error = (weighted ? sample.Weight : 1) * ((Math.Exp(scores[c]) / sum) - (names[c] == sample.Name ? 1 : 0));
                biasGradient[c] += error;
                for (int i = 0; i < 4; i++)
                    gradient[c, i] += error * sample.Features[i];
            }
        }
        // The L1 term is divided by the number of rows, the others by the sum of the weights.
        double l1PerSum = l1 * (weighted ? samples.Sum(sample => sample.Weight) : samples.Length) / samples.Length;
        int zeros = 0;
        for (int c = 0; c < classes; c++)
        {
            Assert.AreEqual(0, biasGradient[c], 0.05);
            for (int i = 0; i < 4; i++)
            {
                float w = weights[c].GetItemOrDefault(i);
                double slope = gradient[c, i] + (l2 * w);
                if (w == 0)
                {
                    zeros++;
                    Assert.IsLessThan(l1PerSum + 0.05, Math.Abs(slope));
                }
                else
                {
                    Assert.AreEqual(0, slope + (Math.Sign(w) * l1PerSum), 0.05);
                }
            }
        }
        if (l1 >= 4)
            Assert.IsGreaterThan(0, zeros);
    }

    [TestMethod]
    public void Weights_stay_at_or_above_zero_where_that_is_asked_for()
    {
        MaximumEntropyModelParameters model = _ml.MulticlassClassification.Trainers.LbfgsMaximumEntropy(enforceNonNegativity: true).Fit(Labelled(Clouds())).Model;
        VBuffer<float>[] weights = [];
        model.GetWeights(ref weights, out _);
        float[] all = [.. weights.SelectMany(row => row.DenseValues())];
        Assert.IsTrue(Array.TrueForAll(all, w => w >= 0));
        Assert.IsTrue(Array.Exists(all, w => w > 0));
    }

    [TestMethod]
    public void Number_of_threads_does_not_change_the_result()
    {
        IDataView data = Labelled(Clouds(1500));
        double[] Fit(int threads) => Parameters(_ml.MulticlassClassification.Trainers.LbfgsMaximumEntropy(new LbfgsMaximumEntropyMulticlassTrainer.Options { NumberOfThreads = threads }).Fit(data).Model);
        CollectionAssert.AreEqual(Fit(1), Fit(3));
    }

    [TestMethod]
    public void Chain_saved_and_loaded_predicts_the_same_and_names_the_classes()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Clouds());
        IEstimator<ITransformer> estimator = _ml.Transforms.Conversion.MapValueToKey("Label", "Name")
            .Append(_ml.Transforms.NormalizeLpNorm("Features"))
            .Append(_ml.MulticlassClassification.Trainers.LbfgsMaximumEntropy())
            .Append(_ml.Transforms.Conversion.MapKeyToValue("PredictedName", "PredictedLabel"));
        ITransformer model = estimator.Fit(data);
        using var stream = new MemoryStream();
        _ml.Model.Save(model, data.Schema, stream);
        stream.Position = 0;
        ITransformer loaded = new MLContext().Model.Load(stream, out DataViewSchema schema);
        Assert.AreEqual(data.Schema.ToString(), schema.ToString());
        DataViewSchema expected = model.GetOutputSchema(data.Schema);
        Assert.AreEqual(expected.ToString(), loaded.GetOutputSchema(schema).ToString());
        CollectionAssert.AreEquivalent(
            SchemaShape.Create(expected).Select(Text).ToArray(),
            estimator.GetOutputSchema(SchemaShape.Create(data.Schema)).Select(Text).ToArray());
        Prediction[] before = [.. _ml.Data.CreateEnumerable<Prediction>(model.Transform(data), false)];
        Prediction[] after = [.. _ml.Data.CreateEnumerable<Prediction>(loaded.Transform(data), false)];
        for (int i = 0; i < before.Length; i++)
        {
            CollectionAssert.AreEqual(before[i].Score, after[i].Score);
            Assert.AreEqual(before[i].PredictedName, after[i].PredictedName);
            Assert.AreEqual(1, before[i].Score.Sum(), 1e-5);
        }
        using PredictionEngine<Sample, Prediction> engine = _ml.Model.CreatePredictionEngine<Sample, Prediction>(loaded);
        Sample sample = Clouds()[7];
        Assert.AreEqual(before[7].PredictedName, engine.Predict(sample).PredictedName);
        Assert.AreEqual(before[8].PredictedName, engine.Predict(Clouds()[8]).PredictedName);

        static string Text(SchemaShape.Column column) =>
            $"{column.Name}: {column.GetTypeString()} [{string.Join(", ", column.Annotations.Select(a => $"{a.Name}: {a.GetTypeString()}").Order())}]";
    }

    [TestMethod]
    public void Only_asked_for_columns_are_computed_and_annotations_are_the_official_ones()
    {
        IDataView data = Labelled(Clouds());
        IDataView scored = _ml.MulticlassClassification.Trainers.LbfgsMaximumEntropy().Fit(data).Transform(data);
        ReadOnlyMemory<char> text = default;
        scored.Schema["Score"].Annotations.GetValue("ScoreColumnKind", ref text);
        Assert.AreEqual("MultiClassClassification", text.ToString());
        scored.Schema["PredictedLabel"].Annotations.GetValue("ScoreValueKind", ref text);
        Assert.AreEqual("PredictedLabel", text.ToString());
        uint set = 0;
        scored.Schema["Score"].Annotations.GetValue("ScoreColumnSetId", ref set);
        Assert.AreEqual(1u, set);
        VBuffer<ReadOnlyMemory<char>> names = default;
        scored.Schema["Score"].GetSlotNames(ref names);
        Assert.AreEqual("rose,lily,tulip", string.Join(",", names.DenseValues()));
        IDataView twice = _ml.MulticlassClassification.Trainers.LbfgsMaximumEntropy().Fit(scored).Transform(scored);
        twice.Schema["Score"].Annotations.GetValue("ScoreColumnSetId", ref set);
        Assert.AreEqual(2u, set);
    }

    [TestMethod]
    public void Rows_with_missing_parts_are_skipped_and_said_so()
    {
        Sample[] samples = Clouds();
        IDataView whole = Labelled(samples);
        Sample[] more = [.. samples, new Sample { Features = [float.NaN, 0, 0, 0], Name = "rose" }, new Sample { Features = [9, 9, 9, 9], Name = "" }];
        var messages = new List<string>();
        _ml.Log += (_, e) => messages.Add(e.Message);
        double[] expected = Parameters(_ml.MulticlassClassification.Trainers.LbfgsMaximumEntropy().Fit(whole).Model);
        double[] actual = Parameters(_ml.MulticlassClassification.Trainers.LbfgsMaximumEntropy().Fit(Labelled(more)).Model);
        CollectionAssert.AreEqual(expected, actual);
        Assert.IsTrue(messages.Exists(message => message.Contains("Skipped 2 instances", StringComparison.Ordinal)), string.Join("\n", messages));
    }

    [TestMethod]
    public void Wrong_columns_and_options_are_named()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Clouds());
        ArgumentOutOfRangeException e = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.MulticlassClassification.Trainers.LbfgsMaximumEntropy("Name").Fit(data));
        Assert.Contains("Name", e.Message);
        e = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.MulticlassClassification.Trainers.LbfgsMaximumEntropy(featureColumnName: "Nowhere").Fit(Labelled(Clouds())));
        Assert.Contains("Nowhere", e.Message);
        e = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.MulticlassClassification.Trainers.LbfgsMaximumEntropy(l2Regularization: -1));
        Assert.Contains("L2Regularization", e.Message);
        MulticlassPredictionTransformer<MaximumEntropyModelParameters> model = _ml.MulticlassClassification.Trainers.LbfgsMaximumEntropy().Fit(Labelled(Clouds()));
        e = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => model.Transform(_ml.Data.LoadFromEnumerable([new Other()])));
        Assert.Contains("Features", e.Message);
    }

    [TestMethod]
    public void Model_part_has_the_official_layout()
    {
        IDataView data = Labelled(Clouds());
        MulticlassPredictionTransformer<MaximumEntropyModelParameters> model = _ml.MulticlassClassification.Trainers.LbfgsMaximumEntropy().Fit(data);
        using var stream = new MemoryStream();
        _ml.Model.Save(model, data.Schema, stream);
        using var archive = new System.IO.Compression.ZipArchive(stream);
        Tests.Data.ModelFormatTests.Part Read(string name)
        {
            using var content = new MemoryStream();
            using (Stream entry = archive.GetEntry(name)!.Open())
                entry.CopyTo(content);
            return new Tests.Data.ModelFormatTests.Part(content.ToArray());
        }
        Tests.Data.ModelFormatTests.Part outer = Read("TransformerChain/Model.key");
        Assert.AreEqual("MC\0\0PRED 10002 MulticlassPredXfer", $"{outer.Signature} {outer.Version:x} {outer.Loader}");
        CollectionAssert.AreEqual(new[] { "Features", "Label", "Score", "PredictedLabel" }, outer.Strings);
        Assert.IsNotEmpty(Read("TransformerChain/TrainSchema").Raw);
        Tests.Data.ModelFormatTests.Part inner = Read("TransformerChain/Model/Model.key");
        Assert.AreEqual("MULTI\0LR 10003 MultiClassLRExec", $"{inner.Signature} {inner.Version:x} {inner.Loader}");
        Assert.AreEqual("Microsoft.ML.StandardTrainers, Version=1.0.0.0, Culture=neutral, PublicKeyToken=cc7b13ffcd2ddd51", inner.Assembly);
        CollectionAssert.AreEqual(new[] { "rose", "lily", "tulip" }, inner.Strings);
        using var reader = new BinaryReader(new MemoryStream(inner.Model));
        Assert.AreEqual("4 4 3", $"{reader.ReadInt32()} {reader.ReadInt32()} {reader.ReadInt32()}");
        double[] parameters = Parameters(model.Model);
        for (int c = 0; c < 3; c++)
            Assert.AreEqual((float)parameters[c], reader.ReadSingle());
        Assert.AreEqual("0 0 12", $"{reader.ReadInt32()} {reader.ReadInt32()} {reader.ReadInt32()}");
        for (int i = 3; i < parameters.Length; i++)
            Assert.AreEqual((float)parameters[i], reader.ReadSingle());
        CollectionAssert.AreEqual(new byte[] { 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0 }, Read("TransformerChain/Model/LabelNames").Raw);
    }

    [TestMethod]
    public void Cancelled_context_stops_a_fit()
    {
        var ml = new MLContext(1);
        int rows = 0;
        IDataView data = ml.Data.LoadFromEnumerable(Enumerable.Range(0, 100_000).Select(i =>
        {
            if (++rows == 100)
                ml.CancelExecution();
            return new Keyed { Label = (uint)(i % 2) + 1 };
        }));
        var trainer = ml.MulticlassClassification.Trainers.LbfgsMaximumEntropy();
        Assert.ThrowsExactly<OperationCanceledException>(() => trainer.Fit(data));
        Assert.IsLessThan(110, rows);
    }

    /// <summary>Biases, then the weights of each class.</summary>
    private static double[] Parameters(MaximumEntropyModelParameters model)
    {
        VBuffer<float>[] weights = [];
        model.GetWeights(ref weights, out _);
        return [.. model.GetBiases().Concat(weights.SelectMany(row => row.DenseValues())).Select(value => (double)value)];
    }

    internal sealed class Keyed
    {
        [KeyType(2)]
        public uint Label { get; set; }

        [VectorType(2)]
        public float[] Features { get; set; } = [1, 2];
    }

    internal sealed class Sample
    {
        [VectorType(4)]
        public float[] Features { get; set; } = new float[4];

        public string Name { get; set; } = "";

        public float Weight { get; set; } = 1;
    }

    internal sealed class Prediction
    {
        public float[] Score { get; set; } = [];

        public string PredictedName { get; set; } = "";
    }

    internal sealed class Other
    {
        public string Features { get; set; } = "";
    }
}
