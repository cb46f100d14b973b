using System.Diagnostics;
using System.Globalization;
using AirMLNet.Files;
using AirMLNet.Reports;
using Microsoft.ML;

namespace AirMLNet.Tool.Pipelines;

/// <summary>Loads a model zip, and saves one so that a half-written file never carries its name.</summary>
internal static class SavedModel
{
    private const string Ending = ".tmp";

    // Numbers of processes are a machine's own, and a folder may be shared by several.
    private static readonly string Mark = $".{Environment.MachineName}-";

    public static ITransformer Load(MLContext ml, string path)
    {
        if (!File.Exists(path))
        {
            throw new FileNotFoundException($"There is no model '{path}'; 'airml adapt' writes one");
        }

        return ml.Model.LoadAdapted(path, out _);
    }

    /// <summary>Refuses a place that cannot be written to, before the work whose result goes there.</summary>
    public static void CheckTarget(string path)
    {
        if (Directory.Exists(path))
        {
            throw new IOException($"'{path}' is a folder; --output names a file, such as model.zip");
        }

        path = RealFile.FullPath(path);
        var folder = Path.GetDirectoryName(path)!;
        Directory.CreateDirectory(folder);
        Sweep(folder, path);
        using var probe = new FileStream(
            TemporaryFor(path),
            FileMode.Create,
            FileAccess.Write,
            FileShare.None,
            1,
            FileOptions.DeleteOnClose
        );
    }

    /// <param name="ml">Of the model.</param>
    /// <param name="model">What is saved.</param>
    /// <param name="schema">Of its input.</param>
    /// <param name="path">Its file.</param>
    /// <param name="card">What is told of the adaptation; null for nothing.</param>
    public static void Save(MLContext ml, ITransformer model, DataViewSchema schema, string path, AdaptationCard? card)
    {
        path = RealFile.FullPath(path);
        var temporary = TemporaryFor(path);
        try
        {
            ml.Model.Save(model, schema, temporary);
            card?.AddTo(temporary);
            File.Move(temporary, path, overwrite: true);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    private static string TemporaryFor(string path) => $"{path}{Mark}{Environment.ProcessId}{Ending}";

    /// <summary>Deletes what processes of this machine left that were killed while they wrote.</summary>
    private static void Sweep(string folder, string path)
    {
        var begins = Path.GetFileName(path) + Mark;
        foreach (var file in Directory.EnumerateFiles(folder))
        {
            var name = Path.GetFileName(file);
            if (
                name.StartsWith(begins, StringComparison.Ordinal)
                && name.EndsWith(Ending, StringComparison.Ordinal)
                && int.TryParse(
                    name.AsSpan(begins.Length, name.Length - begins.Length - Ending.Length),
                    CultureInfo.InvariantCulture,
                    out var id
                )
                && !IsRunning(id)
            )
            {
                File.Delete(file);
            }
        }
    }

    private static bool IsRunning(int id)
    {
        try
        {
            using var process = Process.GetProcessById(id);
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }
}
