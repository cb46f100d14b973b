using System.Globalization;
using System.Text.Json.Nodes;
using System.Xml.Linq;
using AirMLNet.Features;
using AirMLNet.MultiLabel;
using AirMLNet.Options;
using AirMLNet.Pipeline;
using AirMLNet.Prompts;
using AirMLNet.Prototypes;
using AirMLNet.PseudoLabels;
using AirMLNet.ZeroShot;
using Microsoft.ML;

namespace AirMLNet.Reports;

/// <summary>How right the model is, or what can be said without labels.</summary>
internal sealed class QualitySection(IReadOnlyList<string> names, ReportFigures figures, bool zeroShot)
{
    public XElement Write()
    {
        List<XElement> facts = [];
        if (figures.Labelled.Count > 0)
        {
            var (macro, classes) = figures.MacroAccuracy();
            Fact(facts, "accuracy", "Accuracy, adapted", figures.Accuracy);
            if (!zeroShot)
            {
                Fact(facts, "text-accuracy", "Accuracy, zero-shot", figures.TextAccuracy);
            }

            Fact(facts, "image-accuracy", "Accuracy, image side", figures.ImageAccuracy);
            facts.Add(Fact("macro-accuracy", "Mean over classes", Html.Percent(macro!.Value), $"of {classes} classes"));
        }

        if (!zeroShot)
        {
            Fact(facts, "text-agrees", "Adapted = zero-shot", figures.TextAgrees);
        }

        Fact(facts, "image-agrees", "Adapted = image side", figures.ImageAgrees);
        Fact(facts, "text-image-agree", "Zero-shot = image side", figures.TextImageAgree);
        facts.Add(Fact("confidence", "Mean confidence", Html.Number(figures.MeanConfidence, "0.000"), $"of {figures.Rows.Count} photos"));
        Fact(facts, "covered-90", "At least 0.9 sure", figures.Covered(0.9));
        Fact(facts, "covered-50", "At least 0.5 sure", figures.Covered(0.5));
        return Html.Section(
            "quality",
            figures.Labelled.Count > 0 ? "How right it is" : "What can be said without labels",
            Html.E("dl", new XAttribute("class", "facts"), facts),
            Html.E("h3", "Photos by confidence"),
            Charts.Histogram(figures.ConfidenceBins()),
            figures.Labelled.Count == 0 ? null : Legend(),
            Html.E("h3", "Classes"),
            Html.Table("class-table", Heads(), Enumerable.Range(0, names.Count).Select(Row))
        );
    }

    private static XElement Legend() =>
        Html.E(
            "ul",
            new XAttribute("class", "legend"),
            new[] { ("right", "right"), ("wrong", "wrong"), ("unknown", "without label") }.Select(kind =>
                Html.E("li", Html.E("i", new XAttribute("class", kind.Item1)), kind.Item2)
            )
        );

    private string[] Heads() =>
        figures.Labelled.Count > 0 ? ["class", "photos", "predicted", "recall", "precision"] : ["class", "predicted", "mean confidence"];

    private Cell[] Row(int c)
    {
        var predicted = figures.Rows.Where(r => r.Predicted == c).ToList();
        return figures.Labelled.Count > 0
            ?
            [
                new(names[c]),
                Cell.Of(figures.Labelled.Count(r => r.Label == c)),
                Cell.Of(predicted.Count),
                Cell.Of(figures.Recall(c)),
                Cell.Of(figures.Precision(c)),
            ]
            :
            [
                new(names[c]),
                Cell.Of(predicted.Count),
                Cell.Of(predicted.Count == 0 ? double.NaN : predicted.Average(r => (double)r.Confidence), "0.000"),
            ];
    }

    private static void Fact(List<XElement> facts, string id, string title, Share share)
    {
        if (share.Value is { } value)
        {
            facts.Add(Fact(id, title, Html.Percent(value), $"{share.Hits} of {share.Rows} photos"));
        }
    }

    /// <summary>A number with what it is of.</summary>
    internal static XElement Fact(string id, string title, string value, string rows) =>
        Html.E("div", new XAttribute("id", id), Html.E("dt", title), Html.E("dd", value, Html.E("small", rows)));
}

/// <summary>Which classes are taken for which.</summary>
internal sealed class ConfusionSection(
    IReadOnlyList<string> names,
    ReportFigures figures,
    Pictures pictures,
    AdaptationReportOptions options
)
{
    private const int MostColumns = 40; // a wider table is read by nobody
    private const int MostPairs = 6;

    public XElement? Write()
    {
        if (figures.Labelled.Count == 0)
        {
            return null;
        }

        return Html.Section(
            "confusion",
            "What is taken for what",
            names.Count <= MostColumns
                ? Matrix()
                : Html.Note($"{names.Count} classes are too many for a matrix; these are the pairs that are confused most."),
            figures.WorstPairs(MostPairs).Select(Pair)
        );
    }

    private object[] Matrix() =>
        [
            Html.Note(
                $"{figures.Labelled.Count} labelled photos. A row is a folder, a column what the model says; click a head to sort by it."
            ),
            Html.Table(
                "confusion-table",
                ["folder", .. names, "photos"],
                Enumerable
                    .Range(0, names.Count)
                    .Select(c =>
                    {
                        var all = figures.Labelled.Count(r => r.Label == c);
                        return (Cell[])
                            [
                                new(names[c]),
                                .. Enumerable
                                    .Range(0, names.Count)
                                    .Select(p => new Cell(
                                        figures.Confusion[c, p].ToString(CultureInfo.InvariantCulture),
                                        figures.Confusion[c, p],
                                        figures.Confusion[c, p] / (double)Math.Max(1, all),
                                        c == p
                                    )),
                                Cell.Of(all),
                            ];
                    })
            ),
        ];

    private object[] Pair((int True, int Predicted, IReadOnlyList<ReportRow> Rows) pair) =>
        [
            Html.E(
                "h3",
                $"{names[pair.True]} taken for {names[pair.Predicted]}: {pair.Rows.Count} of "
                    + ReportPage.Count(figures.Labelled.Count(r => r.Label == pair.True), "photo")
            ),
            Html.Row(
                pair.Rows.Take(Math.Min(6, options.Pictures))
                    .Select(r => pictures.Figure(r.Path, $"{r.Name}: {Html.Said(names, r)}", r.Name, Html.Number(r.Confidence, "0.000")))
            ),
        ];
}

/// <summary>What was adapted with what.</summary>
internal sealed class OriginSection(ReportModel model, ReportOrigin origin)
{
    public XElement Write()
    {
        List<(string Name, string Value)> facts = [];
        if (origin.Name is { } name)
        {
            facts.Add(("model file", name));
            facts.Add(("SHA-256 of the model", origin.Sha256!));
        }

        if (origin.Card is { } card)
        {
            facts.Add(("recipe", $"{card.Recipe} ({card.Title})"));
            facts.Add(("seed", card.Seed.ToString(CultureInfo.InvariantCulture)));
            facts.Add(
                card.Captions > 0
                    ? ("learned from", ReportPage.Count(card.Captions, "caption"))
                    : ("adapted to", ReportPage.Count(card.Images, "photo") + Beside(card.KnownImages))
            );
            facts.Add(("time of the fit", Html.Number(card.Seconds, "0.0") + " s"));
            facts.Add(("saved", card.Finished.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture)));
            facts.Add(("adapted with", Versions(card.Versions)));
        }

        if (model.Clip is { } clip)
        {
            facts.Add(("CLIP", $"{clip.Name}: {BackboneReference.Of(clip, embed: false).Architecture}"));
            facts.Add(("SHA-256 of its weights", clip.WeightsSha256));
        }

        facts.Add(("reported with", Versions(AdaptationCard.CurrentVersions())));
        return Html.Section(
            "origin",
            "What it is made of",
            Html.E(
                "table",
                new XAttribute("class", "facts-table"),
                Html.E(
                    "tbody",
                    facts.Select(f => Html.E("tr", Html.E("th", new XAttribute("scope", "row"), f.Name), Html.E("td", f.Value)))
                )
            ),
            origin.Card is null
                ? Html.Note("Seed, time and recipe are known of models that 'airml' saved; the options of the stages are below.")
                : null,
            model.Stages.Select(Stage)
        );
    }

    private static string Beside(int known) => known == 0 ? "" : $", and {ReportPage.Count(known, "labelled or synthetic image")}";

    private static string Versions(IReadOnlyDictionary<string, string> versions) =>
        string.Join(", ", versions.Select(v => $"{v.Key} {v.Value}"));

    private static XElement Stage(ITransformer stage)
    {
        var title = stage.GetType().Name.Replace("Transformer", "", StringComparison.Ordinal).Split('`')[0];
        return Options(stage) is { } options ? Html.E("details", Html.E("summary", title), Html.E("pre", options)) : Html.P(title);
    }

    private static string? Options(ITransformer stage) =>
        stage switch
        {
            ClipFeatureTransformer s => Json(s.Options),
            ZeroShotTransformer s => Json(s.Options),
            PseudoLabelTransformer s => Json(s.Options),
            PrototypeClassifierTransformer s => Json(s.Options),
            PromptAdapterTransformer s => Json(s.Options),
            LatteClipTransformer s => Json(s.Options),
            ReClipTransformer s => Json(s.Options),
            MultiLabelPromptAdapterTransformer s => Json(s.Options),
            _ => null,
        };

    /// <summary>The options; of folders only the name, since a report goes to others.</summary>
    private static string Json<T>(T options)
        where T : class
    {
        var json = JsonNode.Parse(OptionsJson.Write(options))!.AsObject();
        foreach (var (name, value) in json.ToArray())
        {
            if (name.EndsWith("Folder", StringComparison.Ordinal) && value is not null)
            {
                json[name] = Path.GetFileName(Path.TrimEndingDirectorySeparator(value.GetValue<string>()));
            }
        }

        return json.ToJsonString(OptionsJson.Settings);
    }
}
