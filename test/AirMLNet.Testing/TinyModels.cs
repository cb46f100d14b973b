namespace AirMLNet.Testing;

/// <summary>
/// The tiny models that many tests read, each written once per test process, in a folder that is deleted when the process ends.
/// A test that changes a model's files takes a copy.
/// </summary>
public static class TinyModels
{
    /// <summary>A process that a test starts reads the models of that test's process: a killed one could not delete its own.</summary>
    private const string RootVariable = "AIRML_TEST_MODELS";

    private static readonly Lazy<string> TheRoot = new(() =>
    {
        if (Environment.GetEnvironmentVariable(RootVariable) is { } given)
        {
            return given;
        }

        var folder = new TemporaryFolder();
        AppDomain.CurrentDomain.ProcessExit += (_, _) => folder.Dispose();
        return folder.Path;
    });

    private static readonly Lazy<string> TheClip = new(() => Once("tiny-clip", folder => TinyClip.Create(folder)));

    private static readonly Lazy<string> TheDiffusion = new(() =>
        Once("tiny-diffusion", folder => TinyDiffusion.Write(folder, TinyData.MiniClip()))
    );

    /// <summary>The folder of <see cref="TinyClip"/>'s model of seed 1. Only to be read.</summary>
    public static string Clip => TheClip.Value;

    /// <summary>The folder of <see cref="TinyDiffusion"/>'s model. Only to be read.</summary>
    public static string Diffusion => TheDiffusion.Value;

    /// <summary>The folder of all of them.</summary>
    internal static string Root => TheRoot.Value;

    /// <summary>What a process that reads the same models must have in its environment.</summary>
    public static (string Name, string Value) Share => (RootVariable, TheRoot.Value);

    /// <summary>A copy of a model's folder, to be changed.</summary>
    public static string Copy(string model, string folder)
    {
        foreach (var file in Directory.EnumerateFiles(model, "*", SearchOption.AllDirectories))
        {
            var copy = Path.Combine(folder, Path.GetRelativePath(model, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }

        return folder;
    }

    private static string Once(string name, Action<string> write)
    {
        var folder = Path.Combine(TheRoot.Value, name);
        if (!Directory.Exists(folder))
        {
            write(folder);
        }

        return folder;
    }
}
