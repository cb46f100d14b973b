using AirMLNet.Clip;
using AirMLNet.Heads;
using AirMLNet.Pipeline;
using Microsoft.ML;
using Microsoft.ML.Runtime;

namespace AirMLNet.Prototypes;

/// <summary>Adds score and predicted label of images by both copies; see <see cref="ReClipEstimator"/>.</summary>
public sealed class ReClipTransformer : StageTransformer, IDisposable
{
    private readonly BackboneLease _tuned,
        _original;

    internal ReClipTransformer(IHost host, ReClipOptions options, CosineHead head, BackboneLease tuned, BackboneLease original)
        : base(host) => (Options, Head, _tuned, _original) = (options, head, tuned, original);

    /// <summary>The classes, in the order of the score.</summary>
    public IReadOnlyList<string> ClassNames => Options.ClassNames;

    internal ReClipOptions Options { get; }

    /// <summary>On features of both copies side by side, [2·D].</summary>
    internal CosineHead Head { get; }

    internal ClipBackbone Tuned => _tuned.Backbone;

    internal ClipBackbone Original => _original.Backbone;

    /// <summary>Gives both models back.</summary>
    public void Dispose()
    {
        _tuned.Dispose();
        _original.Dispose();
    }

    private protected override RowMapper Bind(DataViewSchema inputSchema, IDataView? input = null)
    {
        const string stage = ReClipEstimator.Stage;
        var column = InputColumn.Image(Options.ImageColumn).Find(inputSchema, stage);
        return new ImageScoreMapper(
            new(stage, Tuned, Encode, Options.ScoreColumn, Options.PredictedLabelColumn, ClassNames, Options.CancellationToken),
            inputSchema,
            new HeadInput(Head, column),
            input?.GetRowCount()
        );
    }

    private protected override void SaveTo(ModelSaveContext ctx) => ReClipSaved.Save(ctx, this);

    private void Encode(ReadOnlySpan<float> pixels, int count, Span<float> features)
    {
        ObjectDisposedException.ThrowIf(_tuned.IsReleased || _original.IsReleased, this);
        FriendMembers.CheckAlive(Host);
        var dimension = Tuned.FeatureDimension;
        var one = new float[count * dimension];
        foreach (var (model, at) in new[] { (Tuned, 0), (Original, dimension) })
        {
            model.EncodeImages(pixels, count, one);
            for (var i = 0; i < count; i++)
            {
                one.AsSpan(i * dimension, dimension).CopyTo(features[((2 * i * dimension) + at)..]);
            }
        }
    }
}
