using AirMLNet.Data;
using AirMLNet.Files;
using Microsoft.ML;

namespace AirMLNet.Reports;

/// <summary>
/// What an adapted model does on photos, as one HTML file for people: what was adapted with what, how often it is right where photos lie in
/// folders of their classes, otherwise what can be said without labels, and the photos themselves. The file needs nothing else and asks
/// for nothing.
/// </summary>
public sealed class AdaptationReport
{
    private AdaptationReport(ReportFigures figures, MultiLabelFigures? many, IReadOnlyList<string> classNames, string html)
    {
        Figures = figures;
        ManyLabels = many;
        ClassNames = classNames;
        Html = html;
    }

    /// <summary>C names, in the order of the model's score.</summary>
    public IReadOnlyList<string> ClassNames { get; }

    /// <summary>Photos that were looked at.</summary>
    public int Photos => ManyLabels?.Rows.Count ?? Figures.Rows.Count;

    /// <summary>Photos that lie in a folder named after a class; of a model of many labels those that the label file has.</summary>
    public int LabelledPhotos => ManyLabels?.Labelled.Count ?? Figures.Labelled.Count;

    /// <summary>
    /// Share of the labelled photos that the model is right about, 0..1; null without labels, and for a model of many labels.
    /// </summary>
    public double? Accuracy => Figures.Accuracy.Value;

    /// <summary>The same of CLIP as it was before; null without labels, or where that model is not here.</summary>
    public double? ZeroShotAccuracy => Figures.TextAccuracy.Value;

    /// <summary>Share of the photos that both name alike; null where the model from before is not here.</summary>
    public double? ZeroShotAgreement => Figures.TextAgrees.Value;

    /// <summary>
    /// Mean average precision of a model of many labels, 0..1, by the published rule; null without labels, and for others.
    /// </summary>
    public double? MeanAveragePrecision => ManyLabels?.Metrics?.MeanAveragePrecision;

    /// <summary>The page.</summary>
    public string Html { get; }

    /// <summary>Empty for a model of many labels.</summary>
    internal ReportFigures Figures { get; }

    internal MultiLabelFigures? ManyLabels { get; }

    /// <summary>Looks at photos through a saved model.</summary>
    /// <param name="ml">The context.</param>
    /// <param name="modelFile">A zip written by <c>ml.Model.Save</c> or <c>airml adapt</c>.</param>
    /// <param name="photosFolder">
    /// Photos, searched with sub-folders. A sub-folder that is named after a class says that its photos are of it.
    /// </param>
    /// <param name="options">What is shown; the standard when null.</param>
    /// <exception cref="FileNotFoundException">The model is not there, or refers to CLIP weights that are not here.</exception>
    /// <exception cref="FormatException">The file is no whole model.</exception>
    /// <exception cref="InvalidDataException">
    /// The model is no classifier of image files, or the folder has no images, or images before LoRA are asked for and cannot be made.
    /// </exception>
    /// <exception cref="Images.UnreadableImageException">A photo cannot be decoded.</exception>
    public static AdaptationReport Create(MLContext ml, string modelFile, string photosFolder, AdaptationReportOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(ml);
        ArgumentException.ThrowIfNullOrWhiteSpace(modelFile);
        var model = ml.Model.LoadAdapted(modelFile, out _);
        return Create(ml, model, photosFolder, Files(photosFolder), options ?? new(), new ReportOrigin(modelFile));
    }

    /// <summary>Looks at photos through a fitted model. How it came about is known of saved models only.</summary>
    /// <param name="ml">The context.</param>
    /// <param name="model">
    /// A fitted chain that reads <c>ImagePath</c> and writes <c>Score</c> and <c>PredictedLabel</c> or <c>PredictedLabels</c>.
    /// </param>
    /// <param name="photosFolder">As of the other overload.</param>
    /// <param name="options">What is shown; the standard when null.</param>
    /// <exception cref="InvalidDataException">
    /// The model is no classifier of image files, or the folder has no images, or images before LoRA are asked for and cannot be made.
    /// </exception>
    /// <exception cref="Images.UnreadableImageException">A photo cannot be decoded.</exception>
    public static AdaptationReport Create(MLContext ml, ITransformer model, string photosFolder, AdaptationReportOptions? options = null) =>
        Create(ml, model, photosFolder, Files(photosFolder), options ?? new(), new ReportOrigin(null));

    /// <summary>Writes the page; the file appears under its name only when whole.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="IOException">It cannot be written.</exception>
    public void Save(string path) => AtomicFile.WriteText(path, Html);

    internal static AdaptationReport Create(
        MLContext ml,
        ITransformer fitted,
        string folder,
        IReadOnlyList<string> files,
        AdaptationReportOptions options,
        ReportOrigin origin
    )
    {
        ArgumentNullException.ThrowIfNull(ml);
        ArgumentNullException.ThrowIfNull(fitted);
        var empty = ml.Data.LoadFromEnumerable(Array.Empty<ImageRow>());
        var schema = fitted.GetOutputSchema(empty.Schema);
        var names = ClassScoreExtensions.NamesOf(schema, "Score");
        var many = MultiLabelRow.IsFor(schema, names.Count);
        Check(options, many);
        SyntheticSection.MakeBefore(ml, names, options);
        using var model = ReportModel.Of(ml, fitted, names, options.CancellationToken);
        var photos = Labelled(folder, files, names);
        if (many)
        {
            var all = new MultiLabelFigures(MultiLabelRow.Read(ml, model, photos, options), names, model.MultiLabel?.Thresholds);
            return new(new([], names.Count), all, names, new MultiLabelPage(model, all, options, origin).Write());
        }

        var figures = new ReportFigures(ReportRow.Read(ml, model, photos, options), names.Count);
        return new(figures, null, names, new ReportPage(model, figures, options, origin).Write());
    }

    private static void Check(AdaptationReportOptions options, bool many)
    {
        if (!many && options.LabelFile is { } file)
        {
            throw new InvalidDataException(
                $"{file} was given, but the model names one class of each photo; sub-folders named after classes say which it is."
            );
        }

        if (options is { DiffusionFolder: { } diffusion, WorkFolder: null })
        {
            throw new InvalidDataException($"{diffusion} was given, but no work folder whose images it would make without LoRA.");
        }

        if (many && (options.Captions ?? options.WorkFolder) is { } other)
        {
            throw new InvalidDataException(
                $"{other} was given, but the model gives any number of labels; texts and synthetic images are shown of models of one."
            );
        }
    }

    private static List<string> Files(string folder) => [.. ImageFolder.Open(folder, false).Entries.Select(e => e.Path)];

    private static List<(string Path, string Name, int Label)> Labelled(
        string folder,
        IReadOnlyList<string> files,
        IReadOnlyList<string> names
    )
    {
        Dictionary<string, int> known = new(StringComparer.Ordinal);
        List<(string, string, int)> photos = new(files.Count);
        foreach (var file in files)
        {
            var name = ImageFolder.NameOf(folder, file);
            var end = name.IndexOf('/', StringComparison.Ordinal);
            var place = end < 0 ? "" : name[..end];
            if (!known.TryGetValue(place, out var label))
            {
                known[place] = label = place.Length == 0 ? -1 : SyntheticImageFolder.ClassOf(place, names) ?? -1;
            }

            photos.Add((file, name, label));
        }

        return photos;
    }
}
