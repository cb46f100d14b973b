using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Trainers;

/// <summary>Multinomial logistic regression: the probability of a class is the softmax of linear functions of the features.</summary>
public sealed class LbfgsMaximumEntropyMulticlassTrainer
    : LbfgsTrainerBase<LbfgsMaximumEntropyMulticlassTrainer.Options, MulticlassPredictionTransformer<MaximumEntropyModelParameters>, MaximumEntropyModelParameters>
{
    /// <summary>The weight of what was before in the running mean of the improvement.</summary>
    private const double ImprovementDecay = 0.25;

    internal LbfgsMaximumEntropyMulticlassTrainer(IHostEnvironment env, Options options)
        : base(env, options, new SchemaShape.Column(options.LabelColumnName, SchemaShape.Column.VectorKind.Scalar, NumberDataViewType.UInt32, true))
    {
    }

    /// <summary>The columns, what is minimised, and when that stops.</summary>
    public sealed class Options : OptionsBase
    {
        public Options()
        {
        }
    }

    /// <summary>Goes on from a model that was fitted before, on features of the same size and as many classes.</summary>
    public MulticlassPredictionTransformer<MaximumEntropyModelParameters> Fit(IDataView trainData, MaximumEntropyModelParameters modelParameters)
    {
        Host.CheckValue(trainData, nameof(trainData));
        Host.CheckAlive();
        return Train(trainData, modelParameters);
    }

    private protected override IEnumerable<SchemaShape.Column> GetOutputColumns(SchemaShape inputSchema)
    {
        SchemaShape.Column label = SchemaShapes.Find(Host, inputSchema, "label", LabelColumn.Name);
        var score = new List<SchemaShape.Column>(ScoreAnnotations());
        var predicted = new List<SchemaShape.Column>(ScoreAnnotations());
        if (label.Annotations.TryFindColumn(AnnotationUtils.Kinds.KeyValues, out SchemaShape.Column values))
        {
            predicted.Add(values);
            score.Add(new SchemaShape.Column(AnnotationUtils.Kinds.TrainingLabelValues, values.Kind, values.ItemType, false));
            if (values.ItemType is TextDataViewType)
                score.Add(new SchemaShape.Column(AnnotationUtils.Kinds.SlotNames, values.Kind, values.ItemType, false));
        }
        yield return new SchemaShape.Column(AnnotationUtils.Const.ScoreValueKind.PredictedLabel, SchemaShape.Column.VectorKind.Scalar, NumberDataViewType.UInt32, true, new SchemaShape(predicted));
        yield return new SchemaShape.Column(AnnotationUtils.Const.ScoreValueKind.Score, SchemaShape.Column.VectorKind.Vector, NumberDataViewType.Single, false, new SchemaShape(score));
    }

    private static IEnumerable<SchemaShape.Column> ScoreAnnotations()
    {
        yield return new SchemaShape.Column(AnnotationUtils.Kinds.ScoreColumnSetId, SchemaShape.Column.VectorKind.Scalar, NumberDataViewType.UInt32, true);
        yield return new SchemaShape.Column(AnnotationUtils.Kinds.ScoreColumnKind, SchemaShape.Column.VectorKind.Scalar, TextDataViewType.Instance, false);
        yield return new SchemaShape.Column(AnnotationUtils.Kinds.ScoreValueKind, SchemaShape.Column.VectorKind.Scalar, TextDataViewType.Instance, false);
    }

    private protected override MulticlassPredictionTransformer<MaximumEntropyModelParameters> Train(IDataView input, MaximumEntropyModelParameters start)
    {
        DataViewSchema.Column features = Host.FindColumn(input.Schema, "feature", FeatureColumn.Name);
        DataViewSchema.Column label = Host.FindColumn(input.Schema, "label", LabelColumn.Name);
        if (features.Type is not VectorDataViewType { IsKnownSize: true } vector || vector.ItemType.RawType != typeof(float))
            throw Host.ExceptSchemaMismatch(nameof(input), "feature", features.Name, "a Vector<Single> of known size", features.Type.ToString());
        if (label.Type is not KeyDataViewType { Count: <= int.MaxValue } key || key.RawType != typeof(uint))
            throw Host.ExceptSchemaMismatch(nameof(input), "label", label.Name, "Key<UInt32>", label.Type.ToString());
        int classes = (int)key.Count;
        Host.CheckParam((long)classes * (vector.Size + 1) <= Array.MaxLength, nameof(input), $"{classes} classes of {vector.Size} features are too many parameters");
        Host.CheckParam(start is null || (start.FeatureCount == vector.Size && start.ClassCount == classes), "modelParameters", $"Has {start?.FeatureCount} features and {start?.ClassCount} classes, where {vector.Size} and {classes} are needed");

        using IChannel channel = Host.Start("Training");
        Options options = LbfgsTrainerOptions;
        var loss = new MaximumEntropyLoss(vector.Size, classes, options.L2Regularization, options.NumberOfThreads ?? Environment.ProcessorCount);
        int skipped = Read(input, features, label, loss);
        Host.Check(loss.RowCount > 0, "No valid training instances found, all instances have missing features, label or weight.");
        if (skipped > 0)
            channel.Warning(MessageSensitivity.None, $"Skipped {skipped} instances with missing features, label or weight during training");

        double[] parameters = start?.Parameters() ?? new double[classes * (vector.Size + 1)];
        if (start is null && options.InitialWeightsDiameter > 0)
        {
            for (int i = 0; i < parameters.Length; i++)
                parameters[i] = options.InitialWeightsDiameter * (Host.Rand.NextDouble() - 0.5);
        }
        double improvement = 0;
        int iterations = 0;
        var optimizer = new OrthantWiseLbfgs(loss.Evaluate, classes, options.L1Regularization / loss.RowCount, options.EnforceNonNegativity, options.HistorySize);
        double value = optimizer.Minimize(parameters, (iteration, before, after) =>
        {
            Host.CheckAlive();
            iterations = iteration;
            improvement = before - after + (ImprovementDecay * improvement);
            double mean = improvement * (1 - ImprovementDecay) / (1 - Math.Pow(ImprovementDecay, iteration));
            return mean >= options.OptimizationTolerance && iteration < options.MaximumNumberOfIterations;
        });
        if (!options.Quiet)
            channel.Info(MessageSensitivity.None, $"{loss.RowCount} rows, {iterations} iterations, mean loss {value.ToString("G6", System.Globalization.CultureInfo.InvariantCulture)}");
        var model = new MaximumEntropyModelParameters(Host, parameters, classes, vector.Size, MaximumEntropyModelParameters.NamesOf(label, classes));
        return new MulticlassPredictionTransformer<MaximumEntropyModelParameters>(Host, model, input.Schema, features.Name, label.Name);
    }

    /// <summary>Takes the rows in, and returns how many have a part missing.</summary>
    private int Read(IDataView input, DataViewSchema.Column features, DataViewSchema.Column label, MaximumEntropyLoss loss)
    {
        DataViewSchema.Column? weight = WeightColumn.IsValid ? Host.FindColumn(input.Schema, "weight", WeightColumn.Name) : null;
        if (weight is { } column && column.Type.RawType != typeof(float))
            throw Host.ExceptSchemaMismatch(nameof(input), "weight", column.Name, "Single", column.Type.ToString());
        using DataViewRowCursor cursor = input.GetRowCursor(weight is { } used ? [features, label, used] : [features, label]);
        ValueGetter<VBuffer<float>> getFeatures = cursor.GetGetter<VBuffer<float>>(cursor.Schema[features.Index]);
        ValueGetter<uint> getLabel = cursor.GetGetter<uint>(cursor.Schema[label.Index]);
        ValueGetter<float> getWeight = weight is { } given ? cursor.GetGetter<float>(cursor.Schema[given.Index]) : (ref float value) => value = 1;
        VBuffer<float> row = default;
        uint key = 0;
        float rowWeight = 0;
        int skipped = 0;
        while (cursor.MoveNext())
        {
            Host.CheckAlive();
            getLabel(ref key);
            getWeight(ref rowWeight);
            if (key == 0 || !float.IsFinite(rowWeight))
            {
                skipped++;
                continue;
            }
            getFeatures(ref row);
            if (HasMissing(row.GetValues()))
                skipped++;
            else
                loss.Add(in row, (int)key - 1, rowWeight);
        }
        return skipped;
    }

    private static bool HasMissing(ReadOnlySpan<float> values)
    {
        foreach (float value in values)
        {
            if (!float.IsFinite(value))
                return true;
        }
        return false;
    }
}
