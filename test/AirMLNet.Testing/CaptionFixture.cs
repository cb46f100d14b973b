using AirMLNet.Captions;
using AirMLNet.Options;
using Microsoft.ML;

namespace AirMLNet.Testing;

/// <summary>Texts about pictures of a folder, in a process that may be killed.</summary>
public static class CaptionFixture
{
    /// <summary>Pictures of one class, as rows with a zero-shot label.</summary>
    public static IDataView Rows(MLContext ml, string folder)
    {
        var files = Directory.GetFiles(folder, "*.png").Order(StringComparer.Ordinal).ToArray();
        var rows = ml.Data.LoadFromEnumerable(files.Select(f => new Row { ImagePath = f, Name = "red" }));
        var names = ml.Data.LoadFromEnumerable(StageFixture.Names.Select(n => new Named { Name = n }));
        return ml.Transforms.Conversion.MapValueToKey("ZeroShotLabel", "Name", keyData: names).Fit(rows).Transform(rows);
    }

    /// <summary>Writes the texts, and ends as if killed when so many are there.</summary>
    public static void WriteUntil(string folder, string work, int many)
    {
        var ml = new MLContext(1);
        var options = new CaptionSynthesisOptions
        {
            Captioner = new ColourCaptioner(),
            WorkFolder = work,
            ParallelCalls = 1,
            GroupTexts = false,
            Progress = new DirectProgress(p =>
            {
                if (p.Done == many)
                {
                    Environment.FailFast(null);
                }
            }),
        };
        ml.Transforms.CaptionSynthesis("ImageText", "GroupText", "ImagePath", options).Fit(Rows(ml, folder));
    }

    private sealed class Row
    {
        public string ImagePath { get; set; } = "";
        public string Name { get; set; } = "";
    }

    private sealed class Named
    {
        public string Name { get; set; } = "";
    }
}
