namespace TorchSharp;

public static partial class torch
{
    public static partial class optim
    {
        public static partial class lr_scheduler
        {
            // Schedules that multiply the rates.
            public static partial class impl
            {
                /// <summary>Multiplies by a function of the epoch, each time.</summary>
                public class MultiplicativeLR : LRScheduler
                {
                    private readonly Func<int, double>[] factors;

                    public MultiplicativeLR(Optimizer optimizer, Func<int, double> lr_lambda, int last_epoch = -1, bool verbose = false) : base(optimizer, last_epoch, verbose)
                    {
                        factors = [.. bases.Select(_ => lr_lambda)];
                        step();
                    }

                    public MultiplicativeLR(Optimizer optimizer, IEnumerable<Func<int, double>> lr_lambdas, int last_epoch = -1, bool verbose = false) : base(optimizer, last_epoch, verbose)
                    {
                        factors = [.. lr_lambdas];
                        if (factors.Length != bases.Length) throw new ArgumentException($"{bases.Length} groups need as many functions, not {factors.Length}.", nameof(lr_lambdas));
                        step();
                    }

                    protected override IEnumerable<double> get_lr() => epoch > 0 ? Rates.Zip(factors, (rate, factor) => rate * factor(epoch)) : Rates;
                }

                /// <summary>Multiplies by gamma at each milestone, as often as it is listed.</summary>
                public class MultiStepLR : LRScheduler
                {
                    private readonly int[] milestones;
                    private readonly double gamma;

                    public MultiStepLR(Optimizer optimizer, IList<int> milestones, double gamma = 0.1, int last_epoch = -1, bool verbose = false) : base(optimizer, last_epoch, verbose)
                    {
                        (this.milestones, this.gamma) = ([.. milestones], gamma);
                        step();
                    }

                    protected override IEnumerable<double> get_lr() => Rates.Select(r => r * Math.Pow(gamma, milestones.Count(m => m == epoch)));

                    protected override IEnumerable<double> get_closed_form_lr() => bases.Select(b => b * Math.Pow(gamma, milestones.Count(m => m <= epoch)));
                }

                /// <summary>A factor during the first epochs.</summary>
                public class ConstantLR : LRScheduler
                {
                    private readonly double factor;
                    private readonly int total;

                    public ConstantLR(Optimizer optimizer, double factor = 0.3333333333333333, int total_iters = 5, int last_epoch = -1, bool verbose = false) : base(optimizer, last_epoch, verbose)
                    {
                        if (factor is < 0 or > 1) throw new ArgumentOutOfRangeException(nameof(factor), factor, "The factor must be within 0 and 1.");
                        (this.factor, total) = (factor, total_iters);
                        step();
                    }

                    protected override IEnumerable<double> get_lr() => epoch == 0 ? Rates.Select(r => r * factor) : epoch == total ? Rates.Select(r => r / factor) : Rates;

                    protected override IEnumerable<double> get_closed_form_lr() => bases.Select(b => b * (epoch < total ? factor : 1));
                }

                /// <summary>A factor that goes in a straight line from start to end.</summary>
                public class LinearLR : LRScheduler
                {
                    private readonly double start, end;
                    private readonly int total;

                    public LinearLR(Optimizer optimizer, double start_factor = 0.3333333333333333, double end_factor = 1, int total_iters = 5, int last_epoch = -1, bool verbose = false) : base(optimizer, last_epoch, verbose)
                    {
                        if (start_factor is <= 0 or > 1) throw new ArgumentOutOfRangeException(nameof(start_factor), start_factor, "The first factor must be above 0 and at most 1.");
                        if (end_factor is < 0 or > 1) throw new ArgumentOutOfRangeException(nameof(end_factor), end_factor, "The last factor must be within 0 and 1.");
                        (start, end, total) = (start_factor, end_factor, total_iters);
                        step();
                    }

                    // The recursive form, so that it composes with what else changes the rates.
                    protected override IEnumerable<double> get_lr() =>
                        epoch == 0 ? Rates.Select(r => r * start) : epoch > total ? Rates : Rates.Select(r => r * (1 + (end - start) / (total * start + (epoch - 1) * (end - start))));

                    protected override IEnumerable<double> get_closed_form_lr() => bases.Select(b => b * (start + (end - start) * Math.Min(total, epoch) / total));
                }

                /// <summary>base · (1 - epoch / total)^power, and 0 after.</summary>
                public class PolynomialLR : LRScheduler
                {
                    private readonly int total;
                    private readonly double power;

                    public PolynomialLR(Optimizer optimizer, int total_iters = 5, double power = 1, int last_epoch = -1, bool verbose = false) : base(optimizer, last_epoch, verbose)
                    {
                        (total, this.power) = (total_iters, power);
                        step();
                    }

                    protected override IEnumerable<double> get_lr() =>
                        epoch == 0 || epoch > total ? Rates : Rates.Select(r => r * Math.Pow((1 - (double)epoch / total) / (1 - (double)(epoch - 1) / total), power));

                    protected override IEnumerable<double> get_closed_form_lr() => bases.Select(b => b * Math.Pow(1 - Math.Min(total, epoch) / (double)total, power));
                }
            }

            public static LRScheduler MultiplicativeLR(Optimizer optimizer, Func<int, double> lr_lambda, int last_epoch = -1, bool verbose = false) => new impl.MultiplicativeLR(optimizer, lr_lambda, last_epoch, verbose);
            public static LRScheduler MultiStepLR(Optimizer optimizer, IList<int> milestones, double gamma = 0.1, int last_epoch = -1, bool verbose = false) => new impl.MultiStepLR(optimizer, milestones, gamma, last_epoch, verbose);
            public static LRScheduler ConstantLR(Optimizer optimizer, double factor = 0.3333333333333333, int total_iters = 5, int last_epoch = -1, bool verbose = false) => new impl.ConstantLR(optimizer, factor, total_iters, last_epoch, verbose);
            public static LRScheduler LinearLR(Optimizer optimizer, double start_factor = 0.3333333333333333, double end_factor = 1, int total_iters = 5, int last_epoch = -1, bool verbose = false) => new impl.LinearLR(optimizer, start_factor, end_factor, total_iters, last_epoch, verbose);
            public static LRScheduler PolynomialLR(Optimizer optimizer, int total_iters = 5, double power = 1, int last_epoch = -1, bool verbose = false) => new impl.PolynomialLR(optimizer, total_iters, power, last_epoch, verbose);
        }
    }
}
