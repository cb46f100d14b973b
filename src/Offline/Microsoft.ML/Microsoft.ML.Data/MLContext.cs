using System.Diagnostics;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

/// <summary>The entry point: catalogs of everything, one seed, one log, one cancellation.</summary>
public sealed class MLContext : IHostEnvironmentInternal, ICancelable
{
    private readonly LocalEnvironment _env;

    /// <param name="seed">The only seed; without it every run draws other random numbers.</param>
    public MLContext(int? seed = null)
    {
        _env = new LocalEnvironment(seed);
        _env.AddListener(OnMessage);
        MulticlassClassification = new MulticlassClassificationCatalog(_env);
        Transforms = new TransformsCatalog(_env);
        Model = new ModelOperationsCatalog(_env);
        Data = new DataOperationsCatalog(_env);
    }

    /// <summary>Raised for each message, on the thread that sent it.</summary>
    public event EventHandler<LoggingEventArgs> Log;

    public MulticlassClassificationCatalog MulticlassClassification { get; }

    public TransformsCatalog Transforms { get; }

    public ModelOperationsCatalog Model { get; }

    public DataOperationsCatalog Data { get; }

    public ComponentCatalog ComponentCatalog => _env.ComponentCatalog;

    /// <summary>The folder for temporary files.</summary>
    public string TempFilePath
    {
        get => _env.TempFilePath;
        set => _env.TempFilePath = value;
    }

    /// <summary>The GPU to run on, or null for the CPU.</summary>
    public int? GpuDeviceId
    {
        get => _env.GpuDeviceId;
        set => _env.GpuDeviceId = value;
    }

    /// <summary>Whether the CPU is used where the GPU that was asked for is not there.</summary>
    public bool FallbackToCpu
    {
        get => _env.FallbackToCpu;
        set => _env.FallbackToCpu = value;
    }

    string IExceptionContext.ContextDescription => _env.ContextDescription;

    int? IHostEnvironmentInternal.Seed => _env.Seed;

    bool ICancelable.IsCanceled => _env.IsCanceled;

    public T GetOptionOrDefault<T>(string name) => _env.GetOptionOrDefault<T>(name);

    public void SetOption<T>(string name, T value) => _env.SetOption(name, value);

    public bool TryAddOption<T>(string name, T value) => _env.TryAddOption(name, value);

    public bool TryGetOption<T>(string name, out T value) => _env.TryGetOption(name, out value);

    public bool RemoveOption(string name) => _env.RemoveOption(name);

    /// <summary>Stops what runs in this context, which cannot be used afterwards.</summary>
    internal void CancelExecution() => _env.CancelExecution();

    void ICancelable.CancelExecution() => CancelExecution();

    IHost IHostEnvironment.Register(string name, int? seed, bool? verbose) => _env.Register(name, seed, verbose);

    IChannel IChannelProvider.Start(string name) => _env.Start(name);

    IPipe<TMessage> IChannelProvider.StartPipe<TMessage>(string name) => _env.StartPipe<TMessage>(name);

    IProgressChannel IProgressChannelProvider.StartProgressChannel(string name) => _env.StartProgressChannel(name);

    [DebuggerHidden]
    TException IExceptionContext.Process<TException>(TException ex) => _env.Process(ex);

    private void OnMessage(string source, ChannelMessage message) =>
        Log?.Invoke(this, new LoggingEventArgs(message.Message, message.Kind, source));
}
