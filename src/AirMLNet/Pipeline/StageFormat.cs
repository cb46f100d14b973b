using Microsoft.ML;
using Microsoft.ML.Runtime;

namespace AirMLNet.Pipeline;

/// <summary>How a stage's part of a saved model is recognised.</summary>
/// <param name="Stage">The stage, for messages.</param>
/// <param name="Signature">Eight characters.</param>
/// <param name="Loader">The name by which a saved model asks for the stage's loader.</param>
internal sealed record StageFormat(string Stage, string Signature, string Loader)
{
    /// <summary>Writes the head of the stage's part.</summary>
    public void Begin(ModelSaveContext ctx) => ModelStream.Begin(ctx, Signature, Loader);

    /// <summary>Reads the head of the stage's part.</summary>
    /// <returns>The stage's host: of seed 0, since a loaded model never depends on the seed.</returns>
    /// <exception cref="FormatException">It is another stage's, or of a newer version.</exception>
    public IHost Open(IHostEnvironment env, ModelLoadContext ctx)
    {
        ArgumentNullException.ThrowIfNull(env);
        ArgumentNullException.ThrowIfNull(ctx);
        ModelStream.CheckVersion(ctx, Signature, Loader);
        return env.Register(Stage, seed: 0);
    }
}
