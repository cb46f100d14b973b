using AirMLNet.Diffusion;
using AirMLNet.Images;
using AirMLNet.Pipeline;
using AirMLNet.Prototypes;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Synthesis;

/// <summary>What a fit takes from its rows: images to fine-tune on, and prompts.</summary>
internal sealed class SynthesisSource
{
    private readonly DiffusionSynthesisOptions _options;
    private readonly SynthesisColumns _columns;
    private readonly List<int> _labels = [],
        _pseudo = [];
    private readonly List<float> _confidence = [];
    private readonly List<string> _captions = [];
    private readonly List<float[]> _vectors = [];
    private readonly List<bool> _synthetic = [],
        _hasImage = [];

    private SynthesisSource(DiffusionSynthesisOptions options, SynthesisColumns columns) => (_options, _columns) = (options, columns);

    /// <summary>Images to fine-tune on of each class, for the log; empty with captions.</summary>
    public IReadOnlyList<int> PerClass { get; private set; } = [];

    /// <exception cref="InvalidDataException">There are no rows, or no caption.</exception>
    public static SynthesisSource Read(IDataView input, DiffusionSynthesisOptions options, SynthesisColumns columns)
    {
        var source = new SynthesisSource(options, columns);
        source.ReadColumns(input);
        return source;
    }

    /// <summary>What images are made of, and the labels of each prompt's images.</summary>
    public (IReadOnlyList<SynthesisPrompt> Prompts, IReadOnlyList<int> Classes, IReadOnlyList<float[]> Vectors) Prompts()
    {
        if (_options.CaptionColumn is null)
        {
            return (
                [.. _options.ClassNames.Select(name => SynthesisPrompt.OfClass(name, _options.Domain))],
                [.. Enumerable.Range(0, _options.ClassNames.Count)],
                []
            );
        }

        int[] rows = [.. Enumerable.Range(0, _captions.Count).Where(i => _captions[i].Length > 0)];
        return (
            [.. rows.Select(i => new SynthesisPrompt(_captions[i]))],
            [.. rows.Select(i => _labels.Count > 0 ? _labels[i] : -1)],
            [.. rows.Where(_ => _vectors.Count > 0).Select(i => _vectors[i])]
        );
    }

    /// <summary>The images to fine-tune on, in the order of the rows.</summary>
    public IReadOnlyList<LoraExample> Examples(IDataView input)
    {
        var chosen = _options.CaptionColumn is null ? ByClass() : ByCaption();
        if (chosen.Count == 0)
        {
            return [];
        }

        var examples = new List<LoraExample>(chosen.Count);
        using var cursor = input.GetRowCursor([_columns.Image!.Value]);
        var images = new ImageSource(cursor, _columns.Image.Value, DiffusionSynthesisEstimator.Stage);
        for (var row = 0; examples.Count < chosen.Count && cursor.MoveNext(); row++)
        {
            _options.CancellationToken.ThrowIfCancellationRequested();
            if (!chosen.TryGetValue(row, out var prompt))
            {
                continue;
            }

            var read = images.Read();
            if (read is string path)
            {
                examples.Add(new(path, () => ImageFile.Load(path), prompt));
            }
            else
            {
                var image = MLImages.ToRgb((MLImage)read); // now: the source may fill the object anew
                examples.Add(new($"the image of row {row}", () => image, prompt));
            }
        }
        return examples;
    }

    private Dictionary<int, string> ByClass()
    {
        var classes = _options.ClassNames.Count;
        bool Real(int row) => _synthetic.Count == 0 || !_synthetic[row];
        // Labelled images are known; of the others the surest.
        int[] pseudo = [.. _pseudo.Select((label, i) => Real(i) && (_labels.Count == 0 || _labels[i] < 0) ? label : -1)];
        var chosen = ClassPrototypes.Choose(pseudo, classes, _options.Shots, _confidence);
        var prompts = new Dictionary<int, string>();
        var counts = new int[classes];
        foreach (
            (var row, var label) in chosen
                .SelectMany((rows, c) => rows.Select(r => (r, c)))
                .Concat(_labels.Select((c, r) => (r, c)).Where(p => p.c >= 0 && Real(p.r)))
        )
        {
            prompts[row] = SynthesisPrompt.OfClass(_options.ClassNames[label], _options.Domain).Text;
            counts[label]++;
        }
        PerClass = counts;
        return prompts;
    }

    private Dictionary<int, string> ByCaption() =>
        Enumerable
            .Range(0, _captions.Count)
            .Where(i => _captions[i].Length > 0 && _hasImage.Count > 0 && _hasImage[i])
            .ToDictionary(i => i, i => _captions[i]);

    private void ReadColumns(IDataView input)
    {
        var path = _options.CaptionColumn is not null && _columns.Image is { Type: TextDataViewType } ? _columns.Image : null;
        DataViewSchema.Column?[] wanted =
        [
            _columns.Label,
            _columns.PseudoLabel,
            _columns.Confidence,
            _columns.Origin,
            _columns.Caption,
            path,
        ];
        using var cursor = input.GetRowCursor(wanted.Where(c => c is not null).Select(c => c!.Value));
        ValueGetter<uint>? label = _columns.VectorLabels ? null : Getter<uint>(_columns.Label),
            pseudo = Getter<uint>(_columns.PseudoLabel);
        var vector = _columns.VectorLabels ? Getter<VBuffer<float>>(_columns.Label) : null;
        var confidence = _columns.PseudoLabel is null ? null : Getter<float>(_columns.Confidence);
        ValueGetter<ReadOnlyMemory<char>>? origin = Getter<ReadOnlyMemory<char>>(_columns.Origin),
            caption = Getter<ReadOnlyMemory<char>>(_columns.Caption),
            image = Getter<ReadOnlyMemory<char>>(path);
        uint key = 0;
        float number = 0;
        VBuffer<float> buffer = default;
        ReadOnlyMemory<char> text = default;
        var rows = 0;
        for (; cursor.MoveNext(); rows++)
        {
            _options.CancellationToken.ThrowIfCancellationRequested();
            Read(label, ref key, _labels, k => (int)k - 1); // key 0 is "missing"
            Read(pseudo, ref key, _pseudo, k => (int)k - 1);
            Read(confidence, ref number, _confidence, v => v);
            Read(vector, ref buffer, _vectors, v => [.. v.DenseValues()]);
            Read(origin, ref text, _synthetic, v => v.Span.SequenceEqual(DiffusionSynthesisEstimator.Synthetic));
            Read(caption, ref text, _captions, v => v.Span.Trim().ToString());
            if (image is not null)
            {
                Read(image, ref text, _hasImage, v => !v.Span.IsWhiteSpace());
            }
            else if (_options.CaptionColumn is not null)
            {
                _hasImage.Add(_columns.Image is not null);
            }
        }
        if (rows == 0)
        {
            throw new InvalidDataException($"{DiffusionSynthesisEstimator.Stage}: there are no rows to fit on.");
        }

        if (_options.CaptionColumn is not null && _captions.All(c => c.Length == 0))
        {
            throw new InvalidDataException($"{DiffusionSynthesisEstimator.Stage}: no row has a caption in '{_options.CaptionColumn}'.");
        }

        ValueGetter<T>? Getter<T>(DataViewSchema.Column? column) => column is { } c ? cursor.GetGetter<T>(c) : null;

        static void Read<T, TKept>(ValueGetter<T>? getter, ref T value, List<TKept> kept, Func<T, TKept> keep)
        {
            if (getter is null)
            {
                return;
            }

            getter(ref value);
            kept.Add(keep(value));
        }
    }
}
