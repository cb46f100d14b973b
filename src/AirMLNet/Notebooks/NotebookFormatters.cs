using Microsoft.ML;

namespace AirMLNet.Notebooks;

/// <summary>Makes the formatters of what this library shows in notebooks; .NET Interactive finds all members by their names.</summary>
internal sealed class NotebookFormatters
{
    /// <summary>One for each form.</summary>
    public IEnumerable<object> CreateTypeFormatters() =>
        [new NotebookFormatter("text/html", v => v.Html), new NotebookFormatter("text/plain", v => v.ToString())];
}

/// <summary>Shows views, data and fitted stages in one form.</summary>
/// <param name="mimeType">The form.</param>
/// <param name="text">The view in this form.</param>
internal sealed class NotebookFormatter(string mimeType, Func<NotebookView, string> text)
{
    /// <summary>The form.</summary>
    public string MimeType => mimeType;

    /// <summary>Writes a value.</summary>
    /// <returns>False for what this library does not show.</returns>
    public bool Format(object instance, TextWriter writer)
    {
        // Only the first rows of data: showing a value must not encode a whole folder of photos.
        var view = instance switch
        {
            NotebookView shown => shown,
            IDataView data => ImageGallery.Of(data, ImageGallery.Few, spread: false),
            ITransformer fitted => ModelCard.Of(fitted),
            _ => null,
        };
        if (view is null)
        {
            return false;
        }

        writer.Write(text(view));
        return true;
    }
}
