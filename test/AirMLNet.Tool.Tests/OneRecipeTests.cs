using System.Globalization;
using AirMLNet.Data;
using AirMLNet.Experiments;
using AirMLNet.Prompts;
using AirMLNet.PseudoLabels;
using AirMLNet.Recipes;
using AirMLNet.Testing;
using AirMLNet.Tool.Commands;
using AirMLNet.Tool.Output;
using AirMLNet.Tool.Pipelines;
using Microsoft.ML;

namespace AirMLNet.Tool.Tests;

/// <summary>One name means one recipe: command, comparison, experiment and a program give the same model, bit for bit.</summary>
[TestClass]
public sealed class OneRecipeTests
{
    private const int Seed = 3;
    private static readonly TemporaryFolder Folder = new();
    private static string s_clip = "";

    public static IEnumerable<object[]> Cases =>
        from recipe in Recipe.All.Where(r => r.FineTune is null)
        from prompt in new[] { PromptKind.Text, PromptKind.Visual }
        from labelled in new[] { false, true }
        where prompt == PromptKind.Text ? recipe.Name != "vpt" : recipe.Name is not ("coop" or "zero-shot")
        where !recipe.Supervised || labelled
        select new object[] { recipe.Name, prompt, labelled };

    [ClassInitialize]
    public static void LayOut(TestContext context)
    {
        s_clip = TinyClip.Create(Folder["clip"]);
        TinyData.Images(Folder["photos"], perClass: 6);
        TinyData.Images(Folder["labelled"], perClass: 2, byClass: true);
        TinyData.Images(Folder["synthetic"], perClass: 3, byClass: true);
        TinyData.Classes(Folder["classes.txt"]);
    }

    [ClassCleanup]
    public static void CleanUp() => Folder.Dispose();

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void EveryWayGivesTheSameModel(string name, PromptKind prompt, bool labelled)
    {
        var recipe = Short(Recipe.Named(name).WithPrompt(prompt));
        var settings = new AdaptSettings
        {
            Recipe = recipe,
            ClipFolder = s_clip,
            ClassNames = TinyData.ClassNames,
            Labels = recipe.Supervised,
            Labelled = labelled && recipe is { Supervised: false, Rounds: > 0 } ? Folder["labelled"] : null,
            Synthetic = recipe.NeedsSynthetic ? Folder["synthetic"] : null,
        };
        settings.Check();
        var photos = Photos.Open(Folder[recipe.Supervised ? "labelled" : "photos"], recipe.Supervised, skipUnreadable: false, default);
        var known = AdaptRows.Known(settings, skipUnreadable: false, default);

        var (adapted, _, _) = AdaptRun.Fit(new MLContext(Seed), settings, photos, known, new SilentStep(), default);
        var expected = Bits(adapted);

        // A program, from the images.
        var task = new AdaptationTask
        {
            ClipFolder = s_clip,
            ClassNames = TinyData.ClassNames,
            LabelColumn = recipe.Supervised || known.Count > 0 ? AdaptSettings.LabelColumn : null,
        };
        var ml = new MLContext(Seed);
        Assert.AreEqual(expected, Bits(recipe.Stages(ml, task).Fit(Rows(ml, photos, known, encoded: false))), "a program");

        // A comparison and an experiment, from features.
        // Rows are of another context: whatever is made on a context before the stages takes a seed from it.
        var data = new MLContext(1);
        Assert.AreEqual(
            expected,
            Bits(ComparisonRun.Fit(new MLContext(Seed), settings, Rows(data, photos, known, encoded: true), default)),
            "a comparison"
        );
        Assert.AreEqual(
            expected,
            Bits(ExperimentRun.Fit(new MLContext(Seed), recipe, task, Rows(data, photos, known, encoded: true))),
            "an experiment"
        );
    }

    /// <summary>What fine-tunes CLIP knows no labelled and synthetic images; it has texts and a folder instead.</summary>
    [TestMethod]
    [DataRow("latteclip")]
    [DataRow("flyp-pl")]
    [DataRow("reclip")]
    public void EveryWayGivesTheSameTunedModel(string name)
    {
        var recipe = Recipe.Named(name).WithEpochs(1) with { BatchSize = 6, LearningRate = 1e-4 };
        var photos = Photos.Open(Folder["photos"], labels: false, skipUnreadable: false, default);
        AdaptSettings Settings(string work) =>
            new()
            {
                Recipe = recipe,
                ClipFolder = s_clip,
                ClassNames = TinyData.ClassNames,
                Captions = new() { Captioner = new ColourCaptioner(), WorkFolder = Folder["texts"] },
                Work = Folder[name, work],
            };
        Settings("a").Check();
        var (adapted, _, _) = AdaptRun.Fit(new MLContext(Seed), Settings("a"), photos, [], new SilentStep(), default);
        var features = Rows(new MLContext(1), photos, [], encoded: true);
        var expected = Scores(adapted);
        Assert.AreEqual(expected, Scores(ComparisonRun.Fit(new MLContext(Seed), Settings("b"), features, default)), "a comparison");
        var task = Settings("c").Task(hasFeatures: true);
        Assert.AreEqual(expected, Scores(ExperimentRun.Fit(new MLContext(Seed), recipe, task, features)), "an experiment");

        string Scores(ITransformer model) =>
            string.Join(
                ' ',
                StageFixture.Vectors(model.Transform(features), "Score").SelectMany(v => v).Select(BitConverter.SingleToUInt32Bits)
            );
    }

    [TestMethod]
    [DataRow("fpl")]
    [DataRow("cpl")]
    [DataRow("air-grip")]
    public void TheCommandSavesThatModel(string name)
    {
        var recipe = Recipe.Named(name).WithRounds(2).WithEpochs(3) with { LearningRate = 0.01 };
        string[] synthetic = recipe.NeedsSynthetic ? ["--synthetic", Folder["synthetic"]] : [];
        var zip = Folder[name + ".zip"];
        Airml
            .Run([
                "adapt",
                "--no-cache", // features of the other tests were encoded in other batches
                Folder["photos"],
                "--classes",
                Folder["classes.txt"],
                "--clip",
                s_clip,
                "-o",
                zip,
                "--method",
                name,
                .. recipe.Rounds > 1 ? ["--rounds", "2"] : Array.Empty<string>(),
                "--epochs",
                "3",
                "--lr",
                "0.01",
                "--seed",
                Seed.ToString(CultureInfo.InvariantCulture),
                .. synthetic,
            ])
            .Succeeded();

        var ml = new MLContext(Seed);
        var settings = new AdaptSettings
        {
            Recipe = recipe,
            ClipFolder = s_clip,
            ClassNames = TinyData.ClassNames,
            Synthetic = recipe.NeedsSynthetic ? Folder["synthetic"] : null,
        };
        var photos = Photos.Open(Folder["photos"], labels: false, skipUnreadable: false, default);
        var (model, _, _) = AdaptRun.Fit(ml, settings, photos, AdaptRows.Known(settings, false, default), new SilentStep(), default);
        Assert.AreEqual(Bits(model), Bits(new MLContext().Model.Load(zip, out _)));
    }

    [TestMethod]
    public void TheCommandChoosesHowImagesAreChosen_AndHowManyAreAPrototype()
    {
        var recipe = Read("--method grip");
        Assert.AreEqual(Recipe.Grip, recipe);
        Assert.AreEqual(SelectionRule.Deferred, Read("--method grip --selection deferred").Selection);
        Assert.AreEqual(SelectionRule.Leaderboard, Read("--method air-grip --selection leaderboard").Selection);
        Assert.AreEqual(7, Read("--method air-cpl --representatives 7").Representatives);
        Assert.AreEqual(Recipe.AirMean, Read("--method air-mean"));

        static Recipe Read(string line)
        {
            var options = new AdaptArguments();
            var command = new System.CommandLine.Command("adapt");
            options.AddTo(command);
            string[] known = ["--classes", Folder["classes.txt"], "--clip", s_clip];
            return options.Read(command.Parse([.. known, .. line.Split(' ')]), labels: false, generates: false, dataSet: null).Recipe;
        }
    }

    private static Recipe Short(Recipe recipe) => recipe.WithRounds(2).WithEpochs(2) with { BatchSize = 8 };

    private static IDataView Rows(MLContext ml, IReadOnlyList<ImageRow> photos, IReadOnlyList<AdaptRow> known, bool encoded)
    {
        var view = ml.Data.LoadFromEnumerable<AdaptRow>([.. photos.Select(AdaptRow.Real), .. known]);
        var keyed = ImageLabels.WithKeys(ml, view, TinyData.ClassNames);
        if (!encoded)
        {
            return keyed;
        }
        // Encoded on another context, as a cache of features is.
        return new MLContext(1).Transforms.ClipFeature("Features", "ImagePath", s_clip).Fit(keyed).Transform(keyed);
    }

    private static string Bits(ITransformer model)
    {
        var last = model as PromptAdapterTransformer ?? ((IEnumerable<ITransformer>)model).OfType<PromptAdapterTransformer>().Single();
        return string.Join(' ', last.Prompt.ToArray().Concat(last.Head.Weights.ToArray()).Select(BitConverter.SingleToUInt32Bits));
    }
}
