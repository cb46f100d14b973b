using System.Text.Json;
using AirMLNet.Data;
using AirMLNet.Files;
using AirMLNet.Options;

namespace AirMLNet.Captions;

/// <summary>
/// Texts that are there already: a text file for each image, named like it, as LatteCLIP's published code keeps them, or a file of JSON
/// lines.
/// An image without a text is reported and weighs 0.
/// </summary>
public sealed class FileCaptions : ICaptioner
{
    private readonly Func<CaptionRequest, string?> _find;

    private FileCaptions(Func<CaptionRequest, string?> find) => _find = find;

    /// <inheritdoc/>
    public string? Identity => null;

    /// <summary>A folder with <c>IMAGE.txt</c> for each image; of several lines the first counts.</summary>
    /// <param name="imageTexts">Texts of images; null for none.</param>
    /// <param name="groupTexts">Texts of their groups; null for none.</param>
    /// <exception cref="DirectoryNotFoundException">A folder does not exist.</exception>
    /// <exception cref="ArgumentException">Neither is given.</exception>
    public static FileCaptions FromFolder(string? imageTexts, string? groupTexts = null)
    {
        if (imageTexts is null && groupTexts is null)
        {
            throw new ArgumentException("Neither imageTexts nor groupTexts names a folder.", nameof(imageTexts));
        }

        foreach (var folder in new[] { imageTexts, groupTexts })
        {
            if (folder is not null && !Directory.Exists(OptionCheck.NotBlank(folder)))
            {
                throw new DirectoryNotFoundException($"There is no folder {folder} with texts.");
            }
        }

        return new FileCaptions(request =>
        {
            var folder = request.Kind == CaptionKind.Image ? imageTexts : groupTexts;
            var file = folder is null ? null : Path.Combine(folder, Path.GetFileNameWithoutExtension(request.Name) + ".txt");
            return file is not null && File.Exists(file) ? TextFile.ReadLines(file).FirstOrDefault() : null;
        });
    }

    /// <summary>
    /// A file with a line <c>{"image": "cats/1.png", "text": "…", "group": "…"}</c> for each image. <c>image</c> is a path from the file's
    /// folder on, of photos that were moved with the folder's name, or the file name of one photo; <c>text</c> or <c>group</c> may be
    /// missing.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <exception cref="FileNotFoundException">It does not exist.</exception>
    /// <exception cref="InvalidDataException">A line cannot be read; the message says which.</exception>
    public static FileCaptions FromJsonLines(string path)
    {
        OptionCheck.NotBlank(path);
        if (!File.Exists(path))
        {
            throw new FileNotFoundException($"There is no file {path} with texts.", path);
        }

        ImagePathMap<Texts> lines = new(path);
        var number = 0;
        foreach (var line in TextFile.ReadLines(path))
        {
            number++;
            if (string.IsNullOrWhiteSpace(line))
            {
                continue;
            }

            var (image, text, group) = Line(line, path, number);
            lines.Add(number, image, new(text, group));
        }

        return new FileCaptions(request =>
        {
            var found = lines.Find(request.Name);
            return request.Kind == CaptionKind.Image ? found?.Text : found?.Group;
        });
    }

    /// <summary>A file of JSON lines, a folder of texts, or one with such folders <c>images</c> and <c>groups</c>.</summary>
    internal static FileCaptions Open(string path)
    {
        if (File.Exists(path))
        {
            return FromJsonLines(path);
        }

        string images = Path.Combine(path, "images"),
            groups = Path.Combine(path, "groups");
        return Directory.Exists(images) || Directory.Exists(groups)
            ? FromFolder(Directory.Exists(images) ? images : null, Directory.Exists(groups) ? groups : null)
            : FromFolder(path);
    }

    /// <inheritdoc/>
    public Task<string> DescribeAsync(CaptionRequest request, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        return Task.FromResult(_find(request) ?? "");
    }

    /// <summary>The texts of an image, as they are; null where there is none.</summary>
    internal (string? Image, string? Group) Find(string image) =>
        (_find(new(image, CaptionKind.Image, "", Never)), _find(new(image, CaptionKind.Group, "", Never)));

    private static Images.RgbImage Never() => throw new InvalidOperationException("Texts that are there are found without the image.");

    private static (string Image, string? Text, string? Group) Line(string line, string path, int number)
    {
        using var document = JsonPlace.Parse(path, line, number);
        var root = new JsonPlace($"{path}, line {number}", "", document.RootElement);
        return (root["image"].Text, Field("text"), Field("group"));

        string? Field(string name) => root.Find(name) is { Value.ValueKind: not JsonValueKind.Null } found ? found.Text : null;
    }

    private sealed record Texts(string? Text, string? Group);
}
