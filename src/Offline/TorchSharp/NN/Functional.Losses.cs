using TorchSharp.Interop;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        public static partial class functional
        {
            private static readonly Op HuberLoss = new("huber_loss"), MarginRankingLoss = new("margin_ranking_loss"), TripletMarginLoss = new("triplet_margin_loss"),
                CosineEmbeddingLoss = new("cosine_embedding_loss"), HingeEmbeddingLoss = new("hinge_embedding_loss"), MultilabelMarginLoss = new("multilabel_margin_loss"),
                MultiMarginLoss = new("multi_margin_loss"), SoftMarginLoss = new("soft_margin_loss"), PoissonNllLoss = new("poisson_nll_loss"), CtcLoss = new("ctc_loss", "Tensor"),
                PairwiseDistance = new("pairwise_distance");

            public static Tensor huber_loss(Tensor input, Tensor target, double delta = 1, Reduction reduction = Reduction.Mean) => HuberLoss.Call(input, target, (long)reduction, delta);

            public static Tensor margin_ranking_loss(Tensor input1, Tensor input2, Tensor target, double margin = 0, Reduction reduction = Reduction.Mean) =>
                MarginRankingLoss.Call(input1, input2, target, margin, (long)reduction);

            public static Tensor triplet_margin_loss(Tensor anchor, Tensor positive, Tensor negative, double margin = 1, long p = 2, double eps = 1E-06, bool swap = false, Reduction reduction = Reduction.Mean) =>
                TripletMarginLoss.Call(anchor, positive, negative, margin, (double)p, eps, swap, (long)reduction);

            /// <summary>mean(max(0, d(anchor, positive) - d(anchor, negative) + margin)); with swap, the negative's distance is the smaller of those to anchor and positive.</summary>
            public static Tensor triplet_margin_with_distance_loss(Tensor anchor, Tensor positive, Tensor negative, Func<Tensor, Tensor, Tensor> distance = null, double margin = 1, bool swap = false, Reduction reduction = Reduction.Mean)
            {
                using var scope = NewDisposeScope();
                distance ??= (a, b) => pairwise_distance(a, b);
                var near = distance(anchor, positive);
                var far = distance(anchor, negative);
                if (swap) far = far.minimum(distance(positive, negative));
                return Reduce((near - far + margin).clamp_min(0), reduction).MoveToOuterDisposeScope();
            }

            public static Tensor cosine_embedding_loss(Tensor input1, Tensor input2, Tensor target, double margin = 0, Reduction reduction = Reduction.Mean) =>
                CosineEmbeddingLoss.Call(input1, input2, target, margin, (long)reduction);

            public static Tensor hinge_embedding_loss(Tensor input, Tensor target, double margin = 0, Reduction reduction = Reduction.Mean) =>
                HingeEmbeddingLoss.Call(input, target, margin, (long)reduction);

            public static Tensor multi_label_margin_loss(Tensor input, Tensor target, Reduction reduction = Reduction.Mean) => MultilabelMarginLoss.Call(input, target, (long)reduction);

            public static Tensor multi_margin_loss(Tensor input, Tensor target, int p = 1, double margin = 1, Tensor weight = null, Reduction reduction = Reduction.Mean) =>
                MultiMarginLoss.Call(input, target, p, margin, weight, (long)reduction);

            /// <summary>Binary cross-entropy of each label by its logit, averaged over the labels (the last dimension).</summary>
            public static Tensor multilabel_soft_margin_loss(Tensor input, Tensor target, Tensor weight = null, Reduction reduction = Reduction.Mean)
            {
                using var scope = NewDisposeScope();
                var loss = -(target * logsigmoid(input) + (1 - target) * logsigmoid(-input));                     // [..., C]
                if (weight is not null) loss = loss * weight;
                return Reduce(loss.mean([-1]), reduction).MoveToOuterDisposeScope();
            }

            public static Tensor soft_margin_loss(Tensor input, Tensor target, Reduction reduction = Reduction.Mean) => SoftMarginLoss.Call(input, target, (long)reduction);

            public static Tensor poisson_nll_loss(Tensor input, Tensor target, bool log_input = true, bool full = false, float eps = 1E-08f, Reduction reduction = Reduction.Mean) =>
                PoissonNllLoss.Call(input, target, log_input, full, (double)eps, (long)reduction);

            /// <summary>½ (log var + (input - target)² / var), with var at least eps; full adds ½ log 2π.</summary>
            public static Tensor gaussian_nll_loss(Tensor input, Tensor target, Tensor variance, bool full = false, float eps = 1E-06f, Reduction reduction = Reduction.Mean)
            {
                using var scope = NewDisposeScope();
                Tensor bounded;
                // The bound is no part of the gradient.
                using (no_grad()) bounded = variance.clamp_min(eps) - variance;
                var var = variance + bounded;
                var loss = 0.5 * (var.log() + (input - target).pow(2) / var);
                if (full) loss = loss + 0.5 * Math.Log(2 * Math.PI);
                return Reduce(loss, reduction).MoveToOuterDisposeScope();
            }

            public static Tensor ctc_loss(Tensor log_probs, Tensor targets, Tensor input_lengths, Tensor target_lengths, long blank = 0, bool zero_infinity = false, Reduction reduction = Reduction.Mean) =>
                CtcLoss.Call(log_probs, targets, input_lengths, target_lengths, blank, (long)reduction, zero_infinity);

            public static Tensor pairwise_distance(Tensor input1, Tensor input2, double p = 2, double eps = 1E-06, bool keepdim = false) => PairwiseDistance.Call(input1, input2, p, eps, keepdim);

            private static Tensor Reduce(Tensor loss, Reduction reduction) => reduction switch
            {
                Reduction.None => loss,
                Reduction.Mean => loss.mean(),
                _ => loss.sum(),
            };
        }
    }
}
