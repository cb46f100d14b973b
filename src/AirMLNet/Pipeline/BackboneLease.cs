using AirMLNet.Clip;
using TorchSharp;

namespace AirMLNet.Pipeline;

/// <summary>
/// One hold on a shared CLIP model. Disposing it gives the model back; the last holder frees it. One that nobody disposed gives it back
/// when it is collected: a PredictionEnginePool that watches its file replaces models without disposing them.
/// </summary>
internal sealed class BackboneLease : IDisposable
{
    private int _released;

    private BackboneLease(ClipBackbone backbone) => Backbone = backbone;

    ~BackboneLease()
    {
        if (Interlocked.Exchange(ref _released, 1) == 0)
        {
            // Elsewhere: a model that is being loaded holds the lock for seconds, and finalizers wait for each other.
            ThreadPool.UnsafeQueueUserWorkItem(static backbone => backbone.Abandon(), Backbone, preferLocal: false);
        }
    }

    /// <summary>The model. What it computes with is there until this is disposed.</summary>
    public ClipBackbone Backbone { get; }

    public bool IsReleased => Volatile.Read(ref _released) != 0;

    /// <summary>Loads the model of a folder, or takes the instance that is loaded already.</summary>
    public static BackboneLease Take(string folder, torch.Device device, ClipExecution execution) =>
        new(ClipBackbone.Acquire(folder, device, execution));

    /// <summary>Hands the hold over: this lease no longer gives the model back, the returned one does.</summary>
    public BackboneLease Keep()
    {
        ObjectDisposedException.ThrowIf(Interlocked.Exchange(ref _released, 1) != 0, this);
        GC.SuppressFinalize(this);
        return new(Backbone);
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _released, 1) == 0)
        {
            GC.SuppressFinalize(this);
            Backbone.Release();
        }
    }
}
