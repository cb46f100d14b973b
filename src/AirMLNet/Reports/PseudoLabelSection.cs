using System.Globalization;
using System.Xml.Linq;
using AirMLNet.Prompts;

namespace AirMLNet.Reports;

/// <summary>The labels that training starts from, on these photos, and those of every round, on the photos of the fit.</summary>
internal sealed class PseudoLabelSection(ReportModel model, ReportFigures figures)
{
    private IReadOnlyList<string> Names => model.ClassNames;

    public XElement? Write()
    {
        var rounds = (model.Classifier as PromptAdapterTransformer)?.Rounds;
        var learned = rounds is { Count: > 0 } && rounds.Any(r => r.Counts.Any(n => n > 0)) ? rounds : null;
        return model.PseudoLabel is null && learned is null
            ? null
            : Html.Section(
                "pseudo-labels",
                "Pseudo-labels",
                model.PseudoLabel is null ? null : OfThesePhotos(),
                learned is null ? null : OfTheFit(learned)
            );
    }

    private object[] OfThesePhotos()
    {
        var labels = figures.PseudoLabels();
        return
        [
            Html.P(
                $"The labelling stage of the model chooses {labels.Sum(l => l.Count)} of these "
                    + $"{ReportPage.Count(figures.Rows.Count, "photo")} to learn from."
            ),
            Html.Note(
                "These are the labels that training starts from. Purity is the share of the chosen photos whose folder says "
                    + "the same class; confidence is what the adapted model gives the class on them."
            ),
            Html.Table(
                "pseudo-label-table",
                ["class", "chosen", "mean confidence", "purity"],
                labels.Select(l => (Cell[])[new(Names[l.Class]), Cell.Of(l.Count), Cell.Of(l.Confidence, "0.000"), Cell.Of(l.Purity)])
            ),
        ];
    }

    private object[] OfTheFit(IReadOnlyList<RoundSummary> rounds) =>
        [
            Html.E("h3", "Rounds of the fit"),
            Html.P($"The model was fitted in {ReportPage.Count(rounds.Count, "round")}, each with labels of its own."),
            Html.Note(
                "These are labels of the photos that the model was adapted to; a photo may be chosen for several classes. The model does "
                    + "not hold those photos, so the purity of later rounds cannot be said here; an experiment file with their labels "
                    + "measures it. Confidence is what chose the labels: the classifier of the round before, with the image side where "
                    + "there is one; it is not known where the first labels came from a column."
            ),
            Html.Table(
                "round-table",
                ["round", "labels", "mean confidence", "classes with labels", "fewest of a class", "most of a class"],
                rounds.Select(round =>
                    (Cell[])
                        [
                            Cell.Of(round.Round),
                            Cell.Of(round.Counts.Sum()),
                            Cell.Of(Mean(round), "0.000"),
                            Cell.Of(round.Counts.Count(n => n > 0)),
                            Cell.Of(round.Counts.Min()),
                            Cell.Of(round.Counts.Max()),
                        ]
                )
            ),
            Html.P("By class: labels, and their mean confidence."),
            Html.Table(
                "round-class-table",
                ["class", .. rounds.Select(r => $"round {r.Round}")],
                Enumerable.Range(0, Names.Count).Select(c => (Cell[])[new(Names[c]), .. rounds.Select(r => Of(r, c))])
            ),
        ];

    private static Cell Of(RoundSummary round, int c) =>
        new(
            round.Counts[c].ToString(CultureInfo.InvariantCulture)
                + (round.Confidence?[c] is { } sure ? $" ({Html.Number(sure, "0.000")})" : ""),
            round.Counts[c]
        );

    private static double Mean(RoundSummary round) =>
        round.Confidence is { } sure && round.Counts.Sum() is > 0 and var all
            ? round.Counts.Select((n, c) => n * (sure[c] ?? 0)).Sum() / all
            : double.NaN;
}
