namespace TorchSharp;

public static partial class torch
{
    public static partial class optim
    {
        public static partial class lr_scheduler
        {
            // Schedules that move the momentum against the rate.
            public static partial class impl
            {
                /// <summary>Up and down between two rates (Smith 2017, "Cyclical Learning Rates for Training Neural Networks").</summary>
                public class CyclicLR : LRScheduler
                {
                    private readonly double[] low, high, lowMomentum, highMomentum;
                    private readonly double cycleLength, rising;
                    private readonly Func<double, double> scale;
                    private readonly bool byCycle;

                    public CyclicLR(Optimizer optimizer, double base_lr, double max_lr, int step_size_up = 2000, int step_size_down = -1, Mode mode = Mode.Triangular, double gamma = 1, Func<double, double> scale_fn = null, ScaleMode scale_mode = ScaleMode.Cycle, bool cycle_momentum = true, double base_momentum = 0.8, double max_momentum = 0.9, int last_epoch = -1, bool verbose = false)
                        : this(optimizer, [base_lr], [max_lr], step_size_up, step_size_down, mode, gamma, scale_fn, scale_mode, cycle_momentum, [base_momentum], [max_momentum], last_epoch, verbose)
                    {
                    }

                    public CyclicLR(Optimizer optimizer, IEnumerable<double> base_lr, IEnumerable<double> max_lr, int step_size_up = 2000, int step_size_down = -1, Mode mode = Mode.Triangular, double gamma = 1, Func<double, double> scale_fn = null, ScaleMode scale_mode = ScaleMode.Cycle, bool cycle_momentum = true, IEnumerable<double> base_momentum = null, IEnumerable<double> max_momentum = null, int last_epoch = -1, bool verbose = false)
                        : base(optimizer, last_epoch, verbose)
                    {
                        if (step_size_up < 1) throw new ArgumentOutOfRangeException(nameof(step_size_up), step_size_up, "At least one step must go up.");
                        var down = step_size_down < 0 ? step_size_up : step_size_down;
                        (low, high) = (PerGroup(base_lr, bases.Length, nameof(base_lr)), PerGroup(max_lr, bases.Length, nameof(max_lr)));
                        if (cycle_momentum)
                        {
                            lowMomentum = PerGroup(base_momentum ?? [0.8], bases.Length, nameof(base_momentum));
                            highMomentum = PerGroup(max_momentum ?? [0.9], bases.Length, nameof(max_momentum));
                            CheckMomentum(optimizer);
                        }
                        (cycleLength, rising) = (step_size_up + down, (double)step_size_up / (step_size_up + down));
                        byCycle = scale_fn is null ? mode != Mode.ExpRange : scale_mode == ScaleMode.Cycle;
                        scale = scale_fn ?? (mode switch
                        {
                            Mode.Triangular => _ => 1,
                            Mode.Triangular2 => x => 1 / Math.Pow(2, x - 1),
                            Mode.ExpRange => x => Math.Pow(gamma, x),
                            _ => throw new ArgumentOutOfRangeException(nameof(mode), mode, "Not a mode."),
                        });
                        foreach (var (group, rate) in optimizer.ParamGroups.Zip(low))
                        {
                            if (last_epoch == -1) group.LearningRate = rate;
                        }
                        step();
                    }

                    protected override IEnumerable<double> get_lr()
                    {
                        var cycle = Math.Floor(1 + epoch / cycleLength);
                        var x = 1 + epoch / cycleLength - cycle;
                        var height = x <= rising ? x / rising : (x - 1) / (rising - 1);
                        var factor = scale(byCycle ? cycle : epoch) * height;
                        if (lowMomentum is not null) SetMomentum(optimizer, g => highMomentum[g] - (highMomentum[g] - lowMomentum[g]) * factor);
                        return low.Zip(high, (l, h) => l + (h - l) * factor);
                    }

                    public enum Mode
                    {
                        Triangular = 0,
                        Triangular2 = 1,
                        ExpRange = 2,
                    }

                    public enum ScaleMode
                    {
                        Cycle = 0,
                        Iterations = 1,
                    }
                }

                /// <summary>One rise and one fall over the whole training (Smith and Topin 2017, "Super-Convergence").</summary>
                public class OneCycleLR : LRScheduler
                {
                    private readonly (double End, int From, int To)[] phases;
                    private readonly double[] first, peak, final, lowMomentum, highMomentum;
                    private readonly bool threePhases;
                    private readonly AnnealStrategy strategy;
                    private readonly int total;

                    public OneCycleLR(Optimizer optimizer, double max_lr, int total_steps = -1, int epochs = -1, int steps_per_epoch = -1, double pct_start = 0.3, AnnealStrategy anneal_strategy = AnnealStrategy.Cos, bool cycle_momentum = true, double base_momentum = 0.85, double max_momentum = 0.95, double div_factor = 25, double final_div_factor = 10000, bool three_phase = false, int last_epoch = -1, bool verbose = false)
                        : this(optimizer, [max_lr], total_steps, epochs, steps_per_epoch, pct_start, anneal_strategy, cycle_momentum, [base_momentum], [max_momentum], div_factor, final_div_factor, three_phase, last_epoch, verbose)
                    {
                    }

                    public OneCycleLR(Optimizer optimizer, IEnumerable<double> max_lr, int total_steps = -1, int epochs = -1, int steps_per_epoch = -1, double pct_start = 0.3, AnnealStrategy anneal_strategy = AnnealStrategy.Cos, bool cycle_momentum = true, IEnumerable<double> base_momentum = null, IEnumerable<double> max_momentum = null, double div_factor = 25, double final_div_factor = 10000, bool three_phase = false, int last_epoch = -1, bool verbose = false)
                        : base(optimizer, last_epoch, verbose)
                    {
                        total = total_steps > 0 ? total_steps : epochs > 0 && steps_per_epoch > 0 ? epochs * steps_per_epoch : throw new ArgumentException("Give total_steps, or epochs and steps_per_epoch.", nameof(total_steps));
                        if (pct_start is < 0 or > 1) throw new ArgumentOutOfRangeException(nameof(pct_start), pct_start, "The share of rising steps must be within 0 and 1.");
                        (threePhases, strategy) = (three_phase, anneal_strategy);
                        phases = three_phase
                            ? [(pct_start * total - 1, 0, 1), (2 * pct_start * total - 2, 1, 0), (total - 1, 0, 2)]
                            : [(pct_start * total - 1, 0, 1), (total - 1, 1, 2)];
                        peak = PerGroup(max_lr, bases.Length, nameof(max_lr));
                        first = [.. peak.Select(r => r / div_factor)];
                        final = [.. first.Select(r => r / final_div_factor)];
                        if (last_epoch == -1)
                        {
                            foreach (var (group, rate) in optimizer.ParamGroups.Zip(first)) group.LearningRate = group.InitialLearningRate = rate;
                        }
                        if (cycle_momentum)
                        {
                            lowMomentum = PerGroup(base_momentum ?? [0.85], bases.Length, nameof(base_momentum));
                            highMomentum = PerGroup(max_momentum ?? [0.95], bases.Length, nameof(max_momentum));
                            CheckMomentum(optimizer);
                        }
                        step();
                    }

                    protected override IEnumerable<double> get_lr()
                    {
                        if (epoch > total) throw new InvalidOperationException($"The schedule has {total} steps; this is step {epoch}.");
                        var start = 0.0;
                        for (var k = 0; ; k++)
                        {
                            var (end, from, to) = phases[k];
                            if (epoch > end && k < phases.Length - 1)
                            {
                                start = end;
                                continue;
                            }
                            var share = (epoch - start) / (end - start);
                            if (lowMomentum is not null) SetMomentum(optimizer, g => Anneal(Momentum(from, g), Momentum(to, g), share));
                            return [.. first.Select((_, g) => Anneal(Rate(from, g), Rate(to, g), share))];
                        }
                    }

                    private double Rate(int point, int group) => (point switch { 0 => first, 1 => peak, _ => final })[group];

                    // Lowest at the peak of the rate.
                    private double Momentum(int point, int group) => (point == 1 ? lowMomentum : highMomentum)[group];

                    private double Anneal(double from, double to, double share) =>
                        strategy == AnnealStrategy.Linear ? from + (to - from) * share : to + (from - to) / 2 * (1 + Math.Cos(Math.PI * share));

                    public enum AnnealStrategy
                    {
                        Cos = 0,
                        Linear = 1,
                    }
                }

                private static double[] PerGroup(IEnumerable<double> values, int groups, string name)
                {
                    double[] all = [.. values];
                    if (all.Length == 1) return [.. Enumerable.Repeat(all[0], groups)];
                    return all.Length == groups ? all : throw new ArgumentException($"{groups} groups need as many values, not {all.Length}.", name);
                }

                private static void CheckMomentum(Optimizer optimizer)
                {
                    if (optimizer.ParamGroups.Any(g => g is not (IMomentum or IBetas))) throw new ArgumentException("This optimizer has no momentum to cycle; pass cycle_momentum: false.", nameof(optimizer));
                }

                private static void SetMomentum(Optimizer optimizer, Func<int, double> momentum)
                {
                    var index = 0;
                    foreach (var group in optimizer.ParamGroups)
                    {
                        if (group is IMomentum m) m.Momentum = momentum(index);
                        else if (group is IBetas b) b.Betas = (momentum(index), b.Betas.Item2);
                        index++;
                    }
                }
            }

            public static LRScheduler CyclicLR(Optimizer optimizer, double base_lr, double max_lr, int step_size_up = 2000, int step_size_down = -1, impl.CyclicLR.Mode mode = impl.CyclicLR.Mode.Triangular, double gamma = 1, Func<double, double> scale_fn = null, impl.CyclicLR.ScaleMode scale_mode = impl.CyclicLR.ScaleMode.Cycle, bool cycle_momentum = true, double base_momentum = 0.8, double max_momentum = 0.9, int last_epoch = -1, bool verbose = false) =>
                new impl.CyclicLR(optimizer, base_lr, max_lr, step_size_up, step_size_down, mode, gamma, scale_fn, scale_mode, cycle_momentum, base_momentum, max_momentum, last_epoch, verbose);

            public static LRScheduler CyclicLR(Optimizer optimizer, IEnumerable<double> base_lr, IEnumerable<double> max_lr, int step_size_up = 2000, int step_size_down = -1, impl.CyclicLR.Mode mode = impl.CyclicLR.Mode.Triangular, double gamma = 1, Func<double, double> scale_fn = null, impl.CyclicLR.ScaleMode scale_mode = impl.CyclicLR.ScaleMode.Cycle, bool cycle_momentum = true, IEnumerable<double> base_momentum = null, IEnumerable<double> max_momentum = null, int last_epoch = -1, bool verbose = false) =>
                new impl.CyclicLR(optimizer, base_lr, max_lr, step_size_up, step_size_down, mode, gamma, scale_fn, scale_mode, cycle_momentum, base_momentum, max_momentum, last_epoch, verbose);

            public static LRScheduler OneCycleLR(Optimizer optimizer, double max_lr, int total_steps = -1, int epochs = -1, int steps_per_epoch = -1, double pct_start = 0.3, impl.OneCycleLR.AnnealStrategy anneal_strategy = impl.OneCycleLR.AnnealStrategy.Cos, bool cycle_momentum = true, double base_momentum = 0.85, double max_momentum = 0.95, double div_factor = 25, double final_div_factor = 10000, bool three_phase = false, int last_epoch = -1, bool verbose = false) =>
                new impl.OneCycleLR(optimizer, max_lr, total_steps, epochs, steps_per_epoch, pct_start, anneal_strategy, cycle_momentum, base_momentum, max_momentum, div_factor, final_div_factor, three_phase, last_epoch, verbose);

            public static LRScheduler OneCycleLR(Optimizer optimizer, IEnumerable<double> max_lr, int total_steps = -1, int epochs = -1, int steps_per_epoch = -1, double pct_start = 0.3, impl.OneCycleLR.AnnealStrategy anneal_strategy = impl.OneCycleLR.AnnealStrategy.Cos, bool cycle_momentum = true, IEnumerable<double> base_momentum = null, IEnumerable<double> max_momentum = null, double div_factor = 25, double final_div_factor = 10000, bool three_phase = false, int last_epoch = -1, bool verbose = false) =>
                new impl.OneCycleLR(optimizer, max_lr, total_steps, epochs, steps_per_epoch, pct_start, anneal_strategy, cycle_momentum, base_momentum, max_momentum, div_factor, final_div_factor, three_phase, last_epoch, verbose);
        }
    }
}
