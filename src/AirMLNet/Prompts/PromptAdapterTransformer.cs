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
    private int _disposed;

    /// <param name="host">The environment.</param>
    /// <param name="options">The options of the fit.</param>
    /// <param name="head">The classifier.</param>
    /// <param name="context">The learned values.</param>
    /// <param name="backbone">The model of a visual prompt, which this releases; null for other kinds.</param>
    internal PromptAdapterTransformer(IHost host, PromptAdapterOptions options, CosineHead head, float[] context, ClipBackbone? backbone)
        : base(host)
    {
        Options = options;
        Head = head;
        _context = context;
        Backbone = backbone;
        if (backbone is null)
        {
            return;
        }

        _visual = new VisualPrompt(backbone, options.PromptLength, options.Prompt == PromptKind.VisualDeep);
        using var off = torch.no_grad();
        _prompt = Tensors
            .Of(context, [_visual.Layers, _visual.Length, context.Length / (_visual.Layers * _visual.Length)], backbone.Device)
            .DetachFromDisposeScope();
    }

    /// <summary>The classes, in the order of the score.</summary>
    public IReadOnlyList<string> ClassNames => Options.ClassNames;

    /// <summary>The learned vectors [P, W], or [blocks, P, W] of a deep visual prompt, row-major; empty for a zero-shot classifier.</summary>
    public ReadOnlyMemory<float> Prompt => _context;

    internal PromptAdapterOptions Options { get; }

    internal CosineHead Head { get; }

    internal ClipBackbone? Backbone { get; }

    /// <summary>Blocks with learned tokens of their own; 1 for text.</summary>
    internal int Layers => _visual?.Layers ?? 1;

    /// <summary>Frees what a visual prompt holds. Nothing to do for text.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        _prompt?.Dispose();
        Backbone?.Release();
    }

    /// <summary>Features under the visual prompt.</summary>
    /// <param name="pixels">count·3·S·S preprocessed values.</param>
    /// <param name="count">Number of images.</param>
    /// <param name="features">Receives count·D values.</param>
    internal void Encode(ReadOnlySpan<float> pixels, int count, Span<float> features)
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        FriendMembers.CheckAlive(Host);
        using var off = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        var size = Backbone!.Preprocessor.Size;
        var frozen = _visual!.Freeze(Tensors.Of(pixels, [count, 3, size, size]));
        var encoded = _visual.Encode(_prompt!, frozen).cpu().contiguous(); // [B, D]
        System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(encoded.bytes).CopyTo(features);
    }

    private protected override BoundStage Bind(DataViewSchema inputSchema, IDataView? input = null)
    {
        DataViewSchema.Column? prototype = Options is { PrototypeColumn: { } name, PrototypeAtTest: true }
            ? SchemaCheck.Vector(inputSchema, PromptAdapterEstimator.Stage, name, Head.Classes)
            : null;
        var setId = StageAnnotations.NextSetId(inputSchema);
        if (_visual is null)
        {
            var features = SchemaCheck.Vector(inputSchema, PromptAdapterEstimator.Stage, Options.FeatureColumn, Head.Dimension);
            return new PromptScoreStage(this, inputSchema, features, prototype, setId);
        }
        var image = ImageSource.Check(inputSchema, PromptAdapterEstimator.Stage, Options.ImageColumn);
        return new VisualScoreStage(this, inputSchema, image, prototype, setId, input?.GetRowCount());
    }

    private protected override void SaveTo(ModelSaveContext ctx) => PromptAdapterSaved.Save(ctx, this);
}
