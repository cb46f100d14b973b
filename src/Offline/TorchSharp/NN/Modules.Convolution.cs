using static TorchSharp.torch;

namespace TorchSharp.Modules
{
    public abstract class Convolution : nn.Module<Tensor, Tensor>
    {
        protected Parameter _weight, _bias;

        private protected Convolution(string name, int dimensions, long in_channels, long out_channels, long[] kernel_size, long[] stride, long[] padding, Padding? padding_type, long[] dilation, bool transposed, long[] output_padding, long groups, bool bias, PaddingModes padding_mode, Device device, ScalarType? dtype)
            : base(name)
        {
            if (groups < 1 || in_channels % groups != 0 || out_channels % groups != 0) throw new ArgumentException($"{in_channels} input and {out_channels} output channels cannot be split into {groups} groups.", nameof(groups));
            long[] Filled(long[] values, long value) => values ?? Enumerable.Repeat(value, dimensions).ToArray();
            (this.in_channels, this.out_channels, this.kernel_size, this.groups) = (in_channels, out_channels, kernel_size, groups);
            (this.stride, this.padding, this.dilation, this.output_padding) = (Filled(stride, 1), Filled(padding, 0), Filled(dilation, 1), Filled(output_padding, 0));
            (this.padding_type, this.transposed, this.padding_mode) = (padding_type, transposed, padding_mode);
            if (padding_type == Padding.Same)
            {
                if (this.stride.Any(s => s != 1)) throw new ArgumentException("Padding.Same needs a stride of 1.", nameof(stride));
                this.padding = kernel_size.Zip(this.dilation, (k, d) => d * (k - 1) / 2).ToArray();
            }
            long[] shape = transposed ? [in_channels, out_channels / groups, .. kernel_size] : [out_channels, in_channels / groups, .. kernel_size];
            var bound = 1 / Math.Sqrt(shape.Skip(1).TotalSize());
            weight = nn.Drawn(shape, bound, device, dtype);
            this.bias = bias ? nn.Drawn([out_channels], bound, device, dtype) : null;
        }

        public long in_channels { get; }
        public long out_channels { get; }
        public long[] kernel_size { get; set; }
        public long[] stride { get; set; }
        public long[] padding { get; }
        public long[] dilation { get; set; }
        public long[] output_padding { get; set; }
        public long groups { get; set; }
        public bool transposed { get; }
        public Padding? padding_type { get; }
        public PaddingModes padding_mode { get; set; }

        public Parameter weight
        {
            get => _weight;
            set => register_parameter(nameof(weight), _weight = value);
        }

        public Parameter bias
        {
            get => _bias;
            set => register_parameter(nameof(bias), _bias = value);
        }

        public void reset_parameters()
        {
            using var quiet = no_grad();
            var bound = 1 / Math.Sqrt(_weight.shape.Skip(1).TotalSize());
            _weight.uniform_(-bound, bound);
            _bias?.uniform_(-bound, bound);
        }
    }

    public sealed class Conv2d : Convolution
    {
        internal Conv2d(long in_channels, long out_channels, long[] kernel_size, long[] stride, long[] padding, Padding? padding_type, long[] dilation, long groups, bool bias, PaddingModes padding_mode, Device device, ScalarType? dtype)
            : base(nameof(Conv2d), 2, in_channels, out_channels, kernel_size, stride, padding, padding_type, dilation, false, null, groups, bias, padding_mode, device, dtype)
        {
        }

        public override Tensor forward(Tensor input)
        {
            if (padding_type == Padding.Same && kernel_size.Zip(dilation, (k, d) => d * (k - 1)).Any(total => total % 2 != 0))
            {
                // An even kernel has one more row of padding after than before.
                long[] sides = [.. kernel_size.Zip(dilation, (k, d) => d * (k - 1)).Reverse().SelectMany(t => new[] { t / 2, t - t / 2 })];
                using var wide = nn.functional.pad(input, sides, Mode, 0);
                return nn.functional.conv2d(wide, _weight, _bias, stride, [0, 0], dilation, groups);
            }
            if (padding_mode is PaddingModes.Zeros or PaddingModes.Constant) return nn.functional.conv2d(input, _weight, _bias, stride, padding, dilation, groups);
            using var padded = nn.functional.pad(input, [padding[1], padding[1], padding[0], padding[0]], padding_mode, 0);
            return nn.functional.conv2d(padded, _weight, _bias, stride, [0, 0], dilation, groups);
        }

        private PaddingModes Mode => padding_mode == PaddingModes.Zeros ? PaddingModes.Constant : padding_mode;
    }

    public sealed class ConvTranspose2d : Convolution
    {
        internal ConvTranspose2d(long in_channels, long out_channels, long[] kernel_size, long[] stride, long[] padding, long[] output_padding, long[] dilation, long groups, bool bias, Device device, ScalarType? dtype)
            : base(nameof(ConvTranspose2d), 2, in_channels, out_channels, kernel_size, stride, padding, null, dilation, true, output_padding, groups, bias, PaddingModes.Zeros, device, dtype)
        {
        }

        public override Tensor forward(Tensor input) => nn.functional.conv_transpose2d(input, _weight, _bias, stride, padding, output_padding, dilation, groups);
    }
}

namespace TorchSharp
{
    using TorchSharp.Modules;

    public static partial class torch
    {
        public static partial class nn
        {
            public static Conv2d Conv2d(long in_channels, long out_channels, long kernel_size, long stride = 1, long padding = 0, long dilation = 1, PaddingModes padding_mode = PaddingModes.Zeros, long groups = 1, bool bias = true, Device device = null, ScalarType? dtype = null) =>
                new(in_channels, out_channels, [kernel_size, kernel_size], [stride, stride], [padding, padding], null, [dilation, dilation], groups, bias, padding_mode, device, dtype);

            public static Conv2d Conv2d(long in_channels, long out_channels, (long, long) kernel_size, (long, long)? stride = null, (long, long)? padding = null, (long, long)? dilation = null, PaddingModes padding_mode = PaddingModes.Zeros, long groups = 1, bool bias = true, Device device = null, ScalarType? dtype = null) =>
                new(in_channels, out_channels, [kernel_size.Item1, kernel_size.Item2], Pair(stride), Pair(padding), null, Pair(dilation), groups, bias, padding_mode, device, dtype);

            public static Conv2d Conv2d(long in_channels, long out_channels, long kernel_size, Padding padding, long stride = 1, long dilation = 1, PaddingModes padding_mode = PaddingModes.Zeros, long groups = 1, bool bias = true, Device device = null, ScalarType? dtype = null) =>
                new(in_channels, out_channels, [kernel_size, kernel_size], [stride, stride], null, padding, [dilation, dilation], groups, bias, padding_mode, device, dtype);

            public static Conv2d Conv2d(long in_channels, long out_channels, (long, long) kernel_size, Padding padding, (long, long)? stride = null, (long, long)? dilation = null, PaddingModes padding_mode = PaddingModes.Zeros, long groups = 1, bool bias = true, Device device = null, ScalarType? dtype = null) =>
                new(in_channels, out_channels, [kernel_size.Item1, kernel_size.Item2], Pair(stride), null, padding, Pair(dilation), groups, bias, padding_mode, device, dtype);

            public static ConvTranspose2d ConvTranspose2d(long in_channels, long out_channels, long kernel_size, long stride = 1, long padding = 0, long output_padding = 0, long dilation = 1, PaddingModes padding_mode = PaddingModes.Zeros, long groups = 1, bool bias = true, Device device = null, ScalarType? dtype = null)
            {
                if (padding_mode != PaddingModes.Zeros) throw new ArgumentException("A transposed convolution pads with zeros only.", nameof(padding_mode));
                return new(in_channels, out_channels, [kernel_size, kernel_size], [stride, stride], [padding, padding], [output_padding, output_padding], [dilation, dilation], groups, bias, device, dtype);
            }

            internal static long[] Pair((long, long)? pair) => pair is { } p ? [p.Item1, p.Item2] : null;
        }
    }
}
