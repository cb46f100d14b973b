using AirMLNet.Files;

namespace AirMLNet.Clip;

/// <summary>
/// How a class is spoken of in a text: the only place where names become prompts, for zero-shot classification, learned prompts,
/// fine-tuning a diffusion model and generating images.
/// </summary>
internal static class ClassPrompt
{
    /// <summary>What comes before a class name for a diffusion model where no data set says better.</summary>
    public const string DefaultDescription = "a photo of a";

    /// <summary>
    /// A name as it is said: underscores, which folders and lists have for blanks, are blanks; in one Unicode form, since systems write
    /// names of folders in two.
    /// </summary>
    public static string Spoken(string className) => UnicodeForms.Compose(className.Replace('_', ' ').Trim());

    /// <summary>
    /// A template with a name in it. GRIP's published prompt, which leaves its braces in, is <c>a photo of a {{}}{}</c>.
    /// </summary>
    /// <param name="template">A text with <c>{}</c> where the name goes; <c>{{}}</c> stands for braces in the text itself.</param>
    /// <param name="className">The name.</param>
    public static string Fill(string template, string className) =>
        string.Join("{}", template.Split("{{}}").Select(part => part.Replace("{}", Spoken(className), StringComparison.Ordinal)));

    /// <summary>The prompt of a class for a diffusion model, "d c" (docs/methods.md §4.2), such as "Flowers: thorn apple".</summary>
    /// <param name="className">c.</param>
    /// <param name="description">d, what comes before it; may be empty.</param>
    public static string Of(string className, string description) => $"{description.Trim()} {Spoken(className)}".Trim();
}
