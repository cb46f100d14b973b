using static TorchSharp.torch;

namespace TorchSharp.Modules
{
    public sealed class MaxPool1d : ParameterLessModule<Tensor, Tensor>
    {
        internal MaxPool1d(long kernel_size, long? stride, long? padding, long? dilation, bool ceil_mode) : base(nameof(MaxPool1d)) =>
            (this.kernel_size, this.stride, this.padding, this.dilation, this.ceil_mode) = (kernel_size, stride, padding, dilation, ceil_mode);

        public long kernel_size { get; set; }

        public long? stride { get; set; }

        public long? padding { get; set; }

        public long? dilation { get; set; }

        public bool ceil_mode { get; set; }

        public (Tensor Values, Tensor Indices) forward_with_indices(Tensor input) => nn.functional.max_pool1d_with_indices(input, kernel_size, stride, padding, dilation, ceil_mode);

        public override Tensor forward(Tensor input) => nn.functional.max_pool1d(input, kernel_size, stride, padding, dilation, ceil_mode);
    }

    public sealed class MaxPool2d : ParameterLessModule<Tensor, Tensor>
    {
        internal MaxPool2d(long[] kernel_size, long[] stride, long[] padding, long[] dilation, bool ceil_mode) : base(nameof(MaxPool2d)) =>
            (this.kernel_size, this.stride, this.padding, this.dilation, this.ceil_mode) = (kernel_size, stride, padding, dilation, ceil_mode);

        public long[] kernel_size { get; set; }

        public long[] stride { get; set; }

        public long[] padding { get; set; }

        public long[] dilation { get; set; }

        public bool ceil_mode { get; set; }

        public (Tensor Values, Tensor Indices) forward_with_indices(Tensor input) => nn.functional.max_pool2d_with_indices(input, kernel_size, stride, padding, dilation, ceil_mode);

        public override Tensor forward(Tensor input) => nn.functional.max_pool2d(input, kernel_size, stride, padding, dilation, ceil_mode);
    }

    public sealed class AvgPool1d : ParameterLessModule<Tensor, Tensor>
    {
        internal AvgPool1d(long kernel_size, long? stride, long? padding, bool ceil_mode, bool count_include_pad) : base(nameof(AvgPool1d)) =>
            (this.kernel_size, this.stride, this.padding, this.ceil_mode, this.count_include_pad) = (kernel_size, stride, padding, ceil_mode, count_include_pad);

        public long kernel_size { get; set; }

        public long? stride { get; set; }

        public long? padding { get; set; }

        public bool ceil_mode { get; set; }

        public bool count_include_pad { get; set; }

        public override Tensor forward(Tensor input) => nn.functional.avg_pool1d(input, kernel_size, stride, padding, ceil_mode, count_include_pad);
    }

    public sealed class AdaptiveAvgPool1d : ParameterLessModule<Tensor, Tensor>
    {
        internal AdaptiveAvgPool1d(long output_size) : base(nameof(AdaptiveAvgPool1d)) => this.output_size = output_size;

        public long output_size { get; set; }

        public override Tensor forward(Tensor input) => nn.functional.adaptive_avg_pool1d(input, output_size);
    }

    public sealed class AdaptiveAvgPool2d : ParameterLessModule<Tensor, Tensor>
    {
        internal AdaptiveAvgPool2d(long[] output_size) : base(nameof(AdaptiveAvgPool2d)) => this.output_size = output_size;

        public long[] output_size { get; set; }

        public override Tensor forward(Tensor input) => nn.functional.adaptive_avg_pool2d(input, output_size);
    }

    public sealed class AdaptiveMaxPool1d : ParameterLessModule<Tensor, Tensor>
    {
        internal AdaptiveMaxPool1d(long output_size) : base(nameof(AdaptiveMaxPool1d)) => this.output_size = output_size;

        public long output_size { get; set; }

        public (Tensor Values, Tensor Indices) forward_with_indices(Tensor input) => nn.functional.adaptive_max_pool1d_with_indices(input, output_size);

        public override Tensor forward(Tensor input) => nn.functional.adaptive_max_pool1d(input, output_size);
    }

    public sealed class AdaptiveMaxPool2d : ParameterLessModule<Tensor, Tensor>
    {
        internal AdaptiveMaxPool2d(long[] output_size) : base(nameof(AdaptiveMaxPool2d)) => this.output_size = output_size;

        public long[] output_size { get; set; }

        public (Tensor output, Tensor indices) forward_with_indices(Tensor input) => nn.functional.adaptive_max_pool2d_with_indices(input, output_size);

        public override Tensor forward(Tensor input) => nn.functional.adaptive_max_pool2d(input, output_size);
    }
}

namespace TorchSharp
{
    using TorchSharp.Modules;

    public static partial class torch
    {
        public static partial class nn
        {
            public static MaxPool1d MaxPool1d(long kernel_size, long? stride = null, long? padding = null, long? dilation = null, bool ceil_mode = false) => new(kernel_size, stride, padding, dilation, ceil_mode);

            public static MaxPool2d MaxPool2d(long kernel_size, long? stride = null, long? padding = null, long? dilation = null, bool ceil_mode = false) => new([kernel_size, kernel_size], Square(stride), Square(padding), Square(dilation), ceil_mode);

            public static MaxPool2d MaxPool2d((long, long) kernel_size, (long, long)? stride = null, (long, long)? padding = null, (long, long)? dilation = null, bool ceil_mode = false) => new(Pair(kernel_size), Pair(stride), Pair(padding), Pair(dilation), ceil_mode);

            public static MaxPool2d MaxPool2d(long[] kernel_size, long[] stride = null, long[] padding = null, long[] dilation = null, bool ceil_mode = false) => new(kernel_size, stride, padding, dilation, ceil_mode);

            public static AvgPool1d AvgPool1d(long kernel_size, long? stride = null, long padding = 0, bool ceil_mode = false, bool count_include_pad = true) => new(kernel_size, stride, padding, ceil_mode, count_include_pad);

            public static AdaptiveAvgPool1d AdaptiveAvgPool1d(long output_size) => new(output_size);

            public static AdaptiveAvgPool2d AdaptiveAvgPool2d(long output_size) => new([output_size, output_size]);

            public static AdaptiveAvgPool2d AdaptiveAvgPool2d((long, long) output_size) => new(Pair(output_size));

            public static AdaptiveAvgPool2d AdaptiveAvgPool2d(long[] output_size) => new(output_size);

            public static AdaptiveMaxPool1d AdaptiveMaxPool1d(long output_size) => new(output_size);

            public static AdaptiveMaxPool2d AdaptiveMaxPool2d(long[] output_size) => new(output_size);

            private static long[] Square(long? side) => side is { } s ? [s, s] : null;
        }
    }
}
