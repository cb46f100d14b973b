using System.Xml.Linq;
using AirMLNet.Data;
using AirMLNet.Options;
using AirMLNet.Pipeline;
using AirMLNet.Synthesis;
using Microsoft.ML;
using Microsoft.ML.Runtime;

namespace AirMLNet.Reports;

/// <summary>Real photos of each class, and synthetic images of it before and after LoRA (AiR, figure 7).</summary>
internal sealed class SyntheticSection(
    IReadOnlyList<string> names,
    ReportFigures figures,
    Pictures pictures,
    AdaptationReportOptions options
)
{
    private const int Each = 6;
    private const int MostClasses = 50;

    /// <summary>Makes the images before LoRA where a model is given for it.</summary>
    public static void MakeBefore(MLContext ml, IReadOnlyList<string> names, AdaptationReportOptions options)
    {
        if (options is not { DiffusionFolder: { } diffusion, WorkFolder: { } work })
        {
            return;
        }

        var host = ((IHostEnvironment)ml).Register("Report", seed: 0);
        using var channel = host.Start("Load");
        ImagesBeforeLora.Make(
            work,
            diffusion,
            names,
            Each,
            MostClasses,
            DeviceChoice.Resolve(host, channel),
            options.Progress is { } progress
                ? new DirectProgress(p => progress.Report(p with { Source = "Report", Activity = "generating images before LoRA" }))
                : null,
            options.CancellationToken
        );
    }

    public XElement? Write()
    {
        if (options.WorkFolder is not { } folder)
        {
            return null;
        }

        var synthetic = Images(folder);
        var before = ImagesBeforeLora.Find(folder) is { } made ? Images(made) : null;
        var after = ImagesBeforeLora.UsedLora(folder) ? "After LoRA" : "Synthetic";
        return Html.Section(
            "synthetic",
            "Synthetic images beside photos",
            Html.P($"{synthetic.Sum(g => g.Count())} synthetic images of {synthetic.Count} classes."),
            before is null
                ? null
                : Html.Note(
                    "Before LoRA is the diffusion model as it came, with the same prompt. Images below each other began as the same noise."
                ),
            synthetic
                .OrderBy(g => g.Key)
                .Take(MostClasses)
                .Select(g =>
                    (object?[])
                        [
                            Html.E("h3", $"{names[g.Key]}: {ReportPage.Count(g.Count(), "synthetic image")}"),
                            .. Row(
                                "Photos that the model is surest of",
                                [
                                    .. figures
                                        .Rows.Where(r => r.Predicted == g.Key)
                                        .OrderByDescending(r => r.Confidence)
                                        .Take(Each)
                                        .Select(r => pictures.Figure(r.Path, $"{r.Name}: {Html.Said(names, r)}", r.Name)),
                                ]
                            ),
                            .. Row("Before LoRA", Synthetic(before?[g.Key] ?? [], "before LoRA")),
                            .. Row(after, Synthetic(g, before is null ? "" : "after LoRA")),
                        ]
                )
        );
    }

    private ILookup<int, LabelledImage> Images(string folder) =>
        SyntheticImageFolder.FromFolder(folder, names).ToLookup(image => image.Class);

    private XElement[] Synthetic(IEnumerable<LabelledImage> images, string when) =>
        [
            .. images
                .Take(Each)
                .Select(image =>
                    pictures.Figure(
                        image.Path,
                        $"{Path.GetFileName(image.Path)}: synthetic image of {names[image.Class]} {when}".TrimEnd(),
                        Path.GetFileName(image.Path)
                    )
                ),
        ];

    private static object[] Row(string title, XElement[] figures) =>
        figures.Length == 0 ? [] : [Html.E("p", new XAttribute("class", "row"), title), Html.SixInRow(figures)];
}
