using AirMLNet.Clip;
using AirMLNet.Persistence;
using AirMLNet.Pipeline;
using AirMLNet.Prompts;
using AirMLNet.Prototypes;
using AirMLNet.PseudoLabels;
using Microsoft.ML;
using Microsoft.ML.Runtime;

[assembly: LoadableClass(typeof(ClipFeatureTransformer), typeof(StageLoaders.ClipFeature), null, typeof(SignatureLoadModel), "AirMLNet CLIP features", StageFiles.ClipFeatureLoader)]
[assembly: LoadableClass(typeof(PseudoLabelTransformer), typeof(StageLoaders.PseudoLabel), null, typeof(SignatureLoadModel), "AirMLNet pseudo-labels", StageFiles.PseudoLabelLoader)]
[assembly: LoadableClass(typeof(PrototypeClassifierTransformer), typeof(StageLoaders.Prototype), null, typeof(SignatureLoadModel), "AirMLNet prototype classifier", StageFiles.PrototypeLoader)]
[assembly: LoadableClass(typeof(PromptAdapterTransformer), typeof(StageLoaders.Prompt), null, typeof(SignatureLoadModel), "AirMLNet prompt adapter", StageFiles.PromptLoader)]

namespace AirMLNet.Persistence;

/// <summary>What Model.Load calls for each stage.</summary>
internal static class StageLoaders
{
    internal static class ClipFeature
    {
        public static ClipFeatureTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
        {
            const string stage = ClipFeatureEstimator.Stage;
            IHost host = Start(env, ctx, stage, StageFiles.ClipFeatureSignature, StageFiles.ClipFeatureLoader);
            var file = ModelStream.ReadJson<ClipFeatureFile>(ctx, stage);
            using IChannel channel = host.Start("Load");
            ClipBackbone backbone = file.Backbone.Acquire(ctx, file.Options.ClipFolder, DeviceChoice.Resolve(host, channel), file.Options.Execution);
            return new(host, file.Output, file.Input, file.Options, backbone, training: null);
        }
    }

    internal static class PseudoLabel
    {
        public static PseudoLabelTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
        {
            const string stage = PseudoLabelEstimator.Stage;
            IHost host = Start(env, ctx, stage, StageFiles.PseudoLabelSignature, StageFiles.PseudoLabelLoader);
            var file = ModelStream.ReadJson<PseudoLabelFile>(ctx, stage);
            var state = ModelStream.ReadState(ctx, stage);
            int classes = file.Options.ClassNames.Count;
            var head = new CosineHead(ModelStream.Take(state, stage, "class_vectors", classes, -1), classes, file.Scale);
            float[] thresholds = ModelStream.Take(state, stage, "thresholds", file.Options.LabelClasses?.Distinct().Count() ?? classes);
            return new(host, file.Output, file.Features, file.Options, head, new LabelRule(thresholds, file.Candidates, file.Options.Strategy == PseudoLabelStrategy.Grip));
        }
    }

    internal static class Prototype
    {
        public static PrototypeClassifierTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
        {
            const string stage = PrototypeClassifierEstimator.Stage;
            IHost host = Start(env, ctx, stage, StageFiles.PrototypeSignature, StageFiles.PrototypeLoader);
            var file = ModelStream.ReadJson<PrototypeClassifierFile>(ctx, stage);
            int classes = file.ClassNames.Count;
            if (file.Present.Length != classes) throw new FormatException($"{stage}: the saved model has {classes} classes but {file.Present.Length} prototypes.");
            var head = new CosineHead(ModelStream.Take(ModelStream.ReadState(ctx, stage), stage, "prototypes", classes, -1), classes, file.Scale, file.Present);
            return new(host, file.Output, file.Features, file.Options, file.ClassNames, head);
        }
    }

    internal static class Prompt
    {
        public static PromptAdapterTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
        {
            const string stage = PromptAdapterEstimator.Stage;
            IHost host = Start(env, ctx, stage, StageFiles.PromptSignature, StageFiles.PromptLoader);
            var file = ModelStream.ReadJson<PromptAdapterFile>(ctx, stage);
            var state = ModelStream.ReadState(ctx, stage);
            int classes = file.Options.ClassNames.Count;
            var head = new CosineHead(ModelStream.Take(state, stage, "class_vectors", classes, -1), classes, file.Scale);
            bool visual = file.Options.Prompt != PromptKind.Text && state.ContainsKey("prompt");
            if (visual && file.Backbone is null) throw new FormatException($"{stage}: the saved model has a visual prompt but names no CLIP model.");
            float[] prompt = state.ContainsKey("prompt") ? ModelStream.Take(state, stage, "prompt", -1, -1) : [];
            if (!visual) return new(host, file.Options, head, prompt, null);
            using IChannel channel = host.Start("Load");
            ClipBackbone backbone = file.Backbone!.Acquire(ctx, file.Options.ClipFolder, DeviceChoice.Resolve(host, channel), new ClipExecution { Activation = file.Options.Activation });
            var config = backbone.Model.Config.Vision;
            int layers = file.Options.Prompt == PromptKind.VisualDeep ? (int)config.Layers : 1;
            if (prompt.Length != layers * file.Options.PromptLength * config.HiddenSize)
            {
                backbone.Release();
                throw new FormatException($"{stage}: 'prompt' of the saved model has {prompt.Length} values; expected {layers}·{file.Options.PromptLength}·{config.HiddenSize}.");
            }
            return new(host, file.Options, head, prompt, backbone);
        }
    }

    private static IHost Start(IHostEnvironment env, ModelLoadContext ctx, string stage, string signature, string loader)
    {
        ArgumentNullException.ThrowIfNull(env);
        ArgumentNullException.ThrowIfNull(ctx);
        ModelStream.CheckVersion(ctx, signature, loader);
        return env.Register(stage, seed: 0); // a loaded model never depends on the seed
    }
}
