using TorchSharp.Interop;

namespace TorchSharp;

public static partial class torch
{
    public class Device
    {
        public Device(string description)
        {
            ArgumentException.ThrowIfNullOrEmpty(description);
            var parts = description.Split(':');
            type = Parse(parts[0], description);
            if (parts.Length > 2 || (parts.Length == 2 && (!int.TryParse(parts[1], out _) || parts[1].StartsWith('-'))))
                throw new ArgumentException($"'{description}' is not a device; use 'cpu', 'cuda' or 'cuda:N'.", nameof(description));
            index = parts.Length == 2 ? int.Parse(parts[1]) : Default(type);
        }

        public Device(string deviceType, int index = -1) : this(Parse(deviceType, deviceType), index)
        {
        }

        public Device(DeviceType deviceType, int index = -1)
        {
            type = deviceType;
            this.index = index < 0 ? Default(deviceType) : index;
        }

        public Device(int index) : this(DeviceType.CUDA, index)
        {
        }

        public DeviceType type { get; }
        public int index { get; }

        // The index of the CPU is not written; every other device has one, so that two spellings of the same device compare equal.
        internal long Packed => (uint)type | ((long)(type == DeviceType.CPU ? -1 : index) << 32);

        internal bool Same(Device other) => type == other.type && (type == DeviceType.CPU || index == other.index);

        public static implicit operator Device(string description) => new(description);

        public override string ToString() => type == DeviceType.CPU ? "cpu" : $"{type.ToString().ToLowerInvariant()}:{index}";

        private static int Default(DeviceType type) => type == DeviceType.CPU ? -1 : 0;

        private static DeviceType Parse(string name, string description) => name.ToLowerInvariant() switch
        {
            "cpu" => DeviceType.CPU,
            "cuda" => DeviceType.CUDA,
            "mps" => DeviceType.MPS,
            "meta" => DeviceType.META,
            _ => throw new ArgumentException($"'{description}' is not a device; use 'cpu', 'cuda' or 'cuda:N'.", nameof(description)),
        };
    }

    public static readonly Device CPU = new(DeviceType.CPU);
    public static readonly Device META = new(DeviceType.META);

    public static Device CUDA => TryInitializeDeviceType(DeviceType.CUDA) ? new Device(DeviceType.CUDA) : throw new InvalidOperationException("This LibTorch sees no CUDA device.");

    public static Device device(string description) => new(description);
    public static Device device(string deviceType, int index = -1) => new(deviceType, index);
    public static Device device(DeviceType deviceType, int index = -1) => new(deviceType, index);
    public static Device device(int index) => new(index);

    public static Device InitializeDevice(Device device)
    {
        device ??= CPU;
        InitializeDeviceType(device.type);
        return device;
    }

    public static void InitializeDeviceType(DeviceType deviceType)
    {
        if (!TryInitializeDeviceType(deviceType)) throw new InvalidOperationException($"This LibTorch has no {deviceType} device.");
    }

    public static bool TryInitializeDeviceType(DeviceType deviceType) => deviceType switch
    {
        DeviceType.CPU or DeviceType.META => true,
        DeviceType.CUDA => cuda.is_available(),
        _ => false,
    };

    public static partial class cuda
    {
        public static bool is_available() => device_count() > 0;
        public static bool is_cudnn_available() => is_available() && NativeMethods.ts_cudnn_available() != 0;
        public static int device_count() => NativeMethods.ts_cuda_device_count();
        public static void manual_seed(long seed) => torch.manual_seed(seed);
        public static void manual_seed_all(long seed) => torch.manual_seed(seed);

        public static void synchronize(Device device = null)
        {
            if (is_available()) NativeMethods.Check(NativeMethods.ts_cuda_synchronize(device?.index ?? -1));
        }
    }
}
