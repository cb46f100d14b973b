using AirMLNet.Diffusion;
using AirMLNet.Persistence;
using Microsoft.ML;
using Microsoft.ML.Runtime;

[assembly: LoadableClass(typeof(DiffusionSynthesisTransformer), typeof(SynthesisFiles), null, typeof(SignatureLoadModel), "AirMLNet diffusion synthesis", SynthesisFiles.Loader)]

namespace AirMLNet.Persistence;

/// <summary>Saves and loads the synthesis stage: features and names of the images; the images stay where they are.</summary>
internal static class SynthesisFiles
{
    public const string Loader = "AirMLNetSynthesis";
    private const string Signature = "AIRSYNTH", Features = "features", Labels = "labels";

    public static void Save(ModelSaveContext ctx, DiffusionSynthesisTransformer stage)
    {
        ModelStream.Begin(ctx, Signature, Loader);
        SyntheticSet set = stage.Set;
        ModelStream.WriteJson(ctx, new SynthesisFile(stage.Options, [.. set.Images.Select(i => new SynthesisFileImage(i.Path, i.Class, i.Class < 0 ? 0 : i.Confidence, i.IsRepresentative))]));
        (string, float[], long[]) features = (Features, set.Features, [set.Images.Count, set.Dimension]);
        if (set.Labels.Count == 0) ModelStream.WriteState(ctx, features);
        else ModelStream.WriteState(ctx, features, (Labels, [.. set.Labels.SelectMany(l => l)], [set.Labels.Count, set.Labels[0].Length]));
    }

    public static DiffusionSynthesisTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        const string stage = DiffusionSynthesisEstimator.Stage;
        ArgumentNullException.ThrowIfNull(env);
        ArgumentNullException.ThrowIfNull(ctx);
        ModelStream.CheckVersion(ctx, Signature, Loader);
        var file = ModelStream.ReadJson<SynthesisFile>(ctx, stage);
        var state = ModelStream.ReadState(ctx, stage);
        int count = file.Images.Count, classes = file.Options.ClassNames.Count;
        if (file.Images.Any(i => i.Class < -1 || i.Class >= classes)) throw new FormatException($"{stage}: the saved model has images of classes that it does not name.");
        float[] features = ModelStream.Take(state, stage, Features, count, -1);
        float[][] labels = state.ContainsKey(Labels) ? [.. ModelStream.Take(state, stage, Labels, count, classes).Chunk(classes)] : [];
        SyntheticImage[] images = [.. file.Images.Select(i => new SyntheticImage(i.Path, i.Class, i.Class < 0 ? float.NaN : i.Confidence, i.IsRepresentative))];
        return new(env.Register(stage, seed: 0), file.Options, new SyntheticSet(images, features, count == 0 ? 0 : features.Length / count, labels));
    }
}

/// <summary>An image in <c>stage.json</c>, which has no NaN.</summary>
internal sealed record SynthesisFileImage(string Path, int Class, float Confidence, bool IsRepresentative);

internal sealed record SynthesisFile(DiffusionSynthesisOptions Options, IReadOnlyList<SynthesisFileImage> Images) : StageFile;
