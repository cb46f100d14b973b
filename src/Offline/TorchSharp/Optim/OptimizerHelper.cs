using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>What the managed optimizers share: groups, the state of each parameter, and its file.</summary>
public abstract class OptimizerHelper : optim.Optimizer
{
    private const int Magic = 0x32504F41; // "AOP2"

    private readonly Dictionary<Parameter, OptimizerState> states = new(ReferenceEqualityComparer.Instance);

    private protected void Join(ParamGroup group, double lr)
    {
        group.Parameters = group.Parameters.ToArray();
        group.Options.LearningRate ??= lr;
        group.Options.InitialLearningRate = group.LearningRate;
        _parameter_groups.Add(group);
    }

    private protected abstract OptimizerState NewState(Parameter parameter);

    private protected OptimizerState StateOf(Parameter parameter, OptimizerOptions options)
    {
        if (states.TryGetValue(parameter, out var state)) return state;
        state = NewState(parameter);
        state.Initialize(options);
        states.Add(parameter, state);
        return state;
    }

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

    /// <summary>The options of each group and the state of each parameter; both are the optimizer's own, not copies.</summary>
    public virtual StateDictionary state_dict()
    {
        var result = new StateDictionary();
        foreach (var group in _parameter_groups)
        {
            result.Options.Add(group.Options);
            var indices = new List<int>();
            foreach (var parameter in group.Parameters)
            {
                indices.Add(result.State.Count);
                result.State.Add(StateOf(parameter, group.Options));
            }
            result.StateIndexRef.Add(indices);
        }
        return result;
    }

    /// <summary>Copies options and state of an optimizer of the same kind with the same number of groups and parameters.</summary>
    /// <exception cref="ArgumentException">The groups differ in number or size; nothing was changed then.</exception>
    public virtual void load_state_dict(StateDictionary state_dict)
    {
        ArgumentNullException.ThrowIfNull(state_dict);
        var sizes = _parameter_groups.Select(g => g.Parameters.Count()).ToArray();
        if (!state_dict.StateIndexRef.Select(r => r.Count).SequenceEqual(sizes))
            throw new ArgumentException($"The state is of groups of {string.Join(", ", state_dict.StateIndexRef.Select(r => r.Count))} parameters, the optimizer has groups of {string.Join(", ", sizes)}.", nameof(state_dict));
        for (var g = 0; g < sizes.Length; g++)
        {
            var group = _parameter_groups[g];
            if (!ReferenceEquals(group.Options, state_dict.Options[g])) group.Options.LoadStateDict(state_dict.Options[g]);
            foreach (var (parameter, index) in group.Parameters.Zip(state_dict.StateIndexRef[g]))
            {
                var mine = StateOf(parameter, group.Options);
                if (!ReferenceEquals(mine, state_dict.State[index])) mine.LoadStateDict(state_dict.State[index]);
            }
        }
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
        writer.Write(_parameter_groups.Count);
        foreach (var group in _parameter_groups)
        {
            group.Options.SaveStateDict(writer);
            writer.Write(group.Parameters.Count());
            foreach (var parameter in group.Parameters)
            {
                var known = states.TryGetValue(parameter, out var state);
                writer.Write(known);
                if (known) state.SaveStateDict(writer);
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
        try
        {
            if (reader.ReadInt32() != Magic || reader.ReadInt32() != _parameter_groups.Count)
                throw new InvalidDataException($"This is no state of an optimizer with {_parameter_groups.Count} groups.");
            foreach (var group in _parameter_groups)
            {
                group.Options.LoadStateDict(reader);
                if (reader.ReadInt32() != group.Parameters.Count()) throw new InvalidDataException($"The optimizer state is not one of {group.Parameters.Count()} parameters in a group.");
                foreach (var parameter in group.Parameters)
                {
                    if (reader.ReadBoolean()) StateOf(parameter, group.Options).LoadStateDict(reader);
                }
            }
        }
        catch (EndOfStreamException e)
        {
            throw new InvalidDataException("The optimizer state is cut off.", e);
        }
    }

    /// <summary>Moves the state; the parameters are moved with their module.</summary>
    public void to(Device device)
    {
        foreach (var state in states.Values) state.to(device);
    }

    protected override void Dispose(bool disposing)
    {
        if (!disposing) return;
        foreach (var state in states.Values) (state as IDisposable)?.Dispose();
        states.Clear();
    }
}
