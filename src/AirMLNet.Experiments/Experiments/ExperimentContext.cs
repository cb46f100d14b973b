using AirMLNet.Clip;
using AirMLNet.Diffusion;
using AirMLNet.Pipeline;

namespace AirMLNet.Experiments;

/// <summary>What all runs of an experiment share.</summary>
internal sealed class ExperimentContext(ExperimentFile file, ExperimentOptions options)
{
    private readonly Dictionary<string, ExperimentData> _open = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _generators = new(StringComparer.Ordinal);
    private string? _clipKey;

    public ExperimentFile File { get; } = file;

    public ExperimentOptions Options { get; } = options;

    public DeviceChoice Device => Options.Device;

    public CancellationToken CancellationToken => Options.CancellationToken;

    /// <summary>The data sets that are there.</summary>
    public required IReadOnlyList<ExperimentDataSet> Sets { get; init; }

    /// <summary>What results know the CLIP model by: all of it that decides them.</summary>
    public string ClipKey => _clipKey ??= IsOnlyPlanned(File.Clip) ? "-" : ClipFacts.Key(File.Clip);

    /// <summary>Hash of a diffusion model's weights.</summary>
    public string HashOf(string diffusion) =>
        _generators.TryGetValue(diffusion, out var known)
            ? known
            : _generators[diffusion] = IsOnlyPlanned(diffusion) ? "-" : StableDiffusionPipeline.FingerprintOf(diffusion);

    /// <summary>Whether a model is not there, and need not be: a dry run can do without.</summary>
    public bool IsOnlyPlanned(string model) => Options.DryRun && !Directory.Exists(model);

    /// <summary>
    /// A data set, with its features once they are asked for. The one before is let go, unless prompts are tried on all of them.
    /// </summary>
    public ExperimentData Open(ExperimentDataSet entry)
    {
        if (!_open.TryGetValue(entry.Name, out var data))
        {
            if (!File.Transfer)
            {
                _open.Clear();
            }

            _open[entry.Name] = data = new ExperimentData(entry, this);
        }
        return data;
    }
}
