using System.Text;

namespace AirMLNet.Experiments;

/// <summary>What prompts that were learned on one data set do on the others, as Markdown.</summary>
internal static class TransferTable
{
    /// <summary>A table for each kind of prompt and paradigm: learned on, down; scored on, across.</summary>
    /// <param name="text">Receives the tables.</param>
    /// <param name="file">The experiment.</param>
    /// <param name="runs">Its runs.</param>
    public static void Write(StringBuilder text, ExperimentFile file, IReadOnlyList<RunResult> runs)
    {
        string[] sets = [.. file.DataSets.Select(s => s.Name)];
        foreach (var prompt in file.Prompts)
        {
            foreach (var paradigm in file.Paradigms)
            {
                RunResult[] some = [.. runs.Where(r => r.Prompt == prompt && r.Paradigm == paradigm && r.Transfer is not null)];
                if (some.Length == 0)
                {
                    continue;
                }

                text.Append($"\n## Transfer, {prompt} prompts, {paradigm}\n\n");
                text.Append("Accuracy on each data set's test images of the prompt that was learned on the one at the left.\n\n");
                ExperimentTable.Row(text, ["method", "learned on", .. sets]);
                ExperimentTable.Row(text, ["---", "---", .. sets.Select(_ => "---:")]);
                foreach (var variant in file.Variants)
                {
                    foreach (var from in sets)
                    {
                        RunResult[] own = [.. some.Where(r => r.Method == variant.Title && r.DataSet == from)];
                        if (own.Length > 0)
                        {
                            ExperimentTable.Row(text, [variant.Title, from, .. sets.Select(to => Cell(own, to))]);
                        }
                    }
                }
            }
        }
    }

    private static string Cell(RunResult[] runs, string to)
    {
        double[] figures =
        [
            .. runs.Select(r => r.DataSet == to ? r.Scores.Accuracy : r.Transfer!.GetValueOrDefault(to, double.NaN)).Where(double.IsFinite),
        ];
        return figures.Length == 0 ? "" : ExperimentTable.Percent(figures.Average());
    }
}
