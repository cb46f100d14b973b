using TorchSharp.Optim;
using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>Stochastic gradient descent with momentum (in PyTorch's form: v = μv + g, θ -= lr v).</summary>
public class SGD : OptimizerHelper, optim.IMomentum
{
    private readonly Options defaults;

    public SGD(IEnumerable<Parameter> parameters, double lr, double momentum = 0, double dampening = 0, double weight_decay = 0, bool nesterov = false, bool maximize = false)
        : this([new ParamGroup(parameters, new Options())], lr, momentum, dampening, weight_decay, nesterov, maximize)
    {
    }

    public SGD(IEnumerable<ParamGroup> parameters, double lr, double momentum = 0, double dampening = 0, double weight_decay = 0, bool nesterov = false, bool maximize = false)
    {
        if (nesterov && (momentum <= 0 || dampening != 0)) throw new ArgumentException("Nesterov momentum requires a momentum above 0 and zero dampening.");
        defaults = new Options { LearningRate = lr, momentum = momentum, dampening = dampening, weight_decay = weight_decay, nesterov = nesterov, maximize = maximize };
        foreach (var group in parameters) add_param_group(group);
    }

    public double Momentum
    {
        get => defaults.momentum.Value;
        set
        {
            defaults.momentum = value;
            foreach (var group in _parameter_groups.Cast<ParamGroup>()) group.Momentum = value;
        }
    }

    public override void add_param_group(Modules.ParamGroup param_group)
    {
        var options = (Options)param_group.Options;
        options.momentum ??= defaults.momentum;
        options.dampening ??= defaults.dampening;
        options.weight_decay ??= defaults.weight_decay;
        options.nesterov ??= defaults.nesterov;
        options.maximize ??= defaults.maximize;
        Join(param_group, defaults.LearningRate.Value);
    }

    public override Tensor step(Func<Tensor> closure = null) => StepGroups<ParamGroup>(closure, (group, parameters, grads) =>
    {
        var o = group.Options;
        for (var k = 0; k < parameters.Length; k++)
        {
            var parameter = parameters[k];
            var grad = o.maximize.Value ? grads[k].neg() : grads[k];
            if (o.weight_decay != 0) grad = grad.add(parameter, o.weight_decay.Value);
            if (o.momentum != 0)
            {
                var state = StateOf(parameter, 1);
                if (state.Tensors[0] is null) state.Tensors[0] = grad.detach().clone().DetachFromDisposeScope();
                else state.Tensors[0].mul_(o.momentum.Value).add_(grad, 1 - o.dampening.Value);
                state.Steps++;
                grad = o.nesterov.Value ? grad.add(state.Tensors[0], o.momentum.Value) : state.Tensors[0];
            }
            parameter.add_(grad, -group.LearningRate);
        }
    });

    public class Options : OptimizerOptions
    {
        public double? momentum;
        public double? dampening;
        public double? weight_decay;
        public bool? nesterov;
        public bool? maximize;
    }

    public class ParamGroup : ParamGroup<Options>, optim.IMomentum
    {
        public ParamGroup()
        {
        }

        public ParamGroup(IEnumerable<Parameter> parameters, Options options) : base(parameters, options)
        {
        }

        public ParamGroup(IEnumerable<Parameter> parameters, double lr = 0.001, double momentum = 0, double dampening = 0, double weight_decay = 0, bool nesterov = false, bool maximize = false)
            : base(parameters, new Options { LearningRate = lr, momentum = momentum, dampening = dampening, weight_decay = weight_decay, nesterov = nesterov, maximize = maximize })
        {
        }

        public double Momentum
        {
            get => Options.momentum.Value;
            set => Options.momentum = value;
        }
    }
}
