using TorchSharp.Modules;

namespace TorchSharp.Tests.Cases;

/// <summary>What several cases share; oracle.py has the same by the same names.</summary>
internal static class Helpers
{
    private const int Steps = 6;

    internal static T Eval<T>(T module) where T : nn.Module
    {
        module.eval();
        return module;
    }

    /// <summary>The module in training mode and then, with the statistics it gathered, in evaluation mode.</summary>
    internal static Tensor Twice(nn.Module<Tensor, Tensor> module, Tensor input)
    {
        var first = module.call(input);
        module.eval();
        return first + module.call(input);
    }

    /// <summary>A copy of <paramref name="tensor"/> with a value assigned at an index.</summary>
    internal static Tensor Put(Tensor tensor, Tensor value, params TensorIndex[] index)
    {
        var copy = tensor.clone();
        copy[index] = value;
        return copy;
    }

    /// <summary>Minimises Σ (sin p + p²/2) and gives back every point on the way, [steps, …].</summary>
    internal static Tensor Train(Tensor start, Func<Parameter, optim.Optimizer> make, Func<optim.Optimizer, optim.lr_scheduler.LRScheduler> schedule = null)
    {
        using var parameter = new Parameter(start.detach().clone());
        using var optimizer = make(parameter);
        return Path([parameter], optimizer, schedule?.Invoke(optimizer));
    }

    /// <summary>As above with two parameters, in groups of their own.</summary>
    internal static Tensor Train(Tensor start, Tensor other, Func<Parameter, Parameter, optim.Optimizer> make)
    {
        using var first = new Parameter(start.detach().clone());
        using var second = new Parameter(other.detach().clone());
        using var optimizer = make(first, second);
        return Path([first, second], optimizer, null);
    }

    /// <summary>The gradient of Σ exp p after clipping, and the norm before.</summary>
    internal static Tensor Clipped(Tensor start, double limit, double kind)
    {
        using var parameter = new Parameter(start.detach().clone());
        parameter.exp().sum().backward();
        var norm = nn.utils.clip_grad_norm_([parameter], limit, kind);
        return cat([parameter.grad.flatten(), full([1], norm, start.dtype)]);
    }

    private static Tensor Path(Parameter[] parameters, optim.Optimizer optimizer, optim.lr_scheduler.LRScheduler schedule)
    {
        var path = new List<Tensor>();
        for (var k = 0; k < Steps; k++)
        {
            optimizer.zero_grad();
            foreach (var p in parameters) (p.sin() + p * p / 2).sum().backward();
            optimizer.step();
            schedule?.step();
            path.Add(cat(parameters.Select(p => p.detach().clone()).ToArray()));
        }
        return stack(path);
    }
}
