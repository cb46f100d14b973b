namespace AirMLNet.Clip;

/// <summary>
/// Which activation a model's blocks have (docs/methods.md §1.6). The wrong one loads without an error and costs accuracy, so the
/// choice is stated with its reason, and can be overridden.
/// </summary>
internal static class ClipActivationRule
{
    // Trained with QuickGELU, by what OpenCLIP calls the weights.
    private static readonly string[] Quick = ["openai", "metaclip", "laion400m", "quickgelu"];
    private static readonly string[] Exact = ["laion2b", "datacomp"];

    /// <summary>The configuration with its activation decided, and the reason.</summary>
    /// <param name="config">As read, or as inferred from shapes.</param>
    /// <param name="place">The folder or file of the weights; its name may tell how they were trained.</param>
    /// <param name="wanted">The caller's choice; null leaves it to the rules.</param>
    public static (ClipConfig Config, string Reason) Apply(ClipConfig config, string place, ClipActivation? wanted)
    {
        if (wanted is { } asked)
        {
            return (With(config, asked), $"{Name(asked)}, as asked for");
        }
        var own = config.Text.Activation;
        if (config.ActivationStated)
        {
            return (
                config,
                own == config.Vision.Activation || config.Vision.ResNet is not null
                    ? $"{Name(own)}, as the configuration says"
                    : $"{Name(config.Vision.Activation)} for images and {Name(own)} for texts, as the configuration says"
            );
        }
        var name = place.Replace("_", "", StringComparison.Ordinal).Replace("-", "", StringComparison.Ordinal).ToLowerInvariant();
        if (Array.Find(Quick, name.Contains) is { } quick)
        {
            return (
                With(config, ClipActivation.QuickGelu),
                $"{Name(ClipActivation.QuickGelu)}, as \"{quick}\" is in the name of the folder or file"
            );
        }
        if (Array.Find(Exact, name.Contains) is { } exact)
        {
            return (With(config, ClipActivation.Gelu), $"{Name(ClipActivation.Gelu)}, as \"{exact}\" is in the name of the folder or file");
        }
        return (
            config,
            own == ClipActivation.Gelu
                ? $"{Name(own)}, OpenCLIP's default: its configuration does not say"
                : $"{Name(own)}, as in OpenAI's models: nothing in the folder says otherwise"
        );
    }

    private static ClipConfig With(ClipConfig config, ClipActivation activation) =>
        config with
        {
            Vision = config.Vision with { Activation = activation },
            Text = config.Text with { Activation = activation },
        };

    private static string Name(ClipActivation activation) => activation == ClipActivation.Gelu ? "GELU" : "QuickGELU";
}
