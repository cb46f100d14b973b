using System.Globalization;
using System.Text;

namespace Microsoft.ML.Data;

/// <summary>How often rows of one class were taken for another.</summary>
public sealed class ConfusionMatrix
{
    private const int MaxClassesInTable = 256;

    private readonly string[] _names;
    private readonly bool _named;

    internal ConfusionMatrix(double[][] counts, string[] names)
    {
        Counts = counts;
        NumberOfClasses = counts.Length;
        _named = names is not null;
        _names = names ?? [.. Enumerable.Range(0, counts.Length).Select(i => i.ToString(CultureInfo.InvariantCulture))];
        var precision = new double[counts.Length];
        var recall = new double[counts.Length];
        for (int i = 0; i < counts.Length; i++)
        {
            double predicted = counts.Sum(row => row[i]);
            double actual = counts[i].Sum();
            precision[i] = predicted > 0 ? counts[i][i] / predicted : 0;
            recall[i] = actual > 0 ? counts[i][i] / actual : 0;
        }
        PerClassPrecision = precision;
        PerClassRecall = recall;
    }

    /// <summary>Of the rows predicted to be of a class, the fraction that is; 0 where none was.</summary>
    public IReadOnlyList<double> PerClassPrecision { get; }

    /// <summary>Of the rows of a class, the fraction that was predicted to be; 0 where there is none.</summary>
    public IReadOnlyList<double> PerClassRecall { get; }

    /// <summary>The counts: the actual class first, then the predicted one.</summary>
    public IReadOnlyList<IReadOnlyList<double>> Counts { get; }

    public int NumberOfClasses { get; }

    /// <summary>How many rows of the actual class were predicted to be of the other.</summary>
    public double GetCountForClassPair(int predictedClassIndicatorIndex, int actualClassIndicatorIndex)
    {
        Check(predictedClassIndicatorIndex, nameof(predictedClassIndicatorIndex));
        Check(actualClassIndicatorIndex, nameof(actualClassIndicatorIndex));
        return Counts[actualClassIndicatorIndex][predictedClassIndicatorIndex];
    }

    /// <summary>The counts as text, with precision and recall.</summary>
    public string GetFormattedConfusionTable()
    {
        int shown = Math.Min(NumberOfClasses, MaxClassesInTable);
        string[] labels = [.. _names.Take(shown).Select((name, i) => _named ? $"{i}. {name}" : name)];
        int width = Math.Max(9, labels.Length == 0 ? 0 : labels.Max(label => label.Length));
        // Columns carry the number of the class only, rows its name too.
        string[] heads = [.. Enumerable.Range(0, shown).Select(i => i.ToString(CultureInfo.InvariantCulture))];
        int[] columnWidths = new int[shown];
        for (int j = 0; j < shown; j++)
        {
            int widest = Math.Max(heads[j].Length, 6);
            for (int i = 0; i < shown; i++)
                widest = Math.Max(widest, Count(i, j).Length);
            columnWidths[j] = widest;
        }
        string rule = new('=', columnWidths.Sum() + (3 * shown) + 1);
        var text = new StringBuilder();
        text.AppendLine().AppendLine("Confusion table");
        if (shown < NumberOfClasses)
            text.AppendLine($"(the first {shown} of {NumberOfClasses} classes)");
        text.Append(' ', width + 1).Append("||").AppendLine(rule);
        text.Append("PREDICTED".PadRight(width + 1)).Append("||");
        for (int j = 0; j < shown; j++)
            text.Append(' ').Append(heads[j].PadLeft(columnWidths[j])).Append(" |");
        text.AppendLine(" Recall");
        text.Append("TRUTH".PadRight(width + 1)).Append("||").AppendLine(rule);
        for (int i = 0; i < shown; i++)
        {
            text.Append(labels[i].PadLeft(width)).Append(" ||");
            for (int j = 0; j < shown; j++)
                text.Append(' ').Append(Count(i, j).PadLeft(columnWidths[j])).Append(" |");
            text.Append(' ').AppendLine(PerClassRecall[i].ToString("F4", CultureInfo.InvariantCulture));
        }
        text.Append(' ', width + 1).Append("||").AppendLine(rule);
        text.Append("Precision".PadRight(width + 1)).Append("||");
        for (int j = 0; j < shown; j++)
            text.Append(' ').Append(PerClassPrecision[j].ToString("F4", CultureInfo.InvariantCulture).PadLeft(columnWidths[j])).Append(" |");
        return text.AppendLine().ToString();
    }

    private string Count(int actual, int predicted)
    {
        double count = Counts[actual][predicted];
        return count.ToString(count == Math.Floor(count) ? "N0" : "N4", CultureInfo.InvariantCulture);
    }

    private void Check(int index, string name)
    {
        if ((uint)index >= (uint)NumberOfClasses)
            throw new ArgumentOutOfRangeException(name, index, $"Invalid index: should be non-negative and less than {NumberOfClasses}");
    }
}
