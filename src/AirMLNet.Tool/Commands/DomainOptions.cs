using System.CommandLine;
using AirMLNet.Clip;
using AirMLNet.Data;

namespace AirMLNet.Tool.Commands;

/// <summary>The options that say what comes before a class name in a diffusion model's prompts.</summary>
internal sealed class DomainOptions
{
    /// <summary>Why they are refused beside a prompt; follows the option's name.</summary>
    public const string IdleBesidePrompt = "says what comes before class names; --prompt is taken as it is";

    private readonly Option<string?> _domain = new("--domain")
    {
        Description =
            "What comes before a class name in the diffusion model's prompts, such as 'Flowers:' (default: that of --data-set, or "
            + $"'{ClassPrompt.DefaultDescription}')",
        HelpName = "TEXT",
    };

    private readonly Option<string?> _dataSet = new("--data-set")
    {
        Description =
            "Published data set whose words come before class names, and whose numbers latteclip takes "
            + $"({string.Join(", ", DataSets.Names)}); one whose folder is IMAGES "
            + "need not be named",
        HelpName = "NAME",
        CustomParser = result =>
        {
            var name = result.Tokens[0].Value;
            if (DataSets.Description(name) is null)
            {
                result.AddError($"--data-set is '{name}'; expected one of {string.Join(", ", DataSets.Names)}.");
            }

            return name;
        },
    };

    public Option Domain => _domain;

    public IEnumerable<Option> All => [_domain, _dataSet];

    /// <summary>The published data set that was named, or whose folder the images are in; null for none.</summary>
    public string? NameOf(ParseResult parsed, string? images) =>
        parsed.GetValue(_dataSet) ?? (images is null || !Directory.Exists(images) ? null : DataSets.Around(images)?.Name);

    /// <summary>What comes before a class name.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="images">The folder of images, which may be a published data set's; null where there is none.</param>
    public string Read(ParseResult parsed, string? images = null)
    {
        var name = NameOf(parsed, images);
        return parsed.GetValue(_domain) ?? (name is null ? null : DataSets.Description(name)) ?? ClassPrompt.DefaultDescription;
    }
}
