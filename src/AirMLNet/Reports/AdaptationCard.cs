using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text.Json;
using AirMLNet.Options;
using Microsoft.ML;

namespace AirMLNet.Reports;

/// <summary>
/// How a model came about, beside its stages in the zip: what the stages themselves cannot know. ML.NET reads only the entries that
/// it wrote, so that models with and without a card load alike.
/// </summary>
internal sealed record AdaptationCard
{
    private const string Entry = "AirMLNet/adaptation.json";
    private const long LargestCard = 64 << 20;

    /// <summary>Name of the recipe.</summary>
    public string Recipe { get; init; } = "";

    /// <summary>Its title.</summary>
    public string Title { get; init; } = "";

    /// <summary>The seed of the context.</summary>
    public int Seed { get; init; }

    /// <summary>Photos without labels that it was adapted to.</summary>
    public int Images { get; init; }

    /// <summary>Labelled and synthetic images beside them.</summary>
    public int KnownImages { get; init; }

    /// <summary>Captions that a model of many labels learned from.</summary>
    public int Captions { get; init; }

    /// <summary>
    /// Of some photos what their texts are kept under; null where none are kept. The texts themselves stay where they are: a model goes to
    /// others.
    /// </summary>
    public IReadOnlyDictionary<string, TextKeys>? Texts { get; init; }

    /// <summary>Duration of the fit.</summary>
    public double Seconds { get; init; }

    /// <summary>When it was saved, in universal time.</summary>
    public DateTime Finished { get; init; }

    /// <summary>Name and version of each library that took part.</summary>
    public IReadOnlyDictionary<string, string> Versions { get; init; } = new Dictionary<string, string>();

    /// <summary>The libraries of this process.</summary>
    public static IReadOnlyDictionary<string, string> CurrentVersions() =>
        new Dictionary<string, string>
        {
            ["AirMLNet"] = VersionOf(typeof(AdaptationCard)),
            ["TorchSharp"] = VersionOf(typeof(TorchSharp.torch)),
            ["ML.NET"] = VersionOf(typeof(MLContext)),
            [".NET"] = Environment.Version.ToString(),
            ["system"] = RuntimeInformation.RuntimeIdentifier,
        };

    /// <summary>Adds the card to a saved model, in place of the one it has.</summary>
    /// <param name="model">Its zip, for reading and writing; it stays open.</param>
    public void AddTo(Stream model)
    {
        model.Position = 0;
        using var zip = new ZipArchive(model, ZipArchiveMode.Update, leaveOpen: true);
        zip.GetEntry(Entry)?.Delete();
        using var stream = zip.CreateEntry(Entry).Open();
        JsonSerializer.Serialize(stream, this, OptionsJson.Settings);
    }

    /// <summary>The card of a saved model; null where it has none, or one that this version cannot read.</summary>
    public static AdaptationCard? Read(string modelFile)
    {
        using var zip = ZipFile.OpenRead(modelFile);
        if (zip.GetEntry(Entry) is not { Length: <= LargestCard } entry)
        {
            return null;
        }

        using var stream = entry.Open();
        try
        {
            return JsonSerializer.Deserialize<AdaptationCard>(stream, OptionsJson.Settings);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string VersionOf(Type type)
    {
        var text =
            System
                .Reflection.CustomAttributeExtensions.GetCustomAttribute<System.Reflection.AssemblyInformationalVersionAttribute>(
                    type.Assembly
                )
                ?.InformationalVersion
            ?? type.Assembly.GetName().Version?.ToString()
            ?? "";
        return text.Split('+')[0];
    }
}
