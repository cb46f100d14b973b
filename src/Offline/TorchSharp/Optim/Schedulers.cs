
namespace TorchSharp;

public static partial class torch
{
    public static partial class optim
    {
        public static partial class lr_scheduler
        {
            /// <summary>Sets the learning rates of an optimizer's groups after each epoch or step.</summary>
            public abstract class LRScheduler
            {
                internal readonly Optimizer optimizer;
                internal double[] last;
                private readonly bool verbose;
                protected int _step_count;
                internal int epoch;
                internal readonly double[] bases;

                protected LRScheduler()
                {
                }

                protected LRScheduler(Optimizer optimizer, int last_epoch = -1, bool verbose = false)
                {
                    this.optimizer = optimizer;
                    this.verbose = verbose;
                    epoch = last_epoch;
                    // Those the groups joined with: an earlier schedule of a sequence may have changed the present ones.
                    bases = [.. optimizer.ParamGroups.Select(g => g.InitialLearningRate)];
                }

                internal IEnumerable<double> Rates => optimizer.ParamGroups.Select(g => g.LearningRate);

                public virtual void step()
                {
                    _step_count++;
                    epoch++;
                    Apply([.. get_lr()]);
                }

                /// <summary>Goes to an epoch, from wherever it was: the rates are those of the closed form.</summary>
                public virtual void step(int? epoch)
                {
                    if (epoch is not { } given)
                    {
                        step();
                        return;
                    }
                    _step_count++;
                    this.epoch = given;
                    Apply([.. get_closed_form_lr()]);
                }

                public virtual void step(double current, int? epoch = null) => step(epoch);

                internal void Apply(double[] rates)
                {
                    foreach (var (group, rate) in optimizer.ParamGroups.Zip(rates))
                    {
                        group.LearningRate = rate;
                        if (verbose) Console.WriteLine($"Adjusting learning rate to {rate}");
                    }
                    last = rates;
                }

                public IEnumerable<double> get_last_lr() => last ?? [.. Rates];

                protected virtual IEnumerable<double> get_lr() => Rates;

                protected virtual IEnumerable<double> get_closed_form_lr() => get_lr();
            }

            public static partial class impl
            {
                public class LambdaLR : LRScheduler
                {
                    private readonly Func<int, double>[] factors;

                    public LambdaLR(Optimizer optimizer, Func<int, double> lr_lambda, int last_epoch = -1, bool verbose = false) : base(optimizer, last_epoch, verbose)
                    {
                        factors = [.. bases.Select(_ => lr_lambda)];
                        step();
                    }

                    public LambdaLR(Optimizer optimizer, IEnumerable<Func<int, double>> lr_lambdas, int last_epoch = -1, bool verbose = false) : base(optimizer, last_epoch, verbose)
                    {
                        factors = [.. lr_lambdas];
                        if (factors.Length != bases.Length) throw new ArgumentException($"{bases.Length} groups need as many functions, not {factors.Length}.", nameof(lr_lambdas));
                        step();
                    }

                    protected override IEnumerable<double> get_lr() => bases.Zip(factors, (rate, factor) => rate * factor(epoch));
                }

                public class StepLR : LRScheduler
                {
                    private readonly int size;
                    private readonly double gamma;

                    public StepLR(Optimizer optimizer, int step_size, double gamma = 0.1, int last_epoch = -1, bool verbose = false) : base(optimizer, last_epoch, verbose)
                    {
                        (size, this.gamma) = (step_size, gamma);
                        step();
                    }

                    protected override IEnumerable<double> get_lr() => epoch == 0 || epoch % size != 0 ? Rates : Rates.Select(r => r * gamma);

                    protected override IEnumerable<double> get_closed_form_lr() => bases.Select(rate => rate * Math.Pow(gamma, epoch / size));
                }

                public class ExponentialLR : LRScheduler
                {
                    private readonly double gamma;

                    public ExponentialLR(Optimizer optimizer, double gamma = 0.1, int last_epoch = -1, bool verbose = false) : base(optimizer, last_epoch, verbose)
                    {
                        this.gamma = gamma;
                        step();
                    }

                    protected override IEnumerable<double> get_lr() => epoch == 0 ? Rates : Rates.Select(r => r * gamma);

                    protected override IEnumerable<double> get_closed_form_lr() => bases.Select(rate => rate * Math.Pow(gamma, epoch));
                }

                public class CosineAnnealingLR : LRScheduler
                {
                    private readonly double period, minimum;

                    public CosineAnnealingLR(Optimizer optimizer, double T_max, double eta_min = 0, int last_epoch = -1, bool verbose = false) : base(optimizer, last_epoch, verbose)
                    {
                        (period, minimum) = (T_max, eta_min);
                        step();
                    }

                    // The recursive form, so that it composes with what else changes the rates.
                    protected override IEnumerable<double> get_lr()
                    {
                        if (epoch == 0) return Rates;
                        if ((epoch - 1 - period) % (2 * period) == 0)
                            return Rates.Zip(bases, (r, b) => r + (b - minimum) * (1 - Math.Cos(Math.PI / period)) / 2);
                        var ratio = (1 + Math.Cos(Math.PI * epoch / period)) / (1 + Math.Cos(Math.PI * (epoch - 1) / period));
                        return Rates.Select(r => ratio * (r - minimum) + minimum);
                    }

                    protected override IEnumerable<double> get_closed_form_lr() => bases.Select(b => minimum + (b - minimum) * (1 + Math.Cos(Math.PI * epoch / period)) / 2);
                }
            }

            public static LRScheduler LambdaLR(Optimizer optimizer, Func<int, double> lr_lambda, int last_epoch = -1, bool verbose = false) => new impl.LambdaLR(optimizer, lr_lambda, last_epoch, verbose);
            public static LRScheduler StepLR(Optimizer optimizer, int step_size, double gamma = 0.1, int last_epoch = -1, bool verbose = false) => new impl.StepLR(optimizer, step_size, gamma, last_epoch, verbose);
            public static LRScheduler ExponentialLR(Optimizer optimizer, double gamma = 0.1, int last_epoch = -1, bool verbose = false) => new impl.ExponentialLR(optimizer, gamma, last_epoch, verbose);
            public static LRScheduler CosineAnnealingLR(Optimizer optimizer, double T_max, double eta_min = 0, int last_epoch = -1, bool verbose = false) => new impl.CosineAnnealingLR(optimizer, T_max, eta_min, last_epoch, verbose);
        }
    }
}
