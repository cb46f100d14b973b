using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>Marks modules without parameters, buffers and submodules.</summary>
public interface IParameterLessModule
{
}

public abstract class ParameterLessModule<T1, TResult> : nn.Module<T1, TResult>, IParameterLessModule
{
    protected ParameterLessModule(string name) : base(name)
    {
    }

    public override void register_parameter(string name, Parameter param) => throw NoState.Refused(this, name);

    public override void register_buffer(string name, Tensor tensor, bool persistent = true) => throw NoState.Refused(this, name);

    public override void register_module(string name, nn.Module submodule) => throw NoState.Refused(this, name);
}

public abstract class ParameterLessModule<T1, T2, TResult> : nn.Module<T1, T2, TResult>, IParameterLessModule
{
    protected ParameterLessModule(string name) : base(name)
    {
    }

    public override void register_parameter(string name, Parameter param) => throw NoState.Refused(this, name);

    public override void register_buffer(string name, Tensor tensor, bool persistent = true) => throw NoState.Refused(this, name);

    public override void register_module(string name, nn.Module submodule) => throw NoState.Refused(this, name);
}

public abstract class ParameterLessModule<T1, T2, T3, TResult> : nn.Module<T1, T2, T3, TResult>, IParameterLessModule
{
    protected ParameterLessModule(string name) : base(name)
    {
    }

    public override void register_parameter(string name, Parameter param) => throw NoState.Refused(this, name);

    public override void register_buffer(string name, Tensor tensor, bool persistent = true) => throw NoState.Refused(this, name);

    public override void register_module(string name, nn.Module submodule) => throw NoState.Refused(this, name);
}

public abstract class ParameterLessModule<T1, T2, T3, T4, TResult> : nn.Module<T1, T2, T3, T4, TResult>, IParameterLessModule
{
    protected ParameterLessModule(string name) : base(name)
    {
    }

    public override void register_parameter(string name, Parameter param) => throw NoState.Refused(this, name);

    public override void register_buffer(string name, Tensor tensor, bool persistent = true) => throw NoState.Refused(this, name);

    public override void register_module(string name, nn.Module submodule) => throw NoState.Refused(this, name);
}

public abstract class ParameterLessModule<T1, T2, T3, T4, T5, TResult> : nn.Module<T1, T2, T3, T4, T5, TResult>, IParameterLessModule
{
    protected ParameterLessModule(string name) : base(name)
    {
    }

    public override void register_parameter(string name, Parameter param) => throw NoState.Refused(this, name);

    public override void register_buffer(string name, Tensor tensor, bool persistent = true) => throw NoState.Refused(this, name);

    public override void register_module(string name, nn.Module submodule) => throw NoState.Refused(this, name);
}

public abstract class ParameterLessModule<T1, T2, T3, T4, T5, T6, TResult> : nn.Module<T1, T2, T3, T4, T5, T6, TResult>, IParameterLessModule
{
    protected ParameterLessModule(string name) : base(name)
    {
    }

    public override void register_parameter(string name, Parameter param) => throw NoState.Refused(this, name);

    public override void register_buffer(string name, Tensor tensor, bool persistent = true) => throw NoState.Refused(this, name);

    public override void register_module(string name, nn.Module submodule) => throw NoState.Refused(this, name);
}

internal static class NoState
{
    internal static InvalidOperationException Refused(nn.Module module, string component) => new($"{module.GetName()} has no state, so '{component}' cannot be registered in it.");
}
