using System.Numerics;
using Microsoft.ML.Data;

namespace Microsoft.ML.Trainers;

/// <summary>Rows in memory, and the loss of the maximum entropy model over them with its gradient.</summary>
/// <remarks>
/// The loss is (sum over the rows of weight * -ln p(label) + L2 / 2 * squared norm of the weights without the biases),
/// divided by the sum of the weights. Parameters: one bias per class, then the weights of each class, [C + C * D].
/// </remarks>
internal sealed class MaximumEntropyLoss(int features, int classes, float l2, int threads)
{
    /// <summary>Rows whose gradients are added in single precision before they are added in double precision.</summary>
    private const int RowsPerSum = 256;

    /// <summary>Parts of the rows, whatever the number of threads: the order of additions must not depend on the machine.</summary>
    private const int MaxParts = 16;

    private readonly List<float[]> _rows = [];
    private readonly List<int> _labels = [];
    private readonly List<float> _weights = [];

    public int RowCount => _rows.Count;

    public double WeightSum { get; private set; }

    public void Add(in VBuffer<float> row, int label, float weight)
    {
        var copy = new float[features];
        row.CopyTo(copy);
        _rows.Add(copy);
        _labels.Add(label);
        _weights.Add(weight);
        WeightSum += weight;
    }

    public double Evaluate(double[] parameters, double[] gradient)
    {
        float[] single = Array.ConvertAll(parameters, value => (float)value);
        int parts = Math.Clamp(RowCount / RowsPerSum, 1, MaxParts);
        var gradients = new double[parts][];
        var losses = new double[parts];
        Parallel.For(0, parts, new ParallelOptions { MaxDegreeOfParallelism = threads }, part =>
        {
            gradients[part] = new double[gradient.Length];
            losses[part] = Sum(single, (int)((long)RowCount * part / parts), (int)((long)RowCount * (part + 1) / parts), gradients[part]);
        });
        Array.Clear(gradient);
        double loss = 0;
        for (int part = 0; part < parts; part++)
        {
            loss += losses[part];
            for (int i = 0; i < gradient.Length; i++)
                gradient[i] += gradients[part][i];
        }
        double norm = 0;
        for (int i = classes; i < parameters.Length; i++)
        {
            norm += parameters[i] * parameters[i];
            gradient[i] += l2 * parameters[i];
        }
        for (int i = 0; i < gradient.Length; i++)
            gradient[i] /= WeightSum;
        return (loss + (0.5 * l2 * norm)) / WeightSum;
    }

    private double Sum(float[] parameters, int start, int end, double[] gradient)
    {
        double loss = 0;
        var scores = new float[classes];
        var sums = new float[gradient.Length];
        for (int first = start; first < end; first += RowsPerSum)
        {
            Array.Clear(sums);
            for (int i = first; i < Math.Min(end, first + RowsPerSum); i++)
            {
                ReadOnlySpan<float> row = _rows[i];
                for (int c = 0; c < classes; c++)
                    scores[c] = parameters[c] + Dot(row, parameters.AsSpan(classes + (c * features), features));
                double logSum = LogSumExp(scores);
                loss += _weights[i] * (logSum - scores[_labels[i]]);
                for (int c = 0; c < classes; c++)
                {
                    float factor = _weights[i] * ((float)Math.Exp(scores[c] - logSum) - (c == _labels[i] ? 1 : 0));
                    sums[c] += factor;
                    AddScaled(sums.AsSpan(classes + (c * features), features), factor, row);
                }
            }
            for (int i = 0; i < sums.Length; i++)
                gradient[i] += sums[i];
        }
        return loss;
    }

    public static double LogSumExp(ReadOnlySpan<float> values)
    {
        float largest = float.NegativeInfinity;
        foreach (float value in values)
            largest = Math.Max(largest, value);
        double sum = 0;
        foreach (float value in values)
            sum += Math.Exp(value - largest);
        return largest + Math.Log(sum);
    }

    public static float Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        Vector<float> sums = Vector<float>.Zero;
        int i = 0;
        for (; i <= a.Length - Vector<float>.Count; i += Vector<float>.Count)
            sums += new Vector<float>(a[i..]) * new Vector<float>(b[i..]);
        float sum = Vector.Sum(sums);
        for (; i < a.Length; i++)
            sum += a[i] * b[i];
        return sum;
    }

    private static void AddScaled(Span<float> target, float factor, ReadOnlySpan<float> source)
    {
        var factors = new Vector<float>(factor);
        int i = 0;
        for (; i <= target.Length - Vector<float>.Count; i += Vector<float>.Count)
            (new Vector<float>(target[i..]) + (factors * new Vector<float>(source[i..]))).CopyTo(target[i..]);
        for (; i < target.Length; i++)
            target[i] += factor * source[i];
    }
}
