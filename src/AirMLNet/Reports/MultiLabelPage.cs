using System.Globalization;
using System.Xml.Linq;

namespace AirMLNet.Reports;

/// <summary>Puts the parts of a report about a model of many labels on one page.</summary>
internal sealed class MultiLabelPage(ReportModel model, MultiLabelFigures figures, AdaptationReportOptions options, ReportOrigin origin)
{
    private const int MostMaps = 4; // of a photo, beside it
    private readonly Pictures _pictures = new(options.PictureSize);

    private IReadOnlyList<string> Names => model.ClassNames;

    public string Write() =>
        PageFrame.Write(
            figures.Rows.Count,
            Opening(),
            [
                ("quality", Quality),
                ("mistakes", Mistakes),
                ("photos", Photos),
                ("heat maps", HeatMapsOfPhotos),
                ("made of", () => new OriginSection(model, origin).Write()),
            ],
            options,
            origin
        );

    private string Opening()
    {
        var labels =
            figures.Labelled.Count == 0 ? "They have no labels: --labels FILE (LabelFile in C#) gives them."
            : figures.Labelled.Count == figures.Rows.Count ? "What is in them is known of all."
            : $"What is in them is known of {figures.Labelled.Count}; the others count as without labels.";
        return $"{Names.Count} classes, of which a photo may show any number; {ReportPage.Count(figures.Rows.Count, "photo")}. {labels}";
    }

    private XElement Quality()
    {
        var photos = $"of {ReportPage.Count(figures.Labelled.Count, "photo")}";
        List<XElement> facts = [];
        if (figures.Metrics is { } m)
        {
            facts.Add(QualitySection.Fact("map-score", "Mean average precision", Html.Percent(m.MeanAveragePrecision), photos));
            facts.Add(QualitySection.Fact("class-f1", "CF1, mean over classes", Html.Percent(m.ClassF1), photos));
            facts.Add(QualitySection.Fact("overall-f1", "OF1, over all labels", Html.Percent(m.OverallF1), photos));
            facts.Add(QualitySection.Fact("overall-precision", "Precision over all labels", Html.Percent(m.OverallPrecision), photos));
            facts.Add(QualitySection.Fact("overall-recall", "Recall over all labels", Html.Percent(m.OverallRecall), photos));
        }

        var all = figures.Rows.Sum(r => r.Predicted.Count(p => p));
        var each = Html.Number(all / (double)figures.Rows.Count, "0.00");
        facts.Add(
            QualitySection.Fact("labels-each", "Labels of a photo", each, $"mean of {ReportPage.Count(figures.Rows.Count, "photo")}")
        );
        facts.Add(QualitySection.Fact("empty", "Photos without a label", Number(figures.Empty), $"of {figures.Rows.Count}"));
        return Html.Section(
            "quality",
            figures.Metrics is null ? "What can be said without labels" : "How right it is",
            Html.E("dl", new XAttribute("class", "facts"), facts),
            Html.E("h3", "Classes"),
            Note(),
            Html.Table("class-table", Heads(), Enumerable.Range(0, Names.Count).Select(Row))
        );
    }

    private XElement Note()
    {
        var without = Enumerable.Range(0, Names.Count).Count(c => figures.Positives(c) == 0);
        return Html.Note(
            "A class is predicted where its score is above its threshold"
                + (figures.KnowsThresholds ? "" : ", which a stage of another library keeps to itself")
                + ". Thresholds are those at which F1 was best on what the model was fitted to, unless they were given; where captions "
                + "alone were learned from, scores of photos may lie elsewhere."
                + (
                    figures.Metrics is null || without == 0
                        ? ""
                        : $" {without} classes are in no photo; as published, they count as 0 in means."
                )
        );
    }

    private string[] Heads() =>
        [
            "class",
            .. figures.KnowsThresholds ? new[] { "threshold" } : [],
            "predicted",
            "mean score",
            .. figures.Metrics is null ? [] : new[] { "shown in", "average precision", "precision", "recall" },
        ];

    private Cell[] Row(int c) =>
        [
            new(Names[c]),
            .. figures.KnowsThresholds ? new[] { Cell.Of(figures.Thresholds[c], "0.000") } : [],
            Cell.Of(figures.Predicted(c)),
            Cell.Of(figures.Rows.Average(r => (double)r.Score[c]), "0.000"),
            .. figures.Metrics is not { } m
                ? []
                : new[]
                {
                    Cell.Of(figures.Positives(c)),
                    figures.Positives(c) == 0
                        ? Cell.Of(double.NaN, "0")
                        : new(Html.Percent(m.PerClassAveragePrecision[c]), m.PerClassAveragePrecision[c]),
                    Cell.Of(figures.Precision(c)),
                    Cell.Of(figures.Recall(c)),
                },
        ];

    /// <summary>What was found, missed and wrongly found (T2I-PAL, figures 7, 8 and 10).</summary>
    private XElement? Mistakes()
    {
        if (figures.Labelled.Count == 0)
        {
            return null;
        }

        var sorted = figures.MostMistakes;
        var wrong = sorted.Count(r => r.Missed.Count + r.Wrong.Count > 0);
        return Html.Section(
            "mistakes",
            "Found, missed and wrongly found",
            Html.P(
                $"{figures.Labelled.Count - wrong} of {ReportPage.Count(figures.Labelled.Count, "labelled photo")} have all their "
                    + "labels and no other."
            ),
            Html.Note("Numbers are scores. A missed class lies below its threshold, a wrong one above it."),
            wrong == 0 ? null : Html.E("h3", "Most mistakes"),
            wrong == 0 ? null : Show(sorted.Take(Math.Min(wrong, options.Pictures))),
            wrong == sorted.Count ? null : Html.E("h3", "All right, with the most labels"),
            wrong == sorted.Count ? null : Show(sorted.Skip(wrong).OrderByDescending(r => r.Found.Count).Take(options.Pictures))
        );
    }

    private XElement Photos() =>
        Html.Section(
            "photos",
            "Photos",
            Html.Note(
                "The model is sure of a photo whose best class is far from its threshold, above or below, and not sure of one where it is "
                    + "near."
            ),
            Html.E("h3", "Surest"),
            Show(figures.Surest.Take(options.Pictures)),
            Html.E("h3", "Least sure"),
            Show(figures.Surest.Reverse().Take(options.Pictures))
        );

    private XElement? HeatMapsOfPhotos()
    {
        if (options.HeatMaps == 0 || model.MultiLabel is not { } stage)
        {
            return null;
        }

        // Half of them with mistakes where these are known, the others sure.
        var wrong = figures.MostMistakes.Where(r => r.Missed.Count + r.Wrong.Count > 0).Take(options.HeatMaps / 2).ToList();
        MultiLabelRow[] shown = [.. figures.Clearest.Except(wrong).Take(options.HeatMaps - wrong.Count), .. wrong];
        return Html.Section(
            "heat-maps",
            "Heat maps",
            Html.Note(
                "How near each place of a photo is to the local prompt of a class, by cosine; blue is the least and red the most of that "
                    + "picture. These are what the local score is made of. Places are patches of a vision transformer or cells of a "
                    + "ResNet's last map."
            ),
            shown.Select(row =>
            {
                options.CancellationToken.ThrowIfCancellationRequested();
                return HeatMaps.Row(stage, row, Mapped(row));
            })
        );
    }

    /// <summary>The classes whose maps are shown: found ones, then missed and wrong ones; the best where there is none.</summary>
    private IEnumerable<(string Kind, int Class)> Mapped(MultiLabelRow row)
    {
        List<(string, int)> mistakes = [.. row.Missed.Select(c => ("missed", c)), .. row.Wrong.Select(c => ("wrong", c))];
        var found = row
            .Found.Take(Math.Max(MostMaps - mistakes.Count, MostMaps / 2))
            .Select(c => (row.Labels is null ? "predicted" : "found", c));
        List<(string, int)> all = [.. found, .. mistakes];
        return all.Count == 0 ? [("best", row.Best(figures.Thresholds))] : all.Take(MostMaps);
    }

    private XElement Show(IEnumerable<MultiLabelRow> rows) =>
        Html.Row(rows.Select(row => _pictures.Figure(row.Path, $"{row.Name}: {Said(row)}", [row.Name, .. Lines(row)])));

    private string Said(MultiLabelRow row) => string.Join("; ", Kinds(row).Select(k => $"{k.Kind} {List(row, k.Classes)}"));

    private IEnumerable<XElement> Lines(MultiLabelRow row) =>
        Kinds(row).Select(k => Html.E("span", k.Mark is null ? null : new XAttribute("class", k.Mark), $"{k.Kind} {List(row, k.Classes)}"));

    private IEnumerable<(string Kind, string? Mark, IReadOnlyList<int> Classes)> Kinds(MultiLabelRow row)
    {
        (string Kind, string? Mark, IReadOnlyList<int> Classes)[] kinds =
        [
            row.Labels is null ? ("predicted", null, row.Found) : ("found", "hit", row.Found),
            ("missed", "miss", row.Missed),
            ("wrong", "miss", row.Wrong),
        ];
        var some = Array.FindAll(kinds, k => k.Classes.Count > 0);
        return some.Length > 0 ? some : [("nothing; nearest", null, [row.Best(figures.Thresholds)])];
    }

    private string List(MultiLabelRow row, IReadOnlyList<int> classes) =>
        string.Join(", ", classes.Select(c => $"{Names[c]} {Html.Number(row.Score[c], "0.000")}"));

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);
}
