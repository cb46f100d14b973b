using AirMLNet.Clip;
using AirMLNet.Features;
using AirMLNet.Heads;
using AirMLNet.MultiLabel;
using AirMLNet.Pipeline;
using AirMLNet.Prompts;
using AirMLNet.Prototypes;
using AirMLNet.PseudoLabels;
using AirMLNet.ZeroShot;
using Microsoft.ML;
using Microsoft.ML.Runtime;

namespace AirMLNet.Reports;

/// <summary>What a report can find in a fitted model. A model of other stages has less, and the report leaves that out.</summary>
internal sealed class ReportModel : IDisposable
{
    private readonly BackboneLease? _opened;

    private ReportModel(MLContext ml, ITransformer model, IReadOnlyList<string> classNames, CancellationToken cancellation)
    {
        Model = model;
        ClassNames = classNames;
        Stages = [.. Flatten(model)];
        Classifier = Stages.LastOrDefault(s =>
            s
                is PromptAdapterTransformer
                    or ZeroShotTransformer
                    or LatteClipTransformer
                    or ReClipTransformer
                    or MultiLabelPromptAdapterTransformer
        );
        Feature = Stages.OfType<ClipFeatureTransformer>().LastOrDefault();
        PseudoLabel = Stages.OfType<PseudoLabelTransformer>().LastOrDefault(s => Names(s.Options.ClassNames));
        Prototype = Stages.OfType<PrototypeClassifierTransformer>().LastOrDefault(s => Names(s.ClassNames));
        (Clip, _opened) = Frozen(ml);
        (Adapted, AdaptedClip) = Classifier switch
        {
            PromptAdapterTransformer { Backbone: null } p => (p.Head, Clip),
            ZeroShotTransformer z => (z.Head, Clip),
            LatteClipTransformer l => (l.Head, l.Backbone),
            _ => ((CosineHead?)null, (ClipBackbone?)null), // a visual prompt or two towers: no vector to compare a place with
        };
        Text =
            PseudoLabel?.Head
            ?? (Classifier as ZeroShotTransformer)?.Head
            ?? (Clip is { } clip && Templates() is { } templates ? TextHead.Of(clip, ClassNames, templates, cancellation) : null);
    }

    public ITransformer Model { get; }

    /// <summary>Every stage, in order; chains within the chain are taken apart.</summary>
    public IReadOnlyList<ITransformer> Stages { get; }

    /// <summary>C names, in the order of the score.</summary>
    public IReadOnlyList<string> ClassNames { get; }

    /// <summary>The stage of this library that writes the score; null where another one does.</summary>
    public ITransformer? Classifier { get; }

    /// <summary>The stage that gives many labels; null for a model of one.</summary>
    public MultiLabelPromptAdapterTransformer? MultiLabel => Classifier as MultiLabelPromptAdapterTransformer;

    public ClipFeatureTransformer? Feature { get; }

    public PseudoLabelTransformer? PseudoLabel { get; }

    public PrototypeClassifierTransformer? Prototype { get; }

    /// <summary>CLIP as it was before the adaptation; null where its folder is not here.</summary>
    public ClipBackbone? Clip { get; }

    /// <summary>The zero-shot classifier on features of <see cref="Clip"/>.</summary>
    public CosineHead? Text { get; }

    /// <summary>The adapted class vectors, and the model in whose space they lie.</summary>
    public CosineHead? Adapted { get; }

    public ClipBackbone? AdaptedClip { get; }

    /// <summary>Whether the model is the zero-shot classifier, so that nothing was adapted.</summary>
    public bool IsZeroShot => Adapted is { } adapted && Text is { } text && adapted.Weights.SequenceEqual(text.Weights);

    /// <summary>λ of the fusion of text and prototypes; null without prototypes.</summary>
    public Fusion? Fusion =>
        Classifier is PromptAdapterTransformer { Options: { PrototypeColumn: not null } options } ? options.FusionRule() : null;

    public static ReportModel Of(MLContext ml, ITransformer model, IReadOnlyList<string> classNames, CancellationToken cancellation) =>
        new(ml, model, classNames, cancellation);

    public void Dispose() => _opened?.Dispose();

    private bool Names(IReadOnlyList<string> names) => names.SequenceEqual(ClassNames, StringComparer.Ordinal);

    private IReadOnlyList<string>? Templates() =>
        Classifier switch
        {
            PromptAdapterTransformer p => p.Options.Templates,
            LatteClipTransformer l => l.Options.Templates,
            ReClipTransformer r => r.Options.Templates,
            _ => null,
        };

    private (ClipBackbone?, BackboneLease?) Frozen(MLContext ml)
    {
        if (Feature is not null)
        {
            return (Feature.Backbone, null);
        }

        if (MultiLabel is { } many)
        {
            return (many.Backbone, null);
        }

        var (folder, activation) = Classifier switch
        {
            PromptAdapterTransformer p => (p.Options.ClipFolder, p.Options.Activation),
            ZeroShotTransformer z => (z.Options.ClipFolder, z.Options.Activation),
            LatteClipTransformer l => (l.Options.ClipFolder, l.Options.Activation),
            ReClipTransformer r => (r.Options.ClipFolder, r.Options.Activation),
            _ => ("", null),
        };
        if (!Directory.Exists(folder))
        {
            return (null, null);
        }

        var host = ((IHostEnvironment)ml).Register("Report", seed: 0);
        using var channel = host.Start("Load");
        var lease = BackboneLease.Take(folder, DeviceChoice.Resolve(host, channel), new ClipExecution { Activation = activation });
        return (lease.Backbone, lease);
    }

    internal static IEnumerable<ITransformer> Flatten(ITransformer model) =>
        model is IEnumerable<ITransformer> chain ? chain.SelectMany(Flatten) : [model];
}
