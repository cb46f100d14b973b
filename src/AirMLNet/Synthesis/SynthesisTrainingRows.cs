using AirMLNet.Diffusion;
using AirMLNet.Images;
using AirMLNet.Pipeline;
using AirMLNet.Prototypes;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Synthesis;

/// <summary>What a fit takes from its rows: images to fine-tune on, and prompts.</summary>
internal sealed class SynthesisTrainingRows
{
    private readonly DiffusionSynthesisOptions _options;
    private readonly SynthesisColumns _columns;
    private readonly IReadOnlyList<int> _labels,
        _pseudoLabels;
    private readonly IReadOnlyList<float> _confidence;
    private readonly IReadOnlyList<string> _captions;
    private readonly IReadOnlyList<float[]> _vectors; // of labels
    private readonly IReadOnlyList<bool> _synthetic,
        _hasPath;

    private SynthesisTrainingRows(IDataView input, DiffusionSynthesisOptions options, SynthesisColumns columns)
    {
        (_options, _columns) = (options, columns);
        var rows = new TrainingRows(input, DiffusionSynthesisEstimator.Stage);
        _labels = rows.Classes(columns.VectorLabels ? null : columns.Label);
        _vectors = rows.Values<VBuffer<float>, float[]>(columns.VectorLabels ? columns.Label : null, v => [.. v.DenseValues()]);
        _pseudoLabels = rows.Classes(columns.PseudoLabel);
        _confidence = rows.Numbers(columns.PseudoLabel is null ? null : columns.Confidence);
        _synthetic = rows.Synthetic(columns.Origin);
        _captions = rows.Values<ReadOnlyMemory<char>, string>(columns.Caption, text => text.Span.Trim().ToString());
        _hasPath = rows.Values<ReadOnlyMemory<char>, bool>(
            columns is { Caption: not null, Image.Type: TextDataViewType } ? columns.Image : null,
            path => !path.Span.IsWhiteSpace()
        );
        rows.Read(options.CancellationToken);
    }

    /// <summary>Images to fine-tune on of each class, for the log; empty with captions.</summary>
    public IReadOnlyList<int> PerClass { get; private set; } = [];

    /// <exception cref="InvalidDataException">There are no rows, or no caption.</exception>
    public static SynthesisTrainingRows Read(IDataView input, DiffusionSynthesisOptions options, SynthesisColumns columns)
    {
        var rows = new SynthesisTrainingRows(input, options, columns);
        return options.CaptionColumn is { } caption && rows._captions.All(c => c.Length == 0)
            ? throw new InvalidDataException($"{DiffusionSynthesisEstimator.Stage}: no row has a caption in '{caption}'.")
            : rows;
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
                var image = MLImages.ToRgb((MLImage)read); // decoded now, since the next row may overwrite the object
                examples.Add(new($"the image of row {row}", () => image, prompt));
            }
        }
        return examples;
    }

    private Dictionary<int, string> ByClass()
    {
        var classes = _options.ClassNames.Count;
        bool Real(int row) => _synthetic.Count == 0 || !_synthetic[row];
        // Labelled images are known; of the others the surest. Both are capped alike: where the images of some classes are all labelled
        // (transductive), the others would be one step in two hundred.
        int[] pseudo = [.. _pseudoLabels.Select((label, i) => Real(i) && (_labels.Count == 0 || _labels[i] < 0) ? label : -1)];
        var chosen = ClassPrototypes.Choose(pseudo, classes, _options.Shots, _confidence);
        var prompts = new Dictionary<int, string>();
        var counts = new int[classes];
        var known = _labels
            .Select((c, r) => (r, c))
            .Where(p => p.c >= 0 && Real(p.r))
            .GroupBy(p => p.c)
            .SelectMany(group => Spread([.. group], _options.Shots));
        foreach ((var row, var label) in chosen.SelectMany((rows, c) => rows.Select(r => (r, c))).Concat(known))
        {
            prompts[row] = SynthesisPrompt.OfClass(_options.ClassNames[label], _options.Domain).Text;
            counts[label]++;
        }
        PerClass = counts;
        return prompts;
    }

    /// <summary>At most so many of a list, at even distances, since neighbours are often alike.</summary>
    private static IEnumerable<T> Spread<T>(IReadOnlyList<T> all, int most) =>
        all.Count <= most ? all : Enumerable.Range(0, most).Select(k => all[(int)((long)k * all.Count / most)]);

    /// <summary>Rows with a caption and an image: a path that is not blank, or whatever an image column holds.</summary>
    private Dictionary<int, string> ByCaption() =>
        Enumerable
            .Range(0, _captions.Count)
            .Where(i => _captions[i].Length > 0 && _columns.Image is not null && (_hasPath.Count == 0 || _hasPath[i]))
            .ToDictionary(i => i, i => _captions[i]);
}
