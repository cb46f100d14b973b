using AirMLNet.Notebooks;

namespace Microsoft.ML;

/// <summary>What notebooks show of data and models. Elsewhere <c>ToString</c> gives the same in words.</summary>
public static class NotebookExtensions
{
    /// <summary>
    /// Thumbnails of photos with their names. A notebook shows data that a stage of this library gives by itself, its first twelve rows;
    /// other data only by this call, since <c>IDataView</c> belongs to ML.NET.
    /// </summary>
    /// <param name="view">Rows with paths of files or images; of a view without them its columns are shown.</param>
    /// <param name="count">How many photos at most, 1 to 1,000.</param>
    /// <param name="spread">Takes them from all of the view, which is read to its end, and not its first rows.</param>
    /// <param name="imageColumn">Text with paths, or images; null for <c>ImagePath</c> or the first column of images.</param>
    /// <exception cref="ArgumentException">The column is not there or of another type.</exception>
    /// <exception cref="AirMLNet.Images.UnreadableImageException">A photo cannot be read.</exception>
    public static NotebookView ShowImages(this IDataView view, int count = ImageGallery.Few, bool spread = true, string? imageColumn = null)
    {
        ArgumentNullException.ThrowIfNull(view);
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, 1000);
        return ImageGallery.Of(view, count, spread, imageColumn);
    }

    /// <summary>
    /// What the stages of a model are and were set to. A notebook shows a fitted stage of this library so by itself; a chain, which belongs
    /// to ML.NET, only by this call.
    /// </summary>
    /// <param name="model">A stage or a chain.</param>
    public static NotebookView ShowCard(this ITransformer model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return ModelCard.Of(model);
    }

    /// <summary>How often models name photos right, over all and class by class.</summary>
    /// <param name="context">The context.</param>
    /// <param name="photos">Labelled photos that no model was adapted with.</param>
    /// <param name="models">Models that write <c>PredictedLabel</c>, and what to call them.</param>
    /// <param name="labelColumn">Names of the classes, as text or key; rows without one do not count.</param>
    /// <exception cref="ArgumentException">A column is missing, or no photo has a label.</exception>
    public static NotebookView Compare(
        this MLContext context,
        IDataView photos,
        IReadOnlyList<(string Name, ITransformer Model)> models,
        string labelColumn = "Label"
    )
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(photos);
        ArgumentNullException.ThrowIfNull(models);
        return ModelComparison.Of(photos, labelColumn, models);
    }
}
