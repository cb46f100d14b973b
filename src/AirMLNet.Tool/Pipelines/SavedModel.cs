using AirMLNet.Files;
using AirMLNet.Reports;
using AirMLNet.Tool.Output;
using Microsoft.ML;

namespace AirMLNet.Tool.Pipelines;

/// <summary>Loads a model zip, and saves one so that a half-written file never carries its name.</summary>
internal static class SavedModel
{
    public static ITransformer Load(MLContext ml, string path)
    {
        if (!File.Exists(path))
        {
            throw new FileNotFoundException($"There is no model '{path}'; 'airml adapt' writes one");
        }

        return ml.Model.LoadAdapted(path, out _);
    }

    /// <summary>Refuses a place that cannot be written to, before the work whose result goes there.</summary>
    /// <exception cref="UsageException">It is no name of a file.</exception>
    public static void CheckTarget(string path)
    {
        if (path.Length == 0)
        {
            throw new UsageException("--output is empty; expected the name of a file, such as model.zip");
        }

        if (Directory.Exists(path) || Path.EndsInDirectorySeparator(path))
        {
            throw new IOException($"'{path}' is a folder; --output names a file, such as model.zip");
        }

        AtomicFile.Probe(path);
    }

    /// <param name="ml">Of the model.</param>
    /// <param name="model">What is saved.</param>
    /// <param name="schema">Of its input.</param>
    /// <param name="path">Its file.</param>
    /// <param name="card">What is told of the adaptation; null for nothing.</param>
    public static void Save(MLContext ml, ITransformer model, DataViewSchema schema, string path, AdaptationCard? card) =>
        AtomicFile.Write(
            path,
            stream =>
            {
                ml.Model.Save(model, schema, stream);
                card?.AddTo(stream);
            }
        );
}
