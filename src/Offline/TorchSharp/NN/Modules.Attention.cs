using static TorchSharp.torch;

namespace TorchSharp.Modules
{
    /// <summary>
    /// Attention with several heads (Vaswani et al. 2017, section 3.2.2): softmax(q kᵀ / √d) v per head, between projections.
    /// Sequences come first: [L, N, E], or [L, E] without a batch.
    /// </summary>
    public sealed class MultiheadAttention : nn.Module<Tensor, Tensor, Tensor, Tensor, bool, Tensor, Tuple<Tensor, Tensor>>
    {
        private readonly long width, heads;
        private readonly double dropout;
        private readonly bool addZeroAttention;
        private readonly Parameter inWeight, queryWeight, keyWeight, valueWeight, inBias, keyBias, valueBias;
        private readonly Linear output;

        internal MultiheadAttention(long embedded_dim, long num_heads, double dropout, bool bias, bool add_bias_kv, bool add_zero_attn, long? kdim, long? vdim) : base(nameof(MultiheadAttention))
        {
            if (num_heads < 1 || embedded_dim % num_heads != 0) throw new ArgumentException($"A width of {embedded_dim} cannot be split into {num_heads} heads.", nameof(num_heads));
            if (dropout is < 0 or > 1) throw new ArgumentOutOfRangeException(nameof(dropout), dropout, "The dropout probability must be within 0 and 1.");
            (width, heads, this.dropout, addZeroAttention) = (embedded_dim, num_heads, dropout, add_zero_attn);
            Parameter Projection(long rows, long columns) => new(nn.init.xavier_uniform_(empty([rows, columns])));
            if ((kdim ?? width) == width && (vdim ?? width) == width)
            {
                register_parameter("in_proj_weight", inWeight = Projection(3 * width, width));
            }
            else
            {
                register_parameter("q_proj_weight", queryWeight = Projection(width, width));
                register_parameter("k_proj_weight", keyWeight = Projection(width, kdim ?? width));
                register_parameter("v_proj_weight", valueWeight = Projection(width, vdim ?? width));
            }
            if (bias) register_parameter("in_proj_bias", inBias = new Parameter(zeros([3 * width])));
            output = nn.Linear(width, width, bias);
            if (bias)
            {
                using var quiet = no_grad();
                output.bias.zero_();
            }
            register_module("out_proj", output);
            if (!add_bias_kv) return;
            register_parameter("bias_k", keyBias = new Parameter(nn.init.xavier_normal_(empty([1, 1, width]))));
            register_parameter("bias_v", valueBias = new Parameter(nn.init.xavier_normal_(empty([1, 1, width]))));
        }

        /// <param name="query">[L, N, E].</param>
        /// <param name="key">[S, N, kdim].</param>
        /// <param name="value">[S, N, vdim].</param>
        /// <param name="key_padding_mask">[N, S]; true leaves a key out, numbers are added to its scores. Null for none.</param>
        /// <param name="need_weights">Also returns the weights, averaged over the heads: [N, L, S].</param>
        /// <param name="attn_mask">[L, S] or [N·heads, L, S]; true leaves a pair out, numbers are added to its score. Null for none.</param>
        public new Tuple<Tensor, Tensor> call(Tensor query, Tensor key, Tensor value, Tensor key_padding_mask = null, bool need_weights = true, Tensor attn_mask = null) =>
            base.call(query, key, value, key_padding_mask, need_weights, attn_mask);

        public override Tuple<Tensor, Tensor> forward(Tensor query, Tensor key, Tensor value, Tensor key_padding_mask, bool need_weights, Tensor attn_mask)
        {
            using var scope = NewDisposeScope();
            if (query.ndim == 2)
            {
                var (one, its) = Attend(query.unsqueeze(1), key.unsqueeze(1), value.unsqueeze(1), key_padding_mask?.unsqueeze(0), need_weights, attn_mask);
                return new(one.squeeze(1).MoveToOuterDisposeScope(), its?.squeeze(0).MoveToOuterDisposeScope());
            }
            if (query.ndim != 3) throw new ArgumentException($"The query needs 2 or 3 dimensions, not {query.ndim}.", nameof(query));
            var (result, weights) = Attend(query, key, value, key_padding_mask, need_weights, attn_mask);
            return new(result.MoveToOuterDisposeScope(), weights?.MoveToOuterDisposeScope());
        }

        private (Tensor, Tensor) Attend(Tensor query, Tensor key, Tensor value, Tensor padding, bool needWeights, Tensor mask)
        {
            var (length, batch) = (query.shape[0], query.shape[1]);
            var (q, k, v) = Project(query, key, value);
            if (keyBias is not null)
            {
                k = cat([k, keyBias.repeat(1, batch, 1)], 0);
                v = cat([v, valueBias.repeat(1, batch, 1)], 0);
            }
            var head = width / heads;
            Tensor Split(Tensor x) => x.reshape(x.shape[0], batch * heads, head).transpose(0, 1);                    // [N·H, S, D]
            (q, k, v) = (Split(q), Split(k), Split(v));
            if (addZeroAttention)
            {
                k = cat([k, zeros([batch * heads, 1, head], k.dtype, k.device)], 1);
                v = cat([v, zeros([batch * heads, 1, head], v.dtype, v.device)], 1);
            }
            var added = k.shape[1] - key.shape[0]; // keys that no mask knows
            var scores = (q * (1 / Math.Sqrt(head))).matmul(k.transpose(1, 2));                                      // [N·H, L, S]
            if (mask is not null) scores = scores + Additive(mask, added, scores.dtype);
            if (padding is not null)
            {
                var keys = Additive(padding, added, scores.dtype).reshape(batch, 1, 1, -1);
                scores = (scores.reshape(batch, heads, length, -1) + keys).reshape(batch * heads, length, -1);
            }
            var weights = nn.functional.softmax(scores, -1);
            if (training && dropout > 0) weights = nn.functional.dropout(weights, dropout);
            var mixed = weights.matmul(v).transpose(0, 1).reshape(length, batch, width);                             // [L, N, E]
            return (output.call(mixed), needWeights ? weights.reshape(batch, heads, length, -1).mean([1]) : null);
        }

        private (Tensor, Tensor, Tensor) Project(Tensor query, Tensor key, Tensor value)
        {
            var weights = inWeight is null ? [queryWeight, keyWeight, valueWeight] : inWeight.chunk(3, 0);
            var biases = inBias?.chunk(3, 0);
            return (nn.functional.linear(query, weights[0], biases?[0]), nn.functional.linear(key, weights[1], biases?[1]), nn.functional.linear(value, weights[2], biases?[2]));
        }

        private static Tensor Additive(Tensor mask, long added, ScalarType type)
        {
            var numbers = mask.dtype == ScalarType.Bool ? zeros_like(mask, type).masked_fill(mask, double.NegativeInfinity) : mask;
            return added == 0 ? numbers : nn.functional.pad(numbers, (0, added));
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
            public static MultiheadAttention MultiheadAttention(long embedded_dim, long num_heads, double dropout = 0, bool bias = true, bool add_bias_kv = false, bool add_zero_attn = false, long? kdim = null, long? vdim = null) =>
                new(embedded_dim, num_heads, dropout, bias, add_bias_kv, add_zero_attn, kdim, vdim);
        }
    }
}
