using System.Globalization;
using System.Text;
using AirMLNet.MultiLabel;

namespace AirMLNet.Experiments;

/// <summary>What a multi-label experiment found, as Markdown.</summary>
internal static class MultiLabelTable
{
    /// <summary>Writes it.</summary>
    public static string Of(MultiLabelExperimentFile file, IReadOnlyList<MultiLabelResult> results)
    {
        var measure = file.Measure == MultiLabelMeasure.Map ? "mAP" : "Top-1 accuracy";
        var text = new StringBuilder(
            $"# {file.Name}\n\n{file.Description}\n\n{measure} in per cent, mean and spread over the seeds; "
                + "in brackets what is published.\n\n"
        );
        text.Append("| |")
            .AppendJoin('|', file.DataSets.Select(s => $" {s.Name} "))
            .Append("|\n|---|")
            .AppendJoin('|', file.DataSets.Select(_ => "---|"));
        text.Replace("||", "|").Append('\n');
        foreach (var method in file.Methods)
        {
            text.Append(CultureInfo.InvariantCulture, $"| {method.Title} |");
            foreach (var set in file.DataSets)
            {
                double[] own =
                [
                    .. results.Where(r => r.Method == method.Title && r.DataSet == set.Name).Select(r => 100 * r.Measured(file.Measure)),
                ];
                var (mean, spread) = own.Length == 0 ? (double.NaN, 0) : ExperimentTable.Of(own);
                var published = set.Published.TryGetValue(method.Title, out var p)
                    ? $" ({p.ToString("0.0", CultureInfo.InvariantCulture)})"
                    : "";
                text.Append(CultureInfo.InvariantCulture, $" {(double.IsNaN(mean) ? "–" : $"{mean:0.00} ± {spread:0.00}")}{published} |");
            }
            text.Append('\n');
        }
        if (file.ModalityGap)
        {
            text.Append(
                "\nMean cosine of the class vectors of what is there to\n\n| | captions | test images | test images with adapter |\n"
                    + "|---|---|---|---|\n"
            );
            foreach (var runs in results.Where(r => r.Gap is not null).GroupBy(r => r.Method))
            {
                string Mean(Func<ModalityGap, double?> of) =>
                    runs.Select(r => of(r.Gap!)).Average() is { } mean ? mean.ToString("0.0000", CultureInfo.InvariantCulture) : "–";
                text.Append(
                    CultureInfo.InvariantCulture,
                    $"| {runs.Key} | {Mean(g => g.Captions)} | {Mean(g => g.Images)} | {Mean(g => g.Adapted)} |\n"
                );
            }
        }
        return text.ToString();
    }
}
