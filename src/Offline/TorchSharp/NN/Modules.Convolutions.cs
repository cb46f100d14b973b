using static TorchSharp.torch;

namespace TorchSharp.Modules
{
    public sealed class Conv1d : Convolution
    {
        internal Conv1d(long in_channels, long out_channels, long[] kernel_size, long[] stride, long[] padding, Padding? padding_type, long[] dilation, long groups, bool bias, PaddingModes padding_mode, Device device, ScalarType? dtype)
            : base(nameof(Conv1d), 1, in_channels, out_channels, kernel_size, stride, padding, padding_type, dilation, false, null, groups, bias, padding_mode, device, dtype)
        {
        }

        public override Tensor forward(Tensor input) => Convolve(input, (x, pad) => nn.functional.conv1d(x, _weight, _bias, stride[0], pad[0], dilation[0], groups));
    }

    public sealed class Conv2d : Convolution
    {
        internal Conv2d(long in_channels, long out_channels, long[] kernel_size, long[] stride, long[] padding, Padding? padding_type, long[] dilation, long groups, bool bias, PaddingModes padding_mode, Device device, ScalarType? dtype)
            : base(nameof(Conv2d), 2, in_channels, out_channels, kernel_size, stride, padding, padding_type, dilation, false, null, groups, bias, padding_mode, device, dtype)
        {
        }

        public override Tensor forward(Tensor input) => Convolve(input, (x, pad) => nn.functional.conv2d(x, _weight, _bias, stride, pad, dilation, groups));
    }

    public sealed class Conv3d : Convolution
    {
        internal Conv3d(long in_channels, long out_channels, long[] kernel_size, long[] stride, long[] padding, Padding? padding_type, long[] dilation, long groups, bool bias, PaddingModes padding_mode, Device device, ScalarType? dtype)
            : base(nameof(Conv3d), 3, in_channels, out_channels, kernel_size, stride, padding, padding_type, dilation, false, null, groups, bias, padding_mode, device, dtype)
        {
        }

        public override Tensor forward(Tensor input) => Convolve(input, (x, pad) => nn.functional.conv3d(x, _weight, _bias, stride, pad, dilation, groups));
    }

    public abstract class ConvolutionTranspose : Convolution
    {
        private protected ConvolutionTranspose(string name, int dimensions, long in_channels, long out_channels, long[] kernel_size, long[] stride, long[] padding, long[] output_padding, long[] dilation, long groups, bool bias, PaddingModes padding_mode, Device device, ScalarType? dtype)
            : base(name, dimensions, in_channels, out_channels, kernel_size, stride, padding, null, dilation, true, output_padding, groups, bias, padding_mode, device, dtype)
        {
            if (padding_mode != PaddingModes.Zeros) throw new ArgumentException("A transposed convolution pads with zeros only.", nameof(padding_mode));
        }

        public override Tensor forward(Tensor input) => forward(input, null);

        /// <param name="input">[N, C, ...] or [C, ...].</param>
        /// <param name="output_size">The wanted size of each spatial dimension, of those that the stride makes possible; null for the smallest.</param>
        public abstract Tensor forward(Tensor input, long[] output_size);

        protected long[] _output_padding(Tensor input, long[] output_size, long[] kernel_size, long[] stride, long[] padding, long[] dilation, long num_spatial_dims)
        {
            if (output_size is null) return output_padding;
            var n = (int)num_spatial_dims;
            var wanted = output_size.Length == n + 2 ? output_size[2..] : output_size;
            if (wanted.Length != n) throw new ArgumentException($"{n} sizes are needed, not {output_size.Length}.", nameof(output_size));
            var extra = new long[n];
            for (var k = 0; k < n; k++)
            {
                var smallest = (input.size(k - n) - 1) * stride[k] - 2 * padding[k] + dilation[k] * (kernel_size[k] - 1) + 1;
                extra[k] = wanted[k] - smallest;
                if (extra[k] < 0 || extra[k] >= stride[k]) throw new ArgumentException($"A size of {wanted[k]} is not possible; {smallest} to {smallest + stride[k] - 1} are.", nameof(output_size));
            }
            return extra;
        }
    }

    public sealed class ConvTranspose1d : ConvolutionTranspose
    {
        internal ConvTranspose1d(long in_channels, long out_channels, long[] kernel_size, long[] stride, long[] padding, long[] output_padding, long[] dilation, long groups, bool bias, PaddingModes padding_mode, Device device, ScalarType? dtype)
            : base(nameof(ConvTranspose1d), 1, in_channels, out_channels, kernel_size, stride, padding, output_padding, dilation, groups, bias, padding_mode, device, dtype)
        {
        }

        public override Tensor forward(Tensor input, long[] output_size)
        {
            var extra = _output_padding(input, output_size, kernel_size, stride, padding, dilation, 1);
            return nn.functional.conv_transpose1d(input, _weight, _bias, stride[0], padding[0], extra[0], dilation[0], groups);
        }
    }

    public sealed class ConvTranspose2d : ConvolutionTranspose
    {
        internal ConvTranspose2d(long in_channels, long out_channels, long[] kernel_size, long[] stride, long[] padding, long[] output_padding, long[] dilation, long groups, bool bias, PaddingModes padding_mode, Device device, ScalarType? dtype)
            : base(nameof(ConvTranspose2d), 2, in_channels, out_channels, kernel_size, stride, padding, output_padding, dilation, groups, bias, padding_mode, device, dtype)
        {
        }

        public override Tensor forward(Tensor input, long[] output_size)
        {
            var extra = _output_padding(input, output_size, kernel_size, stride, padding, dilation, 2);
            return nn.functional.conv_transpose2d(input, _weight, _bias, stride, padding, extra, dilation, groups);
        }
    }

    public sealed class ConvTranspose3d : ConvolutionTranspose
    {
        internal ConvTranspose3d(long in_channels, long out_channels, long[] kernel_size, long[] stride, long[] padding, long[] output_padding, long[] dilation, long groups, bool bias, PaddingModes padding_mode, Device device, ScalarType? dtype)
            : base(nameof(ConvTranspose3d), 3, in_channels, out_channels, kernel_size, stride, padding, output_padding, dilation, groups, bias, padding_mode, device, dtype)
        {
        }

        public override Tensor forward(Tensor input, long[] output_size)
        {
            var extra = _output_padding(input, output_size, kernel_size, stride, padding, dilation, 3);
            return nn.functional.conv_transpose3d(input, _weight, _bias, stride, padding, extra, dilation, groups);
        }
    }
}

namespace TorchSharp
{
    using TorchSharp.Modules;

    public static partial class torch
    {
        public static partial class nn
        {
            public static Conv1d Conv1d(long in_channels, long out_channels, long kernel_size, long stride = 1, long padding = 0, long dilation = 1, PaddingModes padding_mode = PaddingModes.Zeros, long groups = 1, bool bias = true, Device device = null, ScalarType? dtype = null) =>
                new(in_channels, out_channels, [kernel_size], [stride], [padding], null, [dilation], groups, bias, padding_mode, device, dtype);

            public static Conv1d Conv1d(long in_channels, long out_channels, long kernel_size, Padding padding, long stride = 1, long dilation = 1, PaddingModes padding_mode = PaddingModes.Zeros, long groups = 1, bool bias = true, Device device = null, ScalarType? dtype = null) =>
                new(in_channels, out_channels, [kernel_size], [stride], null, padding, [dilation], groups, bias, padding_mode, device, dtype);

            public static Conv2d Conv2d(long in_channels, long out_channels, long kernel_size, long stride = 1, long padding = 0, long dilation = 1, PaddingModes padding_mode = PaddingModes.Zeros, long groups = 1, bool bias = true, Device device = null, ScalarType? dtype = null) =>
                new(in_channels, out_channels, [kernel_size, kernel_size], [stride, stride], [padding, padding], null, [dilation, dilation], groups, bias, padding_mode, device, dtype);

            public static Conv2d Conv2d(long in_channels, long out_channels, long kernel_size, Padding padding, long stride = 1, long dilation = 1, PaddingModes padding_mode = PaddingModes.Zeros, long groups = 1, bool bias = true, Device device = null, ScalarType? dtype = null) =>
                new(in_channels, out_channels, [kernel_size, kernel_size], [stride, stride], null, padding, [dilation, dilation], groups, bias, padding_mode, device, dtype);

            public static Conv2d Conv2d(long in_channels, long out_channels, (long, long) kernel_size, (long, long)? stride = null, (long, long)? padding = null, (long, long)? dilation = null, PaddingModes padding_mode = PaddingModes.Zeros, long groups = 1, bool bias = true, Device device = null, ScalarType? dtype = null) =>
                new(in_channels, out_channels, Pair(kernel_size), Pair(stride), Pair(padding), null, Pair(dilation), groups, bias, padding_mode, device, dtype);

            public static Conv2d Conv2d(long in_channels, long out_channels, (long, long) kernel_size, Padding padding, (long, long)? stride = null, (long, long)? dilation = null, PaddingModes padding_mode = PaddingModes.Zeros, long groups = 1, bool bias = true, Device device = null, ScalarType? dtype = null) =>
                new(in_channels, out_channels, Pair(kernel_size), Pair(stride), null, padding, Pair(dilation), groups, bias, padding_mode, device, dtype);

            public static Conv3d Conv3d(long in_channels, long out_channels, long kernel_size, long stride = 1, long padding = 0, long dilation = 1, PaddingModes padding_mode = PaddingModes.Zeros, long groups = 1, bool bias = true, Device device = null, ScalarType? dtype = null) =>
                new(in_channels, out_channels, [kernel_size, kernel_size, kernel_size], [stride, stride, stride], [padding, padding, padding], null, [dilation, dilation, dilation], groups, bias, padding_mode, device, dtype);

            public static Conv3d Conv3d(long in_channels, long out_channels, long kernel_size, Padding padding, long stride = 1, long dilation = 1, PaddingModes padding_mode = PaddingModes.Zeros, long groups = 1, bool bias = true, Device device = null, ScalarType? dtype = null) =>
                new(in_channels, out_channels, [kernel_size, kernel_size, kernel_size], [stride, stride, stride], null, padding, [dilation, dilation, dilation], groups, bias, padding_mode, device, dtype);

            public static Conv3d Conv3d(long in_channels, long out_channels, (long, long, long) kernel_size, (long, long, long)? stride = null, (long, long, long)? padding = null, (long, long, long)? dilation = null, PaddingModes padding_mode = PaddingModes.Zeros, long groups = 1, bool bias = true, Device device = null, ScalarType? dtype = null) =>
                new(in_channels, out_channels, Triple(kernel_size), Triple(stride), Triple(padding), null, Triple(dilation), groups, bias, padding_mode, device, dtype);

            public static Conv3d Conv3d(long in_channels, long out_channels, (long, long, long) kernel_size, Padding padding, (long, long, long)? stride = null, (long, long, long)? dilation = null, PaddingModes padding_mode = PaddingModes.Zeros, long groups = 1, bool bias = true, Device device = null, ScalarType? dtype = null) =>
                new(in_channels, out_channels, Triple(kernel_size), Triple(stride), null, padding, Triple(dilation), groups, bias, padding_mode, device, dtype);

            public static ConvTranspose1d ConvTranspose1d(long in_channels, long out_channels, long kernel_size, long stride = 1, long padding = 0, long output_padding = 0, long dilation = 1, PaddingModes padding_mode = PaddingModes.Zeros, long groups = 1, bool bias = true, Device device = null, ScalarType? dtype = null) =>
                new(in_channels, out_channels, [kernel_size], [stride], [padding], [output_padding], [dilation], groups, bias, padding_mode, device, dtype);

            public static ConvTranspose2d ConvTranspose2d(long in_channels, long out_channels, long kernel_size, long stride = 1, long padding = 0, long output_padding = 0, long dilation = 1, PaddingModes padding_mode = PaddingModes.Zeros, long groups = 1, bool bias = true, Device device = null, ScalarType? dtype = null) =>
                new(in_channels, out_channels, [kernel_size, kernel_size], [stride, stride], [padding, padding], [output_padding, output_padding], [dilation, dilation], groups, bias, padding_mode, device, dtype);

            public static ConvTranspose2d ConvTranspose2d(long in_channels, long out_channels, (long, long) kernel_size, (long, long)? stride = null, (long, long)? padding = null, (long, long)? output_padding = null, (long, long)? dilation = null, PaddingModes padding_mode = PaddingModes.Zeros, long groups = 1, bool bias = true, Device device = null, ScalarType? dtype = null) =>
                new(in_channels, out_channels, Pair(kernel_size), Pair(stride), Pair(padding), Pair(output_padding), Pair(dilation), groups, bias, padding_mode, device, dtype);

            public static ConvTranspose3d ConvTranspose3d(long in_channels, long out_channels, long kernel_size, long stride = 1, long padding = 0, long output_padding = 0, long dilation = 1, PaddingModes padding_mode = PaddingModes.Zeros, long groups = 1, bool bias = true, Device device = null, ScalarType? dtype = null) =>
                new(in_channels, out_channels, [kernel_size, kernel_size, kernel_size], [stride, stride, stride], [padding, padding, padding], [output_padding, output_padding, output_padding], [dilation, dilation, dilation], groups, bias, padding_mode, device, dtype);

            public static ConvTranspose3d ConvTranspose3d(long in_channels, long out_channels, (long, long, long) kernel_size, (long, long, long)? stride = null, (long, long, long)? padding = null, (long, long, long)? output_padding = null, (long, long, long)? dilation = null, PaddingModes padding_mode = PaddingModes.Zeros, long groups = 1, bool bias = true, Device device = null, ScalarType? dtype = null) =>
                new(in_channels, out_channels, Triple(kernel_size), Triple(stride), Triple(padding), Triple(output_padding), Triple(dilation), groups, bias, padding_mode, device, dtype);

            internal static long[] Pair((long, long)? pair) => pair is { } p ? [p.Item1, p.Item2] : null;

            internal static long[] Triple((long, long, long)? triple) => triple is { } t ? [t.Item1, t.Item2, t.Item3] : null;
        }
    }
}
