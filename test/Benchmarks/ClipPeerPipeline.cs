using AirMLNet.Clip;
using AirMLNet.Data;
using AirMLNet.Features;
using AirMLNet.Images;
using Microsoft.ML;

namespace AirMLNet.Benchmarks;

/// <summary>The stage over a folder of image files, and the decoding alone that it does beside the model.</summary>
internal sealed class ClipPeerPipeline(string images, string clip, ClipBackbone backbone, int batch, int threads)
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly ImageRow[] _rows =
    [
        .. Directory.GetFiles(images, "*.jpg").Order(StringComparer.Ordinal).Select(path => new ImageRow { ImagePath = path }),
    ];

    public void AddTo(Turns turns, IEnumerable<ClipPrecision> precisions)
    {
        // Their second run is no faster than the first: a warm-up would only take time.
        turns.Add("decode 1", _rows.Length, () => Decode(1), warmUp: false);
        turns.Add("decode", _rows.Length, () => Decode(threads), warmUp: false);
        foreach (var precision in precisions)
        {
            turns.Add($"pipeline {precision}", _rows.Length, () => Features(precision), warmUp: false);
        }
    }

    /// <summary>Every feature, image after image.</summary>
    public float[] Features(ClipPrecision precision)
    {
        var view = _ml.Data.LoadFromEnumerable(_rows);
        using var stage = _ml
            .Transforms.ClipFeature(
                "Features",
                "ImagePath",
                new ClipFeatureOptions
                {
                    ClipFolder = clip,
                    BatchSize = batch,
                    Precision = precision,
                    Threads = threads,
                    Workers = threads,
                    KeepTrainingFeatures = false,
                }
            )
            .Fit(view);
        return [.. Benchmarks.Features.Read(stage.Transform(view)).SelectMany(feature => feature)];
    }

    private void Decode(int workers)
    {
        var area = 3 * backbone.Preprocessor.Size * backbone.Preprocessor.Size;
        Parallel.ForEach(
            _rows,
            new ParallelOptions { MaxDegreeOfParallelism = workers },
            () => new float[area],
            (row, _, pixels) =>
            {
                backbone.Preprocessor.Preprocess(ImageFile.Load(row.ImagePath), pixels);
                return pixels;
            },
            _ => { }
        );
    }
}
