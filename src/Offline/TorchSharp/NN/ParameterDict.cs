using System.Collections;
using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>Parameters by name, in the order in which they were added.</summary>
public class ParameterDict : nn.Module, IDictionary<string, Parameter>, IList<(string, Parameter)>
{
    private readonly Utils.OrderedDict<string, Parameter> entries = new();

    public ParameterDict() : base(nameof(ParameterDict))
    {
    }

    public int Count => entries.Count;
    public bool IsReadOnly => false;
    public ICollection<string> Keys => entries.Keys;
    public ICollection<Parameter> Values => entries.Values;
    public IEnumerable<string> keys() => entries.Keys;
    public IEnumerable<Parameter> values() => entries.Values;
    public IEnumerator<(string, Parameter)> items() => entries.GetEnumerator();

    public Parameter this[string key]
    {
        get => entries[key];
        set
        {
            register_parameter(key, value);
            entries[key] = value;
        }
    }

    public (string, Parameter) this[int index]
    {
        get => entries[index];
        set
        {
            var (old, _) = entries[index];
            entries[index] = value;
            if (old != value.Item1) register_parameter(old, null);
            register_parameter(value.Item1, value.Item2);
        }
    }

    public void Add(string key, Parameter value)
    {
        entries.Add(key, value);
        register_parameter(key, value);
    }

    public void Add((string, Parameter) item) => Add(item.Item1, item.Item2);
    public void Add(KeyValuePair<string, Parameter> item) => Add(item.Key, item.Value);

    public void Insert(int index, (string, Parameter) item)
    {
        entries.Insert(index, item);
        register_parameter(item.Item1, item.Item2);
    }

    public bool Remove(string key)
    {
        if (!entries.Remove(key)) return false;
        register_parameter(key, null);
        return true;
    }

    public bool Remove((string, Parameter) item) => entries.Contains(item) && Remove(item.Item1);
    public bool Remove(KeyValuePair<string, Parameter> item) => Remove((item.Key, item.Value));
    public void RemoveAt(int index) => Remove(entries[index].Item1);

    public void Clear()
    {
        foreach (var key in Keys) Remove(key);
    }

    public void clear() => Clear();
    public bool Contains((string, Parameter) item) => entries.Contains(item);
    public bool Contains(KeyValuePair<string, Parameter> item) => entries.Contains(item);
    public bool ContainsKey(string key) => entries.ContainsKey(key);
    public bool TryGetValue(string key, out Parameter value) => entries.TryGetValue(key, out value);
    public int IndexOf((string, Parameter) item) => entries.IndexOf(item);
    public void CopyTo((string, Parameter)[] array, int arrayIndex) => entries.CopyTo(array, arrayIndex);
    public void CopyTo(KeyValuePair<string, Parameter>[] array, int arrayIndex) => entries.CopyTo(array, arrayIndex);
    public IEnumerator<(string, Parameter)> GetEnumerator() => entries.GetEnumerator();
    IEnumerator<KeyValuePair<string, Parameter>> IEnumerable<KeyValuePair<string, Parameter>>.GetEnumerator() => ((IEnumerable<KeyValuePair<string, Parameter>>)entries).GetEnumerator();
    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    // Entries register themselves under their keys.
    protected override void RegisterComponents()
    {
    }
}
