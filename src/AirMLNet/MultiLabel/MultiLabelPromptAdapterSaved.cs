using AirMLNet.Clip;
using AirMLNet.MultiLabel;
using AirMLNet.Pipeline;
using Microsoft.ML;
using Microsoft.ML.Runtime;

[assembly: LoadableClass(
    typeof(MultiLabelPromptAdapterTransformer),
    typeof(MultiLabelPromptAdapterSaved),
    null,
    typeof(SignatureLoadModel),
    "AirMLNet multi-label prompt adapter",
    MultiLabelPromptAdapterSaved.Loader
)]

namespace AirMLNet.MultiLabel;

/// <summary>Saves and loads what was learned, and which CLIP model it needs.</summary>
internal static class MultiLabelPromptAdapterSaved
{
    public const string Loader = "AirMLNetMultiLabelPrompt";
    private static readonly StageFormat Format = new(MultiLabelPromptAdapterEstimator.Stage, "AIRMLABL", Loader);

    public static void Save(ModelSaveContext ctx, MultiLabelPromptAdapterTransformer stage)
    {
        Format.Begin(ctx);
        var reference = BackboneReference.Of(stage.Backbone, stage.Options.EmbedBackbone);
        var s = stage.State;
        ModelStream.WriteJson(ctx, new MultiLabelPromptAdapterFile(stage.Options, s.Alpha, s.Scale, s.Kappa, reference));
        List<(string, float[], long[])> arrays =
        [
            ("first", s.First, [s.Classes, s.Dimension]),
            ("second", s.Second, [s.Classes, s.Dimension]),
            ("attention", s.Attention, [s.Classes]),
            ("thresholds", stage.ThresholdValues, [s.Classes]),
        ];
        if (s.Adapter.Length > 0)
        {
            arrays.Add(("adapter", s.Adapter, [s.Classes, s.Dimension]));
        }
        if (s.Context.Length > 0)
        {
            arrays.Add(("context", s.Context, [s.Context.Length]));
        }
        ModelStream.WriteState(ctx, [.. arrays]);
        reference.WriteFiles(ctx, stage.Backbone.Folder);
    }

    public static MultiLabelPromptAdapterTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        var host = Format.Open(env, ctx);
        var file = ModelStream.ReadJson<MultiLabelPromptAdapterFile>(ctx, Format.Stage);
        var arrays = ModelStream.ReadState(ctx, Format.Stage);
        using var channel = host.Start("Load");
        var execution = new ClipExecution { Activation = file.Options.Activation };
        using var model = file.Backbone.Take(ctx, file.Options.ClipFolder, DeviceChoice.Resolve(host, channel), execution);
        var (classes, dimension) = (file.Options.ClassNames.Count, model.Backbone.FeatureDimension);
        float[] Take(string name, params long[] shape) => ModelStream.Take(arrays, Format.Stage, name, shape);
        var state = new MultiLabelState(
            classes,
            dimension,
            Take("first", classes, dimension),
            Take("second", classes, dimension),
            arrays.ContainsKey("adapter") ? Take("adapter", classes, dimension) : [],
            file.Alpha,
            Take("attention", classes),
            file.Scale,
            file.Kappa,
            arrays.ContainsKey("context") ? Take("context", -1) : []
        );
        return new(host, file.Options, state, Take("thresholds", classes), model.Keep());
    }
}

internal sealed record MultiLabelPromptAdapterFile(
    MultiLabelPromptAdapterOptions Options,
    float Alpha,
    double Scale,
    double Kappa,
    BackboneReference Backbone
) : StageFile;
