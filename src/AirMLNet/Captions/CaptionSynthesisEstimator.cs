using System.Globalization;
using AirMLNet.Files;
using AirMLNet.Images;
using AirMLNet.Optimisation;
using AirMLNet.Options;
using AirMLNet.Pipeline;
using Microsoft.ML;
using Microsoft.ML.Runtime;

namespace AirMLNet.Captions;

/// <summary>
/// Texts about images and about groups of images of one class, written by a multimodal language model (LatteCLIP;
/// <c>docs/methods.md</c> §5.2): each image is described, and so is a collage of images with its zero-shot label.
/// </summary>
/// <remarks>
/// <para>Append it with <see cref="Microsoft.ML.Data.TransformerScope.TrainTest"/>: the texts are for training, and scoring does without
/// them.
/// A row that was not there when the stage was fitted has empty texts.</para>
/// <para>A text is on disk as soon as it is written, under a name made of the image's content, the question and the model. A fit that
/// was interrupted goes on from there. Images without an answer are named in a warning; their text is empty.</para>
/// <para>Besides what every fit throws: <see cref="CaptionException"/> where the model does not answer, and
/// <see cref="UnreadableImageException"/> for an image that cannot be read.</para>
/// </remarks>
public sealed class CaptionSynthesisEstimator : StageEstimator<CaptionSynthesisTransformer>
{
    internal const string Stage = "CaptionSynthesis";
    private const int Named = 3,
        ShuffleStream = 26;
    private readonly string _imageText,
        _groupText,
        _paths;
    private readonly CaptionSynthesisOptions _options;
    private readonly int _seed;

    internal CaptionSynthesisEstimator(
        IHostEnvironment environment,
        string imageTextColumnName,
        string groupTextColumnName,
        string imagePathColumnName,
        CaptionSynthesisOptions options
    )
        : base(environment, Stage)
    {
        ArgumentNullException.ThrowIfNull(options);
        _imageText = OptionCheck.NotBlank(imageTextColumnName, nameof(imageTextColumnName));
        _groupText = OptionCheck.NotBlank(groupTextColumnName, nameof(groupTextColumnName));
        _paths = OptionCheck.NotBlank(imagePathColumnName, nameof(imagePathColumnName));
        _options = options;
        _seed = Host.Rand.Next();
        if (options.Captioner is null)
        {
            throw new ArgumentException(
                $"{nameof(CaptionSynthesisOptions.Captioner)} is null; expected what writes the texts.",
                nameof(options)
            );
        }

        if (options is { CorrectInGroup: { } correct } && (options.TrueLabelColumn is null || correct > options.GroupSize))
        {
            throw new ArgumentException(
                $"{nameof(CaptionSynthesisOptions.CorrectInGroup)} = {correct}; expected 0..{options.GroupSize}, the images of "
                    + "a group, and a "
                    + $"column of the truth in {nameof(CaptionSynthesisOptions.TrueLabelColumn)}.",
                nameof(options)
            );
        }

        if (options is { ImageTexts: false, GroupTexts: false })
        {
            throw new ArgumentException(
                $"{nameof(CaptionSynthesisOptions.ImageTexts)} and {nameof(CaptionSynthesisOptions.GroupTexts)} are both off; "
                    + "expected one.",
                nameof(options)
            );
        }
    }

    private string? TrueLabelColumn => _options is { CorrectInGroup: not null, GroupTexts: true } ? _options.TrueLabelColumn : null;

    /// <summary>How long the texts that are not there yet will take, by a few of them, which are written; null where all are
    /// there.</summary>
    internal CaptionEstimate? Estimate(IDataView input)
    {
        using var channel = Host.Start("Estimate");
        var work = Items(input, channel);
        // Images and groups by turns: the calls that are timed are the first ones.
        List<CaptionItem> mixed = [];
        for (var i = 0; i < Math.Max(work.Images.Count, work.Groups.Count); i++)
        {
            mixed.AddRange(work.Images.Skip(i).Take(1));
            mixed.AddRange(work.Groups.Skip(i).Take(1));
        }
        return Task.Run(() => Job().EstimateAsync(mixed), _options.CancellationToken).GetAwaiter().GetResult();
    }

    /// <summary>Has a shard's texts written, for a fit on any machine that finds them.</summary>
    /// <returns>How many texts the shard has, and how many of them were written now.</returns>
    /// <exception cref="InvalidOperationException">The captioner's texts are not kept.</exception>
    internal (int Texts, int Made) Write(IDataView input, Shard shard)
    {
        using var channel = Host.Start("Write");
        if (_options.Captioner!.Identity is null)
        {
            throw new InvalidOperationException("These texts are there already, or chosen anew by each run: nothing would be kept.");
        }

        var work = Items(input, channel);
        // Images and groups with equal questions are one text, whoever asks.
        List<CaptionItem> own = [.. work.Images.Concat(work.Groups).Where((_, i) => shard.Owns(i))];
        return own.Count == 0 ? (0, 0) : (own.Count, Run(Job(), channel, own).Made);
    }

    private protected override IEnumerable<InputColumn> Inputs(SchemaShape input) =>
        TrueLabelColumn is { } truth
            ? [InputColumn.Text(_paths), InputColumn.Label(_options.LabelColumn), InputColumn.Label(truth)]
            : [InputColumn.Text(_paths), InputColumn.Label(_options.LabelColumn)];

    private protected override IEnumerable<SchemaShape.Column> Outputs(SchemaShape input) =>
        [OutputColumns.Text(_imageText), OutputColumns.Text(_groupText)];

    private protected override CaptionSynthesisTransformer Fit(IDataView input, IChannel channel)
    {
        var work = Items(input, channel);
        var (images, groups) = (work.Images, work.Groups);
        channel.Say($"{Stage}: {images.Count} texts of images and {groups.Count} of groups.");
        List<CaptionItem> all = [.. images, .. groups];
        var job = Job();
        var result = Run(job, channel, all);
        var count = work.Paths.Count;
        var own = Places(count, images.Count > 0 ? Enumerable.Range(0, count) : [], 0);
        var shared = Places(count, groups.Count > 0 ? work.GroupOf : [], images.Count);
        Dictionary<string, CaptionTexts> texts = new(StringComparer.Ordinal);
        Dictionary<string, (string?, string?)> keys = new(StringComparer.Ordinal);
        for (var i = 0; i < count; i++)
        {
            keys[work.Paths[i]] = (Key(own[i]), Key(shared[i]));
            texts[work.Paths[i]] = new(own[i] < 0 ? "" : result.Texts[own[i]], shared[i] < 0 ? "" : result.Texts[shared[i]]);
        }
        return new CaptionSynthesisTransformer(Host, _imageText, _groupText, _paths, _options, texts) { Keys = keys };

        string? Key(int place) => place < 0 ? null : job.KeyOf(all[place]);
    }

    /// <summary>Which text a row gets, −1 for none: its own, or where they are shuffled that of any row.</summary>
    private int[] Places(int rows, IEnumerable<int> texts, int first)
    {
        int[] places = [.. texts.Select(t => t < 0 ? -1 : first + t)];
        if (places.Length == 0)
        {
            return [.. Enumerable.Repeat(-1, rows)];
        }

        if (_options.Shuffled)
        {
            SeededRandom.Create(_seed, ShuffleStream, first).Shuffle(places);
        }

        return places;
    }

    private Work Items(IDataView input, IChannel channel)
    {
        var label = input.Schema[_options.LabelColumn];
        var names =
            StageAnnotations.KeyValues(label) ?? throw InputColumn.Label(label.Name).Mismatch(Stage, $"{label.Type} without KeyValues");
        var rows = new TrainingRows(input, Stage);
        var paths = rows.Values<ReadOnlyMemory<char>, string>(input.Schema[_paths], path => path.ToString());
        var labels = rows.Classes(label);
        var truth = rows.Classes(TrueLabelColumn is { } column ? input.Schema[column] : null);
        rows.Read(_options.CancellationToken);
        var blank = paths.ToList().FindIndex(string.IsNullOrWhiteSpace);
        if (blank >= 0)
        {
            throw new InvalidDataException($"{Stage}: the path in row {blank}, column '{_paths}', is blank.");
        }

        if (_options.Captioner!.Caveat is { } caveat)
        {
            channel.Warn($"{Stage}: {caveat}.");
        }

        var items = new CaptionRows(paths, labels, names, _options, truth.Count > 0 ? truth : null);
        var kept = _options.Captioner.Identity is not null;
        var (groups, groupOf) = _options.GroupTexts ? items.OfGroups(_seed, kept) : ([], []);
        return new(paths, _options.ImageTexts ? items.OfImages(kept) : [], groups, groupOf);
    }

    private CaptionResult Run(CaptionJob job, IChannel channel, List<CaptionItem> items)
    {
        // Off this thread's context, so that a client that comes back to it cannot wait for itself.
        var result = Task.Run(() => job.RunAsync(items), _options.CancellationToken).GetAwaiter().GetResult();
        if (result.Missing.Count == items.Count)
        {
            throw new InvalidDataException(
                $"{Stage}: there is not one text, of {result.Missing[0].Name} because {result.Missing[0].Reason}."
            );
        }

        if (result.Missing.Count > 0)
        {
            var some = string.Join("; ", result.Missing.Take(Named).Select(m => $"{m.Name} ({m.Reason})"));
            channel.Warn(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{Stage}: {result.Missing.Count} of {items.Count} texts are missing and will weigh nothing: {some}"
                ) + (result.Missing.Count > Named ? "; …" : ".")
            );
        }

        channel.Say($"{Stage}: {result.Made} texts were written now.");
        return result;
    }

    private CaptionJob Job() => CaptionJob.Of(_options, Stage, () => FriendMembers.CheckAlive(Host), Host.Warn);

    /// <summary>What is to be asked.</summary>
    private sealed record Work(IReadOnlyList<string> Paths, List<CaptionItem> Images, List<CaptionItem> Groups, int[] GroupOf);
}
