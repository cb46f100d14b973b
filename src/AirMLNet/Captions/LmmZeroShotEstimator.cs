using System.Globalization;
using AirMLNet.Images;
using AirMLNet.Options;
using AirMLNet.Pipeline;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace AirMLNet.Captions;

/// <summary>Options of <see cref="LmmZeroShotEstimator"/>.</summary>
internal sealed record LmmZeroShotOptions
{
    /// <summary>Two or more class names, each once.</summary>
    public required IReadOnlyList<string> ClassNames
    {
        get;
        init => field = OptionCheck.ClassNames(value);
    }

    /// <summary>Who is asked, and where answers are kept.</summary>
    public required CaptionSynthesisOptions Captions { get; init; }

    /// <summary>Text column: the image's file.</summary>
    public string ImagePathColumn { get; init; } = "ImagePath";
}

/// <summary>
/// The multimodal model alone, as LatteCLIP compares itself with it (<c>docs/methods.md</c> §5.5): it is asked which of the classes an
/// image
/// shows. Nothing is learned. An answer that names no class is no prediction; their share is in a warning and in
/// <see cref="LmmZeroShotTransformer.Unmatched"/>.
/// </summary>
internal sealed class LmmZeroShotEstimator : StageEstimator<LmmZeroShotTransformer>
{
    public const string Stage = "LmmZeroShot";
    private readonly LmmZeroShotOptions _options;

    public LmmZeroShotEstimator(IHostEnvironment environment, LmmZeroShotOptions options)
        : base(environment, Stage) => _options = options;

    private protected override IEnumerable<InputColumn> Inputs(SchemaShape input) => [InputColumn.Text(_options.ImagePathColumn)];

    private protected override IEnumerable<SchemaShape.Column> Outputs(SchemaShape input) =>
        [OutputColumns.Score("Score"), OutputColumns.PredictedLabel("PredictedLabel")];

    private protected override LmmZeroShotTransformer Fit(IDataView input, IChannel channel) => new(Host, _options);
}

/// <summary>Asks about the images of a view, all of them when the first row is read; see <see cref="LmmZeroShotEstimator"/>.</summary>
internal sealed class LmmZeroShotTransformer(IHost host, LmmZeroShotOptions options) : StageTransformer(host)
{
    private readonly AnswerMatch _match = new(options.ClassNames);
    private readonly Dictionary<string, int> _known = new(StringComparer.Ordinal);

    /// <summary>The share of the answers so far, 0..1, that name no class.</summary>
    public double Unmatched
    {
        get
        {
            lock (_known)
            {
                return _known.Count == 0 ? 0 : _known.Values.Count(c => c < 0) / (double)_known.Count;
            }
        }
    }

    private protected override RowMapper Bind(DataViewSchema inputSchema, IDataView? input = null) =>
        new Mapper(this, inputSchema, InputColumn.Text(options.ImagePathColumn).Find(inputSchema, LmmZeroShotEstimator.Stage), input);

    private protected override void SaveTo(ModelSaveContext ctx) =>
        throw new InvalidOperationException(
            $"{LmmZeroShotEstimator.Stage} learns nothing and asks a model outside: there is nothing to save."
        );

    private int ClassOf(string path, IDataView? all, DataViewSchema.Column column)
    {
        lock (_known)
        {
            if (!_known.TryGetValue(path, out var found))
            {
                Ask(
                    all is null ? [path] : all.GetColumn<string>(column).Distinct(StringComparer.Ordinal).Where(p => !_known.ContainsKey(p))
                );
                found = _known[path];
            }
            return found;
        }
    }

    private void Ask(IEnumerable<string> paths)
    {
        var question = AnswerMatch.Question(options.ClassNames);
        List<CaptionItem> items =
        [
            .. paths.Select(path => new CaptionItem(
                new CaptionRequest(path, CaptionKind.Image, question, () => ImageFile.Load(path)),
                options.Captions.Captioner!.Identity is null ? "" : CaptionRows.Hash(path)
            )),
        ];
        var job = CaptionJob.Of(options.Captions, LmmZeroShotEstimator.Stage, () => FriendMembers.CheckAlive(Host), Host.Warn);
        var result = Task.Run(() => job.RunAsync(items), options.Captions.CancellationToken).GetAwaiter().GetResult();
        for (var i = 0; i < items.Count; i++)
        {
            _known[items[i].Request.Name] = _match.Of(result.Texts[i]);
        }

        int[] none = [.. Enumerable.Range(0, items.Count).Where(i => _known[items[i].Request.Name] < 0)];
        if (none.Length == 0)
        {
            return;
        }

        using var channel = Host.Start("Ask");
        channel.Warn(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{LmmZeroShotEstimator.Stage}: {none.Length} of {items.Count} answers name no class and count as wrong, such as "
                    + $"'{result.Texts[none[0]]}' of {items[none[0]].Request.Name}."
            )
        );
    }

    private sealed class Mapper(LmmZeroShotTransformer parent, DataViewSchema schema, DataViewSchema.Column path, IDataView? input)
        : RowMapper(
            schema,
            StageAnnotations.Score("Score", parent.ClassNames, StageAnnotations.NextSetId(schema)),
            StageAnnotations.PredictedLabel("PredictedLabel", parent.ClassNames, StageAnnotations.NextSetId(schema))
        )
    {
        public override IReadOnlyList<DataViewSchema.Column> Reads { get; } = [path];

        public override Delegate?[] CreateGetters(DataViewRow row, Func<int, bool> active)
        {
            if (!active(0) && !active(1))
            {
                return new Delegate?[2];
            }

            var read = row.GetGetter<ReadOnlyMemory<char>>(path);
            ReadOnlyMemory<char> current = default;
            int Class()
            {
                read(ref current);
                return parent.ClassOf(current.ToString(), input, path);
            }

            ValueGetter<VBuffer<float>> score = (ref VBuffer<float> value) =>
            {
                var found = Class();
                var editor = VBufferEditor.Create(ref value, parent.ClassNames.Count);
                editor.Values.Clear();
                if (found >= 0)
                {
                    editor.Values[found] = 1;
                }

                value = editor.Commit();
            };
            ValueGetter<uint> predicted = (ref uint value) => value = (uint)(Class() + 1);
            return [active(0) ? score : null, active(1) ? predicted : null];
        }
    }

    private IReadOnlyList<string> ClassNames => options.ClassNames;
}
