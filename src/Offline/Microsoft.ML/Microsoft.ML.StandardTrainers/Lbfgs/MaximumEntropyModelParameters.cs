using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Trainers;

[assembly: LoadableClass(typeof(MaximumEntropyModelParameters), null, typeof(SignatureLoadModel), "Multiclass LR Executor", MaximumEntropyModelParameters.LoaderSignature)]

namespace Microsoft.ML.Trainers;

/// <summary>One linear function of the features per class.</summary>
public abstract class LinearMulticlassModelParametersBase : ModelParametersBase<VBuffer<float>>, IMulticlassModel
{
    private const string LabelNamesEntry = "LabelNames";

    private readonly float[] _biases;
    private readonly float[][] _weights;
    private readonly string[] _labelNames;

    /// <param name="env">The environment.</param>
    /// <param name="name">Of the host.</param>
    /// <param name="parameters">One bias per class, then the weights of each class, [C + C * D].</param>
    /// <param name="classes">C.</param>
    /// <param name="features">D.</param>
    /// <param name="labelNames">[C], or null.</param>
    internal LinearMulticlassModelParametersBase(IHostEnvironment env, string name, double[] parameters, int classes, int features, string[] labelNames)
        : base(env, name)
    {
        FeatureCount = features;
        ClassCount = classes;
        _biases = Array.ConvertAll(parameters[..classes], value => (float)value);
        _weights = new float[classes][];
        for (int c = 0; c < classes; c++)
            _weights[c] = Array.ConvertAll(parameters[(classes + (c * features))..(classes + ((c + 1) * features))], value => (float)value);
        _labelNames = labelNames;
    }

    private protected LinearMulticlassModelParametersBase(IHostEnvironment env, string name, ModelLoadContext ctx)
        : base(env, name, ctx)
    {
        FeatureCount = ctx.Reader.ReadInt32();
        ClassCount = ctx.Reader.ReadInt32();
        long rest = ctx.Header.CbModel / sizeof(float);
        Host.CheckDecode(FeatureCount > 0 && ClassCount > 0 && ClassCount <= rest, $"Corrupt model: {ClassCount} classes of {FeatureCount} features");
        _biases = ReadNumbers(ctx, ClassCount);
        _weights = new float[ClassCount][];
        int starts = ctx.Reader.ReadInt32();
        if (starts == 0)
        {
            int indices = ctx.Reader.ReadInt32();
            int values = ctx.Reader.ReadInt32();
            Host.CheckDecode(indices == 0 && values == (long)ClassCount * FeatureCount && values <= rest, $"Corrupt model: {values} weights");
            for (int c = 0; c < ClassCount; c++)
                _weights[c] = ReadNumbers(ctx, FeatureCount);
        }
        else
        {
            Host.CheckDecode(starts == ClassCount + 1L, $"Corrupt model: {starts} starts of weights for {ClassCount} classes");
            ReadSparse(ctx, rest);
        }
        string[] names = null;
        if (ctx.TryLoadBinaryStream(LabelNamesEntry, reader => names = ReadNames(ctx, reader)))
            _labelNames = names;
    }

    internal int FeatureCount { get; }

    internal int ClassCount { get; }

    int IMulticlassModel.FeatureCount => FeatureCount;

    int IMulticlassModel.ClassCount => ClassCount;

    /// <summary>The weights of each class.</summary>
    public void GetWeights(ref VBuffer<float>[] weights, out int numClasses)
    {
        numClasses = ClassCount;
        if (weights is null || weights.Length < ClassCount)
            Array.Resize(ref weights, ClassCount);
        for (int c = 0; c < ClassCount; c++)
            weights[c] = new VBuffer<float>(FeatureCount, [.. _weights[c]]);
    }

    /// <summary>The bias of each class.</summary>
    public IEnumerable<float> GetBiases() => _biases;

    /// <summary>The texts of a label's key values, where there is a different one for each class.</summary>
    internal static string[] NamesOf(DataViewSchema.Column label, int classes)
    {
        if (!AnnotationUtils.HasKeyValues(label, TextDataViewType.Instance))
            return null;
        VBuffer<ReadOnlyMemory<char>> values = default;
        label.GetKeyValues(ref values);
        string[] names = [.. values.DenseValues().Select(value => value.ToString())];
        return names.Length == classes && Array.TrueForAll(names, name => name.Length > 0) && names.Distinct(StringComparer.Ordinal).Count() == classes ? names : null;
    }

    /// <summary>Biases, then weights: [C + C * D].</summary>
    internal double[] Parameters() => [.. _biases.Concat(_weights.SelectMany(row => row)).Select(value => (double)value)];

    void IMulticlassModel.Score(in VBuffer<float> features, Span<float> scores)
    {
        Host.Check(features.Length == FeatureCount, $"A row has {features.Length} features, where {FeatureCount} are expected");
        ReadOnlySpan<float> values = features.GetValues();
        ReadOnlySpan<int> indices = features.GetIndices();
        for (int c = 0; c < ClassCount; c++)
        {
            float sum = _biases[c];
            if (features.IsDense)
            {
                sum += MaximumEntropyLoss.Dot(values, _weights[c]);
            }
            else
            {
                for (int i = 0; i < values.Length; i++)
                    sum += values[i] * _weights[c][indices[i]];
            }
            scores[c] = sum;
        }
        Calibrate(scores);
    }

    /// <summary>Turns the linear functions into what is given out.</summary>
    private protected abstract void Calibrate(Span<float> scores);

    private protected abstract VersionInfo GetVersionInfo();

    private protected override void SaveCore(ModelSaveContext ctx)
    {
        base.SaveCore(ctx);
        ctx.SetVersionInfo(GetVersionInfo());
        BinaryWriter writer = ctx.Writer;
        writer.Write(FeatureCount);
        writer.Write(ClassCount);
        foreach (float bias in _biases)
            writer.Write(bias);
        writer.Write(0); // no starts: the weights are dense
        writer.Write(0); // no indices
        writer.Write(FeatureCount * ClassCount);
        foreach (float[] row in _weights)
        {
            foreach (float weight in row)
                writer.Write(weight);
        }
        if (_labelNames is null)
            return;
        ctx.SaveBinaryStream(LabelNamesEntry, names =>
        {
            foreach (string name in _labelNames)
                names.Write(ctx.AddString(name));
        });
    }

    private void ReadSparse(ModelLoadContext ctx, long rest)
    {
        var starts = new int[ClassCount + 1];
        for (int i = 0; i < starts.Length; i++)
        {
            starts[i] = ctx.Reader.ReadInt32();
            Host.CheckDecode(i == 0 ? starts[0] == 0 : starts[i] >= starts[i - 1] && starts[i] - starts[i - 1] <= FeatureCount, "Corrupt model: the starts of weights do not increase");
        }
        int count = ctx.Reader.ReadInt32();
        // A dense copy is made below: what it takes must not depend on numbers that nothing in the file backs.
        Host.CheckDecode(count == starts[^1] && count <= rest && (long)ClassCount * FeatureCount <= Array.MaxLength / 8, $"Corrupt model: {count} weights of {(long)ClassCount * FeatureCount}");
        var indices = new int[count];
        for (int c = 0; c < ClassCount; c++)
        {
            for (int i = starts[c]; i < starts[c + 1]; i++)
            {
                indices[i] = ctx.Reader.ReadInt32();
                Host.CheckDecode(indices[i] < FeatureCount && indices[i] > (i == starts[c] ? -1 : indices[i - 1]), "Corrupt model: the indices of weights do not increase");
            }
        }
        int values = ctx.Reader.ReadInt32();
        Host.CheckDecode(values == count, $"Corrupt model: {values} weights for {count} indices");
        for (int c = 0; c < ClassCount; c++)
        {
            _weights[c] = new float[FeatureCount];
            for (int i = starts[c]; i < starts[c + 1]; i++)
                _weights[c][indices[i]] = ctx.Reader.ReadSingle();
        }
    }

    private string[] ReadNames(ModelLoadContext ctx, BinaryReader reader)
    {
        var names = new string[ClassCount];
        for (int i = 0; i < names.Length; i++)
        {
            int id = reader.ReadInt32();
            Host.CheckDecode((uint)id < (uint)ctx.Strings.Length && ctx.Strings[id].Length > 0, $"Corrupt model: the name of class {i} is string {id} of {ctx.Strings.Length}");
            names[i] = ctx.Strings[id];
        }
        return names;
    }

    private static float[] ReadNumbers(ModelLoadContext ctx, int count)
    {
        var values = new float[count];
        for (int i = 0; i < count; i++)
            values[i] = ctx.Reader.ReadSingle();
        return values;
    }
}

/// <summary>One linear function of the features per class; their softmax is the probability of the class.</summary>
public sealed class MaximumEntropyModelParameters : LinearMulticlassModelParametersBase
{
    internal const string LoaderSignature = "MultiClassLRExec";

    internal MaximumEntropyModelParameters(IHostEnvironment env, double[] parameters, int classes, int features, string[] labelNames)
        : base(env, nameof(MaximumEntropyModelParameters), parameters, classes, features, labelNames)
    {
    }

    private MaximumEntropyModelParameters(IHostEnvironment env, ModelLoadContext ctx)
        : base(env, nameof(MaximumEntropyModelParameters), ctx)
    {
    }

    private static MaximumEntropyModelParameters Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        ctx.CheckAtModel(VersionInfoOf());
        return new MaximumEntropyModelParameters(env, ctx);
    }

    private static VersionInfo VersionInfoOf() =>
        new("MULTI LR", 0x00010003, 0x00010001, 0x00010001, OfficialAssembly.NameOf(typeof(MaximumEntropyModelParameters)), LoaderSignature);

    private protected override VersionInfo GetVersionInfo() => VersionInfoOf();

    private protected override void Calibrate(Span<float> scores)
    {
        double logSum = MaximumEntropyLoss.LogSumExp(scores);
        for (int i = 0; i < scores.Length; i++)
            scores[i] = (float)Math.Exp(scores[i] - logSum);
    }
}
