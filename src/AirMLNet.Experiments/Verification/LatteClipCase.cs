using System.Text.RegularExpressions;
using AirMLNet.FineTuning;
using static TorchSharp.torch;

namespace AirMLNet.Verification;

/// <summary>
/// LatteCLIP's training rules: mixed features, losses, gradients and prototypes of several rules on given features, and a tiny model
/// trained for some steps.
/// </summary>
internal sealed partial class LatteClipCase : ICaseKind
{
    public string Name => "LatteCLIP";

    public string Form => "io.safetensors with in.NAME.bank0, in.NAME.zs_labels and out.NAME.RUN.sK.*";

    public bool Recognises(CaseFolder folder) =>
        folder.HasIo
        && folder.Expected("in.").Any(n => n.EndsWith(".bank0", StringComparison.Ordinal))
        && folder.Expected("in.").Any(n => n.EndsWith(".zs_labels", StringComparison.Ordinal));

    public void Run(CaseFolder folder, List<VerificationRow> rows)
    {
        using var scope = NewDisposeScope();
        Dictionary<string, Func<string, VerificationRow>> runs = new(StringComparer.Ordinal);
        List<LatteClipTraining> open = [];
        try
        {
            foreach (var name in folder.Expected("out.").Select(n => "out." + n).Concat(folder.Expected("grad.").Select(n => "grad." + n)))
            {
                rows.Add(Comparison.Guarded(name, () => RunOf(folder, runs, open, name)(name)));
            }

            if (Directory.GetFiles(folder.Path, "weights_after*.safetensors").Length > 0)
            {
                var train = open.First(o => !o.IsFlyp);
                rows.AddRange(train.WeightsAfter());
            }
        }
        finally
        {
            open.ForEach(training => training.Dispose());
        }
    }

    private static Func<string, VerificationRow> RunOf(
        CaseFolder folder,
        Dictionary<string, Func<string, VerificationRow>> runs,
        List<LatteClipTraining> open,
        string name
    )
    {
        var parts = name.Split('.');
        var key = parts[1] is "train" or "flyp" or "accum" ? parts[1] : $"{parts[1]}.{parts[2]}";
        if (runs.TryGetValue(key, out var known))
        {
            return known;
        }

        if (key is "train" or "flyp")
        {
            var training = new LatteClipTraining(folder, key == "flyp");
            open.Add(training);
            return runs[key] = training.Row;
        }

        return runs[key] =
            key == "accum" ? new LatteClipAccumulation(folder).Row : new LatteClipRun(folder, parts[1], RuleOf(folder, parts[2])).Row;
    }

    /// <summary>The rule that a run's name says.</summary>
    internal static MixerRule RuleOf(CaseFolder folder, string run)
    {
        if (run is "paper" or "paper_mu0")
        {
            return new MixerRule
            {
                Update = PrototypeUpdate.Paper,
                Momentum = run == "paper" ? Paper(folder) : 0,
                TextShare = 1 - Paper(folder),
            };
        }

        var rule = new MixerRule { TextShare = (double?)folder.Case["train_args"]?["alpha"] ?? 0.01 };
        return run switch
        {
            "published" => rule with { ClassWeight = ClassTextWeight.FeatureColumns },
            "unsqueeze_only" => rule with { ClassWeight = ClassTextWeight.CurrentLabel },
            "corrected" => rule,
            "corrected_alpha1" => rule with { TextShare = 1 },
            "corrected_no_group" => rule with { GroupText = false },
            "corrected_no_image" => rule with { ImageText = false },
            "corrected_no_class" => rule with { ClassText = false },
            "corrected_no_mixer" => rule with { Weighted = false },
            "corrected_no_zs_loss" => rule with { ZeroShotLoss = false },
            _ => throw new InvalidDataException($"the run {run} is not known"),
        };
    }

    // case.json says it in words: "alpha = mu = 0.99".
    private static double Paper(CaseFolder folder)
    {
        var match = PaperPattern().Match((string?)folder.Case["outputs"]?["RUN paper"] ?? "");
        return match.Success ? double.Parse(match.Groups["value"].Value, System.Globalization.CultureInfo.InvariantCulture) : 0.99;
    }

    [GeneratedRegex(@"alpha = mu = (?<value>0\.\d+)", RegexOptions.ExplicitCapture)]
    private static partial Regex PaperPattern();
}
