using System.Collections;

namespace TorchSharp.Modules
{
    /// <summary>Modules in a row, registered under their positions.</summary>
    public class ModuleList<T> : torch.nn.Module, IList<T> where T : torch.nn.Module
    {
        private readonly List<T> items;

        public ModuleList(params T[] modules) : base(nameof(ModuleList<T>))
        {
            items = [.. modules];
            RegisterComponents();
        }

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

        protected override void RegisterComponents()
        {
            ClearModules();
            for (var k = 0; k < items.Count; k++) register_module(k.ToString(System.Globalization.CultureInfo.InvariantCulture), items[k]);
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
            var removed = items.Remove(item);
            if (removed) RegisterComponents();
            return removed;
        }

        public void Clear()
        {
            items.Clear();
            ClearModules();
        }

        public bool Contains(T item) => items.Contains(item);

        public int IndexOf(T item) => items.IndexOf(item);

        public void CopyTo(T[] array, int arrayIndex) => items.CopyTo(array, arrayIndex);

        public IEnumerator<T> GetEnumerator() => items.GetEnumerator();

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }
}

namespace TorchSharp
{
    public static partial class torch
    {
        public static partial class nn
        {
            public static Modules.ModuleList<T> ModuleList<T>(params T[] modules) where T : Module => new(modules);
        }
    }
}
