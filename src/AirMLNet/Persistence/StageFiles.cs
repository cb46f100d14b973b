using AirMLNet.Clip;
using AirMLNet.Pipeline;
using AirMLNet.Prompts;
using AirMLNet.Prototypes;
using AirMLNet.PseudoLabels;
using Microsoft.ML;

namespace AirMLNet.Persistence;

/// <summary>Writes the stages. Reading is in <see cref="StageLoaders"/>.</summary>
internal static class StageFiles
{
    // Eight characters each, and the names that a saved model asks its loader by.
    public const string ClipFeatureSignature = "AIRCLIPF", ClipFeatureLoader = "AirMLNetClipFeature";
    public const string PseudoLabelSignature = "AIRPSEUD", PseudoLabelLoader = "AirMLNetPseudoLabel";
    public const string PrototypeSignature = "AIRPROTO", PrototypeLoader = "AirMLNetPrototype";
    public const string PromptSignature = "AIRPROMP", PromptLoader = "AirMLNetPromptAdapter";

    public static void Save(ModelSaveContext ctx, ClipFeatureTransformer stage)
    {
        ModelStream.Begin(ctx, ClipFeatureSignature, ClipFeatureLoader);
        BackboneReference reference = BackboneReference.Of(stage.Backbone, stage.Options.EmbedBackbone);
        ModelStream.WriteJson(ctx, new ClipFeatureFile(stage.OutputColumnName, stage.InputColumnName, stage.Options, reference));
        reference.WriteFiles(ctx, stage.Backbone.Folder);
    }

    public static void Save(ModelSaveContext ctx, PseudoLabelTransformer stage)
    {
        ModelStream.Begin(ctx, PseudoLabelSignature, PseudoLabelLoader);
        ModelStream.WriteJson(ctx, new PseudoLabelFile(stage.OutputColumnName, stage.FeatureColumnName, stage.Head.Scale, stage.Options, stage.Rule.Candidates));
        ModelStream.WriteState(ctx, Weights("class_vectors", stage.Head), ("thresholds", stage.Rule.Thresholds, [stage.Rule.Thresholds.Length]));
    }

    public static void Save(ModelSaveContext ctx, PrototypeClassifierTransformer stage)
    {
        ModelStream.Begin(ctx, PrototypeSignature, PrototypeLoader);
        ModelStream.WriteJson(ctx, new PrototypeClassifierFile(
            stage.OutputColumnName, stage.FeatureColumnName, stage.Head.Scale, stage.ClassNames, stage.Head.Present.ToArray(), stage.Options));
        ModelStream.WriteState(ctx, Weights("prototypes", stage.Head));
    }

    public static void Save(ModelSaveContext ctx, PromptAdapterTransformer stage)
    {
        ModelStream.Begin(ctx, PromptSignature, PromptLoader);
        BackboneReference? reference = stage.Backbone is { } used ? BackboneReference.Of(used, stage.Options.EmbedBackbone) : null;
        ModelStream.WriteJson(ctx, new PromptAdapterFile(stage.Head.Scale, stage.Options, reference));
        (string, float[], long[]) vectors = Weights("class_vectors", stage.Head);
        int rows = stage.Layers * stage.Options.PromptLength;
        if (stage.Prompt.IsEmpty) ModelStream.WriteState(ctx, vectors);
        else ModelStream.WriteState(ctx, vectors, ("prompt", stage.Prompt.ToArray(), [rows, stage.Prompt.Length / rows]));
        reference?.WriteFiles(ctx, stage.Backbone!.Folder);
    }

    private static (string Name, float[] Values, long[] Shape) Weights(string name, CosineHead head)
        => (name, head.Weights.ToArray(), [head.Classes, head.Dimension]);
}
