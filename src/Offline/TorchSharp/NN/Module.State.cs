using TorchSharp.Modules;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        public partial class Module
        {
            /// <summary>Parameters and persistent buffers by their full names; the tensors are the module's own.</summary>
            public virtual Dictionary<string, Tensor> state_dict(Dictionary<string, Tensor> destination = null, string prefix = null)
            {
                destination ??= [];
                var start = string.IsNullOrEmpty(prefix) ? "" : prefix + ".";
                foreach (var (key, parameter) in named_parameters()) destination.TryAdd(start + key, parameter);
                foreach (var (key, buffer) in named_buffers(true, false)) destination.TryAdd(start + key, buffer);
                return destination;
            }

            /// <summary>Copies values in, converting their type and device to the module's.</summary>
            /// <exception cref="InvalidOperationException">Strict and a name is missing or unexpected, or a shape differs; nothing was copied then.</exception>
            public virtual (IList<string> missing_keys, IList<string> unexpected_keyes) load_state_dict(Dictionary<string, Tensor> source, bool strict = true, IList<string> skip = null)
            {
                var own = state_dict();
                bool Wanted(string key) => skip is null || !skip.Contains(key);
                List<string> missing = [.. own.Keys.Where(k => Wanted(k) && !source.ContainsKey(k))];
                List<string> unexpected = [.. source.Keys.Where(k => Wanted(k) && !own.ContainsKey(k))];
                List<string> misshapen = [.. own.Where(p => Wanted(p.Key) && source.TryGetValue(p.Key, out var s) && !s.shape.AsSpan().SequenceEqual(p.Value.shape))
                    .Select(p => $"{p.Key} [{string.Join(", ", source[p.Key].shape)}] for [{string.Join(", ", p.Value.shape)}]")];
                if (misshapen.Count > 0 || (strict && missing.Count + unexpected.Count > 0))
                    throw new InvalidOperationException($"The state does not fit the module {GetName()}: missing [{string.Join(", ", missing)}], unexpected [{string.Join(", ", unexpected)}], of another shape [{string.Join(", ", misshapen)}].");
                using (no_grad())
                {
                    foreach (var (key, target) in own)
                        if (Wanted(key) && source.TryGetValue(key, out var value)) target.copy_(value);
                }
                return (missing, unexpected);
            }

            // A parameter keeps its identity when it moves, so that optimisers and fields go on seeing it.
            internal void Convert(Device device, ScalarType? type)
            {
                using (no_grad())
                {
                    foreach (var tensor in parameters().Concat(buffers()).ToList())
                    {
                        var target = type is { } t && tensor.is_floating_point() ? t : tensor.dtype;
                        if (target == tensor.dtype && (device is null || SameDevice(device, tensor.device))) continue;
                        using var moved = tensor.detach().to(target, device ?? tensor.device);
                        tensor.SetData(moved);
                    }
                }
            }

            private static bool SameDevice(Device a, Device b) => a.type == b.type && (a.index < 0 || a.index == b.index);
        }

        public static Parameter Parameter(Tensor data, bool requires_grad = true) => new(data, requires_grad);
    }
}

public static class ModuleExtensionMethods
{
    public static T to<T>(this T module, torch.Device device, bool non_blocking = false) where T : torch.nn.Module
    {
        module.Convert(device, null);
        return module;
    }

    public static T to<T>(this T module, torch.ScalarType type, bool non_blocking = false) where T : torch.nn.Module
    {
        module.Convert(null, type);
        return module;
    }

    public static T to<T>(this T module, torch.Device device, torch.ScalarType type, bool non_blocking = false) where T : torch.nn.Module
    {
        module.Convert(device, type);
        return module;
    }

    public static T to<T>(this T module, DeviceType deviceType, int deviceIndex = -1, bool non_blocking = false) where T : torch.nn.Module =>
        module.to(new torch.Device(deviceType, deviceIndex));

    public static T cpu<T>(this T module, bool non_blocking = false) where T : torch.nn.Module => module.to(torch.CPU);

    public static T cuda<T>(this T module, int deviceIndex = -1, bool non_blocking = false) where T : torch.nn.Module => module.to(DeviceType.CUDA, deviceIndex);

    public static T half<T>(this T module, bool non_blocking = false) where T : torch.nn.Module => module.to(torch.ScalarType.Float16);

    public static T bfloat16<T>(this T module, bool non_blocking = false) where T : torch.nn.Module => module.to(torch.ScalarType.BFloat16);

    public static T @float<T>(this T module, bool non_blocking = false) where T : torch.nn.Module => module.to(torch.ScalarType.Float32);

    public static T @double<T>(this T module, bool non_blocking = false) where T : torch.nn.Module => module.to(torch.ScalarType.Float64);
}
