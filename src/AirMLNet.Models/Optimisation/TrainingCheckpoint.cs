using System.Text.Json;
using AirMLNet.Files;
using AirMLNet.Weights;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace AirMLNet.Optimisation;

/// <summary>A training run on disk: weights, optimiser state, step and the settings they belong to.</summary>
internal static class TrainingCheckpoint
{
    private sealed record State(int Step, double Seconds, string Settings);

    public static void Save(
        string folder,
        string settings,
        nn.Module model,
        OptimizerHelper optimizer,
        int step,
        double seconds,
        WeightAverage? average = null
    ) => Save(folder, settings, model.state_dict(), optimizer, step, seconds, average);

    /// <summary>As the other, of given weights.</summary>
    public static void Save(
        string folder,
        string settings,
        IReadOnlyDictionary<string, Tensor> weights,
        OptimizerHelper optimizer,
        int step,
        double seconds,
        WeightAverage? average = null
    )
    {
        // A new folder beside the old one, swapped in when whole: a run that is cut while it saves loses nothing.
        var fresh = folder + ".new";
        var old = folder + ".old";
        DeleteFolder(fresh);
        try
        {
            Directory.CreateDirectory(fresh);
            Safetensors.Write(Path.Combine(fresh, "weights.safetensors"), weights);
            optimizer.save_state_dict(Path.Combine(fresh, "optimizer.bin"));
            if (average is not null)
            {
                Safetensors.Write(Path.Combine(fresh, "average.safetensors"), average.Weights);
            }

            File.WriteAllText(Path.Combine(fresh, "state.json"), JsonSerializer.Serialize(new State(step, seconds, settings)));
        }
        catch
        {
            // On a full disk the half-written one would only take the room of what is still to be written.
            DeleteFolder(fresh);
            throw;
        }

        DeleteFolder(old);
        if (Directory.Exists(folder))
        {
            Directory.Move(folder, old);
        }

        Directory.Move(fresh, folder);
        DeleteFolder(old);
    }

    public static (int Step, double Seconds) Load(
        string folder,
        string settings,
        nn.Module model,
        OptimizerHelper optimizer,
        WeightAverage? average = null
    ) => Load(folder, settings, model.state_dict(), optimizer, average);

    /// <summary>As the other, into given weights.</summary>
    public static (int Step, double Seconds) Load(
        string folder,
        string settings,
        IReadOnlyDictionary<string, Tensor> weights,
        OptimizerHelper optimizer,
        WeightAverage? average = null
    )
    {
        if (!Directory.Exists(folder) && Directory.Exists(folder + ".old"))
        {
            Directory.Move(folder + ".old", folder);
        }

        var file = Path.Combine(folder, "state.json");
        if (!File.Exists(file))
        {
            return (0, 0);
        }

        var state = ReadState(file, settings);
        using var saved = SafetensorsFile.Open(Path.Combine(folder, "weights.safetensors"));
        using (no_grad())
        {
            using var scope = NewDisposeScope();
            foreach (var (name, weight) in weights)
            {
                weight.copy_(saved.GetTensor(name));
            }
        }

        optimizer.load_state_dict(Path.Combine(folder, "optimizer.bin"));
        if (average is not null)
        {
            using var averaged = SafetensorsFile.Open(Path.Combine(folder, "average.safetensors"));
            average.Restore(averaged.Entries.Keys.ToDictionary(name => name, name => averaged.GetTensor(name)), state.Step);
        }

        return (state.Step, state.Seconds);
    }

    /// <summary>Notes that the first stage is done, its model written to the folder.</summary>
    public static void FinishStage(string folder, string settings, double seconds) =>
        AtomicFile.Write(Path.Combine(folder, "done.json"), stream => JsonSerializer.Serialize(stream, new State(0, seconds, settings)));

    /// <summary>The seconds that the finished first stage took, or null when it is not finished.</summary>
    /// <exception cref="InvalidOperationException">It was made with other settings.</exception>
    public static double? FinishedStage(string folder, string settings)
    {
        var file = Path.Combine(folder, "done.json");
        return File.Exists(file) ? ReadState(file, settings).Seconds : null;
    }

    private static State ReadState(string file, string settings)
    {
        var folder = Path.GetDirectoryName(file);
        State? state;
        try
        {
            state = JsonSerializer.Deserialize<State>(File.ReadAllText(file));
        }
        catch (JsonException)
        {
            state = null;
        }

        return state is null ? throw new InvalidDataException($"{file} is damaged; delete the folder {folder} to start again.")
            : state.Settings == settings ? state
            : throw new InvalidOperationException(
                $"The checkpoint in {folder} was made with other settings ({state.Settings}); delete it to start again, or use the same "
                    + $"settings."
            );
    }

    private static void DeleteFolder(string folder)
    {
        if (Directory.Exists(folder))
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
