using AirMLNet.Clip;
using AirMLNet.Images;
using AirMLNet.Pipeline;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Heads;

/// <summary>A stage's own encoder of images, and the names of what it adds.</summary>
/// <param name="Stage">The stage, for messages.</param>
/// <param name="Backbone">Its preprocessing, and how many images it takes at a time.</param>
/// <param name="Encode">Makes features of preprocessed images.</param>
/// <param name="ScoreColumn">Name of the score column.</param>
/// <param name="LabelColumn">Name of the predicted label column.</param>
/// <param name="ClassNames">C names.</param>
/// <param name="Cancellation">Checked between batches.</param>
internal sealed record ImageScorer(
    string Stage,
    ClipBackbone Backbone,
    EncodeImages Encode,
    string ScoreColumn,
    string LabelColumn,
    IReadOnlyList<string> ClassNames,
    CancellationToken Cancellation
);

/// <summary>
/// Scores from images, which the stage's own encoder sees: one at a time for PredictionEngine, in batches for Transform.
/// </summary>
internal sealed class ImageScoreMapper(ImageScorer scorer, DataViewSchema schema, HeadInput head, long? rows)
    : ScoreMapper(schema, head, scorer.ScoreColumn, scorer.LabelColumn, scorer.ClassNames)
{
    private ImageScorer Scorer => scorer;

    private ImageBatchSettings Settings =>
        new(
            scorer.Backbone.Preprocessor,
            ImageFile.MaxPixels,
            ClipBatchSize.Choose(scorer.Backbone),
            0,
            Head.Head.Dimension,
            rows,
            scorer.Cancellation
        );

    public override IBatchEncoder? StartBatches(DataViewRow input, Func<int, bool> active) => new Encoder(this, input);

    protected override ValueGetter<VBuffer<float>> Features(DataViewRow input)
    {
        var source = new ImageSource(input, Head.Column, scorer.Stage);
        return source.Features(scorer.Backbone.Preprocessor, ImageFile.MaxPixels, Head.Head.Dimension, scorer.Encode);
    }

    private sealed class Encoder(ImageScoreMapper mapper, DataViewRow input)
        : ImageBatchEncoder(mapper.Scorer.Stage, input, mapper.Head.Column, mapper.Settings)
    {
        private readonly ValueGetter<VBuffer<float>>? _prototype = mapper.Head.Prototype is { } column
            ? input.GetGetter<VBuffer<float>>(column)
            : null;
        private VBuffer<float> _buffer;

        public override IBatch NewBatch() => new ScoreBatch(this, mapper.Head);

        protected override void Encode(ReadOnlySpan<float> pixels, int count, Span<float> features) =>
            mapper.Scorer.Encode(pixels, count, features);

        private sealed class ScoreBatch(Encoder encoder, HeadInput input) : ImageBatch(encoder)
        {
            private readonly CosineHead _head = input.Head;
            private readonly float[] _scores = new float[encoder.BatchSize * input.Head.Classes];
            private readonly float[] _prototypes = new float[encoder._prototype is null ? 0 : encoder.BatchSize * input.Head.Classes];

            public override void Read(int slot, long row)
            {
                base.Read(slot, row);
                if (encoder._prototype is null)
                {
                    return;
                }

                encoder._prototype(ref encoder._buffer);
                encoder._buffer.CopyTo(_prototypes.AsSpan(slot * _head.Classes, _head.Classes));
            }

            public override void Run(int count, ReadOnlySpan<bool> failed)
            {
                base.Run(count, failed);
                for (var slot = 0; slot < count; slot++)
                {
                    if (failed[slot])
                    {
                        continue;
                    }

                    _head.Probabilities(Feature(slot), Score(slot));
                    if (_prototypes.Length > 0)
                    {
                        input.Fusion.Into(Score(slot), _prototypes.AsSpan(slot * _head.Classes, _head.Classes));
                    }
                }
            }

            public override Delegate?[] Getters(Func<int> current)
            {
                ValueGetter<VBuffer<float>> score = (ref VBuffer<float> value) =>
                {
                    var editor = VBufferEditor.Create(ref value, _head.Classes);
                    Score(current()).CopyTo(editor.Values);
                    value = editor.Commit();
                };
                ValueGetter<uint> predicted = (ref uint value) => value = (uint)CosineHead.ArgMax(Score(current())) + 1;
                return [score, predicted];
            }

            private Span<float> Score(int slot) => _scores.AsSpan(slot * _head.Classes, _head.Classes);
        }
    }
}
