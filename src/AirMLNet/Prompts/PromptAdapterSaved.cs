using AirMLNet.Clip;
using AirMLNet.Heads;
using AirMLNet.Pipeline;
using AirMLNet.Prompts;
using Microsoft.ML;
using Microsoft.ML.Runtime;

[assembly: LoadableClass(
    typeof(PromptAdapterTransformer),
    typeof(PromptAdapterSaved),
    null,
    typeof(SignatureLoadModel),
    "AirMLNet prompt adapter",
    PromptAdapterSaved.Loader
)]

namespace AirMLNet.Prompts;

/// <summary>
/// Saves and loads the trained prompts: options, class vectors, prompt, and for visual prompts which CLIP model they need.
/// </summary>
internal static class PromptAdapterSaved
{
    public const string Loader = "AirMLNetPromptAdapter";
    private static readonly StageFormat Format = new(PromptAdapterEstimator.Stage, "AIRPROMP", Loader);

    public static void Save(ModelSaveContext ctx, PromptAdapterTransformer stage)
    {
        Format.Begin(ctx);
        var reference = stage.Backbone is { } used ? BackboneReference.Of(used, stage.Options.EmbedBackbone) : null;
        ModelStream.WriteJson(ctx, new PromptAdapterFile(stage.Head.Scale, stage.Options, reference, stage.Rounds));
        var vectors = stage.Head.Array("class_vectors");
        if (stage.Prompt.IsEmpty)
        {
            ModelStream.WriteState(ctx, vectors);
        }
        else
        {
            var rows = stage.Layers * stage.Options.PromptLength;
            ModelStream.WriteState(ctx, vectors, ("prompt", stage.Prompt.ToArray(), [rows, stage.Prompt.Length / rows]));
        }
        reference?.WriteFiles(ctx, stage.Backbone!.Folder);
    }

    public static PromptAdapterTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        var host = Format.Open(env, ctx);
        var file = ModelStream.ReadJson<PromptAdapterFile>(ctx, Format.Stage);
        var state = ModelStream.ReadState(ctx, Format.Stage);
        var classes = file.Options.ClassNames.Count;
        var head = new CosineHead(ModelStream.Take(state, Format.Stage, "class_vectors", classes, -1), classes, file.Scale);
        var rounds = file.RoundsOf(classes);
        var prompt = state.ContainsKey("prompt") ? ModelStream.Take(state, Format.Stage, "prompt", -1, -1) : [];
        if (file.Options.Prompt == PromptKind.Text || prompt.Length == 0)
        {
            return new(host, file.Options, head, prompt, null) { Rounds = rounds };
        }
        if (file.Backbone is null)
        {
            throw new FormatException($"{Format.Stage}: the saved model has a visual prompt but names no CLIP model.");
        }
        using var channel = host.Start("Load");
        var execution = new ClipExecution { Activation = file.Options.Activation };
        using var model = file.Backbone.Take(ctx, file.Options.ClipFolder, DeviceChoice.Resolve(host, channel), execution);
        var config = model.Backbone.Model.Config.Vision;
        var layers = file.Options.Prompt == PromptKind.VisualDeep ? (int)config.Layers : 1;
        if (prompt.Length != layers * file.Options.PromptLength * config.HiddenSize)
        {
            throw new FormatException(
                $"{Format.Stage}: 'prompt' of the saved model has {prompt.Length} values; "
                    + $"expected {layers}·{file.Options.PromptLength}·{config.HiddenSize}."
            );
        }
        return new(host, file.Options, head, prompt, model.Keep()) { Rounds = rounds };
    }
}

internal sealed record PromptAdapterFile(
    double Scale,
    PromptAdapterOptions Options,
    BackboneReference? Backbone = null,
    IReadOnlyList<RoundSummary>? Rounds = null
) : StageFile
{
    /// <summary>The rounds, for people to read; null where they are not of these classes: nothing is scored with them.</summary>
    public IReadOnlyList<RoundSummary>? RoundsOf(int classes) =>
        Rounds is { } all && all.All(r => r?.Counts?.Count == classes && (r.Confidence is null || r.Confidence.Count == classes))
            ? all
            : null;
}
