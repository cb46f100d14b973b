using System.Globalization;
using System.Text;
using AirMLNet.Clip;
using AirMLNet.Evaluation;
using AirMLNet.Recipes;

namespace AirMLNet.Experiments;

/// <summary>The results of an experiment as Markdown.</summary>
internal static class ExperimentTable
{
    private static readonly CultureInfo Plain = CultureInfo.InvariantCulture;

    /// <summary>
    /// Tables per data set and prompt kind: mean ± sample standard deviation over the seeds, in per cent; the paper's figure in brackets.
    /// </summary>
    /// <param name="file">The experiment.</param>
    /// <param name="runs">What there is so far.</param>
    public static string Write(ExperimentFile file, IReadOnlyList<RunResult> runs)
    {
        var text = new StringBuilder();
        text.Append(Plain, $"# {file.Name}\n\n");
        if (file.Description.Length > 0)
        {
            text.Append(Plain, $"{file.Description}\n\n");
        }

        text.Append(
            "Per cent on the test images, mean ± sample standard deviation over the seeds; ul and ssl: accuracy, trzsl: harmonic mean of "
                + "seen and unseen. In brackets the paper's figure.\n"
        );
        foreach (var set in file.DataSets)
        {
            foreach (var prompt in file.Prompts)
            {
                RunResult[] some = [.. runs.Where(r => r.DataSet == set.Name && r.Prompt == prompt)];
                if (some.Length == 0)
                {
                    continue;
                }

                text.Append(Plain, $"\n## {set.Name}, {prompt} prompts\n\n");
                text.Append(
                    Plain,
                    $"{some[0].Images[0]} images in the pool, {some.Max(r => r.Images[1])} synthetic, {some[0].Images[2]} to score on; "
                        + $"seeds {string.Join(", ", file.Seeds)}.\n\n"
                );
                string[] gap = some[0].Probe is null || ZeroShot(file) is null ? [] : ["of the gap, ul"];
                Row(text, ["method", .. file.Paradigms, .. gap, "rounds × epochs", "fit, seconds"]);
                Row(text, ["---", .. file.Paradigms.Select(_ => "---:"), .. gap.Select(_ => "---:"), "---:", "---:"]);
                foreach (var variant in file.Variants)
                {
                    RunResult[] own = [.. some.Where(r => r.Method == variant.Title)];
                    if (own.Length == 0)
                    {
                        continue;
                    }

                    Row(
                        text,
                        [
                            variant.Title,
                            .. file.Paradigms.Select(p => Cell(file, variant, set, prompt, p, own)),
                            .. gap.Select(_ => Gap(file, some, own)),
                            own[0].Epochs is [> 0 and var rounds, var epochs] ? $"{rounds} × {epochs}" : "–",
                            own.Average(r => r.Seconds[0]).ToString("0.0", Plain),
                        ]
                    );
                }
            }
            Unmatched(text, set, [.. runs.Where(r => r.DataSet == set.Name && r.Unmatched is not null)]);
            if (runs.FirstOrDefault(r => r.DataSet == set.Name && r.Probe is not null) is { } probed)
            {
                var probe = Percent(probed.Probe!.Value);
                text.Append(Plain, $"\nA linear probe with all labels of the pool: {probe} %. ");
                text.Append(ZeroShot(file) is null ? "\n" : "Of the gap: the share of the way from zero-shot to it.\n");
            }

            Labels(text, set, file, [.. runs.Where(r => r.DataSet == set.Name && r.TextLabels is not null)]);
            if (file.Rounds)
            {
                RoundTable.Write(text, set, file, [.. runs.Where(r => r.DataSet == set.Name && r.Rounds is not null)]);
            }
        }
        if (file.Transfer)
        {
            TransferTable.Write(text, file, runs);
        }

        return text.ToString();
    }

    /// <summary>Mean and sample standard deviation; 0 for a single value.</summary>
    internal static (double Mean, double Spread) Of(IReadOnlyCollection<double> values)
    {
        var mean = values.Average();
        return (mean, values.Count < 2 ? 0 : Math.Sqrt(values.Sum(v => (v - mean) * (v - mean)) / (values.Count - 1)));
    }

    private static string Cell(
        ExperimentFile file,
        ExperimentVariant variant,
        ExperimentDataSet set,
        string prompt,
        string paradigm,
        RunResult[] runs
    )
    {
        double[] figures = [.. runs.Where(r => r.Paradigm == paradigm).Select(r => 100 * r.Figure)];
        var paper =
            file.Paper == TemplateSource.LatteClip
                ? LattePaperFigures.Of(variant.Title, set.Name)
                : PaperFigures.Of(variant.Title, prompt, set.Name, paradigm, set.Pool);
        if (figures.Length == 0)
        {
            return paper is null ? "" : $"({paper})";
        }

        (var mean, var spread) = Of(figures);
        var own = string.Create(Plain, $"{mean:0.00} ± {spread:0.00}");
        return paper is null ? own : $"{own} ({paper})";
    }

    private static string? ZeroShot(ExperimentFile file) => file.Variants.FirstOrDefault(v => v.Method == Recipe.ZeroShot.Name)?.Title;

    private static void Unmatched(StringBuilder text, ExperimentDataSet set, RunResult[] runs)
    {
        if (runs.Length > 0)
        {
            var share = Percent(runs.Average(r => r.Unmatched!.Value));
            text.Append(Plain, $"\n{set.Name}: {share} % of the language model's answers name no class and count as wrong.\n");
        }
    }

    /// <summary>(accuracy − zero-shot) / (probe − zero-shot), in per cent.</summary>
    private static string Gap(ExperimentFile file, RunResult[] all, RunResult[] own)
    {
        var start = ZeroShot(file);
        double[] zero = [.. all.Where(r => r.Method == start && r.Paradigm == "ul").Select(r => r.Figure)],
            figures = [.. own.Where(r => r.Paradigm == "ul").Select(r => r.Figure)];
        return zero.Length == 0 || figures.Length == 0 || own[0].Probe is not { } probe || probe <= zero[0]
            ? "–"
            : Percent((figures.Average() - zero[0]) / (probe - zero[0]));
    }

    /// <summary>Accuracy of the surest labels, once per paradigm and folder of synthetic images: seeds do not matter to it.</summary>
    private static void Labels(StringBuilder text, ExperimentDataSet set, ExperimentFile file, RunResult[] runs)
    {
        if (!runs.Any(r => r.FusedLabels is not null))
        {
            return;
        }

        text.Append(Plain, $"\n### {set.Name}: accuracy of the zero-shot labels\n\n");
        text.Append(
            string.Create(Plain, $"Per class: of the {PseudoLabelAccuracy.Images} images that each class is surest of, ")
                + "or of as many as it has, the share that are of it, mean over the classes; overall: of the surest of all; "
                + "pool: of all images, the share whose most probable class is right.\n\n"
        );
        string[] sides = ["text", "with the image side"];
        Row(
            text,
            ["", "paradigm", .. new[] { "per class", "overall", "pool" }.SelectMany(what => sides.Select(side => $"{what}, {side}"))]
        );
        Row(text, ["---", "---", .. Enumerable.Repeat("---:", 6)]);
        foreach (var variant in file.Variants)
        {
            foreach (var paradigm in file.Paradigms)
            {
                if (Array.Find(runs, r => r.Method == variant.Title && r.Paradigm == paradigm && r.FusedLabels is not null) is not { } run)
                {
                    continue;
                }

                Row(
                    text,
                    [
                        variant.Title,
                        paradigm,
                        Percent(run.TextLabels!.PerClass),
                        Percent(run.FusedLabels!.PerClass),
                        Percent(run.TextLabels.Overall),
                        Percent(run.FusedLabels.Overall),
                        Percent(run.TextLabels.Pool),
                        Percent(run.FusedLabels.Pool),
                    ]
                );
            }
        }
    }

    internal static string Percent(double share) => (100 * share).ToString("0.0", Plain);

    internal static void Row(StringBuilder text, IEnumerable<string> cells) =>
        text.Append("| ").AppendJoin(" | ", cells.Select(c => c.Replace("|", "\\|", StringComparison.Ordinal))).Append(" |\n");
}
