using System.Text.Json.Nodes;
using AirMLNet.Data;
using AirMLNet.Options;
using AirMLNet.Prompts;
using AirMLNet.Recipes;
using AirMLNet.Synthesis;

namespace AirMLNet.Experiments;

/// <summary>A method of an experiment.</summary>
internal sealed record ExperimentVariant
{
    /// <summary>Name of a published method.</summary>
    public required string Method { get; init; }

    /// <summary>What to call it in the results; null: the method's name.</summary>
    public string? Name { get; init; }

    /// <summary>Members of a recipe that replace all others.</summary>
    public JsonObject? Settings { get; init; }

    /// <summary>
    /// Where this variant's synthetic images are, if elsewhere than the data set's; relative to the data sets' folder, <c>{}</c> being the
    /// data set's name in lower case.
    /// </summary>
    public string? Synthetic { get; init; }

    /// <summary>Another diffusion model than the file's.</summary>
    public string? Diffusion { get; init; }

    /// <summary>Members of <see cref="DiffusionSynthesisOptions"/> that replace the file's.</summary>
    public JsonObject? Synthesis { get; init; }

    /// <summary>Other texts than the file's.</summary>
    public ExperimentCaptions? Captions { get; init; }

    /// <summary>The share of the pool, above 0 to 1, that the method sees, drawn by the seed; null for all of it.</summary>
    public double? Share
    {
        get;
        init => field = OptionCheck.RangeOrNull(value, PoolShare.Least, 1);
    }

    /// <summary>At most so many synthetic images per class; null: as the data set says.</summary>
    public int? MostSynthetic
    {
        get;
        init => field = value is { } n ? OptionCheck.Range(n, 1, int.MaxValue) : null;
    }

    internal string Title => Name ?? Method;

    /// <summary>
    /// Whether there is such a run: what learns from labels needs some, and the kind of prompt that it learns; what fine-tunes CLIP learns
    /// no prompt, and knows no label or, as an oracle, all of them.
    /// </summary>
    internal bool Fits(string paradigm, string prompt)
    {
        var recipe = Recipe.Named(Method);
        if (recipe.FineTune is not null)
        {
            return paradigm == "ul" && prompt == "text";
        }

        return !recipe.Supervised || (paradigm != "ul" && prompt == "text" == (recipe.Prompt == PromptKind.Text));
    }

    /// <summary>What <see cref="Fits"/> asks, in words.</summary>
    internal string Kind
    {
        get
        {
            var recipe = Recipe.Named(Method);
            return recipe.FineTune is not null ? "paradigm ul and prompt text"
                : !recipe.Supervised ? "all paradigms and prompts"
                : $"paradigms ssl and trzsl, and {(recipe.Prompt == PromptKind.Text ? "prompt text" : "prompts visual and visual-deep")}";
        }
    }

    /// <summary>The published settings, then the file's, the prompt kind's, the variant's and the file's overrides.</summary>
    /// <exception cref="FormatException">A member or a value of the settings is not accepted.</exception>
    internal Recipe RecipeFor(ExperimentFile file, ExperimentDataSet set, string paradigm, string prompt)
    {
        // Other sets have no published quantiles; their names are not part of the recipe, so that equal runs of two entries are one.
        var published = Recipe.Named(Method).WithPrompt(ExperimentFile.PromptOf(prompt)).WithDataSet(set.IsPublished ? set.Name : null);
        if (paradigm == "ssl")
        {
            published = published.WithShots(file.Shots);
        }

        var recipe = published;
        foreach (var settings in new[] { file.Settings, file.PromptSettings?.GetValueOrDefault(prompt), Settings, file.Overrides })
        {
            recipe = settings is null ? recipe : With(recipe, Fitting(settings, published), "settings");
        }
        // A method that has one round, or none, keeps them whatever the settings for the others are.
        return published.Rounds > 1 ? recipe : recipe with { Rounds = published.Rounds };
    }

    /// <summary>How the variant's images are made; its folders and classes are set by the caller.</summary>
    /// <exception cref="FormatException">A member or a value of the settings is not accepted.</exception>
    internal DiffusionSynthesisOptions SynthesisFor(ExperimentFile file, DiffusionSynthesisOptions standard)
    {
        foreach (var settings in new[] { file.Synthesis, Synthesis })
        {
            standard = settings is null ? standard : With(standard, settings, "synthesis");
        }

        return standard;
    }

    /// <summary>The texts' maker; null where the method needs none.</summary>
    /// <exception cref="FormatException">It needs one and there is none, or what is said of it does not hold together.</exception>
    internal ExperimentCaptions? CaptionsFor(ExperimentFile file)
    {
        if (!Recipe.Named(Method).NeedsCaptions)
        {
            return null;
        }

        try
        {
            var captions =
                Captions ?? file.Captions ?? throw new FormatException("it needs texts, and neither the method nor the file has captions.");
            captions.Check();
            return captions;
        }
        catch (FormatException e)
        {
            throw new FormatException($"'{Title}': {e.Message}", e);
        }
    }

    // Settings of a file are for all its methods; how CLIP is fine-tuned means nothing to those that do not.
    private static JsonObject Fitting(JsonObject settings, Recipe published)
    {
        const string member = "fineTune";
        if (published.FineTune is not null || !settings.ContainsKey(member))
        {
            return settings;
        }

        var others = settings.DeepClone().AsObject();
        others.Remove(member);
        return others;
    }

    private T With<T>(T options, JsonObject settings, string what)
        where T : class
    {
        try
        {
            return OptionMembers.With(options, settings);
        }
        catch (FormatException e)
        {
            throw new FormatException($"{what} of '{Title}': {e.Message}", e);
        }
    }
}
