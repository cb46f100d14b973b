using TorchSharp.Interop;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        public static partial class functional
        {
            private static readonly Op Linear = new("linear"), LayerNorm = new("layer_norm"), Gelu = new("gelu"), Silu = new("silu"), Relu = new("relu"),
                EmbeddingOp = new("embedding"), EmbeddingRenorm = new("embedding_renorm_"), CrossEntropy = new("cross_entropy_loss"), MseLoss = new("mse_loss"), Softmax = new("softmax", "int"),
                LogSoftmax = new("log_softmax", "int"), DropoutOp = new("dropout"), OneHot = new("one_hot"), Cosine = new("cosine_similarity"),
                NllLoss = new("nll_loss"), Norm = new("norm", "ScalarOpt_dim");

            public static Tensor linear(Tensor input, Tensor weights, Tensor bias = null) => Linear.Call(input, weights, bias);

            public static Tensor layer_norm(Tensor input, long[] normalized_shape, Tensor weight = null, Tensor bias = null, double eps = 1E-05) =>
                LayerNorm.Call(input, normalized_shape, weight, bias, eps);

            public static Tensor gelu(Tensor x) => Gelu.Call(x);

            public static Tensor gelu(Tensor x, bool inplace) => gelu(x, Modules.GELU.Approximate.none, inplace);

            public static Tensor gelu(Tensor x, Modules.GELU.Approximate approximate, bool inplace = false)
            {
                var result = Gelu.Call(x, approximate.ToString());
                return inplace ? x.copy_(result) : result;
            }

            public static Tensor silu(Tensor x, bool inplace = false) => inplace ? x.silu_() : Silu.Call(x);

            public static Tensor relu(Tensor x, bool inplace = false) => inplace ? x.relu_() : Relu.Call(x);

            public static Tensor softmax(Tensor input, long dim, ScalarType? dtype = null) => Softmax.Call(input, dim, dtype);

            public static Tensor log_softmax(Tensor x, long dim) => LogSoftmax.Call(x, dim);

            internal static Tensor embedding(Tensor x, Tensor weight, long? padding_idx = null, double? max_norm = null, double norm_type = 2, bool scale_grad_by_freq = false, bool sparse = false)
            {
                if (max_norm is { } max)
                {
                    // Rows that are looked up are shortened in place, outside the graph.
                    using var quiet = no_grad();
                    using var indices = x.reshape(-1);
                    EmbeddingRenorm.Run(weight, indices, max, norm_type);
                }
                return EmbeddingOp.Call(weight, x, padding_idx ?? -1, scale_grad_by_freq, sparse);
            }

            public static Tensor dropout(Tensor input, double p = 0.5, bool training = true, bool inplace = false) =>
                inplace ? input.copy_(DropoutOp.Call(input, p, training)) : DropoutOp.Call(input, p, training);

            public static Tensor one_hot(Tensor x, long num_classes = -1) => OneHot.Call(x, num_classes);

            public static Tensor cosine_similarity(Tensor x1, Tensor x2, long dim = 1, double eps = 1E-08) => Cosine.Call(x1, x2, dim, eps);

            public static Tensor cross_entropy(Tensor input, Tensor target, Tensor weight = null, long ignore_index = -100, Reduction reduction = Reduction.Mean, double label_smoothing = 0) =>
                CrossEntropy.Call(input, target, weight, (long)reduction, ignore_index, label_smoothing);

            public static Tensor nll_loss(Tensor input, Tensor target, Tensor weight = null, Reduction reduction = Reduction.Mean) =>
                NllLoss.Call(input, target, weight, (long)reduction, -100);

            public static Tensor mse_loss(Tensor input, Tensor target, Reduction reduction = Reduction.Mean) => MseLoss.Call(input, target, (long)reduction);

            /// <summary>x / max(‖x‖_p, eps) along one dimension.</summary>
            public static Tensor normalize(Tensor input, double p = 2, long dim = 1, double eps = 1E-12)
            {
                using var norm = Norm.Call(input, p, new[] { dim }, true);
                using var bounded = norm.clamp_min(eps);
                return input / bounded;
            }

            /// <summary>softmax(q kᵀ / √d + mask) v, composed where LibTorch has no such operator of its own.</summary>
            public static Tensor scaled_dot_product_attention(Tensor query, Tensor key, Tensor value, Tensor attn_mask = null, double p = 0, bool is_casual = false)
            {
                using var scope = NewDisposeScope();
                var scores = (query * (1 / Math.Sqrt(query.shape[^1]))).matmul(key.transpose(-2, -1));                 // [..., L, S]
                if (is_casual)
                {
                    var mask = ones([scores.shape[^2], scores.shape[^1]], ScalarType.Bool, query.device).triu(1);      // [L, S]
                    scores = scores.masked_fill(mask, double.NegativeInfinity);
                }
                if (attn_mask is not null)
                    scores = attn_mask.dtype == ScalarType.Bool ? scores.masked_fill(attn_mask.logical_not(), double.NegativeInfinity) : scores + attn_mask;
                var weights = softmax(scores, -1);
                if (p > 0) weights = dropout(weights, p);
                return weights.matmul(value).MoveToOuterDisposeScope();
            }
        }

        public static partial class utils
        {
            private static readonly Op ForeachNorm = new("_foreach_norm", "Scalar"), ForeachMul = new("_foreach_mul_", "Scalar");

            /// <summary>Scales all gradients together so that their norm is at most <paramref name="max_norm"/>; returns the norm before.</summary>
            public static double clip_grad_norm_(IEnumerable<Modules.Parameter> tensors, double max_norm, double norm_type = 2)
            {
                using var scope = NewDisposeScope();
                using var noGrad = no_grad();
                var grads = tensors.Select(t => t.grad).Where(g => g is not null).ToArray();
                if (grads.Length == 0) return 0;
                var norms = norm_type == 2 ? ForeachNorm.CallList(grads, 2.0) : [.. grads.Select(g => Norm(g, norm_type))];
                var total = Norm(stack(norms), norm_type).ToDouble();
                // Written so that a NaN norm leaves the gradients as they are.
                if (total > max_norm) ForeachMul.Run(grads, max_norm / (total + 1e-6));
                return total;
            }

            public static void clip_grad_value_(IEnumerable<Modules.Parameter> tensors, double clip_value)
            {
                using var noGrad = no_grad();
                foreach (var tensor in tensors)
                {
                    using var grad = tensor.grad;
                    grad?.clamp_(-clip_value, clip_value);
                }
            }

            private static Tensor Norm(Tensor x, double p) => double.IsPositiveInfinity(p) ? x.abs().max() : x.abs().pow(p).sum().pow(1 / p);
        }
    }
}
