using System.Collections;

namespace TorchSharp.Utils;

/// <summary>A dictionary that remembers the order in which its keys came.</summary>
public class OrderedDict<TKey, TValue> : IEnumerable<(TKey, TValue)>
{
    private readonly Dictionary<TKey, TValue> values = [];
    private readonly List<TKey> order = [];

    public int Count => order.Count;
    public bool IsReadOnly => false;
    public ICollection<TKey> Keys => order.ToList();
    public ICollection<TValue> Values => order.Select(k => values[k]).ToList();

    public TValue this[TKey key]
    {
        get => values[key];
        set
        {
            if (values.TryAdd(key, value)) order.Add(key);
            else values[key] = value;
        }
    }

    public void Add(TKey key, TValue value)
    {
        values.Add(key, value);
        order.Add(key);
    }

    public void Add((TKey, TValue) item) => Add(item.Item1, item.Item2);

    public bool Remove(TKey key)
    {
        if (!values.Remove(key)) return false;
        order.Remove(key);
        return true;
    }

    public void Clear()
    {
        values.Clear();
        order.Clear();
    }

    public bool ContainsKey(TKey key) => values.ContainsKey(key);
    public bool TryGetValue(TKey key, out TValue value) => values.TryGetValue(key, out value);
    public IEnumerator<(TKey, TValue)> GetEnumerator() => order.Select(k => (k, values[k])).GetEnumerator();
    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
