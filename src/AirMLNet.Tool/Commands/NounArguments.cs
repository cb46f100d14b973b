using System.CommandLine;
using AirMLNet.Captions;
using AirMLNet.Data;
using AirMLNet.Tool.Output;

namespace AirMLNet.Tool.Commands;

/// <summary>What the classes of captions are, and which words mean them.</summary>
internal sealed class NounArguments
{
    private readonly Option<string?> _nouns = new("--nouns")
    {
        Description = "The classes and the nouns that mean them: voc, coco, nus, or a file with \"class: noun, noun\" in each line",
        HelpName = "TABLE",
    };

    private readonly Option<string?> _classes = new("--classes")
    {
        Description = "Text file with one class name a line, each of which means itself",
        HelpName = "FILE",
    };

    public void AddTo(Command command)
    {
        command.Options.Add(_nouns);
        command.Options.Add(_classes);
    }

    /// <exception cref="UsageException">None of them is given, or both.</exception>
    public NounFilterOptions Read(ParseResult parsed)
    {
        var (nouns, classes) = (parsed.GetValue(_nouns), parsed.GetValue(_classes));
        return nouns is null == classes is null ? throw new UsageException("One of --nouns and --classes must say what the classes are")
            : classes is not null ? new() { ClassNames = ClassNames.Load(classes) }
            : nouns switch
            {
                "voc" => new() { Nouns = NounSet.Voc2007 },
                "coco" => new() { Nouns = NounSet.Coco2014 },
                "nus" => new()
                {
                    Nouns = NounSet.NusWide,
                    MaxWords = 77,
                    MaxPerClass = 1000,
                },
                _ => new() { NounFile = nouns },
            };
    }
}
