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

    private protected override OptimizerState NewState(Parameter parameter) => new State(parameter);

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
                var state = (State)StateOf(parameter, o);
                if (state.momentum_buffer is null) state.momentum_buffer = grad.detach().clone().DetachFromDisposeScope();
                else state.momentum_buffer.mul_(o.momentum.Value).add_(grad, 1 - o.dampening.Value);
                grad = o.nesterov.Value ? grad.add(state.momentum_buffer, o.momentum.Value) : state.momentum_buffer;
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

        public override void LoadStateDict(OptimizerOptions source)
        {
            base.LoadStateDict(source);
            var other = (Options)source;
            momentum = other.momentum;
            dampening = other.dampening;
            weight_decay = other.weight_decay;
            nesterov = other.nesterov;
            maximize = other.maximize;
        }

        public override void LoadStateDict(BinaryReader reader)
        {
            base.LoadStateDict(reader);
            momentum = reader.ReadDouble();
            dampening = reader.ReadDouble();
            weight_decay = reader.ReadDouble();
            nesterov = reader.ReadBoolean();
            maximize = reader.ReadBoolean();
        }

        public override void SaveStateDict(BinaryWriter writer)
        {
            base.SaveStateDict(writer);
            writer.Write(momentum.Value);
            writer.Write(dampening.Value);
            writer.Write(weight_decay.Value);
            writer.Write(nesterov.Value);
            writer.Write(maximize.Value);
        }
    }

    public sealed class State(Parameter parameter) : OptimizerState(parameter), IDisposable
    {
        public Tensor momentum_buffer;

        // The first gradient becomes the first momentum.
        public override void Initialize(OptimizerOptions options) => momentum_buffer = null;

        public override void LoadStateDict(OptimizerState source) => Copy(ref momentum_buffer, ((State)source).momentum_buffer);

        public override void LoadStateDict(BinaryReader reader)
        {
            LoadConditionalStateTensor(reader, ref momentum_buffer, _parameter.device);
            CheckShape(momentum_buffer);
        }

        public override void SaveStateDict(BinaryWriter writer) => SaveConditionalStateTensor(writer, momentum_buffer);

        public override void to(Device device) => Move(ref momentum_buffer, device);

        public override bool ApproximatelyEquals(OptimizerState other) => other is State s && Close(momentum_buffer, s.momentum_buffer);

        public void Dispose() => momentum_buffer?.Dispose();
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
