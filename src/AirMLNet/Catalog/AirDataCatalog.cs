using AirMLNet.Captions;
using AirMLNet.Data;
using AirMLNet.Pipeline;
using Microsoft.Extensions.AI;

namespace Microsoft.ML;

/// <summary>AirMLNet's loaders, on <see cref="MLContext.Data"/>.</summary>
public static class AirDataCatalog
{
    /// <summary>
    /// A row per image file of a folder and its subfolders, in ordinal order of the paths: Text columns <c>ImagePath</c> and
    /// <c>Label</c>. Nothing is decoded yet.
    /// </summary>
    /// <param name="catalog">The data catalog.</param>
    /// <param name="folder">The folder.</param>
    /// <param name="labelsFromSubfolders">
    /// Puts the name of the first subfolder into <c>Label</c>, which is empty otherwise; <c>MapValueToKey</c> makes a key of it.
    /// </param>
    /// <exception cref="DirectoryNotFoundException">The folder does not exist.</exception>
    /// <exception cref="InvalidDataException">
    /// The folder holds no images, or an image lies outside every subfolder although these are the labels.
    /// </exception>
    public static IDataView LoadFromImageFolder(this DataOperationsCatalog catalog, string folder, bool labelsFromSubfolders = false)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        var images = ImageFolder.Open(folder, labelsFromSubfolders);
        if (images.Others is { } others)
        {
            FriendMembers.Environment(catalog).Register("LoadFromImageFolder", seed: 0).Warn($"{others}.");
        }
        ImageRow[] rows = [.. images.Entries.Select(e => new ImageRow { ImagePath = e.Path, Label = e.Label ?? "" })];
        return catalog.LoadFromEnumerable(rows);
    }

    /// <summary>
    /// A row per caption of a file: Text columns <c>Caption</c> and <c>ImageId</c>. A file ending in <c>.json</c> is read as COCO's
    /// captions, <c>.jsonl</c> as Localized Narratives, <c>.csv</c> by its column "caption", all else as text with a caption in each line.
    /// </summary>
    /// <param name="catalog">The data catalog.</param>
    /// <param name="path">The file, in UTF-8.</param>
    /// <param name="onePerImage">Keeps one caption of each image, drawn with <paramref name="seed"/>.</param>
    /// <param name="seed">Of the draw.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">It is damaged, of another form or encoding, or empty; the message names the line.</exception>
    public static IDataView LoadCaptions(this DataOperationsCatalog catalog, string path, bool onePerImage = false, int seed = 0)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        var rows = CaptionFile.Read(path);
        return catalog.LoadFromEnumerable(onePerImage ? CaptionFile.OnePerImage(rows, seed) : rows);
    }

    /// <summary>
    /// Captions that a language model writes about drawn classes: a row each, with Text columns <c>Caption</c> and <c>ImageId</c>, which is
    /// blank. A caption that does not name all that it was asked to is asked for anew, and in the end left out.
    /// </summary>
    /// <param name="catalog">The data catalog.</param>
    /// <param name="client">The model, which stays the caller's.</param>
    /// <param name="options">Which captions.</param>
    /// <exception cref="CaptionException">The server does not answer, or no caption can be used; what is there is kept.</exception>
    /// <exception cref="OperationCanceledException">The work was cancelled.</exception>
    public static IDataView WriteCaptions(this DataOperationsCatalog catalog, IChatClient client, WriteCaptionsOptions options)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentNullException.ThrowIfNull(options);
        var host = FriendMembers.Environment(catalog).Register("WriteCaptions", seed: 0);
        var writer = new CaptionWriter(new ChatCaptioner(client, options.Chat), options with { Warn = text => host.Warn($"{text}.") });
        // Off this thread's context, so that a client that comes back to it cannot wait for itself.
        var written = Task.Run(writer.RunAsync, options.CancellationToken).GetAwaiter().GetResult();
        return catalog.LoadFromEnumerable(written.Captions.Select(c => new CaptionRow { Caption = c.Text }).ToArray());
    }
}
