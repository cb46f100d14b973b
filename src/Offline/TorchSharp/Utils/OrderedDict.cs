using System.Collections;

namespace TorchSharp.Utils;

/// <summary>A dictionary that remembers the order in which its keys came.</summary>
public class OrderedDict<TKey, TValue> : IDictionary<TKey, TValue>, IList<(TKey, TValue)>
{
    private readonly Dictionary<TKey, TValue> lookup = [];
    private readonly List<TKey> order = [];

    public int Count => order.Count;
    public bool IsReadOnly => false;
    public ICollection<TKey> Keys => order.ToList();
    public ICollection<TValue> Values => order.Select(k => lookup[k]).ToList();
    public IEnumerable<TKey> keys() => Keys;
    public IEnumerable<TValue> values() => Values;
    public IEnumerator<(TKey, TValue)> items() => GetEnumerator();

    public TValue this[TKey key]
    {
        get => lookup[key];
        set
        {
            if (lookup.TryAdd(key, value)) order.Add(key);
            else lookup[key] = value;
        }
    }

    /// <summary>The pair at a place; writing may change the key as well.</summary>
    public (TKey, TValue) this[int index]
    {
        get => (order[index], lookup[order[index]]);
        set
        {
            var old = order[index];
            if (!EqualityComparer<TKey>.Default.Equals(old, value.Item1))
            {
                if (lookup.ContainsKey(value.Item1)) throw new ArgumentException($"The key '{value.Item1}' is at another place.", nameof(value));
                lookup.Remove(old);
                order[index] = value.Item1;
            }
            lookup[value.Item1] = value.Item2;
        }
    }

    public void Add(TKey key, TValue value)
    {
        lookup.Add(key, value);
        order.Add(key);
    }

    public void Add((TKey, TValue) item) => Add(item.Item1, item.Item2);

    public void Add(KeyValuePair<TKey, TValue> item) => Add(item.Key, item.Value);

    public void Insert(int index, (TKey, TValue) item)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)index, (uint)order.Count, nameof(index));
        lookup.Add(item.Item1, item.Item2);
        order.Insert(index, item.Item1);
    }

    public bool Remove(TKey key)
    {
        if (!lookup.Remove(key)) return false;
        order.Remove(key);
        return true;
    }

    public bool Remove((TKey, TValue) item) => Contains(item) && Remove(item.Item1);

    public bool Remove(KeyValuePair<TKey, TValue> item) => Remove((item.Key, item.Value));

    public void RemoveAt(int index) => Remove(order[index]);

    public void Clear()
    {
        lookup.Clear();
        order.Clear();
    }

    public void clear() => Clear();

    public bool ContainsKey(TKey key) => lookup.ContainsKey(key);

    public bool Contains((TKey, TValue) item) => lookup.TryGetValue(item.Item1, out var value) && Same(value, item.Item2);

    public bool Contains(KeyValuePair<TKey, TValue> item) => Contains((item.Key, item.Value));

    public int IndexOf((TKey, TValue) item) => Contains(item) ? order.IndexOf(item.Item1) : -1;

    public bool TryGetValue(TKey key, out TValue value) => lookup.TryGetValue(key, out value);

    public void CopyTo((TKey, TValue)[] array, int arrayIndex)
    {
        foreach (var item in this) array[arrayIndex++] = item;
    }

    public void CopyTo(KeyValuePair<TKey, TValue>[] array, int arrayIndex)
    {
        foreach (var (key, value) in this) array[arrayIndex++] = new(key, value);
    }

    public IEnumerator<(TKey, TValue)> GetEnumerator() => order.Select(k => (k, lookup[k])).GetEnumerator();

    IEnumerator<KeyValuePair<TKey, TValue>> IEnumerable<KeyValuePair<TKey, TValue>>.GetEnumerator() => order.Select(k => KeyValuePair.Create(k, lookup[k])).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    // Tensors compare by value, which is not what a container means by the same item.
    private static bool Same(TValue a, TValue b) => typeof(TValue).IsValueType ? EqualityComparer<TValue>.Default.Equals(a, b) : ReferenceEquals(a, b);
}
