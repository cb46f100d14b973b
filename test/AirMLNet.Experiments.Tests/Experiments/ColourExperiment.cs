using AirMLNet.Experiments;
using AirMLNet.Images;
using AirMLNet.Testing;

namespace AirMLNet.Tests.Experiments;

/// <summary>Pictures of three colours, some of them as if they were generated, in a folder: what small experiments run on.</summary>
internal static class ColourExperiment
{
    public const string Short = """{ "rounds": 2, "epochs": 2, "batchSize": 8, "promptLength": 3, "perClass": 3, "warmUpEpochs": 1 }""";

    /// <summary>Writes the pictures.</summary>
    /// <param name="root">The folder.</param>
    /// <param name="train">Pictures of the pool; as many as two thirds of it are test pictures.</param>
    public static void LayOut(string root, int train = 36)
    {
        TinyModels.Copy(TinyModels.Clip, Path.Combine(root, "clip"));
        var random = new Random(3);
        var lines = new List<string> { "path,label,split" };
        for (var i = 0; i < train * 5 / 3; i++)
        {
            ImageFile.SavePng(Path.Combine(root, "set", $"{i}.png"), TinyClip.Picture(i % 3, random));
            lines.Add($"{i}.png,{StageFixture.Names[i % 3]},{(i < train ? "train" : "test")}");
        }
        File.WriteAllLines(Path.Combine(root, "set", "set.csv"), lines);
        for (var c = 0; c < StageFixture.Names.Length; c++)
        {
            for (var i = 0; i < 3; i++)
            {
                ImageFile.SavePng(Path.Combine(root, "synthetic", StageFixture.Names[c], $"{i}.png"), TinyClip.Picture(c, random));
            }
        }
    }

    /// <summary>An experiment on them.</summary>
    /// <param name="root">The folder.</param>
    /// <param name="methods">JSON list.</param>
    /// <param name="more">Further JSON members.</param>
    /// <param name="sets">JSON list of data sets; null for the colours.</param>
    public static ExperimentFile Load(string root, string methods, string more, string? sets = null)
    {
        var path = Path.Combine(root, "file.json");
        sets ??= """[{ "name": "colours", "csv": "set/set.csv", "synthetic": "synthetic", "splitSeed": 0 }]""";
        File.WriteAllText(
            path,
            $$"""{ "name": "tiny", "clip": "clip", "output": "out", "dataSets": {{sets}}, "methods": {{methods}}, "settings": {{Short}}, {{more}} }"""
        );
        return ExperimentFile.Load(path);
    }
}
