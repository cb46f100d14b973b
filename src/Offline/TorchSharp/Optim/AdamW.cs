using TorchSharp.Optim;
using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>Adam with decoupled weight decay.</summary>
public class AdamW : OptimizerHelper, optim.IBetas
{
    public AdamW(IEnumerable<Parameter> parameters, double lr = 0.001, double beta1 = 0.9, double beta2 = 0.999, double eps = 1E-08, double weight_decay = 0, bool amsgrad = false, bool maximize = false)
        : this([new ParamGroup(parameters, new Options())], lr, beta1, beta2, eps, weight_decay, amsgrad, maximize)
    {
    }

    public AdamW(IEnumerable<ParamGroup> parameters, double lr = 0.001, double beta1 = 0.9, double beta2 = 0.999, double eps = 1E-08, double weight_decay = 0, bool amsgrad = false, bool maximize = false)
    {
        defaults = new Options { LearningRate = lr, beta1 = beta1, beta2 = beta2, eps = eps, weight_decay = weight_decay, amsgrad = amsgrad, maximize = maximize };
        foreach (var group in parameters) add_param_group(group);
    }

    private readonly Options defaults;

    public (double, double) Betas
    {
        get => (defaults.beta1.Value, defaults.beta2.Value);
        set
        {
            (defaults.beta1, defaults.beta2) = value;
            foreach (var group in _parameter_groups.Cast<ParamGroup>()) group.Betas = value;
        }
    }

    public override void add_param_group(Modules.ParamGroup param_group)
    {
        var options = (Options)param_group.Options;
        options.beta1 ??= defaults.beta1;
        options.beta2 ??= defaults.beta2;
        options.eps ??= defaults.eps;
        options.weight_decay ??= defaults.weight_decay;
        options.amsgrad ??= defaults.amsgrad;
        options.maximize ??= defaults.maximize;
        Join(param_group, defaults.LearningRate.Value);
    }

    private protected override OptimizerState NewState(Parameter parameter) => new State(parameter);

    public override Tensor step(Func<Tensor> closure = null) => StepGroups<ParamGroup>(closure, (group, parameters, grads) =>
    {
        var o = group.Options;
        var settings = new AdamMath.Settings(group.LearningRate, o.beta1.Value, o.beta2.Value, o.eps.Value, o.weight_decay.Value, true, o.amsgrad.Value, o.maximize.Value);
        var states = Array.ConvertAll(parameters, p => (State)StateOf(p, o));
        foreach (var state in states) state.step++;
        // Parameters that first had a gradient at different steps have different bias corrections.
        if (Array.TrueForAll(states, s => s.step == states[0].step))
        {
            AdamMath.Update(settings, states[0].step, parameters, grads, Array.ConvertAll(states, s => s.exp_avg), Array.ConvertAll(states, s => s.exp_avg_sq), Array.ConvertAll(states, s => s.max_exp_avg_sq));
            return;
        }
        foreach (var same in Enumerable.Range(0, states.Length).GroupBy(k => states[k].step))
        {
            T[] Pick<T>(Func<int, T> get) => [.. same.Select(get)];
            AdamMath.Update(settings, same.Key, Pick(k => parameters[k]), Pick(k => grads[k]), Pick(k => states[k].exp_avg), Pick(k => states[k].exp_avg_sq), Pick(k => states[k].max_exp_avg_sq));
        }
    });

    public class Options : OptimizerOptions
    {
        public double? beta1;
        public double? beta2;
        public double? eps;
        public double? weight_decay;
        public bool? amsgrad;
        public bool? maximize;

        public override void LoadStateDict(OptimizerOptions source)
        {
            base.LoadStateDict(source);
            var other = (Options)source;
            beta1 = other.beta1;
            beta2 = other.beta2;
            eps = other.eps;
            weight_decay = other.weight_decay;
            amsgrad = other.amsgrad;
            maximize = other.maximize;
        }

        public override void LoadStateDict(BinaryReader reader)
        {
            base.LoadStateDict(reader);
            beta1 = reader.ReadDouble();
            beta2 = reader.ReadDouble();
            eps = reader.ReadDouble();
            weight_decay = reader.ReadDouble();
            amsgrad = reader.ReadBoolean();
            maximize = reader.ReadBoolean();
        }

        public override void SaveStateDict(BinaryWriter writer)
        {
            base.SaveStateDict(writer);
            writer.Write(beta1.Value);
            writer.Write(beta2.Value);
            writer.Write(eps.Value);
            writer.Write(weight_decay.Value);
            writer.Write(amsgrad.Value);
            writer.Write(maximize.Value);
        }
    }

    public sealed class State(Parameter parameter) : OptimizerState(parameter), IDisposable
    {
        public long step;
        public Tensor exp_avg;
        public Tensor exp_avg_sq;
        public Tensor max_exp_avg_sq;

        public override void Initialize(OptimizerOptions options)
        {
            step = 0;
            (exp_avg, exp_avg_sq) = (Zeros(), Zeros());
            if (((Options)options).amsgrad == true) max_exp_avg_sq = Zeros();
        }

        public override void LoadStateDict(OptimizerState source)
        {
            var other = (State)source;
            step = other.step;
            Copy(ref exp_avg, other.exp_avg);
            Copy(ref exp_avg_sq, other.exp_avg_sq);
            Copy(ref max_exp_avg_sq, other.max_exp_avg_sq);
        }

        public override void LoadStateDict(BinaryReader reader)
        {
            step = reader.ReadInt64();
            LoadConditionalStateTensor(reader, ref exp_avg, _parameter.device);
            LoadConditionalStateTensor(reader, ref exp_avg_sq, _parameter.device);
            LoadConditionalStateTensor(reader, ref max_exp_avg_sq, _parameter.device);
            CheckShape(exp_avg);
            CheckShape(exp_avg_sq);
            CheckShape(max_exp_avg_sq);
        }

        public override void SaveStateDict(BinaryWriter writer)
        {
            writer.Write(step);
            SaveConditionalStateTensor(writer, exp_avg);
            SaveConditionalStateTensor(writer, exp_avg_sq);
            SaveConditionalStateTensor(writer, max_exp_avg_sq);
        }

        public override void to(Device device)
        {
            Move(ref exp_avg, device);
            Move(ref exp_avg_sq, device);
            Move(ref max_exp_avg_sq, device);
        }

        public override bool ApproximatelyEquals(OptimizerState other) =>
            other is State s && s.step == step && Close(exp_avg, s.exp_avg) && Close(exp_avg_sq, s.exp_avg_sq) && Close(max_exp_avg_sq, s.max_exp_avg_sq);

        public void Dispose()
        {
            exp_avg?.Dispose();
            exp_avg_sq?.Dispose();
            max_exp_avg_sq?.Dispose();
        }
    }

    public class ParamGroup : ParamGroup<Options>, optim.IBetas
    {
        public ParamGroup()
        {
        }

        public ParamGroup(IEnumerable<Parameter> parameters, Options options) : base(parameters, options)
        {
        }

        /// <summary>The learning rate given here is the group's own, whatever the optimizer's.</summary>
        public ParamGroup(IEnumerable<Parameter> parameters, double lr = 0.001, double beta1 = 0.9, double beta2 = 0.999, double eps = 1E-08, double weight_decay = 0, bool amsgrad = false, bool maximize = false)
            : base(parameters, new Options { LearningRate = lr, beta1 = beta1, beta2 = beta2, eps = eps, weight_decay = weight_decay, amsgrad = amsgrad, maximize = maximize })
        {
        }

        public (double, double) Betas
        {
            get => (Options.beta1.Value, Options.beta2.Value);
            set => (Options.beta1, Options.beta2) = value;
        }
    }
}
