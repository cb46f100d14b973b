namespace TorchSharp;

public static partial class torch
{
    public static partial class optim
    {
        public static partial class lr_scheduler
        {
            // Schedules made of others, and one that follows a metric.
            public static partial class impl
            {
                /// <summary>One schedule after the other; each starts anew at its milestone.</summary>
                public class SequentialLR : LRScheduler
                {
                    private readonly LRScheduler[] parts;
                    private readonly int[] milestones;

                    public SequentialLR(Optimizer optimizer, IEnumerable<LRScheduler> schedulers, IEnumerable<int> milestones, int last_epoch = -1) : base(optimizer, last_epoch)
                    {
                        (parts, this.milestones) = ([.. schedulers], [.. milestones]);
                        if (parts.Length == 0 || parts.Length != this.milestones.Length + 1) throw new ArgumentException($"{parts.Length} schedules need one milestone less, not {this.milestones.Length}.", nameof(milestones));
                        if (parts.Any(s => !ReferenceEquals(s.optimizer, optimizer))) throw new ArgumentException("Every schedule must be of the same optimizer.", nameof(schedulers));
                        // Each part changed the rates when it was made; only the first is to count.
                        foreach (var group in optimizer.ParamGroups) group.LearningRate = group.InitialLearningRate;
                        foreach (var part in parts) part.epoch--;
                        epoch++;
                        parts[0].step();
                        last = [.. parts[0].get_last_lr()];
                    }

                    public override void step()
                    {
                        epoch++;
                        var index = milestones.Count(m => m <= epoch);
                        if (index > 0 && milestones[index - 1] == epoch) parts[index].step((int?)0);
                        else parts[index].step();
                        last = [.. parts[index].get_last_lr()];
                    }
                }

                /// <summary>All schedules at once: each changes what the one before left.</summary>
                public class ChainedLR : LRScheduler
                {
                    private readonly LRScheduler[] parts;

                    public ChainedLR(IEnumerable<LRScheduler> schedulers) : this([.. schedulers])
                    {
                    }

                    private ChainedLR(LRScheduler[] parts) : base(parts.Length > 0 ? parts[0].optimizer : throw new ArgumentException("At least one schedule is needed.", nameof(parts)))
                    {
                        if (parts.Any(s => !ReferenceEquals(s.optimizer, optimizer))) throw new ArgumentException("Every schedule must be of the same optimizer.", nameof(parts));
                        this.parts = parts;
                        last = [.. Rates];
                    }

                    public override void step()
                    {
                        foreach (var part in parts) part.step();
                        last = [.. Rates];
                    }
                }

                /// <summary>Multiplies by a factor when a metric has not improved for more than <c>patience</c> steps.</summary>
                public class ReduceLROnPlateau : LRScheduler
                {
                    private readonly bool smaller, relative;
                    private readonly double factor, threshold, eps;
                    private readonly int patience, cooldown;
                    private readonly double[] floors;
                    private double best;
                    private int bad, waiting;

                    public ReduceLROnPlateau(Optimizer optimizer, string mode = "min", double factor = 0.1, int patience = 10, double threshold = 0.0001, string threshold_mode = "rel", int cooldown = 0, IList<double> min_lr = null, double eps = 1E-08, bool verbose = false)
                        : base(optimizer, -1, verbose)
                    {
                        if (factor >= 1) throw new ArgumentOutOfRangeException(nameof(factor), factor, "The factor must be below 1.");
                        smaller = mode switch { "min" => true, "max" => false, _ => throw new ArgumentException($"'{mode}' is neither 'min' nor 'max'.", nameof(mode)) };
                        relative = threshold_mode switch { "rel" => true, "abs" => false, _ => throw new ArgumentException($"'{threshold_mode}' is neither 'rel' nor 'abs'.", nameof(threshold_mode)) };
                        floors = min_lr is null ? new double[bases.Length] : min_lr.Count == 1 ? [.. bases.Select(_ => min_lr[0])] : [.. min_lr];
                        if (floors.Length != bases.Length) throw new ArgumentException($"{bases.Length} groups need as many least rates, not {floors.Length}.", nameof(min_lr));
                        (this.factor, this.patience, this.threshold, this.cooldown, this.eps) = (factor, patience, threshold, cooldown, eps);
                        best = smaller ? double.PositiveInfinity : double.NegativeInfinity;
                        epoch = 0;
                        last = [.. Rates];
                    }

                    public override void step() => throw new InvalidOperationException("This schedule follows a metric: call step(value).");

                    public override void step(int? epoch) => throw new InvalidOperationException("This schedule follows a metric: call step(value, epoch).");

                    public override void step(double current, int? epoch = null)
                    {
                        this.epoch = epoch ?? this.epoch + 1;
                        if (Better(current)) (best, bad) = (current, 0);
                        else bad++;
                        if (waiting > 0) (waiting, bad) = (waiting - 1, 0);
                        if (bad > patience)
                        {
                            Apply([.. Rates.Zip(floors, (rate, floor) => rate - Math.Max(rate * factor, floor) > eps ? Math.Max(rate * factor, floor) : rate)]);
                            (waiting, bad) = (cooldown, 0);
                        }
                        last = [.. Rates];
                    }

                    private bool Better(double value) => (smaller, relative) switch
                    {
                        (true, true) => value < best * (1 - threshold),
                        (true, false) => value < best - threshold,
                        (false, true) => value > best * (1 + threshold),
                        (false, false) => value > best + threshold,
                    };
                }
            }

            public static LRScheduler SequentialLR(Optimizer optimizer, IEnumerable<LRScheduler> schedulers, IEnumerable<int> milestones, int last_epoch = -1) => new impl.SequentialLR(optimizer, schedulers, milestones, last_epoch);

            public static LRScheduler ChainedLR(IEnumerable<LRScheduler> schedulers) => new impl.ChainedLR(schedulers);

            public static LRScheduler ReduceLROnPlateau(Optimizer optimizer, string mode = "min", double factor = 0.1, int patience = 10, double threshold = 0.0001, string threshold_mode = "rel", int cooldown = 0, IList<double> min_lr = null, double eps = 1E-08, bool verbose = false) =>
                new impl.ReduceLROnPlateau(optimizer, mode, factor, patience, threshold, threshold_mode, cooldown, min_lr, eps, verbose);
        }
    }
}
