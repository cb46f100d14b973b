using System.Collections;
using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>Modules by name, in the order in which they were added.</summary>
public class ModuleDict<T> : nn.Module, IDictionary<string, T>, IList<(string, T)> where T : nn.Module
{
    private readonly Utils.OrderedDict<string, T> entries = new();

    public ModuleDict() : base(nameof(ModuleDict<T>))
    {
    }

    public int Count => entries.Count;
    public bool IsReadOnly => false;
    public ICollection<string> Keys => entries.Keys;
    public ICollection<T> Values => entries.Values;
    public IEnumerable<string> keys() => entries.Keys;
    public IEnumerable<T> values() => entries.Values;
    public IEnumerator<(string, T)> items() => entries.GetEnumerator();

    public T this[string key]
    {
        get => entries[key];
        set
        {
            register_module(key, value);
            entries[key] = value;
        }
    }

    public (string, T) this[int index]
    {
        get => entries[index];
        set
        {
            var (old, _) = entries[index];
            entries[index] = value;
            if (old != value.Item1) register_module(old, null);
            register_module(value.Item1, value.Item2);
        }
    }

    public void Add(string key, T value)
    {
        entries.Add(key, value);
        register_module(key, value);
    }

    public void Add((string, T) item) => Add(item.Item1, item.Item2);
    public void Add(KeyValuePair<string, T> item) => Add(item.Key, item.Value);

    public void Insert(int index, (string, T) item)
    {
        entries.Insert(index, item);
        register_module(item.Item1, item.Item2);
    }

    public bool Remove(string key)
    {
        if (!entries.Remove(key)) return false;
        register_module(key, null);
        return true;
    }

    public bool Remove((string, T) item) => entries.Contains(item) && Remove(item.Item1);
    public bool Remove(KeyValuePair<string, T> item) => Remove((item.Key, item.Value));
    public void RemoveAt(int index) => Remove(entries[index].Item1);

    public void Clear()
    {
        foreach (var key in Keys) Remove(key);
    }

    public void clear() => Clear();
    public bool Contains((string, T) item) => entries.Contains(item);
    public bool Contains(KeyValuePair<string, T> item) => entries.Contains(item);
    public bool ContainsKey(string key) => entries.ContainsKey(key);
    public bool TryGetValue(string key, out T value) => entries.TryGetValue(key, out value);
    public int IndexOf((string, T) item) => entries.IndexOf(item);
    public void CopyTo((string, T)[] array, int arrayIndex) => entries.CopyTo(array, arrayIndex);
    public void CopyTo(KeyValuePair<string, T>[] array, int arrayIndex) => entries.CopyTo(array, arrayIndex);
    public IEnumerator<(string, T)> GetEnumerator() => entries.GetEnumerator();
    IEnumerator<KeyValuePair<string, T>> IEnumerable<KeyValuePair<string, T>>.GetEnumerator() => ((IEnumerable<KeyValuePair<string, T>>)entries).GetEnumerator();
    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    // Entries register themselves under their keys.
    protected override void RegisterComponents()
    {
    }
}
