using System.Collections.Concurrent;
using AirMLNet.Images;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace PhotoService;

/// <summary>
/// One model for all requests. A <see cref="PredictionEngine{TSrc,TDst}"/> serves one thread at a time, but costs next to nothing: all
/// engines of a model share its weights. So there are as many as photos may be worked on at once.
/// </summary>
internal sealed class PhotoClassifier : IDisposable
{
    // Otherwise the first engine that is disposed takes the model with it.
    private static readonly PredictionEngineOptions OneModel = new() { OwnsTransformer = false };

    private readonly MLContext _ml;
    private readonly ITransformer _model;
    private readonly long _maxPixels;
    private readonly SemaphoreSlim _turns;
    private readonly ConcurrentBag<PredictionEngine<Photo, Answer>> _engines = [];

    private PhotoClassifier(MLContext ml, ITransformer model, PhotoSettings settings)
    {
        (_ml, _model) = (ml, model);
        _maxPixels = settings.MaxMegapixels * 1_000_000L;
        _turns = new SemaphoreSlim(settings.Engines);
        _engines.Add(NewEngine()); // a model that does not take photos is refused now, and not with the first request
    }

    /// <exception cref="FileNotFoundException">There is no such file, or the CLIP that it refers to is not here.</exception>
    /// <exception cref="FormatException">It is not a model.</exception>
    /// <exception cref="ArgumentException">The model does not take photos in a column ImagePath.</exception>
    public static PhotoClassifier Load(PhotoSettings settings)
    {
        if (!File.Exists(settings.Model))
        {
            throw new FileNotFoundException($"There is no model '{settings.Model}'; 'airml adapt' writes one.");
        }

        var ml = new MLContext();
        return new PhotoClassifier(ml, ml.Model.LoadAdapted(settings.Model, out _), settings);
    }

    /// <summary>The classes of a photo, best first.</summary>
    /// <param name="photo">An image file's bytes.</param>
    /// <param name="name">What to call it in errors.</param>
    /// <param name="cancellation">Looked at while the photo waits, and between decoding and classifying it.</param>
    /// <exception cref="UnreadableImageException">The bytes are no whole image, or one with too many pixels.</exception>
    public Task<IReadOnlyList<(string Name, float Score)>> ClassifyAsync(byte[] photo, string name, CancellationToken cancellation) =>
        ClassifyAsync(() => ImageFile.Decode(photo, name, _maxPixels), cancellation);

    /// <summary>The same of a photo that is decoded when its turn has come.</summary>
    public async Task<IReadOnlyList<(string Name, float Score)>> ClassifyAsync(Func<RgbImage> decode, CancellationToken cancellation)
    {
        await _turns.WaitAsync(cancellation);
        try
        {
            return await Task.Run(
                () =>
                {
                    using var image = decode().ToMLImage();
                    cancellation.ThrowIfCancellationRequested();
                    var engine = _engines.TryTake(out var idle) ? idle : NewEngine();
                    var classes = engine.ClassScores(new Photo { Image = image });
                    _engines.Add(engine); // one that failed is not used again
                    return classes;
                },
                cancellation
            );
        }
        finally
        {
            _turns.Release();
        }
    }

    public void Dispose()
    {
        foreach (var engine in _engines)
        {
            engine.Dispose();
        }

        (_model as IDisposable)?.Dispose();
        _turns.Dispose();
    }

    private PredictionEngine<Photo, Answer> NewEngine() => _ml.Model.CreatePredictionEngine<Photo, Answer>(_model, OneModel);

    private sealed class Photo
    {
        [ColumnName("ImagePath"), ImageType(1, 1)] // ML.NET refuses the attribute without a size, and takes images of any
        public MLImage? Image { get; set; }
    }

    private sealed class Answer
    {
        public float[] Score { get; set; } = [];
    }
}
