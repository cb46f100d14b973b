using System.Xml.Linq;
using AirMLNet.Captions;
using AirMLNet.Files;
using AirMLNet.Prototypes;

namespace AirMLNet.Reports;

/// <summary>Texts of photos beside the labels of the frozen and of the tuned model (LatteCLIP, figure 7).</summary>
internal sealed class TextSection(
    ReportModel model,
    ReportFigures figures,
    Pictures pictures,
    AdaptationReportOptions options,
    ReportOrigin origin
)
{
    private bool LearnedFromTexts =>
        model.Classifier is LatteClipTransformer { Options: var latte } && (latte.ImageTextColumn ?? latte.GroupTextColumn) is not null;

    public XElement? Write()
    {
        if (!LearnedFromTexts && options.Captions is null)
        {
            return null;
        }

        var texts = ReportTexts.Of(
            options.Captions,
            LearnedFromTexts ? origin.Card?.Texts : null,
            Path.Combine(AirHome.Folder, "captions")
        );
        List<(ReportRow Row, CaptionTexts Texts)> rows = [];
        foreach (var row in figures.Rows)
        {
            options.CancellationToken.ThrowIfCancellationRequested();
            rows.Add((row, texts?.Of(row.Path) ?? default));
        }

        var known = rows.FindAll(r => Has(r.Texts.Image) || Has(r.Texts.Group));
        var shown = Choose(known.Count > 0 ? known : rows);
        return Html.Section(
            "texts",
            known.Count > 0 ? "Texts and both pseudo-labels" : "Both pseudo-labels",
            known.Count > 0 ? Html.P($"{known.Count} of {ReportPage.Count(rows.Count, "photo")} have texts.") : Html.P(WithoutTexts()),
            Html.Note(
                "The frozen model is CLIP as it was, the tuned one is this model: LatteCLIP learns from the labels of both. First photos "
                    + "that the two name differently, the surest first."
            ),
            Html.E("div", new XAttribute("class", "texts"), shown.Select(r => One(r.Row, r.Texts)))
        );
    }

    private string WithoutTexts() =>
        options.Captions is not null
            ? "The texts that were given are of none of these photos."
            : "Texts are not in the model, and those of these photos are not in this computer's folder of texts. Give them with "
                + "--captions PATH (Captions in C#), in the forms that 'airml adapt --captions' reads.";

    /// <summary>Half of them photos that both name differently, where there are so many.</summary>
    private IEnumerable<(ReportRow Row, CaptionTexts Texts)> Choose(List<(ReportRow Row, CaptionTexts Texts)> rows)
    {
        var sorted = rows.OrderByDescending(r => r.Row.Confidence).ThenBy(r => r.Row.Name, StringComparer.Ordinal).ToList();
        var differ = sorted.FindAll(r => r.Row.Text >= 0 && r.Row.Text != r.Row.Predicted);
        var alike = sorted.FindAll(r => r.Row.Text < 0 || r.Row.Text == r.Row.Predicted);
        var first = Math.Min(differ.Count, Math.Max((options.Pictures + 1) / 2, options.Pictures - alike.Count));
        return [.. differ.Take(first), .. alike.Take(options.Pictures - first)];
    }

    private XElement One(ReportRow row, CaptionTexts texts)
    {
        List<XElement> facts = [];
        Add("text of the photo", texts.Image);
        Add("text of its group", texts.Group);
        Add("frozen model", row.Text < 0 ? "" : model.ClassNames[row.Text], Right(row, row.Text));
        Add("tuned model", $"{model.ClassNames[row.Predicted]} {Html.Number(row.Confidence, "0.000")}", Right(row, row.Predicted));
        Add("folder", row.Label < 0 ? "" : model.ClassNames[row.Label]);
        return Html.E("div", pictures.Figure(row.Path, $"{row.Name}: {Html.Said(model.ClassNames, row)}", row.Name), Html.E("dl", facts));

        void Add(string name, string? text, string? mark = null)
        {
            if (Has(text))
            {
                facts.Add(Html.E("dt", name));
                facts.Add(Html.E("dd", mark is null ? null : new XAttribute("class", mark), text));
            }
        }
    }

    private static string? Right(ReportRow row, int said) =>
        row.Label < 0 ? null
        : row.Label == said ? "hit"
        : "miss";

    private static bool Has(string? text) => !string.IsNullOrEmpty(text);
}
