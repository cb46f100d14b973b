using AirMLNet.Clip;
using AirMLNet.Heads;
using AirMLNet.Layers;
using AirMLNet.Pipeline;
using Microsoft.ML;
using Microsoft.ML.Runtime;
using TorchSharp;

namespace AirMLNet.Prompts;

/// <summary>
/// Adds score and predicted label; see <see cref="PromptAdapterEstimator"/>. With a text prompt it reads features and needs no
/// model folder to score; with a visual prompt it reads images and encodes them, alone or in batches.
/// </summary>
public sealed class PromptAdapterTransformer : StageTransformer, IDisposable
{
    private readonly float[] _context;
    private readonly torch.Tensor? _prompt;
    private readonly VisualPrompt? _visual;
    private readonly BackboneLease? _model;

    /// <param name="host">The environment.</param>
    /// <param name="options">The options of the fit.</param>
    /// <param name="head">The classifier.</param>
    /// <param name="context">The learned values.</param>
    /// <param name="model">The model of a visual prompt, which this gives back; null for other kinds.</param>
    internal PromptAdapterTransformer(IHost host, PromptAdapterOptions options, CosineHead head, float[] context, BackboneLease? model)
        : base(host)
    {
        Options = options;
        Head = head;
        _context = context;
        _model = model;
        if (model is null)
        {
            return;
        }

        _visual = new VisualPrompt(model.Backbone, options.PromptLength, options.Prompt == PromptKind.VisualDeep);
        using var off = torch.no_grad();
        _prompt = Tensors
            .Of(context, [_visual.Layers, _visual.Length, context.Length / (_visual.Layers * _visual.Length)], model.Backbone.Device)
            .DetachFromDisposeScope();
    }

    /// <summary>The classes, in the order of the score.</summary>
    public IReadOnlyList<string> ClassNames => Options.ClassNames;

    /// <summary>
    /// The learned vectors [P, W], or [blocks, P, W] of a deep visual prompt, row-major; empty for a zero-shot classifier.
    /// </summary>
    public ReadOnlyMemory<float> Prompt => _context;

    internal PromptAdapterOptions Options { get; }

    internal CosineHead Head { get; }

    /// <summary>The labels of each round of the fit; null for a model that was saved before they were kept.</summary>
    internal IReadOnlyList<RoundSummary>? Rounds { get; init; }

    internal ClipBackbone? Backbone => _model?.Backbone;

    /// <summary>Blocks with learned tokens of their own; 1 for text.</summary>
    internal int Layers => _visual?.Layers ?? 1;

    /// <summary>
    /// The same prompt with other classes: a prompt that was learned on some classes names others (CoOp's on classes without labels, or
    /// those of another data set). The prototypes stay behind.
    /// </summary>
    /// <param name="classNames">Two or more names.</param>
    /// <param name="templates">Templates of the text side, where the prompt is not its own.</param>
    internal PromptAdapterTransformer ForClasses(IReadOnlyList<string> classNames, IReadOnlyList<string> templates)
    {
        using var channel = Host.Start("ForClasses");
        var options = Options with { ClassNames = classNames, Templates = templates, PrototypeAtTest = false };
        using var model = BackboneLease.Take(
            Options.ClipFolder,
            DeviceChoice.Resolve(Host, channel),
            new ClipExecution { Activation = Options.Activation }
        );
        var clip = model.Backbone;
        if (_visual is not null || _context.Length == 0)
        {
            return new(
                Host,
                options,
                TextHead.Of(clip, classNames, templates, Options.CancellationToken),
                _context,
                _visual is null ? null : model.Keep()
            );
        }

        using var off = torch.no_grad();
        using var text = new SharedPrompt(clip, classNames, Options.PromptLength);
        using var prompt = Tensors.Of(_context, [1, Options.PromptLength, _context.Length / Options.PromptLength], clip.Device);
        using var vectors = text.ClassVectors(prompt).cpu().contiguous(); // [C, D]
        var head = new CosineHead(vectors.data<float>().ToArray(), classNames.Count, clip.LogitScale);
        return new(Host, options, head, _context, null);
    }

    /// <summary>Frees what a visual prompt holds. Nothing to do for text.</summary>
    public void Dispose()
    {
        _prompt?.Dispose();
        _model?.Dispose();
    }

    /// <summary>Features under the visual prompt.</summary>
    /// <param name="pixels">count·3·S·S preprocessed values.</param>
    /// <param name="count">Number of images.</param>
    /// <param name="features">Receives count·D values.</param>
    internal void Encode(ReadOnlySpan<float> pixels, int count, Span<float> features)
    {
        ObjectDisposedException.ThrowIf(_model!.IsReleased, this);
        FriendMembers.CheckAlive(Host);
        using var off = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        var size = Backbone!.Preprocessor.Size;
        var frozen = _visual!.Freeze(Tensors.Of(pixels, [count, 3, size, size]));
        var encoded = _visual.Encode(_prompt!, frozen).cpu().contiguous(); // [B, D]
        System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(encoded.bytes).CopyTo(features);
    }

    private protected override RowMapper Bind(DataViewSchema inputSchema, IDataView? input = null)
    {
        const string stage = PromptAdapterEstimator.Stage;
        DataViewSchema.Column? prototype = Options is { PrototypeColumn: { } name, PrototypeAtTest: true }
            ? InputColumn.Vector(name, Head.Classes).Find(inputSchema, stage)
            : null;
        var column = _visual is null
            ? InputColumn.Vector(Options.FeatureColumn, Head.Dimension).Find(inputSchema, stage)
            : InputColumn.Image(Options.ImageColumn).Find(inputSchema, stage);
        var head = new HeadInput(Head, column, prototype, Options.FusionRule());
        return _visual is null
            ? new ScoreMapper(inputSchema, head, Options.ScoreColumn, Options.PredictedLabelColumn, ClassNames)
            : new ImageScoreMapper(
                new(stage, Backbone!, Encode, Options.ScoreColumn, Options.PredictedLabelColumn, ClassNames, Options.CancellationToken),
                inputSchema,
                head,
                input?.GetRowCount()
            );
    }

    private protected override void SaveTo(ModelSaveContext ctx) => PromptAdapterSaved.Save(ctx, this);
}
