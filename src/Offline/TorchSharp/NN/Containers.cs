using System.Collections;
using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>Modules applied one after the other.</summary>
public class Sequential : nn.Module<Tensor, Tensor>
{
    private readonly List<(string Name, nn.Module<Tensor, Tensor> Module)> steps = [];

    protected internal Sequential(params (string name, nn.Module<Tensor, Tensor> submodule)[] modules) : base(nameof(Sequential))
    {
        foreach (var (name, module) in modules) Put(name, module);
    }

    protected internal Sequential(params nn.Module<Tensor, Tensor>[] modules) : base(nameof(Sequential))
    {
        foreach (var module in modules) Put(steps.Count.ToString(), module);
    }

    public int Count => steps.Count;

    public nn.IModule<Tensor, Tensor> this[int index] => steps[index].Module;

    public Sequential append(nn.IModule<Tensor, Tensor> module) => append(steps.Count.ToString(), module);

    public Sequential append(string name, nn.IModule<Tensor, Tensor> module)
    {
        Put(name, (nn.Module<Tensor, Tensor>)module);
        return this;
    }

    public override Tensor forward(Tensor tensor)
    {
        if (steps.Count == 0) return tensor.alias();
        // What lies between two steps is needed by nobody else; autograd keeps what it needs itself.
        var value = tensor;
        foreach (var (_, module) in steps)
        {
            var next = module.call(value);
            if (!ReferenceEquals(value, tensor) && !ReferenceEquals(next, value)) value.Dispose();
            value = next;
        }
        return value;
    }

    private void Put(string name, nn.Module<Tensor, Tensor> module)
    {
        register_module(name, module);
        steps.Add((name, module));
    }
}

/// <summary>A list of modules, named by their places.</summary>
public class ModuleList<T> : nn.Module, IList<T> where T : nn.Module
{
    private readonly List<T> items = [];

    public ModuleList(params T[] modules) : base(nameof(ModuleList<T>)) => extend(modules);

    public int Count => items.Count;

    public bool IsReadOnly => false;

    public T this[int index]
    {
        get => items[index];
        set
        {
            items[index] = value;
            RegisterComponents();
        }
    }

    public void append(params T[] parameters) => extend(parameters);

    public void extend(IEnumerable<T> modules)
    {
        items.AddRange(modules);
        RegisterComponents();
    }

    public void Add(T item) => extend([item]);

    public void Insert(int index, T item)
    {
        items.Insert(index, item);
        RegisterComponents();
    }

    public void RemoveAt(int index)
    {
        items.RemoveAt(index);
        RegisterComponents();
    }

    public bool Remove(T item)
    {
        var found = items.Remove(item);
        RegisterComponents();
        return found;
    }

    public void Clear()
    {
        items.Clear();
        RegisterComponents();
    }

    public bool Contains(T item) => items.Contains(item);
    public void CopyTo(T[] array, int arrayIndex) => items.CopyTo(array, arrayIndex);
    public int IndexOf(T item) => items.IndexOf(item);
    public IEnumerator<T> GetEnumerator() => items.GetEnumerator();
    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    // The base class calls nothing here; names follow the places after every change.
    protected override void RegisterComponents()
    {
        ClearModules();
        for (var k = 0; k < items.Count; k++) register_module(k.ToString(), items[k]);
    }
}
