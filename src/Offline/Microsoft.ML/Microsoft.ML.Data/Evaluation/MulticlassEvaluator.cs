using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>Compares the scores of classes with labels. Rows without a label, or with a score that is no number, do not count.</summary>
internal sealed class MulticlassEvaluator(IHost host, string labelColumn, string scoreColumn, int topK)
{
    private const double SmallestProbability = 1e-15;

    public MulticlassClassificationMetrics Evaluate(IDataView data)
    {
        DataViewSchema.Column label = host.FindColumn(data.Schema, "label", labelColumn);
        DataViewSchema.Column score = host.FindColumn(data.Schema, "score", scoreColumn);
        if (label.Type is not KeyDataViewType && label.Type.RawType != typeof(float) && label.Type.RawType != typeof(double))
            throw host.ExceptSchemaMismatch(nameof(data), "label", label.Name, "a key, Single or Double", label.Type.ToString());
        if (score.Type is not VectorDataViewType { IsKnownSize: true } scores || scores.ItemType.RawType != typeof(float))
            throw host.ExceptSchemaMismatch(nameof(data), "score", score.Name, "a Vector<Single> of known size", score.Type.ToString());
        int scored = scores.Size;
        int labelled = label.Type is KeyDataViewType { Count: <= 1 << 20 } key ? (int)key.Count : 0;
        var counters = new Counters(Math.Max(scored, labelled), Math.Min(topK, scored));

        using DataViewRowCursor cursor = data.GetRowCursor([label, score]);
        ValueGetter<double> getLabel = RowGetters.GetNumber(cursor, cursor.Schema[label.Index]);
        ValueGetter<VBuffer<float>> getScore = cursor.GetGetter<VBuffer<float>>(cursor.Schema[score.Index]);
        double actual = 0;
        VBuffer<float> buffer = default;
        var row = new float[scored];
        while (cursor.MoveNext())
        {
            getLabel(ref actual);
            if (double.IsNaN(actual))
                continue;
            if (actual < 0 || actual != Math.Floor(actual) || actual > int.MaxValue)
                throw host.Except($"Label {actual} in column '{label.Name}' (row {cursor.Position}) is not the number of a class: expected 0, 1, 2, …");
            getScore(ref buffer);
            host.Check(buffer.Length == scored, $"Column '{score.Name}' has {buffer.Length} scores in row {cursor.Position}, where {scored} are expected");
            buffer.CopyTo(row);
            if (!Array.Exists(row, float.IsNaN))
                counters.Add((int)actual, row);
        }
        return counters.ToMetrics(ClassNames(label, score, counters.Classes));
    }

    /// <summary>The names of the classes: the slot names of the scores or the values of the label's keys, where they are text.</summary>
    private static string[] ClassNames(DataViewSchema.Column label, DataViewSchema.Column score, int count)
    {
        VBuffer<ReadOnlyMemory<char>> names = default;
        if (label.HasKeyValues())
            label.GetKeyValues(ref names);
        if (names.Length != count && score.HasSlotNames())
            score.GetSlotNames(ref names);
        return names.Length == count ? [.. names.DenseValues().Select(name => name.ToString())] : null;
    }

    private sealed class Counters(int classes, int topK)
    {
        private readonly List<double> _loss = [.. new double[classes]];
        private readonly List<double[]> _confusion = [.. Enumerable.Range(0, classes).Select(_ => new double[classes])];
        private readonly double[] _rankCounts = new double[topK];
        private long _rows;

        public int Classes => _confusion.Count;

        public void Add(int actual, ReadOnlySpan<float> scores)
        {
            while (actual >= _confusion.Count)
                AddClass();
            // The first of equal scores is the prediction.
            int predicted = 0;
            int rank = 0;
            for (int i = 0; i < scores.Length; i++)
            {
                if (scores[i] > scores[predicted])
                    predicted = i;
                if (actual < scores.Length && (scores[i] > scores[actual] || (scores[i] == scores[actual] && i < actual)))
                    rank++;
            }
            if (actual < scores.Length && rank < _rankCounts.Length)
                _rankCounts[rank]++;
            // A class that was never trained on has no probability at all.
            double probability = actual < scores.Length ? scores[actual] : 0;
            _loss[actual] -= Math.Log(Math.Max(probability, SmallestProbability));
            _confusion[actual][predicted]++;
            _rows++;
        }

        public MulticlassClassificationMetrics ToMetrics(string[] names)
        {
            int count = _confusion.Count;
            var perClassLoss = new double[count];
            double correct = 0;
            double accuracies = 0;
            int present = 0;
            double entropy = 0;
            for (int i = 0; i < count; i++)
            {
                double rows = _confusion[i].Sum();
                correct += _confusion[i][i];
                if (rows == 0)
                    continue;
                present++;
                accuracies += _confusion[i][i] / rows;
                perClassLoss[i] = _loss[i] / rows;
                entropy -= rows / _rows * Math.Log(rows / _rows);
            }
            double logLoss = _rows == 0 ? double.NaN : _loss.Sum() / _rows;
            var top = new double[_rankCounts.Length];
            double within = 0;
            for (int k = 0; k < top.Length; k++)
            {
                within += _rankCounts[k];
                top[k] = _rows == 0 ? double.NaN : within / _rows;
            }
            return new MulticlassClassificationMetrics(
                _rows == 0 ? double.NaN : correct / _rows,
                present == 0 ? double.NaN : accuracies / present,
                logLoss,
                (entropy - logLoss) / entropy,
                top,
                perClassLoss,
                new ConfusionMatrix([.. _confusion], names));
        }

        private void AddClass()
        {
            for (int i = 0; i < _confusion.Count; i++)
                _confusion[i] = [.. _confusion[i], 0];
            _confusion.Add(new double[_confusion.Count + 1]);
            _loss.Add(0);
        }
    }
}
