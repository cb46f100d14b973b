using System.Text.Json.Serialization;
using AirMLNet.Options;

namespace AirMLNet.Reports;

/// <summary>What an <see cref="AdaptationReport"/> shows. Values are checked when they are set.</summary>
public sealed record AdaptationReportOptions
{
    /// <summary>
    /// Folder with synthetic images, in one sub-folder per class, or the working folder of a synthesis, which has them in
    /// <c>images/</c>; null for none.
    /// </summary>
    public string? WorkFolder
    {
        get;
        init => field = OptionCheck.NullOrNotBlank(value);
    }

    /// <summary>
    /// Folder of the Stable Diffusion model that made the images of <see cref="WorkFolder"/>: of each class it makes the first six again
    /// without LoRA, of the same prompts and seeds, and keeps them in the work folder as <c>before</c>, where a later report finds them.
    /// Null: those that were made by an earlier report, if any.
    /// </summary>
    public string? DiffusionFolder
    {
        get;
        init => field = OptionCheck.NullOrNotBlank(value);
    }

    /// <summary>
    /// Texts of photos, as LatteCLIP learns from them: a file of JSON lines with image, text and group, or a folder with a text file for
    /// each image, or with such folders <c>images</c> and <c>groups</c>. Null: of a model that <c>airml adapt</c> saved, those that it
    /// keeps in <c>AIRMLNET_HOME/captions</c>.
    /// </summary>
    public string? Captions
    {
        get;
        init => field = OptionCheck.NullOrNotBlank(value);
    }

    /// <summary>
    /// What is in the photos, for a model of many labels: a CSV file with the columns <c>image</c> and <c>labels</c>, class names separated
    /// by semicolons; paths begin at the file's folder; a bare name is that of one photo. Null for none.
    /// </summary>
    public string? LabelFile
    {
        get;
        init => field = OptionCheck.NullOrNotBlank(value);
    }

    /// <summary>Photos in each group, such as the least sure ones, 1..500.</summary>
    public int Pictures
    {
        get;
        init => field = OptionCheck.Range(value, 1, 500);
    } = 12;

    /// <summary>Longest side of a picture in the file, in pixels, 32..2048; smaller photos are not enlarged.</summary>
    public int PictureSize
    {
        get;
        init => field = OptionCheck.Range(value, 32, 2048);
    } = 256;

    /// <summary>Photos that get heat maps, 0..100.</summary>
    public int HeatMaps
    {
        get;
        init => field = OptionCheck.Range(value, 0, 100);
    } = 6;

    /// <summary>Most photos in the map of embeddings, and as many synthetic images, 0..2000; its time grows with the square.</summary>
    public int Embedded
    {
        get;
        init => field = OptionCheck.Range(value, 0, 2000);
    } = 400;

    /// <summary>Seed of the map of embeddings, the only thing here that is random.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>Receives a report for each photo that is scored, for each part, and for each denoising step of an image.</summary>
    [JsonIgnore]
    public IProgress<ProgressReport>? Progress { get; init; }

    /// <summary>Checked at every photo, every denoising step and every step of the map.</summary>
    [JsonIgnore]
    public CancellationToken CancellationToken { get; init; }
}
