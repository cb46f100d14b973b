using System.CommandLine;
using AirMLNet.Data;
using AirMLNet.Tool.Pipelines;

namespace AirMLNet.Tool.Commands;

/// <summary>The options that make an <see cref="AdaptPlan"/>; 'adapt' and 'compare' share them.</summary>
internal sealed class AdaptPlanOptions
{
    private readonly Option<string> _classes = SharedOptions.Classes();
    private readonly Option<string> _clip = SharedOptions.Clip();

    private readonly Option<string> _method = new("--method")
    {
        Description = "zero-shot: no training; fpl: one training on the most confident images; grip: ten rounds of relabelling; "
            + "prototypes: grip helped by one image prototype per class",
        DefaultValueFactory = _ => "grip",
    };

    private readonly Option<int?> _epochs = SharedOptions.Optional("--epochs", "Epochs of prompt training per round (default: 30; fpl: 150)", 1, 100_000);
    private readonly Option<int?> _rounds = SharedOptions.Optional("--rounds", "Rounds of relabelling (default: 10; fpl: 1)", 1, 1000);
    private readonly Option<int?> _perClass = SharedOptions.Optional("--per-class", "Pseudo-labelled images per class for fpl, and for the prototypes (default: 16)", 1, 1_000_000);
    private readonly Option<int?> _batch = SharedOptions.Optional("--batch", "Images per training step (default: 128; fpl: 16)", 1, 65_536);

    private readonly Option<double?> _lambda = SharedOptions.Optional("--lambda", "Weight of the prototypes' vote against the text's (default: 0.5)", 0.0, 100.0);

    public AdaptPlanOptions() => _method.AcceptOnlyFromAmong([.. AdaptPlan.Methods.Keys]);

    public void AddTo(Command command, bool method = true)
    {
        command.Options.Add(_classes);
        command.Options.Add(_clip);
        if (method)
        {
            command.Options.Add(_method);
        }

        foreach (var option in new Option[] { _epochs, _rounds, _perClass, _batch, _lambda })
        {
            command.Options.Add(option);
        }
    }

    public AdaptPlan Read(ParseResult parsed) => new()
    {
        ClipFolder = parsed.GetRequiredValue(_clip),
        ClassNames = AirMLNet.Data.ClassNames.Load(parsed.GetRequiredValue(_classes)),
        Method = AdaptPlan.Methods[parsed.GetValue(_method) ?? "grip"],
        Epochs = parsed.GetValue(_epochs),
        Rounds = parsed.GetValue(_rounds),
        PerClass = parsed.GetValue(_perClass),
        Batch = parsed.GetValue(_batch),
        Lambda = parsed.GetValue(_lambda),
    };
}
