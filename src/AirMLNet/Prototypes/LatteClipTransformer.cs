using AirMLNet.Clip;
using AirMLNet.Heads;
using AirMLNet.Pipeline;
using Microsoft.ML;
using Microsoft.ML.Runtime;

namespace AirMLNet.Prototypes;

/// <summary>
/// Adds score and predicted label of images by the tuned tower and the prototypes; see <see cref="LatteClipEstimator"/>.
/// </summary>
public sealed class LatteClipTransformer : StageTransformer, IDisposable
{
    private readonly BackboneLease _model;

    internal LatteClipTransformer(IHost host, LatteClipOptions options, CosineHead head, BackboneLease model)
        : base(host) => (Options, Head, _model) = (options, head, model);

    /// <summary>The classes, in the order of the score.</summary>
    public IReadOnlyList<string> ClassNames => Options.ClassNames;

    /// <summary>The class vectors [C, D], row-major, each of length 1.</summary>
    public ReadOnlyMemory<float> Prototypes => Head.Weights.ToArray();

    internal LatteClipOptions Options { get; }

    internal CosineHead Head { get; }

    internal ClipBackbone Backbone => _model.Backbone;

    /// <summary>Writes the tuned CLIP as a Hugging Face folder, from which every other method can start.</summary>
    /// <param name="folder">Created where it is missing; files of the same names are replaced.</param>
    /// <exception cref="IOException">A file cannot be written.</exception>
    public void ExportClip(string folder)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(folder);
        TunedClip.Copy(Backbone.Folder, folder);
    }

    /// <summary>Gives the tuned model back.</summary>
    public void Dispose() => _model.Dispose();

    internal RowMapper On(DataViewSchema inputSchema, IDataView? input) => Bind(inputSchema, input);

    private protected override RowMapper Bind(DataViewSchema inputSchema, IDataView? input = null)
    {
        const string stage = LatteClipEstimator.Stage;
        var column = InputColumn.Image(Options.ImageColumn).Find(inputSchema, stage);
        return new ImageScoreMapper(
            new(stage, Backbone, Encode, Options.ScoreColumn, Options.PredictedLabelColumn, ClassNames, Options.CancellationToken),
            inputSchema,
            new HeadInput(Head, column),
            input?.GetRowCount()
        );
    }

    private protected override void SaveTo(ModelSaveContext ctx) => LatteClipSaved.Save(ctx, this);

    private void Encode(ReadOnlySpan<float> pixels, int count, Span<float> features)
    {
        ObjectDisposedException.ThrowIf(_model.IsReleased, this);
        FriendMembers.CheckAlive(Host);
        Backbone.EncodeImages(pixels, count, features);
    }
}
