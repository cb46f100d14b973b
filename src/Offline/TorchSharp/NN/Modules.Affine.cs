using static TorchSharp.torch;

namespace TorchSharp.Modules
{
    public sealed class Linear : nn.Module<Tensor, Tensor>
    {
        private Parameter _weight, _bias;

        internal Linear(Parameter weight, Parameter bias) : base(nameof(Linear))
        {
            (this.weight, this.bias) = (weight, bias);
            (out_features, in_features) = (weight.shape[0], weight.shape[1]);
        }

        public long in_features { get; set; }

        public long out_features { get; set; }

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

        public override void register_parameter(string name, Parameter param)
        {
            base.register_parameter(name, param);
            if (name == nameof(weight)) _weight = param;
            if (name == nameof(bias)) _bias = param;
        }

        public override Tensor forward(Tensor tensor) => nn.functional.linear(tensor, _weight, _bias);
    }

    public sealed class Embedding : nn.Module<Tensor, Tensor>
    {
        private readonly long? paddingIndex;
        private readonly double? maxNorm;
        private readonly double normType;
        private readonly bool scaleGradByFreq, sparse;
        private Parameter _weight;

        internal Embedding(Parameter weight, long? padding_idx, double? max_norm, double norm_type, bool scale_grad_by_freq, bool sparse) : base(nameof(Embedding))
        {
            this.weight = weight;
            (paddingIndex, maxNorm, normType, scaleGradByFreq, this.sparse) = (padding_idx < 0 ? weight.shape[0] + padding_idx : padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse);
        }

        public Parameter weight
        {
            get => _weight;
            set => register_parameter(nameof(weight), _weight = value);
        }

        public override Tensor forward(Tensor input) => nn.functional.embedding(input, _weight, paddingIndex, maxNorm, normType, scaleGradByFreq, sparse);
    }

    public sealed class LayerNorm : nn.Module<Tensor, Tensor>
    {
        private Parameter _weight, _bias;

        internal LayerNorm(long[] normalized_shape, double eps, Parameter weight, Parameter bias) : base(nameof(LayerNorm))
        {
            (this.normalized_shape, this.eps) = (normalized_shape, eps);
            (this.weight, this.bias) = (weight, bias);
            elementwise_affine = weight is not null;
        }

        public long[] normalized_shape { get; set; }

        public double eps { get; set; }

        public bool elementwise_affine { get; set; }

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
            _weight?.fill_(1);
            _bias?.zero_();
        }

        public override Tensor forward(Tensor tensor) => nn.functional.layer_norm(tensor, normalized_shape, _weight, _bias, eps);
    }

    public sealed class GroupNorm : nn.Module<Tensor, Tensor>
    {
        private Parameter _weight, _bias;

        internal GroupNorm(long num_groups, double eps, Parameter weight, Parameter bias) : base(nameof(GroupNorm))
        {
            (this.num_groups, this.eps) = (num_groups, eps);
            (this.weight, this.bias) = (weight, bias);
            affine = weight is not null;
        }

        public long num_groups { get; set; }

        public double eps { get; set; }

        public bool affine { get; set; }

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

        public override Tensor forward(Tensor tensor) => nn.functional.group_norm(tensor, num_groups, _weight, _bias, eps);
    }
}

namespace TorchSharp
{
    using TorchSharp.Modules;

    public static partial class torch
    {
        public static partial class nn
        {
            /// <summary>y = x Wᵀ + b, initialised uniformly within ±1/√(inputs).</summary>
            public static Linear Linear(long inputSize, long outputSize, bool hasBias = true, Device device = null, ScalarType? dtype = null)
            {
                var bound = inputSize > 0 ? 1 / Math.Sqrt(inputSize) : 0;
                var weight = Drawn([outputSize, inputSize], bound, device, dtype);
                return new(weight, hasBias ? Drawn([outputSize], bound, device, dtype) : null);
            }

            public static Linear Linear(Parameter weight, Parameter bias = null) => new(weight, bias);

            internal static Parameter Drawn(long[] shape, double bound, Device device, ScalarType? dtype) => new(empty(shape, dtype, device).uniform_(-bound, bound));

            private static Parameter Ones(long[] shape, Device device, ScalarType? dtype) => new(ones(shape, dtype, device));

            private static Parameter Zeros(long[] shape, Device device, ScalarType? dtype) => new(zeros(shape, dtype, device));

            public static Embedding Embedding(long num_embeddings, long embedding_dims, long? padding_idx = null, double? max_norm = null, double norm_type = 2, bool scale_grad_by_freq = false, bool sparse = false, Device device = null, ScalarType? dtype = null)
            {
                var index = padding_idx < 0 ? num_embeddings + padding_idx : padding_idx;
                var weight = randn([num_embeddings, embedding_dims], dtype, device);
                if (index is { } row) weight[row] = 0;
                return new(new(weight), index, max_norm, norm_type, scale_grad_by_freq, sparse);
            }

            /// <summary>An embedding with the given rows, [number, dimensions]; frozen ones have no gradient.</summary>
            public static Embedding Embedding_from_pretrained(Tensor embeddings, bool freeze = true, long? padding_idx = null, double? max_norm = null, double norm_type = 2, bool scale_grad_by_freq = false, bool sparse = false, Device device = null, ScalarType? dtype = null)
            {
                if (embeddings.ndim != 2) throw new ArgumentException($"Embeddings are a matrix, not a tensor of {embeddings.ndim} dimensions.", nameof(embeddings));
                using var rows = embeddings.detach();
                return new(new(rows.to(dtype ?? rows.dtype, device ?? rows.device, copy: true), requires_grad: !freeze), padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse);
            }

            public static LayerNorm LayerNorm(long[] normalized_shape, double eps = 1E-05, bool elementwise_affine = true, bool bias = true, Device device = null, ScalarType? dtype = null) =>
                new(normalized_shape, eps, elementwise_affine ? Ones(normalized_shape, device, dtype) : null, elementwise_affine && bias ? Zeros(normalized_shape, device, dtype) : null);

            public static LayerNorm LayerNorm(long normalized_shape, double eps = 1E-05, bool elementwise_affine = true, bool bias = true, Device device = null, ScalarType? dtype = null) =>
                LayerNorm([normalized_shape], eps, elementwise_affine, bias, device, dtype);

            public static GroupNorm GroupNorm(long num_groups, long num_channels, double eps = 1E-05, bool affine = true, Device device = null, ScalarType? dtype = null)
            {
                if (num_groups < 1 || num_channels % num_groups != 0) throw new ArgumentException($"{num_channels} channels cannot be split into {num_groups} groups.", nameof(num_groups));
                return new(num_groups, eps, affine ? Ones([num_channels], device, dtype) : null, affine ? Zeros([num_channels], device, dtype) : null);
            }

            public static BatchNorm1d BatchNorm1d(long num_features, double eps = 1E-05, double momentum = 0.1, bool affine = true, bool track_running_stats = true, Device device = null, ScalarType? dtype = null) =>
                new(num_features, eps, momentum, affine, track_running_stats, device, dtype);

            public static BatchNorm2d BatchNorm2d(long num_features, double eps = 1E-05, double momentum = 0.1, bool affine = true, bool track_running_stats = true, Device device = null, ScalarType? dtype = null) =>
                new(num_features, eps, momentum, affine, track_running_stats, device, dtype);

            public static BatchNorm3d BatchNorm3d(long num_features, double eps = 1E-05, double momentum = 0.1, bool affine = true, bool track_running_stats = true, Device device = null, ScalarType? dtype = null) =>
                new(num_features, eps, momentum, affine, track_running_stats, device, dtype);

            public static InstanceNorm1d InstanceNorm1d(long num_features, double eps = 1E-05, double momentum = 0.1, bool affine = false, bool track_running_stats = false, Device device = null, ScalarType? dtype = null) =>
                new(num_features, eps, momentum, affine, track_running_stats, device, dtype);

            public static InstanceNorm2d InstanceNorm2d(long num_features, double eps = 1E-05, double momentum = 0.1, bool affine = false, bool track_running_stats = false, Device device = null, ScalarType? dtype = null) =>
                new(num_features, eps, momentum, affine, track_running_stats, device, dtype);

            public static InstanceNorm3d InstanceNorm3d(long num_features, double eps = 1E-05, double momentum = 0.1, bool affine = false, bool track_running_stats = false, Device device = null, ScalarType? dtype = null) =>
                new(num_features, eps, momentum, affine, track_running_stats, device, dtype);
        }
    }
}
