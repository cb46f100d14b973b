using TorchSharp.Modules;

namespace TorchSharp
{
    public static partial class torch
    {
        public static partial class optim
        {
            public interface ILearningRateController
            {
                double LearningRate { get; set; }

                double InitialLearningRate { get; set; }
            }

            public interface IBetas
            {
                (double, double) Betas { get; set; }
            }

            public interface IMomentum
            {
                double Momentum { get; set; }
            }

            public abstract class Optimizer : IDisposable
            {
                protected IList<ParamGroup> _parameter_groups = [];

                public virtual IEnumerable<ILearningRateController> ParamGroups => _parameter_groups;

                public virtual IEnumerable<Parameter> parameters() => _parameter_groups.SelectMany(g => g.Parameters);

                public virtual void add_param_group(ParamGroup param_group) => _parameter_groups.Add(param_group);

                public virtual void zero_grad()
                {
                    foreach (var parameter in parameters()) nn.Module.ZeroGrad(parameter, set_to_none: true);
                }

                public virtual Tensor step(Func<Tensor> closure = null) => throw new NotSupportedException($"{GetType().Name} has no step of its own.");

                public void Dispose()
                {
                    Dispose(true);
                    GC.SuppressFinalize(this);
                }

                protected virtual void Dispose(bool disposing)
                {
                }
            }

            public static SGD SGD(IEnumerable<Parameter> parameters, double learningRate, double momentum = 0, double dampening = 0, double weight_decay = 0, bool nesterov = false, bool maximize = false) =>
                new(parameters, learningRate, momentum, dampening, weight_decay, nesterov, maximize);

            public static SGD SGD(IEnumerable<SGD.ParamGroup> parameters, double learningRate, double momentum = 0, double dampening = 0, double weight_decay = 0, bool nesterov = false, bool maximize = false) =>
                new(parameters, learningRate, momentum, dampening, weight_decay, nesterov, maximize);

            public static Adam Adam(IEnumerable<Parameter> parameters, double lr = 0.001, double beta1 = 0.9, double beta2 = 0.999, double eps = 1E-08, double weight_decay = 0, bool amsgrad = false, bool maximize = false) =>
                new(parameters, lr, beta1, beta2, eps, weight_decay, amsgrad, maximize);

            public static Adam Adam(IEnumerable<Adam.ParamGroup> parameters, double lr = 0.001, double beta1 = 0.9, double beta2 = 0.999, double eps = 1E-08, double weight_decay = 0, bool amsgrad = false, bool maximize = false) =>
                new(parameters, lr, beta1, beta2, eps, weight_decay, amsgrad, maximize);

            public static AdamW AdamW(IEnumerable<Parameter> parameters, double lr = 0.001, double beta1 = 0.9, double beta2 = 0.999, double eps = 1E-08, double weight_decay = 0, bool amsgrad = false, bool maximize = false) =>
                new(parameters, lr, beta1, beta2, eps, weight_decay, amsgrad, maximize);

            public static AdamW AdamW(IEnumerable<AdamW.ParamGroup> parameters, double lr = 0.001, double beta1 = 0.9, double beta2 = 0.999, double eps = 1E-08, double weight_decay = 0, bool amsgrad = false, bool maximize = false) =>
                new(parameters, lr, beta1, beta2, eps, weight_decay, amsgrad, maximize);

            public static SGD SGD(IEnumerable<(string name, Parameter parameter)> parameters, double learningRate, double momentum = 0, double dampening = 0, double weight_decay = 0, bool nesterov = false, bool maximize = false) =>
                new(parameters.Select(p => p.parameter), learningRate, momentum, dampening, weight_decay, nesterov, maximize);

            public static Adam Adam(IEnumerable<(string name, Parameter parameter)> parameters, double lr = 0.001, double beta1 = 0.9, double beta2 = 0.999, double eps = 1E-08, double weight_decay = 0, bool amsgrad = false, bool maximize = false) =>
                new(parameters.Select(p => p.parameter), lr, beta1, beta2, eps, weight_decay, amsgrad, maximize);

            public static AdamW AdamW(IEnumerable<(string name, Parameter parameter)> parameters, double lr = 0.001, double beta1 = 0.9, double beta2 = 0.999, double eps = 1E-08, double weight_decay = 0, bool amsgrad = false, bool maximize = false) =>
                new(parameters.Select(p => p.parameter), lr, beta1, beta2, eps, weight_decay, amsgrad, maximize);
        }
    }
}

namespace TorchSharp.Modules
{
    using static torch;

    public class OptimizerOptions
    {
        public double? LearningRate { get; set; }

        public double InitialLearningRate { get; set; }
    }

    public class ParamGroup : optim.ILearningRateController
    {
        public IEnumerable<Parameter> Parameters { get; set; }

        public OptimizerOptions Options { get; set; }

        public double LearningRate
        {
            get => Options.LearningRate ?? throw new InvalidOperationException("The learning rate of a parameter group is set when it joins an optimizer.");
            set => Options.LearningRate = value;
        }

        public double InitialLearningRate
        {
            get => Options.InitialLearningRate;
            set => Options.InitialLearningRate = value;
        }
    }

    public class ParamGroup<TOptions> : ParamGroup where TOptions : OptimizerOptions
    {
        public ParamGroup()
        {
        }

        public ParamGroup(IEnumerable<Parameter> parameters, TOptions options = null) => (base.Parameters, base.Options) = (parameters, options);

        public new TOptions Options
        {
            get => (TOptions)base.Options;
            set => base.Options = value;
        }
    }

    /// <summary>What the managed optimizers share: groups, the state of each parameter, and its file.</summary>
    public abstract class OptimizerHelper : optim.Optimizer
    {
        private const int Magic = 0x54504F41; // "AOPT"

        // Per parameter: its number of steps, and the tensors that the method keeps, some of which may be null.
        private protected sealed class Slots
        {
            public long Steps;
            public Tensor[] Tensors;
        }

        private protected readonly Dictionary<Parameter, Slots> States = new(ReferenceEqualityComparer.Instance);

        private protected void Join(ParamGroup group, double lr)
        {
            group.Parameters = group.Parameters.ToArray();
            group.Options.LearningRate ??= lr;
            group.Options.InitialLearningRate = group.LearningRate;
            _parameter_groups.Add(group);
        }

        private protected Slots StateOf(Parameter parameter, int tensors)
        {
            if (!States.TryGetValue(parameter, out var state))
            {
                state = new Slots { Tensors = new Tensor[tensors] };
                States.Add(parameter, state);
            }
            return state;
        }

        private protected static Tensor Zeros(Parameter like) => zeros_like(like).detach().DetachFromDisposeScope();

        // Runs the update of each group on the parameters that have a gradient.
        private protected Tensor StepGroups<TGroup>(Func<Tensor> closure, Action<TGroup, Parameter[], Tensor[]> update) where TGroup : ParamGroup
        {
            Tensor loss = null;
            if (closure is not null)
            {
                using (enable_grad()) loss = closure();
            }
            using var scope = NewDisposeScope();
            using var noGrad = no_grad();
            foreach (var group in _parameter_groups.Cast<TGroup>())
            {
                var parameters = new List<Parameter>();
                var grads = new List<Tensor>();
                foreach (var parameter in (Parameter[])group.Parameters)
                {
                    if (parameter.grad is not { } grad) continue;
                    parameters.Add(parameter);
                    grads.Add(grad);
                }
                if (parameters.Count > 0) update(group, [.. parameters], [.. grads]);
            }
            return loss;
        }

        public void save_state_dict(string location)
        {
            using var stream = File.Create(location);
            using var writer = new BinaryWriter(stream);
            save_state_dict(writer);
        }

        public void save_state_dict(BinaryWriter writer)
        {
            writer.Write(Magic);
            var all = parameters().ToList();
            writer.Write(all.Count);
            foreach (var parameter in all)
            {
                var known = States.TryGetValue(parameter, out var state);
                writer.Write(known ? state.Steps : -1);
                if (!known) continue;
                writer.Write(state.Tensors.Length);
                foreach (var tensor in state.Tensors)
                {
                    writer.Write(tensor is not null);
                    if (tensor is null) continue;
                    using var flat = tensor.cpu().to_type(ScalarType.Float64).contiguous();
                    writer.Write(flat.numel());
                    writer.Write(flat.bytes);
                }
            }
        }

        public void load_state_dict(string location)
        {
            using var stream = File.OpenRead(location);
            using var reader = new BinaryReader(stream);
            load_state_dict(reader);
        }

        /// <exception cref="InvalidDataException">The file is another's, or for other parameters.</exception>
        public void load_state_dict(BinaryReader reader)
        {
            var all = parameters().ToList();
            if (reader.ReadInt32() != Magic || reader.ReadInt32() != all.Count)
                throw new InvalidDataException($"The optimizer state is not one of {all.Count} parameters.");
            foreach (var parameter in all)
            {
                var steps = reader.ReadInt64();
                if (steps < 0) continue;
                var state = StateOf(parameter, reader.ReadInt32());
                state.Steps = steps;
                for (var k = 0; k < state.Tensors.Length; k++)
                {
                    if (!reader.ReadBoolean()) continue;
                    var count = reader.ReadInt64();
                    if (count != parameter.numel()) throw new InvalidDataException($"The optimizer state holds {count} values for a parameter of {parameter.numel()}.");
                    using var scope = NewDisposeScope();
                    using var noGrad = no_grad();
                    var flat = empty([count], ScalarType.Float64);
                    reader.BaseStream.ReadExactly(flat.bytes);
                    state.Tensors[k] = Zeros(parameter).copy_(flat.view(parameter.shape)).DetachFromDisposeScope();
                }
            }
        }

        protected override void Dispose(bool disposing)
        {
            if (!disposing) return;
            foreach (var state in States.Values)
                foreach (var tensor in state.Tensors) tensor?.Dispose();
            States.Clear();
        }
    }
}
