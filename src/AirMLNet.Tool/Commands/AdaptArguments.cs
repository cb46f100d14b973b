using System.CommandLine;
using System.Globalization;
using AirMLNet.Captions;
using AirMLNet.Data;
using AirMLNet.Pipeline;
using AirMLNet.Prompts;
using AirMLNet.PseudoLabels;
using AirMLNet.Recipes;
using AirMLNet.Tool.Output;
using AirMLNet.Tool.Pipelines;

namespace AirMLNet.Tool.Commands;

/// <summary>The options that make an <see cref="AdaptSettings"/>; 'adapt' and 'compare' share them.</summary>
internal sealed class AdaptArguments
{
    /// <summary>AiR on what --base names.</summary>
    public const string Air = "air";

    private readonly Option<string> _classes = SharedOptions.Classes();
    private readonly Option<string> _clip = SharedOptions.Clip();

    private readonly Option<string?> _method = new("--method")
    {
        HelpName = "NAME",
        Description =
            "zero-shot: no training; fpl: one training on the most confident images; ifpl: the same in ten rounds; grip: ten rounds "
            + "with growing numbers of labels; prototypes: grip helped by one image prototype per class; cpl: candidate labels in ten "
            + "growing rounds; air: cpl or grip with synthetic images, as prototypes and in training; air-mean: the same on grip with the "
            + "mean of "
            + "all images of a class as its prototype, which is ours; latteclip: CLIP itself is fine-tuned with texts that a multimodal "
            + "model writes (--captioner); flyp-pl: the same with class names alone; flyp-oracle: from --labels; reclip: label "
            + "propagation and two copies that teach each other; lmm-zero-shot: only asks the model; coop, vpt: learn from --labels "
            + "(default: air with --diffusion or --synthetic, coop or vpt with --labels, otherwise grip)",
    };

    private readonly Option<int?> _epochs = SharedOptions.Optional(
        "--epochs",
        $"Epochs of training, per round where there are rounds ({Published(r => r.Epochs)})",
        1,
        100_000
    );
    private readonly Option<int?> _rounds = SharedOptions.Optional(
        "--rounds",
        $"Rounds of relabelling ({Published(r => r.Rounds)})",
        1,
        1000
    );
    private readonly Option<int?> _perClass = SharedOptions.Optional(
        "--per-class",
        $"Pseudo-labelled images per class for fpl, ifpl and prototypes ({Published(r => r.PerClass)})",
        1,
        1_000_000
    );
    private readonly Option<int?> _batch = SharedOptions.Optional(
        "--batch",
        $"Images per training step ({Published(r => r.BatchSize)})",
        1,
        65_536
    );

    private readonly Option<double?> _rate = SharedOptions.Optional(
        "--lr",
        $"Peak learning rate ({Published(r => r.LearningRate)})",
        1e-9,
        1000.0
    );

    private readonly Option<double?> _clipNorm = SharedOptions.Optional(
        "--gradient-clip",
        $"Largest norm of the prompt's gradient; 0 for none ({Published(r => r.GradientClip)})",
        0.0,
        1e6
    );

    private readonly Option<double?> _lambda = SharedOptions.Optional(
        "--lambda",
        $"Weight of the prototypes' vote against the text's ({Published(r => r.PrototypeWeight)})",
        0.0,
        100.0
    );

    private readonly Option<double?> _beta = SharedOptions.Optional(
        "--beta",
        FormattableString.Invariant($"Weight of the synthetic images in air's loss (default: {Recipe.AirOnCpl.SyntheticWeight})"),
        0.0,
        100.0
    );

    private readonly Option<string?> _selection = new("--selection")
    {
        Description =
            "How fpl, ifpl, grip and what builds on it choose images for the classes: exact (each class its most probable ones; an "
            + "image may count for several), deferred (the same, but an image counts for one), leaderboard (as GRIP's code) "
            + $"(default: {Recipe.Grip.Selection.ToString().ToLowerInvariant()})",
    };

    private readonly Option<int?> _representatives = SharedOptions.Optional(
        "--representatives",
        $"Synthetic images of each class whose mean is its prototype, the surest ones ({Published(r => r.Representatives)})",
        1,
        100_000
    );

    private readonly Option<double?> _share = SharedOptions.Optional(
        "--share",
        "Share of the images to adapt to, drawn by the seed (default: all)",
        PoolShare.Least,
        1.0
    );

    private readonly CaptionArguments _captions = new();

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

    private static readonly Dictionary<string, SelectionRule> Selections = new()
    {
        ["exact"] = SelectionRule.Exact,
        ["deferred"] = SelectionRule.Deferred,
        ["leaderboard"] = SelectionRule.Leaderboard,
    };

    private static readonly Dictionary<string, PromptKind> Prompts = new()
    {
        ["text"] = PromptKind.Text,
        ["visual"] = PromptKind.Visual,
        ["visual-deep"] = PromptKind.VisualDeep,
    };

    public AdaptArguments()
    {
        _method.AcceptOnlyFromAmong([.. Recipe.Names, Air]);
        _selection.AcceptOnlyFromAmong([.. Selections.Keys]);
        _base.AcceptOnlyFromAmong("grip", "cpl");
        _prompt.AcceptOnlyFromAmong([.. Prompts.Keys]);
    }

    // With the member of the recipe that each sets.
    private IEnumerable<(Option Option, string Member)> Training =>
        [
            (_epochs, nameof(Recipe.Epochs)),
            (_rounds, nameof(Recipe.Rounds)),
            (_perClass, nameof(Recipe.PerClass)),
            (_batch, nameof(Recipe.BatchSize)),
            (_rate, nameof(Recipe.LearningRate)),
            (_clipNorm, nameof(Recipe.GradientClip)),
            (_lambda, nameof(Recipe.PrototypeWeight)),
            (_selection, nameof(Recipe.Selection)),
        ];

    private IEnumerable<(Option Option, string Member)> WholeMethods =>
        [
            (_beta, nameof(Recipe.SyntheticWeight)),
            (_representatives, nameof(Recipe.Representatives)),
            (_prototypeAtTest, nameof(Recipe.PrototypeAtTest)),
            (_prompt, nameof(Recipe.Prompt)),
        ];

    public void AddTo(Command command, bool method = true)
    {
        command.Options.Add(_classes);
        command.Options.Add(_clip);
        if (method)
        {
            command.Options.Add(_method);
        }

        foreach (var option in Training.Select(t => t.Option).Append(_share))
        {
            command.Options.Add(option);
        }

        _captions.AddTo(command);

        // What a whole method needs beside the images; 'compare' has images alone.
        foreach (var option in method ? WholeMethods.Select(w => w.Option).Prepend(_base).Append(_synthetic) : [])
        {
            command.Options.Add(option);
        }
    }

    /// <summary>What was asked for.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="labels">Whether the images' labels are learned from.</param>
    /// <param name="generates">Whether a diffusion model was named.</param>
    /// <param name="dataSet">The published data set that the images are of; null for none.</param>
    /// <exception cref="UsageException">Method and kind of prompt do not fit each other, or an option does not fit the method.</exception>
    public AdaptSettings Read(ParseResult parsed, bool labels, bool generates, string? dataSet)
    {
        var synthetic = parsed.GetValue(_synthetic);
        var visual = PromptOf(parsed) != PromptKind.Text;
        var method =
            parsed.GetValue(_method)
            ?? (
                labels
                    ? visual
                        ? Recipe.Vpt.Name
                        : Recipe.CoOp.Name
                    : generates || synthetic is not null
                        ? Air
                        : Recipe.Grip.Name
            );
        if (method != Air && SharedOptions.Given(parsed, [_base]) is not null)
        {
            throw new UsageException($"--base says what --method air builds on; --method {method} says it itself");
        }

        var recipe = RecipeOf(parsed, method, dataSet);
        RefuseIdle(parsed, [recipe]);
        return Read(parsed, recipe) with { Labels = labels, Synthetic = synthetic };
    }

    /// <summary>What a recipe is applied to.</summary>
    public AdaptSettings Read(ParseResult parsed, Recipe recipe) =>
        new()
        {
            Recipe = recipe,
            ClipFolder = parsed.GetRequiredValue(_clip),
            ClassNames = Data.ClassNames.Load(parsed.GetRequiredValue(_classes)),
        };

    /// <summary>Refuses options that none of the methods reads: they would change nothing, without a word.</summary>
    /// <exception cref="UsageException">One was given.</exception>
    public void RefuseIdle(ParseResult parsed, IReadOnlyCollection<Recipe> recipes)
    {
        // By the published numbers: --rounds 1 does change a method of ten.
        Recipe[] published = [.. recipes.Select(r => Recipe.Named(r.Name))];
        foreach (var (option, member) in Training.Concat(WholeMethods).Concat(_captions.Switches))
        {
            if (SharedOptions.Given(parsed, [option]) is not null && RecipeUse.Idle(member, published) is { } idle)
            {
                throw new UsageException($"{option.Name} {idle}");
            }
        }
    }

    /// <summary>Who writes the texts of methods that need some.</summary>
    public CaptionSynthesisOptions? CaptionsOf(
        ParseResult parsed,
        IReadOnlyCollection<Recipe> recipes,
        string? dataSet,
        DeviceChoice device
    ) =>
        _captions.Read(
            parsed,
            recipes,
            parsed.GetRequiredValue(_clip),
            dataSet,
            device.Resolve(_ => { }) // what is missing was told when the device was chosen
        );

    /// <summary>The share of the images that is adapted to; null for all.</summary>
    public double? ShareOf(ParseResult parsed) => parsed.GetValue(_share);

    /// <summary>The recipe of a method's name, with what the command line changes.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="method">Its name.</param>
    /// <param name="dataSet">The published data set whose numbers it takes; null for none.</param>
    /// <exception cref="UsageException">The method learns another kind of prompt.</exception>
    public Recipe RecipeOf(ParseResult parsed, string method, string? dataSet = null)
    {
        var recipe = Recipe.Named(method == Air ? Recipe.AirPrefix + (parsed.GetValue(_base) ?? Recipe.Cpl.Name) : method);
        recipe = _captions.Apply(parsed, recipe.FineTune is null ? recipe : recipe.WithDataSet(dataSet));
        var prompt = PromptOf(parsed);
        if (recipe.FineTune is not null && prompt != PromptKind.Text)
        {
            throw new UsageException($"--method {recipe.Name} learns no prompt");
        }
        if (recipe.Name == Recipe.CoOp.Name && prompt != PromptKind.Text)
        {
            throw new UsageException("--method coop learns words; vpt learns visual prompts");
        }
        if (recipe.Name == Recipe.Vpt.Name && prompt == PromptKind.Text && SharedOptions.Given(parsed, [_prompt]) is not null)
        {
            throw new UsageException("--method vpt learns visual prompts; coop learns words");
        }
        if (prompt != PromptKind.Text)
        {
            recipe = recipe.WithPrompt(prompt);
        }
        // Of several methods that are compared each takes what is its own.
        if (parsed.GetValue(_selection) is { } selection && recipe.Uses(nameof(Recipe.Selection)))
        {
            recipe = recipe with { Selection = Selections[selection] };
        }
        if (parsed.GetValue(_epochs) is { } epochs)
        {
            recipe = recipe.WithEpochs(epochs);
        }
        if (parsed.GetValue(_rounds) is { } rounds)
        {
            recipe = recipe.WithRounds(rounds);
        }
        recipe = recipe.WithWeights(parsed.GetValue(_lambda) ?? recipe.PrototypeWeight, parsed.GetValue(_beta) ?? recipe.SyntheticWeight);
        return recipe with
        {
            PerClass = parsed.GetValue(_perClass) ?? recipe.PerClass,
            BatchSize = parsed.GetValue(_batch) ?? recipe.BatchSize,
            LearningRate = parsed.GetValue(_rate) ?? recipe.LearningRate,
            GradientClip = parsed.GetValue(_clipNorm) ?? recipe.GradientClip,
            Representatives = parsed.GetValue(_representatives) ?? recipe.Representatives,
            PrototypeAtTest = parsed.GetValue(_prototypeAtTest),
        };
    }

    /// <summary>The recipes' own numbers, for the help: the most common one, then the others with the methods that have them.</summary>
    private static string Published<T>(Func<Recipe, T> number)
        where T : IFormattable
    {
        var groups = Recipe.All.Where(r => r.Rounds > 0).GroupBy(number).OrderByDescending(g => g.Count()).ToList();
        var others = groups.Skip(1).Select(g => $"; {string.Join(", ", g.Select(r => r.Name))}: {Text(g.Key)}");
        return $"default: {Text(groups[0].Key)}{string.Concat(others)}";

        static string Text(T value) => value.ToString(null, CultureInfo.InvariantCulture);
    }

    private PromptKind PromptOf(ParseResult parsed) => Prompts[parsed.GetValue(_prompt) ?? "text"];
}
