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

    public override Tensor step(Func<Tensor> closure = null) => StepGroups<ParamGroup>(closure, (group, parameters, grads) =>
    {
        var o = group.Options;
        var settings = new AdamMath.Settings(group.LearningRate, o.beta1.Value, o.beta2.Value, o.eps.Value, o.weight_decay.Value, true, o.amsgrad.Value, o.maximize.Value);
        var states = Array.ConvertAll(parameters, p => StateOf(p, 3));
        for (var k = 0; k < states.Length; k++)
        {
            states[k].Steps++;
            states[k].Tensors[0] ??= Zeros(parameters[k]);
            states[k].Tensors[1] ??= Zeros(parameters[k]);
            if (settings.Amsgrad) states[k].Tensors[2] ??= Zeros(parameters[k]);
        }
        // Parameters that first had a gradient at different steps have different bias corrections.
        foreach (var same in Enumerable.Range(0, states.Length).GroupBy(k => states[k].Steps))
        {
            T[] Pick<T>(Func<int, T> get) => [.. same.Select(get)];
            AdamMath.Update(settings, same.Key, Pick(k => parameters[k]), Pick(k => grads[k]), Pick(k => states[k].Tensors[0]), Pick(k => states[k].Tensors[1]), Pick(k => states[k].Tensors[2]));
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
