namespace Microsoft.ML.Runtime;

/// <summary>Gives out channels and pipes.</summary>
public interface IChannelProvider : IExceptionContext
{
    IChannel Start(string name);

    IPipe<TMessage> StartPipe<TMessage>(string name);
}

/// <summary>Where components get their hosts, messages, progress and types from.</summary>
public interface IHostEnvironment : IChannelProvider, IProgressChannelProvider
{
    /// <summary>A host of its own for a component.</summary>
    IHost Register(string name, int? seed = null, bool? verbose = null);

    ComponentCatalog ComponentCatalog { get; }
}

/// <summary>The environment of one component, with a random generator of its own.</summary>
public interface IHost : IHostEnvironment
{
    /// <summary>Not safe for concurrent use.</summary>
    Random Rand { get; }
}

/// <summary>What the environment knows beyond its public face.</summary>
internal interface IHostEnvironmentInternal : IHostEnvironment
{
    int? Seed { get; }

    string TempFilePath { get; set; }

    int? GpuDeviceId { get; set; }

    bool FallbackToCpu { get; set; }

    T GetOptionOrDefault<T>(string name);

    void SetOption<T>(string name, T value);

    bool TryAddOption<T>(string name, T value);

    bool TryGetOption<T>(string name, out T value);

    bool RemoveOption(string name);
}

/// <summary>Something whose work can be stopped, once and for good.</summary>
internal interface ICancelable
{
    void CancelExecution();

    bool IsCanceled { get; }
}
