using AirMLNet.Clip;
using AirMLNet.Options;
using AirMLNet.Pipeline;
using Microsoft.ML;
using Microsoft.ML.Runtime;

namespace AirMLNet.Features;

/// <summary>What the options of both feature stages have.</summary>
internal interface IFeatureOptions
{
    string ClipFolder { get; }
    ClipPrecision Precision { get; }
    ClipActivation? Activation { get; }
    bool EmbedBackbone { get; }
}

/// <summary>What the stages that encode images and texts share: column names, the model they take, and how they are saved.</summary>
internal static class FeatureStage
{
    /// <summary>The checked names; without an input column the output's name stands for both, as everywhere in ML.NET.</summary>
    public static (string Output, string Input) Columns(string outputColumnName, string? inputColumnName)
    {
        OptionCheck.NotBlank(outputColumnName, nameof(outputColumnName));
        return (outputColumnName, OptionCheck.NullOrNotBlank(inputColumnName, nameof(inputColumnName)) ?? outputColumnName);
    }

    /// <summary>How the model computes.</summary>
    public static ClipExecution Execution(this IFeatureOptions options) =>
        new() { Precision = options.Precision, Activation = options.Activation };

    /// <summary>Tells which model was loaded.</summary>
    public static void Announce(IChannel channel, string stage, ClipBackbone clip, string unit, IFeatureOptions options) =>
        channel.Say(
            $"{stage}: {clip.Name}, {clip.FeatureDimension} features per {unit}, {options.Precision}; "
                + $"activation: {clip.Model.Choices}."
        );

    /// <summary>Saves names, options, and which CLIP model the stage needs.</summary>
    public static void Save<TOptions>(
        ModelSaveContext ctx,
        StageFormat format,
        (string Output, string Input) columns,
        TOptions options,
        ClipBackbone backbone,
        bool texts = false
    )
        where TOptions : IFeatureOptions
    {
        format.Begin(ctx);
        var reference = BackboneReference.Of(backbone, options.EmbedBackbone, texts);
        ModelStream.WriteJson(ctx, new FeatureFile<TOptions>(columns.Output, columns.Input, options, reference));
        reference.WriteFiles(ctx, backbone.Folder);
    }

    /// <summary>Reads what <see cref="Save"/> wrote, with the model on the context's device.</summary>
    /// <param name="env">The environment that loads.</param>
    /// <param name="ctx">The stage's part of the zip.</param>
    /// <param name="format">The stage's format.</param>
    /// <param name="make">Makes the stage of host, columns, options and the model, which is then the stage's.</param>
    public static TStage Load<TOptions, TStage>(
        IHostEnvironment env,
        ModelLoadContext ctx,
        StageFormat format,
        Func<IHost, (string Output, string Input), TOptions, BackboneLease, TStage> make
    )
        where TOptions : IFeatureOptions
    {
        var host = format.Open(env, ctx);
        var file = ModelStream.ReadJson<FeatureFile<TOptions>>(ctx, format.Stage);
        // A member of a generic type is the one that the serializer does not check.
        var options = file.Options ?? throw new FormatException($"{format.Stage}: the saved model has no options.");
        using var channel = host.Start("Load");
        using var model = file.Backbone.Take(ctx, options.ClipFolder, DeviceChoice.Resolve(host, channel), options.Execution());
        return make(host, (file.Output, file.Input), options, model.Keep());
    }

    private sealed record FeatureFile<TOptions>(string Output, string Input, TOptions Options, BackboneReference Backbone) : StageFile;
}
