using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>A cursor that is no other cursor's shadow: counts its rows and stops when the execution is cancelled.</summary>
internal abstract class RootCursorBase : DataViewRowCursor
{
    private readonly ICancelable _cancelable;
    private readonly IChannelProvider _provider;
    private long _position = -1;
    private State _state;
    private bool _disposed;

    protected readonly IChannel Ch;

    protected RootCursorBase(IChannelProvider provider)
    {
        Contracts.CheckValue(provider, nameof(provider));
        _provider = provider;
        _cancelable = provider as ICancelable;
        Ch = provider.Start("Cursor");
    }

    private enum State
    {
        NotStarted,
        Good,
        Done,
    }

    public sealed override long Position => _position;

    /// <summary>Whether the cursor is at a row.</summary>
    protected bool IsGood => _state == State.Good;

    public sealed override bool MoveNext()
    {
        if (_state == State.Done)
            return false;
        if (_cancelable is { IsCanceled: true })
            throw _provider.Process(new OperationCanceledException("Operation was canceled."));
        if (MoveNextCore())
        {
            _position++;
            _state = State.Good;
            return true;
        }
        Dispose();
        return false;
    }

    protected abstract bool MoveNextCore();

    protected override void Dispose(bool disposing)
    {
        if (_disposed)
            return;
        _disposed = true;
        if (disposing)
            Ch.Dispose();
        _position = -1;
        _state = State.Done;
        base.Dispose(disposing);
    }
}

/// <summary>A cursor that moves exactly as another one does, which it owns.</summary>
internal abstract class SynchronizedCursorBase : DataViewRowCursor
{
    private bool _disposed;

    protected readonly IChannel Ch;

    /// <summary>The cursor that is moved.</summary>
    protected readonly DataViewRowCursor Root;

    protected SynchronizedCursorBase(IChannelProvider provider, DataViewRowCursor input)
    {
        Contracts.CheckValue(provider, nameof(provider));
        provider.CheckValue(input, nameof(input));
        Ch = provider.Start("Cursor");
        Input = input;
        Root = input is SynchronizedCursorBase synchronized ? synchronized.Root : input;
    }

    protected DataViewRowCursor Input { get; }

    public sealed override long Position => Root.Position;

    public sealed override long Batch => Root.Batch;

    protected bool IsGood => Position >= 0;

    public sealed override bool MoveNext() => Root.MoveNext();

    public sealed override ValueGetter<DataViewRowId> GetIdGetter() => Input.GetIdGetter();

    protected override void Dispose(bool disposing)
    {
        if (_disposed)
            return;
        _disposed = true;
        if (disposing)
        {
            Input.Dispose();
            Ch.Dispose();
        }
        base.Dispose(disposing);
    }
}
