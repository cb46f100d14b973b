using AirMLNet.Caching;
using AirMLNet.Clip;
using AirMLNet.Images;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Pipeline;

/// <summary>Features of preprocessed images.</summary>
/// <param name="pixels">count·3·S·S values.</param>
/// <param name="count">Number of images.</param>
/// <param name="features">Receives count·D values.</param>
internal delegate void EncodeImages(ReadOnlySpan<float> pixels, int count, Span<float> features);

/// <summary>
/// Reads the image of a row: a path to be decoded later, or an image; where a path is blank, an image of a second column.
/// </summary>
internal sealed class ImageSource
{
    private readonly string _stage,
        _column;
    private readonly ValueGetter<ReadOnlyMemory<char>>? _path;
    private readonly ValueGetter<MLImage>? _image;

    public ImageSource(DataViewRow row, DataViewSchema.Column column, string stage, DataViewSchema.Column? whereBlank = null)
    {
        (_stage, _column) = (stage, column.Name);
        if (column.Type is TextDataViewType)
        {
            _path = row.GetGetter<ReadOnlyMemory<char>>(column);
        }
        else
        {
            _image = row.GetGetter<MLImage>(column);
        }

        if (_path is not null && whereBlank is { } other)
        {
            _image = row.GetGetter<MLImage>(other);
        }
    }

    /// <summary>A path, or an image that is not overwritten by the next row's.</summary>
    public object Read()
    {
        if (_path is not null)
        {
            ReadOnlyMemory<char> path = default;
            _path(ref path);
            if (!path.Span.IsWhiteSpace())
            {
                return path.ToString();
            }
            if (_image is null)
            {
                throw new InvalidDataException($"{_stage}: the path of a row's image, in column '{_column}', is blank.");
            }
        }
        MLImage image = null!; // a new one: the source may fill what it is given, and an earlier row's image may still be in use
        _image!(ref image);
        return image ?? throw new InvalidDataException($"{_stage}: a row has no image.");
    }

    /// <summary>A getter of features that encodes the image of the current row alone.</summary>
    /// <param name="preprocessor">Makes pixels of images.</param>
    /// <param name="maxPixels">The largest image that is decoded.</param>
    /// <param name="dimension">Length of a feature.</param>
    /// <param name="encode">Makes features of preprocessed images.</param>
    /// <param name="cache">Where features are taken from and put into; null for nowhere.</param>
    public ValueGetter<VBuffer<float>> Features(
        ClipPreprocessor preprocessor,
        long maxPixels,
        int dimension,
        EncodeImages encode,
        FeatureCachePass? cache = null
    )
    {
        float[]? pixels = null;
        return (ref VBuffer<float> value) =>
        {
            var content = Open(Read(), maxPixels);
            var editor = VBufferEditor.Create(ref value, dimension);
            var key = cache is null ? default : content.Key();
            if (cache is null || !cache.TryGet(key, editor.Values))
            {
                pixels ??= new float[3 * preprocessor.Size * preprocessor.Size]; // [3, S, S]
                preprocessor.Preprocess(content.Decode(maxPixels), pixels);
                encode(pixels, 1, editor.Values);
                cache?.Add(key, editor.Values);
            }
            value = editor.Commit();
        };
    }

    /// <summary>The content of what <see cref="Read"/> gave.</summary>
    public static ImageContent Open(object source, long maxPixels) =>
        source is string path ? ImageContent.Read(path, maxPixels) : ImageContent.Of(MLImages.ToRgb((MLImage)source));

    public static RgbImage Load(object source, long maxPixels) => Open(source, maxPixels).Decode(maxPixels);
}
