using static TorchSharp.torch;

namespace TorchSharp.Modules
{
    public abstract class Convolution : nn.Module<Tensor, Tensor>
    {
        protected Parameter _weight, _bias;

        // Both ends of each dimension, the last dimension first, as padding takes them.
        protected long[] _reversed_padding_repeated_twice;

        private protected Convolution(string name, int dimensions, long in_channels, long out_channels, long[] kernel_size, long[] stride, long[] padding, Padding? padding_type, long[] dilation, bool transposed, long[] output_padding, long groups, bool bias, PaddingModes padding_mode, Device device, ScalarType? dtype)
            : base(name)
        {
            if (groups < 1 || in_channels % groups != 0 || out_channels % groups != 0) throw new ArgumentException($"{in_channels} input and {out_channels} output channels cannot be split into {groups} groups.", nameof(groups));
            long[] Filled(long[] values, long value) => values ?? Enumerable.Repeat(value, dimensions).ToArray();
            (this.in_channels, this.out_channels, this.kernel_size, this.groups) = (in_channels, out_channels, kernel_size, groups);
            (this.stride, this.padding, this.dilation, this.output_padding) = (Filled(stride, 1), Filled(padding, 0), Filled(dilation, 1), Filled(output_padding, 0));
            (this.padding_type, this.transposed, this.padding_mode) = (padding_type, transposed, padding_mode);
            if (padding_type == Padding.Same && this.stride.Any(s => s != 1)) throw new ArgumentException("Padding.Same needs a stride of 1.", nameof(stride));
            Repad();
            long[] shape = transposed ? [in_channels, out_channels / groups, .. kernel_size] : [out_channels, in_channels / groups, .. kernel_size];
            var bound = 1 / Math.Sqrt(shape.Skip(1).TotalSize());
            weight = nn.Drawn(shape, bound, device, dtype);
            this.bias = bias ? nn.Drawn([out_channels], bound, device, dtype) : null;
        }

        public long in_channels { get; }
        public long out_channels { get; }
        public long[] kernel_size { get; set; }
        public long[] stride { get; set; }
        public long[] padding { get; private set; }
        public long[] dilation { get; set; }
        public long[] output_padding { get; set; }
        public long groups { get; set; }
        public bool transposed { get; }
        public Padding? padding_type { get; private set; }
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

        public void SetPadding(long[] padding)
        {
            if (padding.Length != kernel_size.Length) throw new ArgumentException($"{kernel_size.Length} values are needed, not {padding.Length}.", nameof(padding));
            (this.padding, padding_type) = (padding, null);
            Repad();
        }

        public void SetPadding(Padding padding)
        {
            if (padding == Padding.Same && stride.Any(s => s != 1)) throw new ArgumentException("Padding.Same needs a stride of 1.", nameof(padding));
            (this.padding, padding_type) = (new long[kernel_size.Length], padding);
            Repad();
        }

        private void Repad()
        {
            if (padding_type == Padding.Same)
            {
                padding = kernel_size.Zip(dilation, (k, d) => d * (k - 1) / 2).ToArray();
                // An even kernel has one more row of padding after than before.
                _reversed_padding_repeated_twice = [.. kernel_size.Zip(dilation, (k, d) => d * (k - 1)).Reverse().SelectMany(total => new[] { total / 2, total - total / 2 })];
            }
            else
            {
                _reversed_padding_repeated_twice = [.. padding.Reverse().SelectMany(p => new[] { p, p })];
            }
        }

        // Pads beforehand where the operator cannot: other modes than zeros, and different ends.
        private protected Tensor Convolve(Tensor input, Func<Tensor, long[], Tensor> operation)
        {
            var even = true;
            for (var k = 0; k < _reversed_padding_repeated_twice.Length; k += 2) even &= _reversed_padding_repeated_twice[k] == _reversed_padding_repeated_twice[k + 1];
            var zeros = padding_mode is PaddingModes.Zeros or PaddingModes.Constant;
            if (zeros && even) return operation(input, padding);
            using var padded = nn.functional.pad(input, _reversed_padding_repeated_twice, zeros ? PaddingModes.Constant : padding_mode, 0);
            return operation(padded, new long[padding.Length]);
        }
    }
}
