using TorchSharp.Modules;

namespace TorchSharp.Modules
{
    using static torch;

    public sealed class Linear : nn.Module<Tensor, Tensor>
    {
        internal Linear(Parameter weight, Parameter bias) : base(nameof(Linear))
        {
            register_parameter("weight", weight);
            register_parameter("bias", bias);
            (out_features, in_features) = (weight.shape[0], weight.shape[1]);
        }

        public long in_features { get; set; }

        public long out_features { get; set; }

        public Parameter weight
        {
            get => get_parameter(nameof(weight));
            set => register_parameter(nameof(weight), value);
        }

        public Parameter bias
        {
            get => get_parameter(nameof(bias));
            set => register_parameter(nameof(bias), value);
        }

        public override Tensor forward(Tensor tensor) => nn.functional.linear(tensor, weight, bias);
    }

    public sealed class LayerNorm : nn.Module<Tensor, Tensor>
    {
        internal LayerNorm(long[] normalized_shape, double eps, Parameter weight, Parameter bias) : base(nameof(LayerNorm))
        {
            (this.normalized_shape, this.eps) = (normalized_shape, eps);
            register_parameter("weight", weight);
            register_parameter("bias", bias);
        }

        public long[] normalized_shape { get; set; }

        public double eps { get; set; }

        public Parameter weight
        {
            get => get_parameter(nameof(weight));
            set => register_parameter(nameof(weight), value);
        }

        public Parameter bias
        {
            get => get_parameter(nameof(bias));
            set => register_parameter(nameof(bias), value);
        }

        public override Tensor forward(Tensor tensor) => nn.functional.layer_norm(tensor, normalized_shape, weight, bias, eps);
    }

    public sealed class GELU : nn.Module<Tensor, Tensor>
    {
        internal GELU(Approximate approximate, bool inplace) : base(nameof(GELU)) => (this.approximate, this.inplace) = (approximate, inplace);

        public Approximate approximate { get; set; }

        public bool inplace { get; set; }

        public override Tensor forward(Tensor tensor) => nn.functional.gelu(tensor, approximate, inplace);

        public enum Approximate
        {
            none = 0,
            tanh = 1,
        }
    }

    public sealed class Embedding : nn.Module<Tensor, Tensor>
    {
        internal Embedding(Parameter weight) : base(nameof(Embedding)) => register_parameter("weight", weight);

        public Parameter weight
        {
            get => get_parameter(nameof(weight));
            set => register_parameter(nameof(weight), value);
        }

        public override Tensor forward(Tensor input) => nn.functional.embedding(input, weight);
    }
}

namespace TorchSharp
{
    public static partial class torch
    {
        public static partial class nn
        {
            /// <summary>y = x Wᵀ + b, initialised uniformly within ±1/√(inputs).</summary>
            public static Linear Linear(long inputSize, long outputSize, bool hasBias = true, Device device = null, ScalarType? dtype = null)
            {
                var bound = 1 / Math.Sqrt(inputSize);
                Parameter Draw(params long[] shape) => new((rand(shape, dtype: dtype, device: device) * 2 - 1) * bound);
                return new(Draw(outputSize, inputSize), hasBias ? Draw(outputSize) : null);
            }

            public static GELU GELU() => new(Modules.GELU.Approximate.none, false);

            public static GELU GELU(bool inplace) => new(Modules.GELU.Approximate.none, inplace);

            public static GELU GELU(GELU.Approximate approximate, bool inplace = false) => new(approximate, inplace);

            public static Embedding Embedding(long num_embeddings, long embedding_dims, long? padding_idx = null, double? max_norm = null, double norm_type = 2, bool scale_grad_by_freq = false, bool sparse = false, Device device = null, ScalarType? dtype = null)
            {
                if (padding_idx is not null || max_norm is not null || scale_grad_by_freq || sparse)
                    throw new NotSupportedException("Embedding: padding_idx, max_norm, scale_grad_by_freq and sparse are not supported here; use functional.embedding.");
                return new(new(randn(num_embeddings, embedding_dims, dtype: dtype, device: device)));
            }

            public static Linear Linear(Parameter weight, Parameter bias = null) => new(weight, bias);

            public static LayerNorm LayerNorm(long[] normalized_shape, double eps = 1E-05, bool elementwise_affine = true, bool bias = true, Device device = null, ScalarType? dtype = null) =>
                new(normalized_shape, eps,
                    elementwise_affine ? new(ones(normalized_shape, dtype, device)) : null,
                    elementwise_affine && bias ? new(zeros(normalized_shape, dtype, device)) : null);

            public static LayerNorm LayerNorm(long normalized_shape, double eps = 1E-05, bool elementwise_affine = true, bool bias = true, Device device = null, ScalarType? dtype = null) =>
                LayerNorm([normalized_shape], eps, elementwise_affine, bias, device, dtype);
        }
    }
}
