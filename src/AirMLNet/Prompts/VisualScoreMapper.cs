using AirMLNet.Clip;
using AirMLNet.Heads;
using AirMLNet.Images;
using AirMLNet.Pipeline;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Prompts;

/// <summary>
/// Scores from images, which the visual prompt's encoder sees: one at a time for PredictionEngine, in batches for Transform.
/// </summary>
internal sealed class VisualScoreMapper(PromptAdapterTransformer parent, DataViewSchema schema, HeadInput head, long? rows)
    : ScoreMapper(schema, head, parent.Options.ScoreColumn, parent.Options.PredictedLabelColumn, parent.ClassNames)
{
    private PromptAdapterTransformer Parent => parent;

    private ImageBatchSettings Settings =>
        new(
            parent.Backbone!.Preprocessor,
            ImageFile.MaxPixels,
            ClipBatchSize.Choose(parent.Backbone.Model.Config),
            0,
            parent.Head.Dimension,
            rows,
            parent.Options.CancellationToken
        );

    public override IBatchEncoder? StartBatches(DataViewRow input, Func<int, bool> active) => new Encoder(this, input);

    protected override ValueGetter<VBuffer<float>> Features(DataViewRow input)
    {
        var source = new ImageSource(input, Head.Column, PromptAdapterEstimator.Stage);
        return source.Features(parent.Backbone!.Preprocessor, ImageFile.MaxPixels, parent.Head.Dimension, parent.Encode);
    }

    private sealed class Encoder(VisualScoreMapper mapper, DataViewRow input)
        : ImageBatchEncoder(PromptAdapterEstimator.Stage, input, mapper.Head.Column, mapper.Settings)
    {
        private readonly ValueGetter<VBuffer<float>>? _prototype = mapper.Head.Prototype is { } column
            ? input.GetGetter<VBuffer<float>>(column)
            : null;
        private VBuffer<float> _buffer;

        public override IBatch NewBatch() => new ScoreBatch(this, mapper.Parent);

        protected override void Encode(ReadOnlySpan<float> pixels, int count, Span<float> features) =>
            mapper.Parent.Encode(pixels, count, features);

        private sealed class ScoreBatch(Encoder encoder, PromptAdapterTransformer parent) : ImageBatch(encoder)
        {
            private readonly float[] _scores = new float[encoder.BatchSize * parent.Head.Classes];
            private readonly float[] _prototypes = new float[encoder._prototype is null ? 0 : encoder.BatchSize * parent.Head.Classes];

            public override void Read(int slot, long row)
            {
                base.Read(slot, row);
                if (encoder._prototype is null)
                {
                    return;
                }

                encoder._prototype(ref encoder._buffer);
                encoder._buffer.CopyTo(_prototypes.AsSpan(slot * parent.Head.Classes, parent.Head.Classes));
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

                    parent.Head.Probabilities(Feature(slot), Score(slot));
                    if (_prototypes.Length > 0)
                    {
                        parent.Options.FusionRule().Into(Score(slot), _prototypes.AsSpan(slot * parent.Head.Classes, parent.Head.Classes));
                    }
                }
            }

            public override Delegate?[] Getters(Func<int> current)
            {
                ValueGetter<VBuffer<float>> score = (ref VBuffer<float> value) =>
                {
                    var editor = VBufferEditor.Create(ref value, parent.Head.Classes);
                    Score(current()).CopyTo(editor.Values);
                    value = editor.Commit();
                };
                ValueGetter<uint> predicted = (ref uint value) => value = (uint)CosineHead.ArgMax(Score(current())) + 1;
                return [score, predicted];
            }

            private Span<float> Score(int slot) => _scores.AsSpan(slot * parent.Head.Classes, parent.Head.Classes);
        }
    }
}
