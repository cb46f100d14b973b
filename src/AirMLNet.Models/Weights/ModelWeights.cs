using AirMLNet.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace AirMLNet.Weights;

/// <summary>Where a parameter is found in a file: a tensor, or the part of it that holds queries, keys or values.</summary>
/// <param name="Name">Name in the file.</param>
/// <param name="Part">0, 1, 2 for a third of the rows; −1 for the whole tensor.</param>
/// <param name="Transposed">Stored as [in, out].</param>
/// <param name="AnyRank">Dimensions of 1 at the end may be there or not: a matrix may be stored as a 1×1 convolution.</param>
/// <param name="Fitting">How a tensor of another shape is brought to the parameter's; null where it is refused.</param>
internal readonly record struct WeightSource(
    string Name,
    int Part = -1,
    bool Transposed = false,
    bool AnyRank = false,
    WeightFitting? Fitting = null
);

/// <summary>Brings tensors of some other shapes to a parameter's.</summary>
/// <param name="Fits">Whether a tensor of the first shape can be brought to the second.</param>
/// <param name="Fit">Brings it there.</param>
internal sealed record WeightFitting(Func<long[], long[], bool> Fits, Func<Tensor, long[], Tensor> Fit);

/// <summary>Moves weights between modules and files, name by name, leaving none out on either side.</summary>
internal static class ModelWeights
{
    private const int Listed = 12;

    /// <summary>Copies every parameter and buffer of a module from a file.</summary>
    /// <param name="module">The module; its values are overwritten.</param>
    /// <param name="files">The file.</param>
    /// <param name="locate">From a name in the module to the place in the file.</param>
    /// <param name="ignored">Names in the file that no module needs.</param>
    /// <param name="naming">What the names are called, for messages.</param>
    /// <exception cref="InvalidDataException">Tensors are missing, left over or of another shape: all are named at once.</exception>
    public static void Fill(
        nn.Module module,
        WeightFiles files,
        Func<string, WeightSource> locate,
        Func<string, bool> ignored,
        string naming
    )
    {
        List<string> missing = [],
            misshapen = [];
        HashSet<string> used = new(StringComparer.Ordinal);
        List<(Tensor Target, WeightSource Source)> plan = [];
        // The statistics of batch normalisation are buffers.
        foreach (
            var (name, parameter) in module.named_parameters().Select(p => (p.name, (Tensor)p.parameter)).Concat(module.named_buffers())
        )
        {
            var source = locate(name);
            used.Add(source.Name);
            if (!files.Contains(source.Name))
            {
                missing.Add(source.Name);
                continue;
            }
            var wanted = InFile(parameter.shape, source);
            var found = files.Shape(source.Name);
            // A scalar may be stored as [1] or [1, 1].
            if (
                !found.SequenceEqual(wanted)
                && !(wanted.Length == 0 && found.All(d => d == 1))
                && !(source.AnyRank && Core(found).SequenceEqual(Core(wanted)))
                && source.Fitting?.Fits(found, wanted) != true
            )
            {
                misshapen.Add($"{source.Name} is [{string.Join(", ", found)}], not [{string.Join(", ", wanted)}]");
                continue;
            }
            if (is_floating_point(parameter.dtype) && files.IsOfIntegers(source.Name))
            {
                misshapen.Add($"{source.Name} is of whole numbers, as quantised weights are");
                continue;
            }
            plan.Add((parameter, source));
        }
        var extra = files.Names.Where(n => !used.Contains(n) && !ignored(n)).Order(StringComparer.Ordinal).ToList();
        if (missing.Count + misshapen.Count + extra.Count > 0)
        {
            throw new InvalidDataException(
                $"{files.Description} ({naming} names) does not fit the model's configuration:"
                    + Part("missing", missing.Distinct())
                    + Part("of another shape", misshapen.Distinct())
                    + Part("left over", extra)
            );
        }
        using var off = no_grad();
        foreach (var (target, source) in plan)
        {
            using var scope = NewDisposeScope();
            var tensor = files.Get(source.Name);
            if (source.Part >= 0)
            {
                var rows = tensor.size(0) / 3;
                tensor = tensor.narrow(0, source.Part * rows, rows);
            }
            if (source.Fitting is { } fitting && !tensor.shape.SequenceEqual(target.shape))
            {
                tensor = fitting.Fit(tensor, target.shape);
            }
            target.copy_(source.Transposed ? tensor.t() : tensor.reshape(target.shape));
        }
    }

    /// <summary>Fills a new model and brings it into evaluation mode and to a device; a model that cannot be filled is disposed.</summary>
    public static T Build<T>(T model, Device? device, Action<T> fill)
        where T : nn.Module
    {
        try
        {
            fill(model);
            model.eval();
            if (device is not null && device.type != DeviceType.CPU)
            {
                model.to(device);
            }
            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>Writes tensors as safetensors of one float type; the file appears when whole.</summary>
    /// <param name="path">The file.</param>
    /// <param name="tensors">By name in the file.</param>
    /// <param name="dtype">float32, or float16 or bfloat16 for half the size.</param>
    /// <param name="metadata">Texts for the header.</param>
    /// <exception cref="ArgumentException">Another type was asked for.</exception>
    public static void Save(
        string path,
        IEnumerable<KeyValuePair<string, Tensor>> tensors,
        ScalarType dtype,
        IReadOnlyDictionary<string, string>? metadata = null
    )
    {
        CheckType(dtype);
        using var scope = NewDisposeScope();
        using var off = no_grad();
        Safetensors.Write(
            path,
            tensors.ToDictionary(p => p.Key, p => p.Value.detach().cpu().to_type(dtype).contiguous(), StringComparer.Ordinal),
            new Dictionary<string, string>(metadata ?? new Dictionary<string, string>()) { ["format"] = "pt" }
        );
    }

    /// <exception cref="ArgumentException">Weights are not saved in this type.</exception>
    public static void CheckType(ScalarType dtype)
    {
        if (dtype is not (ScalarType.Float32 or ScalarType.Float16 or ScalarType.BFloat16))
        {
            throw new ArgumentException($"Weights are saved as Float32, Float16 or BFloat16, not {dtype}.", nameof(dtype));
        }
    }

    /// <summary>The linear layers of a module by their names: those that LoRA is trained for.</summary>
    public static IReadOnlyDictionary<string, LinearLayer> LinearLayers(nn.Module module) =>
        module
            .named_modules()
            .Where(m => m.module is LinearLayer)
            .ToDictionary(m => m.name, m => (LinearLayer)m.module, StringComparer.Ordinal);

    /// <summary>The layers of a module that a LoRA file may adapt, by their names.</summary>
    public static IReadOnlyDictionary<string, ILoraLayer> LoraLayers(nn.Module module) =>
        module
            .named_modules()
            .Where(m => m.module is ILoraLayer)
            .ToDictionary(m => m.name, m => (ILoraLayer)m.module, StringComparer.Ordinal);

    private static long[] InFile(long[] shape, WeightSource source) =>
        source.Part >= 0 ? [3 * shape[0], .. shape[1..]]
        : source.Transposed ? [.. shape.Reverse()]
        : shape;

    private static IEnumerable<long> Core(long[] shape) => shape.Take(Array.FindLastIndex(shape, d => d != 1) + 1);

    private static string Part(string what, IEnumerable<string> names)
    {
        var list = names.ToList();
        return list.Count == 0 ? "" : $" {list.Count} {what}: {string.Join(", ", list.Take(Listed))}{(list.Count > Listed ? ", …" : "")}.";
    }
}
