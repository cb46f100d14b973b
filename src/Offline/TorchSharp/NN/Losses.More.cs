using static TorchSharp.torch;

namespace TorchSharp.Modules
{
    public sealed class NLLLoss : WeightedLoss<Tensor, Tensor, Tensor>
    {
        public NLLLoss(Tensor weight = null, nn.Reduction reduction = nn.Reduction.Mean) : base(weight, reduction)
        {
        }

        public override Tensor forward(Tensor input, Tensor target) => nn.functional.nll_loss(input, target, weight, reduction);
    }

    public sealed class BCELoss : WeightedLoss<Tensor, Tensor, Tensor>
    {
        public BCELoss(Tensor weight = null, nn.Reduction reduction = nn.Reduction.Mean) : base(weight, reduction)
        {
        }

        public override Tensor forward(Tensor input, Tensor target) => nn.functional.binary_cross_entropy(input, target, weight, reduction);
    }

    public sealed class SmoothL1Loss : Loss<Tensor, Tensor, Tensor>
    {
        public SmoothL1Loss(nn.Reduction reduction = nn.Reduction.Mean, double beta = 1) : base(reduction) => this.beta = beta;

        public double beta { get; }

        public override Tensor forward(Tensor input, Tensor target) => nn.functional.smooth_l1_loss(input, target, reduction, beta);
    }

    public sealed class HuberLoss : Loss<Tensor, Tensor, Tensor>
    {
        public HuberLoss(double delta = 1, nn.Reduction reduction = nn.Reduction.Mean) : base(reduction) => this.delta = delta;

        public double delta { get; }

        public override Tensor forward(Tensor input, Tensor target) => nn.functional.huber_loss(input, target, delta, reduction);
    }

    public sealed class MarginRankingLoss : Loss<Tensor, Tensor, Tensor, Tensor>
    {
        public MarginRankingLoss(double margin = 0, nn.Reduction reduction = nn.Reduction.Mean) : base(reduction) => this.margin = margin;

        public double margin { get; }

        public override Tensor forward(Tensor input1, Tensor input2, Tensor target) => nn.functional.margin_ranking_loss(input1, input2, target, margin, reduction);
    }

    public sealed class CosineEmbeddingLoss : Loss<Tensor, Tensor, Tensor, Tensor>
    {
        public CosineEmbeddingLoss(double margin = 0, nn.Reduction reduction = nn.Reduction.Mean) : base(reduction) => this.margin = margin;

        public double margin { get; }

        public override Tensor forward(Tensor input1, Tensor input2, Tensor target) => nn.functional.cosine_embedding_loss(input1, input2, target, margin, reduction);
    }

    public sealed class HingeEmbeddingLoss : Loss<Tensor, Tensor, Tensor>
    {
        public HingeEmbeddingLoss(double margin = 0, nn.Reduction reduction = nn.Reduction.Mean) : base(reduction) => this.margin = margin;

        public double margin { get; }

        public override Tensor forward(Tensor input, Tensor target) => nn.functional.hinge_embedding_loss(input, target, margin, reduction);
    }

    public sealed class MultiLabelMarginLoss : Loss<Tensor, Tensor, Tensor>
    {
        public MultiLabelMarginLoss(nn.Reduction reduction = nn.Reduction.Mean) : base(reduction)
        {
        }

        public override Tensor forward(Tensor input, Tensor target) => nn.functional.multi_label_margin_loss(input, target, reduction);
    }

    public sealed class MultiLabelSoftMarginLoss : WeightedLoss<Tensor, Tensor, Tensor>
    {
        public MultiLabelSoftMarginLoss(Tensor weight = null, nn.Reduction reduction = nn.Reduction.Mean) : base(weight, reduction)
        {
        }

        public override Tensor forward(Tensor input, Tensor target) => nn.functional.multilabel_soft_margin_loss(input, target, weight, reduction);
    }

    public sealed class MultiMarginLoss : WeightedLoss<Tensor, Tensor, Tensor>
    {
        public MultiMarginLoss(int p = 1, double margin = 1, Tensor weight = null, nn.Reduction reduction = nn.Reduction.Mean) : base(weight, reduction) =>
            (this.p, this.margin) = (p, margin);

        public int p { get; }

        public double margin { get; }

        public override Tensor forward(Tensor input, Tensor target) => nn.functional.multi_margin_loss(input, target, p, margin, weight, reduction);
    }

    public sealed class SoftMarginLoss : Loss<Tensor, Tensor, Tensor>
    {
        public SoftMarginLoss(nn.Reduction reduction = nn.Reduction.Mean) : base(reduction)
        {
        }

        public override Tensor forward(Tensor input, Tensor target) => nn.functional.soft_margin_loss(input, target, reduction);
    }

    public sealed class PoissonNLLLoss : Loss<Tensor, Tensor, Tensor>
    {
        public PoissonNLLLoss(bool log_input = true, bool full = false, float eps = 1E-08f, nn.Reduction reduction = nn.Reduction.Mean) : base(reduction) =>
            (this.log_input, this.full, this.eps) = (log_input, full, eps);

        public bool log_input { get; }

        public bool full { get; }

        public float eps { get; }

        public override Tensor forward(Tensor input, Tensor target) => nn.functional.poisson_nll_loss(input, target, log_input, full, eps, reduction);
    }

    public sealed class GaussianNLLLoss : Loss<Tensor, Tensor, Tensor, Tensor>
    {
        public GaussianNLLLoss(bool full = false, float eps = 1E-08f, nn.Reduction reduction = nn.Reduction.Mean) : base(reduction) =>
            (this.full, this.eps) = (full, eps);

        public bool full { get; }

        public float eps { get; }

        public override Tensor forward(Tensor input, Tensor target, Tensor variance) => nn.functional.gaussian_nll_loss(input, target, variance, full, eps, reduction);
    }

    public sealed class CTCLoss : Loss<Tensor, Tensor, Tensor, Tensor, Tensor>
    {
        public CTCLoss(long blank = 0, bool zero_infinity = false, nn.Reduction reduction = nn.Reduction.Mean) : base(reduction) =>
            (this.blank, this.zero_infinity) = (blank, zero_infinity);

        public long blank { get; }

        public bool zero_infinity { get; }

        public override Tensor forward(Tensor log_probs, Tensor targets, Tensor input_lengths, Tensor target_lengths) => nn.functional.ctc_loss(log_probs, targets, input_lengths, target_lengths, blank, zero_infinity, reduction);
    }

    public sealed class TripletMarginLoss : Loss<Tensor, Tensor, Tensor, Tensor>
    {
        private readonly double eps;
        private readonly bool swap;

        public TripletMarginLoss(double margin = 1, long p = 2, double eps = 1E-06, bool swap = false, nn.Reduction reduction = nn.Reduction.Mean) : base(reduction) =>
            (this.margin, this.p, this.eps, this.swap) = (margin, p, eps, swap);

        public double margin { get; }

        public long p { get; }

        public override Tensor forward(Tensor anchor, Tensor positive, Tensor negative) => nn.functional.triplet_margin_loss(anchor, positive, negative, margin, p, eps, swap, reduction);
    }

    public sealed class TripletMarginWithDistanceLoss : Loss<Tensor, Tensor, Tensor, Tensor>
    {
        private readonly Func<Tensor, Tensor, Tensor> distance;
        private readonly bool swap;

        public TripletMarginWithDistanceLoss(Func<Tensor, Tensor, Tensor> distance = null, double margin = 1, bool swap = false, nn.Reduction reduction = nn.Reduction.Mean) : base(reduction) =>
            (this.distance, this.margin, this.swap) = (distance, margin, swap);

        public double margin { get; }

        public override Tensor forward(Tensor anchor, Tensor positive, Tensor negative) => nn.functional.triplet_margin_with_distance_loss(anchor, positive, negative, distance, margin, swap, reduction);
    }
}

namespace TorchSharp
{
    using TorchSharp.Modules;

    public static partial class torch
    {
        public static partial class nn
        {
            public static NLLLoss NLLLoss(Tensor weight = null, Reduction reduction = Reduction.Mean) => new(weight, reduction);
            public static BCELoss BCELoss(Tensor weight = null, Reduction reduction = Reduction.Mean) => new(weight, reduction);
            public static SmoothL1Loss SmoothL1Loss(Reduction reduction = Reduction.Mean, double beta = 1) => new(reduction, beta);
            public static HuberLoss HuberLoss(double delta = 1, Reduction reduction = Reduction.Mean) => new(delta, reduction);
            public static MarginRankingLoss MarginRankingLoss(double margin = 0, Reduction reduction = Reduction.Mean) => new(margin, reduction);
            public static CosineEmbeddingLoss CosineEmbeddingLoss(double margin = 0, Reduction reduction = Reduction.Mean) => new(margin, reduction);
            public static HingeEmbeddingLoss HingeEmbeddingLoss(double margin = 1, Reduction reduction = Reduction.Mean) => new(margin, reduction);
            public static MultiLabelMarginLoss MultiLabelMarginLoss(Reduction reduction = Reduction.Mean) => new(reduction);
            public static MultiLabelSoftMarginLoss MultiLabelSoftMarginLoss(Tensor weight = null, Reduction reduction = Reduction.Mean) => new(weight, reduction);
            public static MultiMarginLoss MultiMarginLoss(int p = 1, double margin = 1, Tensor weight = null, Reduction reduction = Reduction.Mean) => new(p, margin, weight, reduction);
            public static SoftMarginLoss SoftMarginLoss(Reduction reduction = Reduction.Mean) => new(reduction);
            public static PoissonNLLLoss PoissonNLLLoss(bool log_input = true, bool full = false, float eps = 1E-08f, Reduction reduction = Reduction.Mean) => new(log_input, full, eps, reduction);
            public static GaussianNLLLoss GaussianNLLLoss(bool full = false, float eps = 1E-08f, Reduction reduction = Reduction.Mean) => new(full, eps, reduction);
            public static CTCLoss CTCLoss(long blank = 0, bool zero_infinity = false, Reduction reduction = Reduction.Mean) => new(blank, zero_infinity, reduction);
            public static TripletMarginLoss TripletMarginLoss(double margin = 1, long p = 2, double eps = 1E-06, bool swap = false, Reduction reduction = Reduction.Mean) => new(margin, p, eps, swap, reduction);
            public static TripletMarginWithDistanceLoss TripletMarginWithDistanceLoss(Func<Tensor, Tensor, Tensor> distance = null, double margin = 1, bool swap = false, Reduction reduction = Reduction.Mean) => new(distance, margin, swap, reduction);
        }
    }
}
