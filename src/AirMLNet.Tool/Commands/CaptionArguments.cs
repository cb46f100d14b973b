using System.CommandLine;
using AirMLNet.Captions;
using AirMLNet.Files;
using AirMLNet.FineTuning;
using AirMLNet.Recipes;
using AirMLNet.Tool.Output;
using static TorchSharp.torch;

namespace AirMLNet.Tool.Commands;

/// <summary>The options of LatteCLIP: who writes its texts, and the switches of its tables. 'adapt' and 'compare' share them.</summary>
internal sealed class CaptionArguments
{
    private const string AttributesName = "attributes";
    private const string AllKinds = "class,image,group";

    private readonly Option<string?> _captioner = new("--captioner")
    {
        Description =
            "Who writes latteclip's texts and answers lmm-zero-shot: the address of a server that speaks OpenAI's protocol, such as "
            + $"http://localhost:8000/v1, the folder of a LLaVA-NeXT that runs in this process, or '{AttributesName}': phrases "
            + "that CLIP itself "
            + "chooses, which tell it nothing new",
        HelpName = "URL|FOLDER",
    };

    private readonly Option<string?> _model = new("--captioner-model")
    {
        Description = "The model's name on that server",
        HelpName = "NAME",
    };

    private readonly Option<string?> _key = new("--api-key-env")
    {
        Description = "Environment variable with the server's key (default: none)",
        HelpName = "VARIABLE",
    };

    private readonly Option<string?> _texts = new("--captions")
    {
        Description =
            "Texts that are there: a folder with IMAGE.txt for each image, or with such folders 'images' and 'groups', or a file of JSON "
            + "lines with image, text and group",
        HelpName = "PATH",
    };

    private readonly Option<string?> _vocabulary = new("--vocabulary")
    {
        Description =
            $"File with a phrase a line for --captioner {AttributesName} (default: {AttributeCaptioner.General.Count} general ones)",
        HelpName = "FILE",
    };

    private readonly Option<string?> _about = new("--captions-about")
    {
        Description =
            $"What the images show, for the questions: {string.Join(", ", CaptionPrompts.Domains)}, or another noun (default: that of "
            + "--data-set, or object)",
        HelpName = "NOUN",
    };

    private readonly Option<int?> _calls = SharedOptions.Optional("--parallel-calls", "Texts asked for at a time (default: 4)", 1, 256);

    private readonly Option<string?> _kinds = new("--mix")
    {
        Description = "Texts that latteclip mixes, separated by commas: class, image, group (default: all)",
        HelpName = "KINDS",
    };

    private readonly Option<string?> _update = new("--update")
    {
        Description =
            "latteclip's prototypes follow the texts as in its published code or as in its paper, about 100 times more slowly "
            + "(default: code)",
    };

    private readonly Option<bool> _noMixer = new("--no-mixer") { Description = "latteclip: all texts weigh alike" };
    private readonly Option<bool> _noZeroShot = new("--no-zero-shot-loss")
    {
        Description = "latteclip without the loss of the zero-shot labels",
    };
    private readonly Option<bool> _noCurrent = new("--no-current-loss")
    {
        Description = "latteclip without the loss of the current labels",
    };
    private readonly Option<bool> _noMomentum = new("--no-momentum")
    {
        Description = "latteclip whose prototypes become the new texts alone",
    };
    private readonly Option<int?> _groupSize = SharedOptions.Optional(
        "--group-size",
        "Images of a group that is described (default: 4)",
        1,
        64
    );
    private readonly Option<int?> _groups = SharedOptions.Optional(
        "--groups-per-class",
        "Groups of a class, which its images share (default: one for every image)",
        1,
        1_000_000
    );
    private readonly Option<bool> _fixed = new("--fixed-labels") { Description = "flyp-pl keeps the zero-shot labels" };
    private readonly Option<int?> _steps = SharedOptions.Optional(
        "--most-steps",
        $"Steps of fine-tuning CLIP at most, however many epochs that are (default: {Recipe.LatteClip.FineTune!.MostSteps})",
        1,
        1_000_000_000
    );
    private readonly Option<int?> _chunk = SharedOptions.Optional(
        "--chunk",
        "Images of a step that are in memory at a time; it changes no result but by rounding (default: "
            + $"{Recipe.LatteClip.FineTune!.Chunk})",
        1,
        65_536
    );

    public CaptionArguments()
    {
        _update.AcceptOnlyFromAmong("code", "paper");
        _kinds.Validators.Add(result =>
        {
            var kinds = Kinds(result.GetValueOrDefault<string?>());
            if (kinds.Length == 0 || kinds.Any(k => !Kinds(AllKinds).Contains(k)))
            {
                var other = kinds.FirstOrDefault(k => !Kinds(AllKinds).Contains(k), "");
                result.AddError($"--mix has '{other}'; expected class, image and group, separated by commas.");
            }
        });
    }

    private IEnumerable<Option> Sources => [_captioner, _model, _key, _texts, _vocabulary, _about, _calls];

    /// <summary>The switches of how CLIP is fine-tuned, with the member that each sets.</summary>
    public IEnumerable<(Option Option, string Member)> Switches =>
        new (Option Option, string Member)[]
        {
            (_kinds, nameof(FineTuneSettings.ClassText)),
            (_update, nameof(FineTuneSettings.Update)),
            (_noMixer, nameof(FineTuneSettings.Mixer)),
            (_noZeroShot, nameof(FineTuneSettings.ZeroShotLoss)),
            (_noCurrent, nameof(FineTuneSettings.CurrentLoss)),
            (_noMomentum, nameof(FineTuneSettings.Momentum)),
            (_groupSize, nameof(FineTuneSettings.GroupSize)),
            (_groups, nameof(FineTuneSettings.GroupsPerClass)),
            (_fixed, nameof(FineTuneSettings.FixedLabels)),
            (_steps, nameof(FineTuneSettings.MostSteps)),
            (_chunk, nameof(FineTuneSettings.Chunk)),
        }.Select(s => (s.Option, RecipeUse.FineTune + s.Member));

    public void AddTo(Command command)
    {
        foreach (var option in Sources.Concat(Switches.Select(s => s.Option)))
        {
            command.Options.Add(option);
        }
    }

    /// <summary>The recipe with its switches.</summary>
    /// <exception cref="UsageException">They contradict each other.</exception>
    public Recipe Apply(ParseResult parsed, Recipe recipe)
    {
        if (recipe.FineTune is not { } tune)
        {
            return recipe;
        }

        var kinds = Kinds(parsed.GetValue(_kinds) ?? AllKinds);
        if (!kinds.Contains("group") && SharedOptions.Given(parsed, [_groupSize, _groups]) is { } idle)
        {
            throw new UsageException($"{idle.Name} is of the texts about groups, which --mix leaves out");
        }

        return recipe with
        {
            FineTune = tune with
            {
                ClassText = kinds.Contains("class"),
                ImageText = kinds.Contains("image"),
                GroupText = kinds.Contains("group"),
                Update = parsed.GetValue(_update) == "paper" ? PrototypeUpdate.Paper : tune.Update,
                Mixer = !parsed.GetValue(_noMixer),
                ZeroShotLoss = !parsed.GetValue(_noZeroShot),
                CurrentLoss = !parsed.GetValue(_noCurrent),
                Alpha = parsed.GetValue(_noMomentum) ? 0 : tune.Alpha,
                Momentum = parsed.GetValue(_noMomentum) ? 0 : tune.Momentum,
                GroupSize = parsed.GetValue(_groupSize) ?? tune.GroupSize,
                GroupsPerClass = parsed.GetValue(_groups),
                FixedLabels = parsed.GetValue(_fixed),
                MostSteps = parsed.GetValue(_steps) ?? tune.MostSteps,
                Chunk = parsed.GetValue(_chunk) ?? tune.Chunk,
            },
        };
    }

    /// <summary>Who writes the texts; null where nobody is named and none are needed.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="recipes">The methods.</param>
    /// <param name="clipFolder">The model that chooses phrases.</param>
    /// <param name="dataSet">The published data set whose words the questions have; null for none.</param>
    /// <param name="device">Where a LLaVA in a folder runs; the processor when null.</param>
    /// <exception cref="UsageException">Somebody is needed and nobody named, or the other way round.</exception>
    public CaptionSynthesisOptions? Read(
        ParseResult parsed,
        IReadOnlyCollection<Recipe> recipes,
        string clipFolder,
        string? dataSet,
        Device? device = null
    )
    {
        var wanted = recipes.FirstOrDefault(r => r.NeedsCaptions);
        if (wanted is null)
        {
            return SharedOptions.Given(parsed, Sources) is not { } source ? null
                : recipes.Any(r => r.FineTune?.Kind == FineTuneKind.LatteClip)
                    ? throw new UsageException($"{source.Name} is of the texts about images and groups, which --mix leaves out")
                : throw new UsageException($"{source.Name} is for methods that need texts: latteclip and lmm-zero-shot");
        }

        var server = parsed.GetValue(_captioner);
        var isFolder = server != AttributesName && Directory.Exists(server);
        var choice = new CaptionerChoice
        {
            Server = server == AttributesName || isFolder ? null : server,
            Folder = isFolder ? server : null,
            Attributes = server == AttributesName,
            Model = parsed.GetValue(_model),
            ApiKeyEnv = parsed.GetValue(_key),
            Texts = parsed.GetValue(_texts),
            Vocabulary = parsed.GetValue(_vocabulary),
        };
        if ((server ?? choice.Texts) is null)
        {
            throw new UsageException(
                $"--method {wanted.Name} needs texts: --captioner URL --captioner-model NAME, --captioner FOLDER, --captioner "
                    + $"{AttributesName}, or --captions PATH"
            );
        }

        try
        {
            return new()
            {
                Captioner = choice.Open(clipFolder, device),
                // By content, question and model: whoever asks the same again, anywhere, has the text.
                WorkFolder = Path.Combine(AirHome.Folder, "captions"),
                Domain = parsed.GetValue(_about) ?? CaptionPrompts.DomainOf(dataSet),
                ParallelCalls = parsed.GetValue(_calls) ?? 4,
            };
        }
        catch (FormatException e)
        {
            throw new UsageException(e.Message.TrimEnd('.'));
        }
    }

    private static string[] Kinds(string? text) =>
        (text ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
}
