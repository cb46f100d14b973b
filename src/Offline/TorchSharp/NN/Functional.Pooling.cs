using TorchSharp.Interop;

namespace TorchSharp;

public static partial class torch
{
    public enum GridSampleMode
    {
        Nearest = 0,
        Bilinear = 2,
    }

    public enum GridSamplePaddingMode
    {
        Zeros = 0,
        Reflection = 1,
        Border = 2,
    }

    public static partial class nn
    {
        // Pooling, patches, one-dimensional convolution and sampling.
        public static partial class functional
        {
            private static readonly Op MaxPool1d = new("max_pool1d"), MaxPool1dIndices = new("max_pool1d_with_indices"), MaxPool2dIndices = new("max_pool2d_with_indices"),
                AvgPool1d = new("avg_pool1d"), AdaptiveAvgPool1d = new("adaptive_avg_pool1d"), AdaptiveMaxPool1d = new("adaptive_max_pool1d"), AdaptiveMaxPool2d = new("adaptive_max_pool2d"),
                Conv1d = new("conv1d"), Conv3d = new("conv3d"), ConvTranspose1d = new("conv_transpose1d"), ConvTranspose3d = new("conv_transpose3d", "input"), PixelShuffle = new("pixel_shuffle"), PixelUnshuffle = new("pixel_unshuffle"),
                Im2Col = new("im2col"), Col2Im = new("col2im"), GridSampler = new("grid_sampler"), AffineGrid = new("affine_grid_generator"), FeatureDropout = new("feature_dropout"),
                AlphaDropout = new("alpha_dropout"), FeatureAlphaDropout = new("feature_alpha_dropout"), InstanceNorm = new("instance_norm"), Bilinear = new("bilinear");

            private static long[] One(long? value) => value is { } v ? [v] : null;

            public static Tensor max_pool1d(Tensor input, long kernel_size, long? stride = null, long? padding = null, long? dilation = null, bool ceil_mode = false) =>
                MaxPool1d.Call(input, new[] { kernel_size }, One(stride) ?? [], One(padding) ?? [0], One(dilation) ?? [1], ceil_mode);

            public static (Tensor output, Tensor indices) max_pool1d_with_indices(Tensor input, long kernel_size, long? stride = null, long? padding = null, long? dilation = null, bool ceil_mode = false) =>
                MaxPool1dIndices.Call2(input, new[] { kernel_size }, One(stride) ?? [], One(padding) ?? [0], One(dilation) ?? [1], ceil_mode);

            public static Tensor max_pool2d(Tensor input, (long, long) kernel_size, (long, long)? stride = null, (long, long)? padding = null, (long, long)? dilation = null, bool ceil_mode = false) =>
                max_pool2d(input, Pair(kernel_size), Pair(stride), Pair(padding), Pair(dilation), ceil_mode);

            public static (Tensor output, Tensor indices) max_pool2d_with_indices(Tensor input, long[] kernel_size, long[] strides = null, long[] padding = null, long[] dilation = null, bool ceil_mode = false) =>
                MaxPool2dIndices.Call2(input, kernel_size, strides ?? [], padding ?? [0, 0], dilation ?? [1, 1], ceil_mode);

            public static Tensor avg_pool1d(Tensor input, long kernel_size, long? stride = null, long? padding = null, bool ceil_mode = false, bool count_include_pad = true) =>
                AvgPool1d.Call(input, new[] { kernel_size }, One(stride) ?? [], One(padding) ?? [0], ceil_mode, count_include_pad);

            public static Tensor adaptive_avg_pool1d(Tensor input, long output_size) => AdaptiveAvgPool1d.Call(input, new[] { output_size });

            public static Tensor adaptive_max_pool1d(Tensor input, long output_size)
            {
                var (values, indices) = AdaptiveMaxPool1d.Call2(input, new[] { output_size });
                indices.Dispose();
                return values;
            }

            public static (Tensor Values, Tensor Indices) adaptive_max_pool1d_with_indices(Tensor input, long output_size) => AdaptiveMaxPool1d.Call2(input, new[] { output_size });

            public static Tensor adaptive_max_pool2d(Tensor input, long[] output_size)
            {
                var (values, indices) = AdaptiveMaxPool2d.Call2(input, output_size);
                indices.Dispose();
                return values;
            }

            public static (Tensor Values, Tensor Indices) adaptive_max_pool2d_with_indices(Tensor input, long[] output_size) => AdaptiveMaxPool2d.Call2(input, output_size);

            public static Tensor conv1d(Tensor input, Tensor weight, Tensor bias = null, long? stride = null, long? padding = null, long? dilation = null, long groups = 1) =>
                Conv1d.Call(input, weight, bias, One(stride) ?? [1], One(padding) ?? [0], One(dilation) ?? [1], groups);

            public static Tensor conv3d(Tensor input, Tensor weight, Tensor bias = null, long[] strides = null, long[] padding = null, long[] dilation = null, long groups = 1) =>
                Conv3d.Call(input, weight, bias, strides ?? [1, 1, 1], padding ?? [0, 0, 0], dilation ?? [1, 1, 1], groups);

            public static Tensor conv_transpose1d(Tensor input, Tensor weight, Tensor bias = null, long? stride = null, long? padding = null, long? output_padding = null, long? dilation = null, long groups = 1) =>
                ConvTranspose1d.Call(input, weight, bias, One(stride) ?? [1], One(padding) ?? [0], One(output_padding) ?? [0], groups, One(dilation) ?? [1]);

            public static Tensor conv_transpose3d(Tensor input, Tensor weight, Tensor bias = null, long[] strides = null, long[] padding = null, long[] output_padding = null, long[] dilation = null, long groups = 1) =>
                ConvTranspose3d.Call(input, weight, bias, strides ?? [1, 1, 1], padding ?? [0, 0, 0], output_padding ?? [0, 0, 0], groups, dilation ?? [1, 1, 1]);

            public static Tensor bilinear(Tensor input1, Tensor input2, Tensor weight, Tensor bias = null) => Bilinear.Call(input1, input2, weight, bias);

            public static Tensor pixel_shuffle(Tensor input, long upscale_factor) => PixelShuffle.Call(input, upscale_factor);

            public static Tensor pixel_unshuffle(Tensor input, long downscale_factor) => PixelUnshuffle.Call(input, downscale_factor);

            /// <summary>[N, C, H, W] to its patches, [N, C·kh·kw, L].</summary>
            public static Tensor unfold(Tensor input, long kernel_size, long dilation = 1, long padding = 0, long stride = 1) =>
                unfold(input, (kernel_size, kernel_size), (dilation, dilation), (padding, padding), (stride, stride));

            public static Tensor unfold(Tensor input, (long, long) kernel_size, (long, long)? dilation = null, (long, long)? padding = null, (long, long)? stride = null) =>
                Im2Col.Call(input, Pair(kernel_size), Pair(dilation) ?? [1, 1], Pair(padding) ?? [0, 0], Pair(stride) ?? [1, 1]);

            /// <summary>Sums patches [N, C·kh·kw, L] back to [N, C, H, W].</summary>
            public static Tensor fold(Tensor input, long output_size, long kernel_size, long dilation = 1, long padding = 0, long stride = 1) =>
                fold(input, (output_size, output_size), (kernel_size, kernel_size), (dilation, dilation), (padding, padding), (stride, stride));

            public static Tensor fold(Tensor input, (long, long) output_size, (long, long) kernel_size, (long, long)? dilation = null, (long, long)? padding = null, (long, long)? stride = null) =>
                Col2Im.Call(input, Pair(output_size), Pair(kernel_size), Pair(dilation) ?? [1, 1], Pair(padding) ?? [0, 0], Pair(stride) ?? [1, 1]);

            public static Tensor grid_sample(Tensor input, Tensor grid, GridSampleMode mode = GridSampleMode.Bilinear, GridSamplePaddingMode padding_mode = GridSamplePaddingMode.Zeros, bool? align_corners = null)
            {
                // LibTorch numbers them otherwise: bilinear 0, nearest 1; zeros 0, border 1, reflection 2.
                var interpolation = mode == GridSampleMode.Bilinear ? 0 : 1;
                var padding = padding_mode switch { GridSamplePaddingMode.Zeros => 0, GridSamplePaddingMode.Border => 1, _ => 2 };
                return GridSampler.Call(input, grid, interpolation, padding, align_corners ?? false);
            }

            public static Tensor affine_grid(Tensor theta, long[] size = null, bool align_corners = false) => AffineGrid.Call(theta, size, align_corners);

            /// <summary>Drops whole channels of [N, C, L].</summary>
            public static Tensor dropout1d(Tensor input, double p = 0.5, bool training = true, bool inplace = false) => Features(FeatureDropout, input, 2, p, training, inplace);

            /// <summary>Drops whole channels of [N, C, H, W].</summary>
            public static Tensor dropout2d(Tensor input, double p = 0.5, bool training = true, bool inplace = false) => Features(FeatureDropout, input, 3, p, training, inplace);

            /// <summary>Drops whole channels of [N, C, D, H, W].</summary>
            public static Tensor dropout3d(Tensor input, double p = 0.5, bool training = true, bool inplace = false) => Features(FeatureDropout, input, 4, p, training, inplace);

            public static Tensor alpha_dropout(Tensor input, double p = 0.5, bool training = false, bool inplace = false)
            {
                if (!inplace) return AlphaDropout.Call(input, p, training);
                using var result = AlphaDropout.Call(input, p, training);
                return input.copy_(result);
            }

            public static Tensor feature_alpha_dropout(Tensor input, double p = 0.5, bool training = false, bool inplace = false) => Features(FeatureAlphaDropout, input, -1, p, training, inplace);

            // An input of as many dimensions as one sample has no batch; the operator needs one.
            private static Tensor Features(Op op, Tensor input, long sample, double p, bool training, bool inplace)
            {
                if (p is < 0 or > 1) throw new ArgumentOutOfRangeException(nameof(p), p, "The dropout probability must be within 0 and 1.");
                Tensor result;
                if (input.ndim == sample)
                {
                    using var batch = input.unsqueeze(0);
                    using var dropped = op.Call(batch, p, training);
                    result = dropped.squeeze(0);
                }
                else
                {
                    result = op.Call(input, p, training);
                }
                if (!inplace) return result;
                using (result) return input.copy_(result);
            }

            public static Tensor instance_norm(Tensor input, Tensor running_mean = null, Tensor running_var = null, Tensor weight = null, Tensor bias = null, bool use_input_stats = true, double momentum = 0.1, double eps = 1E-05) =>
                InstanceNorm.Call(input, weight, bias, running_mean, running_var, use_input_stats, momentum, eps, true);

            /// <summary>x / (k + α/n · Σ x²)^β over n neighbouring channels (Krizhevsky et al. 2012, section 3.3).</summary>
            public static Tensor local_response_norm(Tensor input, long size, double alpha = 0.0001, double beta = 0.75, double k = 1)
            {
                if (input.ndim < 3) throw new ArgumentException($"local_response_norm needs 3 or more dimensions, not {input.ndim}.", nameof(input));
                using var scope = NewDisposeScope();
                var squares = input.mul(input).unsqueeze(1);                                              // [N, 1, C, ...]
                var flat = squares.reshape(squares.shape[0], 1, squares.shape[2], -1);                    // [N, 1, C, M]
                var padded = pad(flat, new[] { 0, 0, size / 2, (size - 1) / 2 });
                var mean = avg_pool2d(padded, new[] { size, 1L }, new[] { 1L, 1L }).reshape(input.shape);
                return (input / (mean * alpha + k).pow(beta)).MoveToOuterDisposeScope();
            }

            public static Tensor pad(Tensor input, long pad, PaddingModes mode = PaddingModes.Constant, double value = 0) => functional.pad(input, new[] { pad, pad }, mode, value);

            public static Tensor upsample(Tensor input, long[] size = null, double[] scale_factor = null, UpsampleMode mode = UpsampleMode.Nearest, bool align_corners = false) =>
                interpolate(input, size, scale_factor, (InterpolationMode)(int)mode, mode == UpsampleMode.Nearest ? null : align_corners); // same numbers in both

            public static Tensor upsample_nearest(Tensor x, long[] size = null, double[] scale_factor = null, bool align_corners = false) => interpolate(x, size, scale_factor, InterpolationMode.Nearest);

            public static Tensor upsample_bilinear(Tensor x, long[] size = null, double[] scale_factor = null, bool align_corners = false) =>
                interpolate(x, size, scale_factor, InterpolationMode.Bilinear, align_corners);
        }
    }
}
