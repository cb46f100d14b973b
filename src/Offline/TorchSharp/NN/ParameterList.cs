using System.Collections;
using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>A list of parameters, named by their places.</summary>
public class ParameterList : nn.Module, IList<Parameter>
{
    private readonly List<Parameter> items = [];

    public ParameterList(params Parameter[] parameters) : base(nameof(ParameterList)) => extend(parameters);

    public int Count => items.Count;

    public bool IsReadOnly => false;

    public Parameter this[int index]
    {
        get => items[index];
        set
        {
            items[index] = value;
            RegisterComponents();
        }
    }

    public void append(params Parameter[] parameters) => extend(parameters);

    public void extend(IEnumerable<Parameter> parameters)
    {
        items.AddRange(parameters);
        RegisterComponents();
    }

    public void Add(Parameter item) => extend([item]);

    public void Insert(int index, Parameter item)
    {
        items.Insert(index, item);
        RegisterComponents();
    }

    public void RemoveAt(int index)
    {
        items.RemoveAt(index);
        RegisterComponents();
    }

    public bool Remove(Parameter item)
    {
        var at = IndexOf(item);
        if (at >= 0) RemoveAt(at);
        return at >= 0;
    }

    public void Clear()
    {
        items.Clear();
        RegisterComponents();
    }

    // By identity: tensors compare by value.
    public int IndexOf(Parameter item) => items.FindIndex(p => ReferenceEquals(p, item));
    public bool Contains(Parameter item) => IndexOf(item) >= 0;
    public void CopyTo(Parameter[] array, int arrayIndex) => items.CopyTo(array, arrayIndex);
    public IEnumerator<Parameter> GetEnumerator() => items.GetEnumerator();
    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    protected override void RegisterComponents()
    {
        foreach (var (key, _) in named_parameters(false).ToList()) register_parameter(key, null);
        for (var k = 0; k < items.Count; k++) register_parameter(k.ToString(), items[k]);
    }
}
