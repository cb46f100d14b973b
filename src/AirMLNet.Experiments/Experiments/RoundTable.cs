using System.Globalization;
using System.Text;

namespace AirMLNet.Experiments;

/// <summary>The labels of every round, as Markdown.</summary>
internal static class RoundTable
{
    private const int MostClasses = 20; // beyond, a table is no longer read; runs.jsonl has the figures of all classes

    /// <summary>Means over the seeds.</summary>
    /// <param name="text">Receives the tables.</param>
    /// <param name="set">The data set.</param>
    /// <param name="file">The experiment.</param>
    /// <param name="runs">Its runs that have rounds.</param>
    public static void Write(StringBuilder text, ExperimentDataSet set, ExperimentFile file, RunResult[] runs)
    {
        if (runs.Length == 0)
        {
            return;
        }

        var plain = CultureInfo.InvariantCulture;
        var rounds = runs.Max(r => r.Rounds!.Count);
        text.Append(plain, $"\n### {set.Name}: labels of each round\n\n");
        text.Append(
            "Purity: of the pseudo-labelled images, the share whose label is right; pool: of all unlabelled images, the share whose most probable "
                + "class is right. Means over the seeds.\n\n"
        );
        ExperimentTable.Row(text, ["", "prompt", "paradigm", "", .. Enumerable.Range(1, rounds).Select(r => r.ToString(plain))]);
        ExperimentTable.Row(text, [.. Enumerable.Repeat("---", 4), .. Enumerable.Repeat("---:", rounds)]);
        foreach (var group in Groups(file, runs))
        {
            foreach (var (name, figure) in new (string, Func<RoundQuality, double>)[] { ("purity", r => r.Purity), ("pool", r => r.Pool) })
            {
                ExperimentTable.Row(
                    text,
                    [
                        group[0].Method,
                        group[0].Prompt,
                        group[0].Paradigm,
                        name,
                        .. Enumerable
                            .Range(0, rounds)
                            .Select(k =>
                                k < group[0].Rounds!.Count ? ExperimentTable.Percent(group.Average(r => figure(r.Rounds![k]))) : ""
                            ),
                    ]
                );
            }
        }

        var classes = runs[0].Rounds![0].PurityOfClass.Count;
        if (classes > MostClasses)
        {
            return;
        }

        text.Append(plain, $"\n### {set.Name}: purity of the last round's labels, by class\n\n");
        ExperimentTable.Row(text, ["", "prompt", "paradigm", .. Enumerable.Range(0, classes).Select(c => runs[0].ClassNames[c])]);
        ExperimentTable.Row(text, [.. Enumerable.Repeat("---", 3), .. Enumerable.Repeat("---:", classes)]);
        foreach (var group in Groups(file, runs))
        {
            ExperimentTable.Row(
                text,
                [
                    group[0].Method,
                    group[0].Prompt,
                    group[0].Paradigm,
                    .. Enumerable
                        .Range(0, classes)
                        .Select(c =>
                            group.Average(r => r.Rounds![^1].PurityOfClass[c]) is { } share ? ExperimentTable.Percent(share) : "–"
                        ),
                ]
            );
        }
    }

    private static IEnumerable<RunResult[]> Groups(ExperimentFile file, RunResult[] runs) =>
        from prompt in file.Prompts
        from variant in file.Variants
        from paradigm in file.Paradigms
        let own = Array.FindAll(runs, r => r.Method == variant.Title && r.Prompt == prompt && r.Paradigm == paradigm)
        where own.Length > 0
        select own;
}
