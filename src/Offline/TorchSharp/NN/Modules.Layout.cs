using static TorchSharp.torch;

namespace TorchSharp.Modules
{
    public sealed class PixelShuffle : ParameterLessModule<Tensor, Tensor>
    {
        internal PixelShuffle(long upscale_factor) : base(nameof(PixelShuffle)) => this.upscale_factor = upscale_factor;

        public long upscale_factor { get; set; }

        public override Tensor forward(Tensor input) => nn.functional.pixel_shuffle(input, upscale_factor);
    }

    public sealed class PixelUnshuffle : ParameterLessModule<Tensor, Tensor>
    {
        internal PixelUnshuffle(long downscale_factor) : base(nameof(PixelUnshuffle)) => this.downscale_factor = downscale_factor;

        public long downscale_factor { get; set; }

        public override Tensor forward(Tensor input) => nn.functional.pixel_unshuffle(input, downscale_factor);
    }

    public sealed class Unflatten : ParameterLessModule<Tensor, Tensor>
    {
        internal Unflatten(long dim, long[] unflattened_size) : base(nameof(Unflatten)) =>
            (this.dim, this.unflattened_size) = (dim, unflattened_size);

        public long dim { get; set; }

        public long[] unflattened_size { get; set; }

        public override Tensor forward(Tensor tensor) => tensor.unflatten(dim, unflattened_size);
    }

    public sealed class Unfold : ParameterLessModule<Tensor, Tensor>
    {
        internal Unfold((long, long) kernel_size, (long, long) dilation, (long, long) padding, (long, long) stride) : base(nameof(Unfold)) =>
            (this.kernel_size, this.dilation, this.padding, this.stride) = (kernel_size, dilation, padding, stride);

        public (long, long) kernel_size { get; set; }

        public (long, long) dilation { get; set; }

        public (long, long) padding { get; set; }

        public (long, long) stride { get; set; }

        public override Tensor forward(Tensor tensor) => nn.functional.unfold(tensor, kernel_size, dilation, padding, stride);
    }

    public sealed class Fold : ParameterLessModule<Tensor, Tensor>
    {
        internal Fold((long, long) output_size, (long, long) kernel_size, (long, long) dilation, (long, long) padding, (long, long) stride) : base(nameof(Fold)) =>
            (this.output_size, this.kernel_size, this.dilation, this.padding, this.stride) = (output_size, kernel_size, dilation, padding, stride);

        public (long, long) output_size { get; set; }

        public (long, long) kernel_size { get; set; }

        public (long, long) dilation { get; set; }

        public (long, long) padding { get; set; }

        public (long, long) stride { get; set; }

        public override Tensor forward(Tensor tensor) => nn.functional.fold(tensor, output_size, kernel_size, dilation, padding, stride);
    }

    public sealed class Upsample : ParameterLessModule<Tensor, Tensor>
    {
        private readonly long[] _size;
        private readonly double[] _scale_factor;

        internal Upsample(long[] size, double[] scale_factor, UpsampleMode mode, bool? align_corners, bool? recompute_scale_factor) : base(nameof(Upsample)) =>
            (_size, _scale_factor, this.mode, this.align_corners, this.recompute_scale_factor) = (size, scale_factor, mode, align_corners, recompute_scale_factor);

        public ReadOnlySpan<long> size => _size;

        public ReadOnlySpan<double> scale_factor => _scale_factor;

        public UpsampleMode mode { get; }

        public bool? align_corners { get; }

        public bool? recompute_scale_factor { get; set; }

        public override Tensor forward(Tensor input) =>
            nn.functional.interpolate(input, _size, _scale_factor, (InterpolationMode)(int)mode, align_corners, recompute_scale_factor ?? false);
    }

    public sealed class Dropout1d : ParameterLessModule<Tensor, Tensor>
    {
        internal Dropout1d(double p, bool inplace) : base(nameof(Dropout1d)) =>
            (this.p, this.inplace) = (p, inplace);

        public double p { get; set; }

        public bool inplace { get; set; }

        public override Tensor forward(Tensor tensor) => nn.functional.dropout1d(tensor, p, training, inplace);
    }

    public sealed class Dropout2d : ParameterLessModule<Tensor, Tensor>
    {
        internal Dropout2d(double p, bool inplace) : base(nameof(Dropout2d)) =>
            (this.p, this.inplace) = (p, inplace);

        public double p { get; set; }

        public bool inplace { get; set; }

        public override Tensor forward(Tensor input) => nn.functional.dropout2d(input, p, training, inplace);
    }

    public sealed class Dropout3d : ParameterLessModule<Tensor, Tensor>
    {
        internal Dropout3d(double p, bool inplace) : base(nameof(Dropout3d)) =>
            (this.p, this.inplace) = (p, inplace);

        public double p { get; set; }

        public bool inplace { get; set; }

        public override Tensor forward(Tensor input) => nn.functional.dropout3d(input, p, training, inplace);
    }

    public sealed class AlphaDropout : ParameterLessModule<Tensor, Tensor>
    {
        internal AlphaDropout(double p, bool inplace) : base(nameof(AlphaDropout)) =>
            (this.p, this.inplace) = (p, inplace);

        public double p { get; set; }

        public bool inplace { get; set; }

        public override Tensor forward(Tensor input) => nn.functional.alpha_dropout(input, p, training, inplace);
    }

    public sealed class FeatureAlphaDropout : ParameterLessModule<Tensor, Tensor>
    {
        internal FeatureAlphaDropout(double p, bool inplace) : base(nameof(FeatureAlphaDropout)) =>
            (this.p, this.inplace) = (p, inplace);

        public double p { get; set; }

        public bool inplace { get; set; }

        public override Tensor forward(Tensor input) => nn.functional.feature_alpha_dropout(input, p, training, inplace);
    }

    public sealed class LocalResponseNorm : ParameterLessModule<Tensor, Tensor>
    {
        internal LocalResponseNorm(long size, double alpha, double beta, double k) : base(nameof(LocalResponseNorm)) =>
            (this.size, this.alpha, this.beta, this.k) = (size, alpha, beta, k);

        public long size { get; set; }

        public double alpha { get; set; }

        public double beta { get; set; }

        public double k { get; set; }

        public override Tensor forward(Tensor input) => nn.functional.local_response_norm(input, size, alpha, beta, k);
    }

    public sealed class CosineSimilarity : ParameterLessModule<Tensor, Tensor, Tensor>
    {
        internal CosineSimilarity(long dim, double eps) : base(nameof(CosineSimilarity)) =>
            (this.dim, this.eps) = (dim, eps);

        public long dim { get; set; }

        public double eps { get; set; }

        public override Tensor forward(Tensor input1, Tensor input2) => nn.functional.cosine_similarity(input1, input2, dim, eps);
    }

    public sealed class PairwiseDistance : ParameterLessModule<Tensor, Tensor, Tensor>
    {
        internal PairwiseDistance(double norm, double eps, bool keepdim) : base(nameof(PairwiseDistance)) =>
            (this.norm, this.eps, this.keepdim) = (norm, eps, keepdim);

        public double norm { get; set; }

        public double eps { get; set; }

        public bool keepdim { get; set; }

        public override Tensor forward(Tensor input1, Tensor input2) => nn.functional.pairwise_distance(input1, input2, norm, eps, keepdim);
    }
}

namespace TorchSharp
{
    using TorchSharp.Modules;

    public static partial class torch
    {
        public static partial class nn
        {
            public static PixelShuffle PixelShuffle(long upscale_factor) => new(upscale_factor);
            public static PixelUnshuffle PixelUnshuffle(long downscale_factor) => new(downscale_factor);
            public static Unflatten Unflatten(long dim, long[] unflattened_size) => new(dim, unflattened_size);
            public static Unfold Unfold(long kernel_size, long dilation = 1, long padding = 0, long stride = 1) => new((kernel_size, kernel_size), (dilation, dilation), (padding, padding), (stride, stride));
            public static Unfold Unfold((long, long) kernel_size, (long, long)? dilation = null, (long, long)? padding = null, (long, long)? stride = null) => new(kernel_size, dilation ?? (1, 1), padding ?? (0, 0), stride ?? (1, 1));
            public static Fold Fold(long output_size, long kernel_size, long dilation = 1, long padding = 0, long stride = 1) => new((output_size, output_size), (kernel_size, kernel_size), (dilation, dilation), (padding, padding), (stride, stride));
            public static Fold Fold((long, long) output_size, (long, long) kernel_size, (long, long)? dilation = null, (long, long)? padding = null, (long, long)? stride = null) => new(output_size, kernel_size, dilation ?? (1, 1), padding ?? (0, 0), stride ?? (1, 1));
            public static Upsample Upsample(long[] size = null, double[] scale_factor = null, UpsampleMode mode = UpsampleMode.Nearest, bool? align_corners = null, bool? recompute_scale_factor = null) => new(size, scale_factor, mode, align_corners, recompute_scale_factor);
            public static Dropout1d Dropout1d(double p = 0.5, bool inplace = false) => new(Probability(p), inplace);
            public static Dropout2d Dropout2d(double p = 0.5, bool inplace = false) => new(Probability(p), inplace);
            public static Dropout3d Dropout3d(double p = 0.5, bool inplace = false) => new(Probability(p), inplace);
            public static AlphaDropout AlphaDropout(double p = 0.5, bool inplace = false) => new(Probability(p), inplace);
            public static FeatureAlphaDropout FeatureAlphaDropout(double p = 0.5) => new(Probability(p), false);
            public static FeatureAlphaDropout FeatureAlphaDropout(double p, bool inplace) => new(Probability(p), inplace);
            public static LocalResponseNorm LocalResponseNorm(long size, double alpha = 0.0001, double beta = 0.75, double k = 1) => new(size, alpha, beta, k);

            private static double Probability(double p) =>
                p is >= 0 and <= 1 ? p : throw new ArgumentOutOfRangeException(nameof(p), p, "The dropout probability must be within 0 and 1.");

            public static CosineSimilarity CosineSimilarity(long dim = 1, double eps = 1E-08) => new(dim, eps);
            public static PairwiseDistance PairwiseDistance(double p = 2, double eps = 1E-06, bool keepdim = false) => new(p, eps, keepdim);
        }
    }
}
