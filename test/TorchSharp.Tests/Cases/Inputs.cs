namespace TorchSharp.Tests.Cases;

/// <summary>The tensors that the cases compute with, the same in every run, and the modules they make.</summary>
internal sealed class Inputs : IDisposable
{
    private readonly Dictionary<string, Tensor> real = [], other = [];
    private readonly List<nn.Module> modules = [];
    private readonly ScalarType type;

    /// <summary>Values are drawn in single precision, so that both types hold the same ones.</summary>
    internal Inputs(ScalarType type)
    {
        this.type = type;
        using var generator = new Generator(9);
        Tensor Normal(params long[] size) => randn(size, float32, generator: generator);
        Tensor Uniform(params long[] size) => rand(size, float32, generator: generator);
        using var scope = NewDisposeScope();
        Real("a", Normal(3, 4));
        Real("d", Normal(3, 4));
        Real("b", Uniform(3, 4) + 0.2);
        Real("c", Uniform(3, 4) * 1.9 - 0.95);
        Real("r", Normal(4));
        Real("q", Normal(3, 1));
        Real("u", tensor(new[] { 0.21f, 0.68f }));
        var m = Normal(4, 4);
        Real("m", m + eye(4) * 2.5);
        Real("p", m.matmul(m.t()) + eye(4));
        Real("e", Normal(2, 3, 4));
        Real("f", Normal(2, 4, 3));
        Real("h", Normal(2, 4, 5, 5));
        Real("z", Normal(2, 4, 6));
        Other("i", randint(4, [3, 4], generator: generator));
        Other("j", tensor(new[] { 2L, 0, 1 }));
        Other("k", Uniform(3, 4) > 0.5);
        Other("n", randint(1, 10, [3, 4], generator: generator));
        Other("o", randint(1, 4, [3, 4], generator: generator));
    }

    internal IEnumerable<KeyValuePair<string, Tensor>> Tensors => real.Concat(other);

    /// <summary>The inputs, and the parameters of the modules made so far, that a gradient is taken for.</summary>
    internal IEnumerable<KeyValuePair<string, Tensor>> Leaves =>
        real.Concat(modules.SelectMany((module, k) => Ordered(module).Select(p => KeyValuePair.Create($"{k}.{p.name}", (Tensor)p.parameter))));

    /// <summary>A change of one element of one leaf, for finite differences.</summary>
    internal (string Leaf, long Element, double By)? Shift { get; set; }

    internal Tensor a => Get("a");
    internal Tensor b => Get("b");
    internal Tensor c => Get("c");
    internal Tensor d => Get("d");
    internal Tensor e => Get("e");
    internal Tensor f => Get("f");
    internal Tensor h => Get("h");
    internal Tensor i => other["i"];
    internal Tensor j => other["j"];
    internal Tensor k => other["k"];
    internal Tensor m => Get("m");
    internal Tensor n => other["n"];
    internal Tensor o => other["o"];
    internal Tensor p => Get("p");
    internal Tensor q => Get("q");
    internal Tensor r => Get("r");
    internal Tensor u => Get("u");
    internal Tensor z => Get("z");

    /// <summary>Gives the parameters of a module values that depend on their names' order alone.</summary>
    internal T Fill<T>(T module) where T : nn.Module
    {
        module.to(type);
        using var quiet = no_grad();
        var place = 0;
        foreach (var (name, parameter) in Ordered(module))
        {
            parameter.copy_(((arange(parameter.numel(), float64) + place) * 0.7).sin().mul(0.5).view(parameter.shape));
            if (Shift is { } s && s.Leaf == $"{modules.Count}.{name}") parameter.view(-1)[s.Element].add_(s.By);
            place++;
        }
        modules.Add(module);
        return module;
    }

    /// <summary>Forgets gradients and modules.</summary>
    internal void Reset()
    {
        foreach (var tensor in real.Values) tensor.grad = null;
        foreach (var module in modules) module.Dispose();
        modules.Clear();
    }

    public void Dispose()
    {
        Reset();
        foreach (var (_, tensor) in Tensors) tensor.Dispose();
    }

    private static IEnumerable<(string name, Modules.Parameter parameter)> Ordered(nn.Module module) => module.named_parameters().OrderBy(p => p.name, StringComparer.Ordinal);

    private Tensor Get(string name)
    {
        var tensor = real[name];
        if (Shift is not { } s || s.Leaf != name) return tensor;
        var moved = tensor.detach().clone();
        moved.view(-1)[s.Element].add_(s.By);
        return moved;
    }

    private void Real(string name, Tensor value) => real.Add(name, value.to(type).detach().requires_grad_().DetachFromDisposeScope());

    private void Other(string name, Tensor value) => other.Add(name, value.DetachFromDisposeScope());
}
