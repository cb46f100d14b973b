using System.CommandLine;
using AirMLNet.Prompts;
using AirMLNet.Tool.Pipelines;

namespace AirMLNet.Tool.Commands;

/// <summary>The options that make an <see cref="AdaptPlan"/>; 'adapt' and 'compare' share them.</summary>
internal sealed class AdaptPlanOptions
{
    private readonly Option<string> _classes = SharedOptions.Classes();
    private readonly Option<string> _clip = SharedOptions.Clip();

    private readonly Option<string?> _method = new("--method")
    {
        HelpName = "NAME",
        Description =
            "zero-shot: no training; fpl: one training on the most confident images; grip: ten rounds of relabelling; "
            + "prototypes: grip helped by one image prototype per class; ifpl: fpl with ten rounds; cpl: candidate labels, ten growing rounds; "
            + "air: cpl or grip with synthetic images, as prototypes and in training (default: air with --diffusion or --synthetic, otherwise grip)",
    };

    private readonly Option<int?> _epochs = SharedOptions.Optional(
        "--epochs",
        "Epochs of prompt training per round (default: 30; fpl, ifpl, air: 150; cpl: 50)",
        1,
        100_000
    );
    private readonly Option<int?> _rounds = SharedOptions.Optional("--rounds", "Rounds of relabelling (default: 10; fpl: 1)", 1, 1000);
    private readonly Option<int?> _perClass = SharedOptions.Optional(
        "--per-class",
        "Pseudo-labelled images per class for fpl, and for the prototypes (default: 16)",
        1,
        1_000_000
    );
    private readonly Option<int?> _batch = SharedOptions.Optional(
        "--batch",
        "Images per training step (default: 128; fpl, ifpl: 16; cpl, air: 64)",
        1,
        65_536
    );

    private readonly Option<double?> _rate = SharedOptions.Optional(
        "--lr",
        "Peak learning rate of prompt training (default: 0.1; cpl and air on it: 0.02)",
        1e-9,
        1000.0
    );

    private readonly Option<double?> _clipNorm = SharedOptions.Optional(
        "--gradient-clip",
        "Largest norm of the prompt's gradient; 0 for none (default: 0; cpl and air on it: 0.8)",
        0.0,
        1e6
    );

    private readonly Option<double?> _lambda = SharedOptions.Optional(
        "--lambda",
        "Weight of the prototypes' vote against the text's (default: 0.5)",
        0.0,
        100.0
    );

    private readonly Option<double?> _beta = SharedOptions.Optional(
        "--beta",
        "Weight of the synthetic images in air's loss (default: 0.1)",
        0.0,
        100.0
    );

    private readonly Option<string> _base = new("--base")
    {
        Description = "What air builds on: grip or cpl",
        DefaultValueFactory = _ => "cpl",
    };

    private readonly Option<string> _prompt = new("--prompt")
    {
        Description =
            "What is learned: text (words before the class name), visual or visual-deep (tokens beside the image's patches; slow)",
        DefaultValueFactory = _ => "text",
    };

    private readonly Option<string?> _synthetic = new("--synthetic")
    {
        Description = "Synthetic images for air, in one sub-folder per class",
        HelpName = "FOLDER",
    };

    private readonly Option<bool> _prototypeAtTest = new("--prototypes-at-test")
    {
        Description = "Let air's image prototypes vote in the predictions too",
    };

    private static readonly Dictionary<string, PromptKind> Prompts = new()
    {
        ["text"] = PromptKind.Text,
        ["visual"] = PromptKind.Visual,
        ["visual-deep"] = PromptKind.VisualDeep,
    };

    public AdaptPlanOptions()
    {
        _method.AcceptOnlyFromAmong([.. AdaptPlan.Methods.Keys]);
        _base.AcceptOnlyFromAmong("grip", "cpl");
        _prompt.AcceptOnlyFromAmong([.. Prompts.Keys]);
    }

    public void AddTo(Command command, bool method = true)
    {
        command.Options.Add(_classes);
        command.Options.Add(_clip);
        if (method)
        {
            command.Options.Add(_method);
        }

        foreach (var option in new Option[] { _epochs, _rounds, _perClass, _batch, _rate, _clipNorm, _lambda })
        {
            command.Options.Add(option);
        }

        // What a whole method needs beside the images; 'compare' has images alone.
        foreach (var option in method ? new Option[] { _base, _beta, _synthetic, _prototypeAtTest, _prompt } : [])
        {
            command.Options.Add(option);
        }
    }

    public AdaptPlan Read(ParseResult parsed) =>
        new()
        {
            ClipFolder = parsed.GetRequiredValue(_clip),
            ClassNames = AirMLNet.Data.ClassNames.Load(parsed.GetRequiredValue(_classes)),
            Method = parsed.GetValue(_method) is { } method ? AdaptPlan.Methods[method] : AdaptMethod.Grip,
            Epochs = parsed.GetValue(_epochs),
            Rounds = parsed.GetValue(_rounds),
            PerClass = parsed.GetValue(_perClass),
            Batch = parsed.GetValue(_batch),
            LearningRate = parsed.GetValue(_rate),
            GradientClip = parsed.GetValue(_clipNorm),
            Lambda = parsed.GetValue(_lambda),
            Beta = parsed.GetValue(_beta),
            Base = parsed.GetValue(_base) ?? "cpl",
            Prompt = Prompts[parsed.GetValue(_prompt) ?? "text"],
            Synthetic = parsed.GetValue(_synthetic),
            PrototypeAtTest = parsed.GetValue(_prototypeAtTest),
        };

    /// <summary>The method that was named, or the one that what was given is for.</summary>
    public AdaptMethod MethodOf(ParseResult parsed, AdaptPlan plan) =>
        parsed.GetValue(_method) is null && (plan.Synthetic is not null || plan.Diffusion is not null) ? AdaptMethod.Air : plan.Method;
}
