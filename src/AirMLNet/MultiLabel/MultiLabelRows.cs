using AirMLNet.Clip;
using AirMLNet.Files;
using AirMLNet.Images;
using AirMLNet.Pipeline;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.MultiLabel;

/// <summary>Reads the rows of a fit and encodes their captions and images, each once.</summary>
/// <param name="options">Which columns.</param>
/// <param name="encoder">Encodes.</param>
/// <param name="say">Told what is made.</param>
internal sealed class MultiLabelRows(MultiLabelPromptAdapterOptions options, DenseEncoder encoder, Action<string> say)
{
    private const int SingleCopies = 9;
    private readonly List<float[]> _labels = [];
    private readonly List<string> _captions = [];
    private readonly List<int> _image = []; // of each row; −1 for none
    private readonly List<string> _paths = [];
    private readonly List<Half[]> _encoded = []; // a row each
    private readonly HashSet<string> _texts = new(StringComparer.Ordinal);
    private readonly Dictionary<string, float[]> _sameLabels = new(StringComparer.Ordinal);

    /// <summary>What the fit learns from. Rows of one caption are one item.</summary>
    /// <exception cref="InvalidDataException">There is no row to learn from; the message says what is missing.</exception>
    public MultiLabelTrainingSet Read(IDataView input)
    {
        var (stage, classes) = (MultiLabelPromptAdapterEstimator.Stage, options.ClassNames.Count);
        var rows = new TrainingRows(input, stage);
        rows.Values<VBuffer<float>, bool>(input.Schema[options.LabelColumn], Label);
        rows.Values<ReadOnlyMemory<char>, bool>(
            options.ReadsCaptions || input.Schema.GetColumnOrNull(options.CaptionColumn) is { Type: TextDataViewType }
                ? input.Schema[options.CaptionColumn]
                : null,
            text => Add(_captions, Once(text.Span.Trim()))
        );
        var complete = options.ReadsImages ? Images(rows, input.Schema[options.ImageColumn]) : () => { };
        rows.Read(options.CancellationToken);
        complete();
        if (options.ReadsCaptions && _captions.All(c => c.Length == 0))
        {
            throw new InvalidDataException($"{stage}: no row has a caption in '{options.CaptionColumn}'.");
        }
        if (options.ReadsImages && _image.All(i => i < 0))
        {
            throw new InvalidDataException(
                $"{stage}: no row has an image in '{options.ImageColumn}', but images have the weight "
                    + $"{(options.Prompt == MultiLabelPrompt.Dual ? 1 : options.ImageWeight)}. Set {nameof(options.ImageWeight)} to 0 for "
                    + "captions alone, or generate images with DiffusionSynthesis."
            );
        }
        var (items, texts) = Items(classes);
        Warn(items, classes);
        return new(items, texts, options.ReadsImages ? ImageRows() : null);

        bool Label(VBuffer<float> value)
        {
            var labels = value.DenseValues().ToArray();
            LabelVectors.Check(labels, stage, options.LabelColumn, _labels.Count);
            // As many rows have the same labels as there are images of a caption, and more.
            var key = string.Join(' ', labels);
            return Add(_labels, _sameLabels.TryGetValue(key, out var known) ? known : _sameLabels[key] = labels);
        }
    }

    // A caption stands on the row of each of its images: it is kept once.
    private string Once(ReadOnlySpan<char> text)
    {
        var texts = _texts.GetAlternateLookup<ReadOnlySpan<char>>();
        if (texts.TryGetValue(text, out var known))
        {
            return known;
        }
        known = text.ToString();
        _texts.Add(known);
        return known;
    }

    private static bool Add<T>(List<T> list, T value)
    {
        list.Add(value);
        return true;
    }

    private Action Images(TrainingRows rows, DataViewSchema.Column column)
    {
        if (column.Type is TextDataViewType)
        {
            rows.Values<ReadOnlyMemory<char>, bool>(
                column,
                path =>
                {
                    var blank = path.Span.IsWhiteSpace();
                    _image.Add(blank ? -1 : _paths.Count);
                    return !blank && Add(_paths, path.ToString());
                }
            );
            return () => { };
        }
        if (options.FeatureCacheFolder is not null)
        {
            throw new ArgumentException(
                $"{nameof(options.FeatureCacheFolder)} is set, but '{options.ImageColumn}' holds images; a cache needs their paths."
            );
        }
        var count = 0;
        var batcher = new ImageBatcher(
            encoder.Preprocessor,
            encoder.BatchSize,
            (pixels, n) => _encoded.AddRange(encoder.Rows(pixels, n).Chunk(encoder.RowLength)),
            options.CancellationToken
        );
        rows.Values<MLImage, bool>(
            column,
            image =>
            {
                _image.Add(image is null ? -1 : count++);
                if (image is not null)
                {
                    var rgb = MLImages.ToRgb(image); // decoded now: the next row may overwrite the object
                    batcher.Add(() => rgb);
                }
                return image is not null;
            }
        );
        return batcher.Complete;
    }

    private IDenseRows ImageRows() =>
        _encoded.Count > 0
            ? new MemoryRows(_encoded, encoder.Places)
            : Encoded(new DenseImages(encoder, _paths), options.FeatureCacheFolder, "encoding images");

    private IDenseRows TextRows(IReadOnlyList<string> texts)
    {
        var source = new DenseTexts(encoder, texts);
        // A folder of their own for each list of texts: which there are depends on the options, too.
        var folder = options.FeatureCacheFolder is { } cache
            ? Path.Combine(cache, "texts-" + DenseFeatureCache.HashOf(source)[..16])
            : null;
        return Encoded(source, folder, "encoding texts");
    }

    private IDenseRows Encoded(DenseSource source, string? folder, string phase)
    {
        if (folder is null)
        {
            return source.InMemory(options.CancellationToken);
        }
        var cache = DenseFeatureCache.Open(folder, source);
        say($"features to {folder}: {cache.Description}.");
        cache.Make(
            Shard.Whole,
            options.CancellationToken,
            (done, total) => options.Progress?.Report(new(MultiLabelPromptAdapterEstimator.Stage, phase, done, total))
        );
        return cache.Read();
    }

    private (List<MultiLabelItem> Items, IDenseRows? Texts) Items(int classes)
    {
        Dictionary<string, int> texts = new(StringComparer.Ordinal);
        var items = new List<MultiLabelItem>();
        string Caption(int row) => _captions.Count > 0 ? _captions[row] : "";
        int Image(int row) => _image.Count > 0 ? _image[row] : -1;
        // Rows of one caption and the same labels are one item; a row without a caption stands alone.
        foreach (
            var group in Enumerable
                .Range(0, _labels.Count)
                .GroupBy(row => Caption(row) is { Length: > 0 } caption ? (caption, _labels[row], -1) : ("", Array.Empty<float>(), row))
        )
        {
            var row = group.First();
            int[] images = [.. group.Select(Image).Where(i => i >= 0)];
            var text = options.ReadsCaptions && Caption(row) is { Length: > 0 } caption ? Text(caption) : -1;
            if (text >= 0 || images.Length > 0)
            {
                items.Add(new(_labels[row], text, images));
            }
        }
        if (options is { ReadsCaptions: true, TemplateTexts: true })
        {
            for (var c = 0; c < classes; c++)
            {
                var labels = new float[classes];
                labels[c] = 1;
                foreach (var template in Enumerable.Repeat(PromptTemplates.Single[0], SingleCopies).Concat(PromptTemplates.Ensemble))
                {
                    items.Add(new(labels, Text(ClassPrompt.Fill(template, options.ClassNames[c])), []));
                }
            }
        }
        if (texts.Count == 0)
        {
            return (items, null);
        }
        return (items, TextRows([.. texts.OrderBy(t => t.Value).Select(t => t.Key)]));

        int Text(string text)
        {
            if (!texts.TryGetValue(text, out var known))
            {
                texts.Add(text, known = texts.Count);
            }
            return known;
        }
    }

    private void Warn(List<MultiLabelItem> items, int classes)
    {
        string[] without = [.. options.ClassNames.Where((_, c) => c < classes && !_labels.Any(labels => labels[c] == 1))];
        if (without.Length > 0)
        {
            say($"no row has the label {string.Join(", ", without)}: nothing but its name is known of it.");
        }
        say($"{items.Count} items, {items.Count(i => i.Text >= 0)} of them with a text, {items.Sum(i => (long)i.Images.Count)} images.");
    }
}
