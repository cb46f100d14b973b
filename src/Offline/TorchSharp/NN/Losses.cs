using static TorchSharp.torch;

namespace TorchSharp
{
    public abstract class Loss<T1, T2, TResult> : nn.Module<T1, T2, TResult>
    {
        public Loss(nn.Reduction reduction = nn.Reduction.Mean) : base(nameof(Loss<T1, T2, TResult>)) => this.reduction = reduction;

        public nn.Reduction reduction { get; }
    }

    public abstract class Loss<T1, T2, T3, TResult> : nn.Module<T1, T2, T3, TResult>
    {
        public Loss(nn.Reduction reduction = nn.Reduction.Mean) : base(nameof(Loss<T1, T2, T3, TResult>)) => this.reduction = reduction;

        public nn.Reduction reduction { get; }
    }

    public abstract class Loss<T1, T2, T3, T4, TResult> : nn.Module<T1, T2, T3, T4, TResult>
    {
        public Loss(nn.Reduction reduction = nn.Reduction.Mean) : base(nameof(Loss<T1, T2, T3, T4, TResult>)) => this.reduction = reduction;

        public nn.Reduction reduction { get; }
    }

    public abstract class WeightedLoss<T1, T2, TResult> : Loss<T1, T2, TResult>
    {
        public WeightedLoss(Tensor weight = null, nn.Reduction reduction = nn.Reduction.Mean) : base(reduction) => this.weight = weight;

        public Tensor weight { get; }
    }

    public abstract class WeightedLoss<T1, T2, T3, TResult> : Loss<T1, T2, T3, TResult>
    {
        public WeightedLoss(Tensor weight = null, nn.Reduction reduction = nn.Reduction.Mean) : base(reduction) => this.weight = weight;

        public Tensor weight { get; }
    }

    public abstract class WeightedLoss<T1, T2, T3, T4, TResult> : Loss<T1, T2, T3, T4, TResult>
    {
        public WeightedLoss(Tensor weight = null, nn.Reduction reduction = nn.Reduction.Mean) : base(reduction) => this.weight = weight;

        public Tensor weight { get; }
    }
}

namespace TorchSharp.Modules
{
    public sealed class CrossEntropyLoss : WeightedLoss<Tensor, Tensor, Tensor>
    {
        public CrossEntropyLoss(Tensor weight = null, long? ignore_index = null, nn.Reduction reduction = nn.Reduction.Mean, double label_smoothing = 0) : base(weight, reduction) =>
            (this.ignore_index, this.label_smoothing) = (ignore_index, label_smoothing);

        public long? ignore_index { get; }

        public double label_smoothing { get; }

        public override Tensor forward(Tensor input, Tensor target) => nn.functional.cross_entropy(input, target, weight, ignore_index ?? -100, reduction, label_smoothing);
    }

    public sealed class MSELoss : Loss<Tensor, Tensor, Tensor>
    {
        public MSELoss(nn.Reduction reduction = nn.Reduction.Mean) : base(reduction)
        {
        }

        public override Tensor forward(Tensor input, Tensor target) => nn.functional.mse_loss(input, target, reduction);
    }

    public sealed class L1Loss : Loss<Tensor, Tensor, Tensor>
    {
        public L1Loss(nn.Reduction reduction = nn.Reduction.Mean) : base(reduction)
        {
        }

        public override Tensor forward(Tensor input, Tensor target) => nn.functional.l1_loss(input, target, reduction);
    }

    public sealed class KLDivLoss : Loss<Tensor, Tensor, Tensor>
    {
        public KLDivLoss(bool log_target = true, nn.Reduction reduction = nn.Reduction.Mean) : base(reduction) => this.log_target = log_target;

        public bool log_target { get; }

        public override Tensor forward(Tensor input, Tensor target) => nn.functional.kl_div(input, target, log_target, reduction);
    }

    public sealed class BCEWithLogitsLoss : WeightedLoss<Tensor, Tensor, Tensor>
    {
        public BCEWithLogitsLoss(Tensor weight = null, nn.Reduction reduction = nn.Reduction.Mean, Tensor pos_weights = null) : base(weight, reduction) => this.pos_weights = pos_weights;

        public Tensor pos_weights { get; }

        public override Tensor forward(Tensor input, Tensor target) => nn.functional.binary_cross_entropy_with_logits(input, target, weight, reduction, pos_weights);
    }
}

namespace TorchSharp
{
    using TorchSharp.Modules;

    public static partial class torch
    {
        public static partial class nn
        {
            public static CrossEntropyLoss CrossEntropyLoss(Tensor weight = null, long? ignore_index = null, Reduction reduction = Reduction.Mean) => new(weight, ignore_index, reduction);
            public static MSELoss MSELoss(Reduction reduction = Reduction.Mean) => new(reduction);
            public static L1Loss L1Loss(Reduction reduction = Reduction.Mean) => new(reduction);
            public static KLDivLoss KLDivLoss(bool log_target = true, Reduction reduction = Reduction.Mean) => new(log_target, reduction);
            public static BCEWithLogitsLoss BCEWithLogitsLoss(Tensor weight = null, Reduction reduction = Reduction.Mean, Tensor pos_weights = null) => new(weight, reduction, pos_weights);
        }
    }
}
