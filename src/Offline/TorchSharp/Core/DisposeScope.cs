using System.Runtime.CompilerServices;

namespace TorchSharp;

/// <summary>Disposes, in one go, the tensors made on this thread since it was opened and not moved out.</summary>
public sealed class DisposeScope : IDisposable
{
    private readonly HashSet<IDisposable> disposables = new(ReferenceComparer.Instance);
    private bool disposed;

    internal DisposeScope(DisposeScope outer) => Outer = outer;

    internal DisposeScope Outer { get; private set; }

    internal void SkipOuter() => Outer = Outer?.Outer;

    public int DisposablesCount => disposables.Count;

    public IReadOnlyList<IDisposable> DisposablesView => disposables.ToList();

    public bool Contains(IDisposable disposable) => disposables.Contains(disposable);

    public void Attach(IDisposable disposable)
    {
        if (disposable is null) return;
        if (disposable is torch.Tensor tensor)
        {
            if (ReferenceEquals(tensor.Scope, this)) return;
            tensor.Scope?.disposables.Remove(tensor);
            tensor.Scope = this;
        }
        disposables.Add(disposable);
    }

    public void Attach(params IDisposable[] disposables) => Attach((IEnumerable<IDisposable>)disposables);

    public IReadOnlyList<IDisposable> Attach(IEnumerable<IDisposable> disposables)
    {
        var list = disposables.ToList();
        foreach (var item in list) Attach(item);
        return list;
    }

    // A new tensor cannot be in any scope yet.
    internal void AttachNew(torch.Tensor tensor)
    {
        tensor.Scope = this;
        disposables.Add(tensor);
    }

    public T Detach<T>(T disposable) where T : IDisposable
    {
        Detach([disposable]);
        return disposable;
    }

    public (T1 first, T2 second) Detach<T1, T2>(T1 first, T2 second) where T1 : IDisposable where T2 : IDisposable
    {
        Detach([first, second]);
        return (first, second);
    }

    public (T1 first, T2 second, T3 third) Detach<T1, T2, T3>(T1 first, T2 second, T3 third) where T1 : IDisposable where T2 : IDisposable where T3 : IDisposable
    {
        Detach([first, second, third]);
        return (first, second, third);
    }

    public void Detach(params IDisposable[] disposables) => Detach((IEnumerable<IDisposable>)disposables);

    public void Detach(IEnumerable<IDisposable> disposables)
    {
        foreach (var item in disposables.ToList())
        {
            if (item is null || !this.disposables.Remove(item)) continue;
            if (item is torch.Tensor tensor) tensor.Scope = null;
        }
    }

    public T MoveToOuter<T>(T disposable) where T : IDisposable
    {
        MoveToOther(Outer, [disposable]);
        return disposable;
    }

    public (T1 first, T2 second) MoveToOuter<T1, T2>(T1 first, T2 second) where T1 : IDisposable where T2 : IDisposable
    {
        MoveToOther(Outer, [first, second]);
        return (first, second);
    }

    public (T1 first, T2 second, T3 third) MoveToOuter<T1, T2, T3>(T1 first, T2 second, T3 third) where T1 : IDisposable where T2 : IDisposable where T3 : IDisposable
    {
        MoveToOther(Outer, [first, second, third]);
        return (first, second, third);
    }

    public void MoveToOuter(params IDisposable[] disposables) => MoveToOther(Outer, (IEnumerable<IDisposable>)disposables);

    public void MoveToOuter(IEnumerable<IDisposable> disposables) => MoveToOther(Outer, disposables);

    public T MoveToOther<T>(DisposeScope scope, T disposable) where T : IDisposable
    {
        MoveToOther(scope, [disposable]);
        return disposable;
    }

    public (T1 first, T2 second) MoveToOther<T1, T2>(DisposeScope scope, T1 first, T2 second) where T1 : IDisposable where T2 : IDisposable
    {
        MoveToOther(scope, [first, second]);
        return (first, second);
    }

    public (T1 first, T2 second, T3 third) MoveToOther<T1, T2, T3>(DisposeScope scope, T1 first, T2 second, T3 third) where T1 : IDisposable where T2 : IDisposable where T3 : IDisposable
    {
        MoveToOther(scope, [first, second, third]);
        return (first, second, third);
    }

    public void MoveToOther(DisposeScope scope, params IDisposable[] disposables) => MoveToOther(scope, (IEnumerable<IDisposable>)disposables);

    public void MoveToOther(DisposeScope scope, IEnumerable<IDisposable> disposables)
    {
        foreach (var item in disposables.ToList())
        {
            if (item is null || !this.disposables.Contains(item)) continue;
            if (scope is not null && item is torch.Tensor)
            {
                scope.Attach(item);
                continue;
            }
            this.disposables.Remove(item);
            if (item is torch.Tensor tensor) tensor.Scope = null;
            scope?.disposables.Add(item);
        }
    }

    public void DisposeEverything() => DisposeEverythingBut(Array.Empty<IDisposable>());

    public T DisposeEverythingBut<T>(T keep) where T : IDisposable
    {
        DisposeEverythingBut([keep]);
        return keep;
    }

    public (T1 first, T2 second) DisposeEverythingBut<T1, T2>(T1 first, T2 second) where T1 : IDisposable where T2 : IDisposable
    {
        DisposeEverythingBut([first, second]);
        return (first, second);
    }

    public (T1 first, T2 second, T3 third) DisposeEverythingBut<T1, T2, T3>(T1 first, T2 second, T3 third) where T1 : IDisposable where T2 : IDisposable where T3 : IDisposable
    {
        DisposeEverythingBut([first, second, third]);
        return (first, second, third);
    }

    public void DisposeEverythingBut(params IDisposable[] keep) => DisposeEverythingBut((IEnumerable<IDisposable>)keep);

    public void DisposeEverythingBut(IEnumerable<IDisposable> inKeep)
    {
        var keep = new HashSet<IDisposable>(inKeep.Where(k => k is not null), ReferenceComparer.Instance);
        var doomed = disposables.Where(d => !keep.Contains(d)).ToList();
        disposables.RemoveWhere(d => !keep.Contains(d));
        foreach (var item in doomed)
        {
            if (item is torch.Tensor tensor) tensor.Scope = null;
            item.Dispose();
        }
    }

    /// <summary>To be called when something in the scope was disposed on its own.</summary>
    public void MarkAsDisposed(IDisposable disposable)
    {
        disposables.Remove(disposable);
        if (disposable is torch.Tensor tensor) tensor.Scope = null;
    }

    public void Dispose()
    {
        if (disposed) return;
        disposed = true;
        DisposeScopeManager.Close(this);
        DisposeEverything();
    }

    private sealed class ReferenceComparer : IEqualityComparer<IDisposable>
    {
        internal static readonly ReferenceComparer Instance = new();

        public bool Equals(IDisposable x, IDisposable y) => ReferenceEquals(x, y);
        public int GetHashCode(IDisposable obj) => RuntimeHelpers.GetHashCode(obj);
    }
}

public class DisposeScopeManager
{
    [ThreadStatic] private static DisposeScope current;

    internal static DisposeScope Current => current;

    internal static DisposeScope Open() => current = new DisposeScope(current);

    // Scopes may be closed out of order: the nearest one that is still open becomes the current one.
    internal static void Close(DisposeScope scope)
    {
        if (ReferenceEquals(current, scope)) current = scope.Outer;
        else
            for (var s = current; s is not null; s = s.Outer)
                if (ReferenceEquals(s.Outer, scope))
                {
                    s.SkipOuter();
                    break;
                }
    }
}

public static partial class torch
{
    public static DisposeScope NewDisposeScope() => DisposeScopeManager.Open();

    public static DisposeScope CurrentDisposeScope => DisposeScopeManager.Current;

    public static Tensor WrappedTensorDisposeScope(Func<Tensor> expr)
    {
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(expr());
    }
}
